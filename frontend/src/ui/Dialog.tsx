import { type ReactNode, useEffect, useId, useRef } from "react";
import { Icon } from "./Icon";

interface DialogProps {
	title: string;
	lead?: ReactNode;
	onClose: () => void;
	children: ReactNode;
	/** The buttons under the content. */
	footer?: ReactNode;
}

/** A modal dialog: the browser's own, so that focus and Escape are right. */
export function Dialog({ title, lead, onClose, children, footer }: DialogProps) {
	const dialog = useRef<HTMLDialogElement>(null);
	const id = useId();

	useEffect(() => {
		const element = dialog.current;
		const before = document.activeElement;
		if (element && !element.open) element.showModal();
		// Not on the button that closes it: whoever listens hears the title first.
		element?.querySelector("h2")?.focus();
		return () => {
			element?.close();
			if (before instanceof HTMLElement && before.isConnected) before.focus();
		};
	}, []);

	return (
		<dialog
			ref={dialog}
			aria-labelledby={id}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
		>
			<div className="dialog-head">
				<div>
					<h2 id={id} tabIndex={-1}>
						{title}
					</h2>
					{lead && <p className="small muted">{lead}</p>}
				</div>
				<button type="button" className="quiet icon-button" aria-label="Close" onClick={onClose}>
					<Icon name="cross" />
				</button>
			</div>
			<div className="dialog-body">{children}</div>
			{footer && <div className="dialog-foot">{footer}</div>}
		</dialog>
	);
}
