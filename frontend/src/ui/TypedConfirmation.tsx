import { Field } from "./Field";

interface TypedConfirmationProps {
	/** What has to be typed. */
	expected: string;
	value: string;
	onChange: (value: string) => void;
}

/** For what cannot be undone by a click: the name must be typed. */
export function TypedConfirmation({ expected, value, onChange }: TypedConfirmationProps) {
	return (
		<Field
			label={`Type ${expected} to confirm`}
			error={value && !expected.startsWith(value) ? `This is not ${expected}.` : undefined}
		>
			<input
				className="mono"
				autoComplete="off"
				autoCapitalize="off"
				spellCheck={false}
				value={value}
				onChange={(event) => onChange(event.target.value)}
			/>
		</Field>
	);
}
