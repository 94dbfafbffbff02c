import type { DeviceStatus, VariantStatus } from "../api/types";
import { bytes, duration } from "../format";
import { colourOf } from "../ui/colours";

interface BudgetBarProps {
	device: DeviceStatus;
	/** All models of the pool, whose order decides the colours. */
	models: readonly VariantStatus[];
}

interface Part {
	key: string;
	name: string;
	size: number;
	colour: string;
}

/** The memory that models may take, and who takes it. */
export function BudgetBar({ device, models }: BudgetBarProps) {
	const { budget_bytes, held_bytes, unreturned_bytes, free_bytes, loading, loading_for_s } = device;
	const parts = partsOf(device, models);
	const share = (size: number) => `${Math.min(100, (size / budget_bytes) * 100)}%`;
	const used = held_bytes + unreturned_bytes;
	return (
		<section className="budget" aria-label={`Memory of ${device.name}`}>
			<div className="row spread">
				<h2>
					<span className="mono">{device.name}</span>: {bytes(used)} of {bytes(budget_bytes)}
				</h2>
				<span className="small muted">
					{bytes(Math.max(0, free_bytes))} free · {bytes(device.available_bytes)} available to the
					system
				</span>
			</div>
			<div
				className="bar"
				role="img"
				aria-label={`${bytes(used)} of ${bytes(budget_bytes)} are taken`}
			>
				{parts.map((part) => (
					<span
						key={part.key}
						title={`${part.name}: ${bytes(part.size)}`}
						style={{ width: share(part.size), background: part.colour }}
					/>
				))}
				{unreturned_bytes > 0 && (
					<span
						className="unreturned"
						title={`Not given back: ${bytes(unreturned_bytes)}`}
						style={{ width: share(unreturned_bytes) }}
					/>
				)}
			</div>
			<ul className="legend">
				{parts.map((part) => (
					<li key={part.key}>
						<span className="swatch" style={{ background: part.colour }} />
						{part.name} <span className="muted">{bytes(part.size)}</span>
					</li>
				))}
				{unreturned_bytes > 0 && (
					<li>
						<span className="swatch" style={{ background: "var(--warn)" }} />
						Not given back by what was unloaded{" "}
						<span className="muted">{bytes(unreturned_bytes)}</span>
					</li>
				)}
				{loading && (
					<li>
						{loading} is being loaded
						{loading_for_s !== null && ` for ${duration(loading_for_s)}`}
					</li>
				)}
				{!parts.length && !loading && <li className="muted">Nothing is loaded.</li>}
			</ul>
		</section>
	);
}

/** What is loaded on a device. */
function partsOf(device: DeviceStatus, models: readonly VariantStatus[]): Part[] {
	const parts = models.flatMap((one, index) => {
		if (one.memory_bytes <= 0 || one.version?.device !== device.name) return [];
		const name = one.variant !== "default" ? `${one.name} ${one.variant}` : one.name;
		return [
			{ key: `${one.name} ${one.variant}`, name, size: one.memory_bytes, colour: colourOf(index) },
		];
	});
	const rest = device.held_bytes - parts.reduce((sum, part) => sum + part.size, 0);
	if (rest > 1024 * 1024) {
		parts.push({ key: "", name: "Loading or draining", size: rest, colour: "var(--strong-line)" });
	}
	return parts;
}
