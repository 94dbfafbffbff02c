import { Component, type ReactNode } from "react";
import { ErrorNote } from "../ui/notes";

/** A view that fails takes nothing else with it. */
export class ViewErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
	override state = { error: null };

	static getDerivedStateFromError(error: unknown) {
		return { error };
	}

	override render() {
		if (this.state.error === null) return this.props.children;
		return (
			<>
				<ErrorNote error={this.state.error} />
				<p>
					<button type="button" onClick={() => location.reload()}>
						Load the page again
					</button>
				</p>
			</>
		);
	}
}
