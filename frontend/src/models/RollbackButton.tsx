import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { ProblemError, requestId } from "../api/client";
import { rollback } from "../api/endpoints";
import type { Activation } from "../api/types";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { ErrorNote } from "../ui/notes";
import { DifferentVectors } from "./ModelSwitcher";

interface RollbackButtonProps {
	active: Activation;
	/** What a rollback returns to, if the page has its entry of the history. */
	target: Activation | undefined;
}

/** Goes back to the version before: one click, and a typed name if the vectors change. */
export function RollbackButton({ active, target }: RollbackButtonProps) {
	const [asks, setAsks] = useState(false);
	const [typed, setTyped] = useState("");
	const form = useId();
	const { fingerprint } = active.version;
	const changesVectors = target !== undefined && target.version.fingerprint !== fingerprint;
	const name = target?.version.name ?? "the version before";
	const start = useMutation({
		mutationFn: (allow: boolean) =>
			rollback(
				active.kind,
				{
					expected_generation: active.generation,
					allow_different_vectors: allow,
					reason: "",
				},
				requestId(),
			),
		onSuccess: () => setAsks(false),
		// An answer that the page could not foresee is shown where the decision is taken.
		onError: () => setAsks(true),
	});
	const refused = start.error instanceof ProblemError && /vectors/.test(start.error.problem.code);
	const mustType = changesVectors || refused;

	return (
		<>
			<button
				type="button"
				disabled={active.returns_to === null || start.isPending}
				title={active.returns_to === null ? "There is no version before" : `Back to ${name}`}
				onClick={() => (changesVectors ? setAsks(true) : start.mutate(false))}
			>
				<Icon name="undo" />
				Roll back
			</button>
			{asks && (
				<Dialog
					title={`Roll back to ${name}`}
					onClose={() => setAsks(false)}
					footer={
						<>
							<button type="button" onClick={() => setAsks(false)}>
								Cancel
							</button>
							<button
								type="submit"
								form={form}
								className="primary"
								disabled={start.isPending || (mustType && typed !== name)}
							>
								Roll back
							</button>
						</>
					}
				>
					<ErrorNote error={start.error} />
					<form
						id={form}
						onSubmit={(event) => {
							event.preventDefault();
							start.mutate(mustType);
						}}
					>
						{mustType && <DifferentVectors version={name} typed={typed} onType={setTyped} />}
					</form>
				</Dialog>
			)}
		</>
	);
}
