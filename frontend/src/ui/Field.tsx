import { cloneElement, type ReactElement, type ReactNode, useId } from "react";

interface FieldProps {
	label: string;
	hint?: ReactNode;
	/** What is wrong with the value. */
	error?: string | undefined;
	/** The control: input, select or textarea. */
	children: ReactElement<{
		id?: string;
		"aria-invalid"?: boolean;
		"aria-describedby"?: string;
	}>;
}

/** A control with its label; what is wrong stands under it. */
export function Field({ label, hint, error, children }: FieldProps) {
	const id = useId();
	const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""]
		.filter(Boolean)
		.join(" ");
	return (
		<div className="field">
			<label htmlFor={id}>{label}</label>
			{cloneElement(children, {
				id,
				...(error ? { "aria-invalid": true } : {}),
				...(described ? { "aria-describedby": described } : {}),
			})}
			{hint && (
				<span className="hint" id={`${id}-hint`}>
					{hint}
				</span>
			)}
			{error && (
				<span className="error" id={`${id}-error`} role="alert">
					{error}
				</span>
			)}
		</div>
	);
}
