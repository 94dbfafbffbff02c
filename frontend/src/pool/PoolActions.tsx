import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { actOnPool, type PoolAction, planLoad } from "../api/endpoints";
import { keys } from "../api/queries";
import type { VariantStatus } from "../api/types";
import { MemoryNote } from "../models/ModelSwitcher";
import { Dialog } from "../ui/Dialog";
import { ErrorNote, Loading } from "../ui/notes";

/** Load, unload, pin, and whether it would fit. */
export function PoolActions({ model }: { model: VariantStatus }) {
	const client = useQueryClient();
	const [plans, setPlans] = useState(false);
	const { name, state, pinned } = model;
	const act = useMutation({
		mutationFn: (action: PoolAction) => actOnPool(name, action),
		onSettled: () =>
			Promise.all([
				client.invalidateQueries({ queryKey: keys.pool }),
				client.invalidateQueries({ queryKey: keys.jobs }),
			]),
	});
	const isLoaded = state === "ready" || state === "sick";
	return (
		<>
			<span className="row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
				{!isLoaded && (
					<button
						type="button"
						className="small quiet"
						aria-label={`Plan ${name}: would it fit?`}
						onClick={() => setPlans(true)}
					>
						Plan
					</button>
				)}
				<button
					type="button"
					className="small quiet"
					aria-label={`${pinned ? "Unpin" : "Pin"} ${name}`}
					disabled={act.isPending}
					onClick={() => act.mutate(pinned ? "unpin" : "pin")}
				>
					{pinned ? "Unpin" : "Pin"}
				</button>
				<button
					type="button"
					className="small"
					aria-label={`${isLoaded ? "Unload" : "Load"} ${name}`}
					disabled={act.isPending || state === "loading"}
					onClick={() => act.mutate(isLoaded ? "unload" : "load")}
				>
					{isLoaded ? "Unload" : state === "loading" ? "Loading…" : "Load"}
				</button>
			</span>
			{plans && (
				<PlanDialog name={name} onLoad={() => act.mutate("load")} onClose={() => setPlans(false)} />
			)}
			{act.error && (
				<Dialog title={`${name} was not changed`} onClose={() => act.reset()}>
					<ErrorNote error={act.error} />
				</Dialog>
			)}
		</>
	);
}

interface PlanDialogProps {
	name: string;
	onLoad: () => void;
	onClose: () => void;
}

function PlanDialog({ name, onLoad, onClose }: PlanDialogProps) {
	const plan = useQuery({
		queryKey: [...keys.pool, "plan", name],
		queryFn: () => planLoad(name),
		staleTime: 0,
		gcTime: 0,
	});
	return (
		<Dialog
			title={`Would ${name} fit?`}
			lead="Nothing is loaded or unloaded by asking."
			onClose={onClose}
			footer={
				<>
					<button type="button" onClick={onClose}>
						Close
					</button>
					<button
						type="button"
						className="primary"
						disabled={!plan.data || plan.data.fits === "never"}
						onClick={() => {
							onLoad();
							onClose();
						}}
					>
						Load
					</button>
				</>
			}
		>
			{plan.data ? (
				<MemoryNote memory={plan.data} />
			) : plan.error ? (
				<ErrorNote error={plan.error} />
			) : (
				<Loading what="Asking" />
			)}
		</Dialog>
	);
}
