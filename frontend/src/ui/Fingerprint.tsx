import { memo } from "react";

const BARS = 14;

/** A picture of a fingerprint: equal pictures, one vector space. */
export const Fingerprint = memo(function Fingerprint({ value }: { value: string | null }) {
	if (!value) return <span className="muted">none</span>;
	const digits = [...(value.match(/[0-9a-f]{16,}/)?.[0] ?? hash(value))].map((digit) =>
		Number.parseInt(digit, 16),
	);
	const digit = (index: number) => digits[index % digits.length] ?? 0;
	const hue = (digit(0) * 16 + digit(1)) * 1.41;
	return (
		<svg className="glyph" viewBox="0 0 42 16" role="img" aria-label={`Fingerprint ${value}`}>
			<title>{`Vector space ${value}`}</title>
			{Array.from({ length: BARS }, (_, bar) => {
				const height = 4 + (digit(bar + 2) / 15) * 12;
				const colour = `hsl(${hue + (digit(bar + 9) - 8) * 3} 52% 46%)`;
				const key = bar * 3;
				return (
					<rect
						key={key}
						x={key}
						y={16 - height}
						width="2"
						height={height}
						rx="0.8"
						fill={colour}
					/>
				);
			})}
		</svg>
	);
});

/** Eight digits for what is no digest. */
function hash(text: string): string {
	let value = 0x811c9dc5;
	for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193);
	return (value >>> 0).toString(16).padStart(8, "0");
}
