import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { requestId } from "../api/client";
import { switchVersion } from "../api/endpoints";
import * as queries from "../api/queries";
import type { Activation, SwitchPlan } from "../api/types";
import { bytes } from "../format";
import { isOver, JobProgress } from "../jobs/JobProgress";
import { useJob } from "../jobs/useJob";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { ErrorNote, Loading } from "../ui/notes";
import { TypedConfirmation } from "../ui/TypedConfirmation";
import { CheckList } from "./CheckList";
import { DeltaTable } from "./DeltaTable";
import { Specimen } from "./VersionName";

interface ModelSwitcherProps {
	kind: string;
	/** The version to switch to, such as `bge-m3/v2`. */
	version: string;
	active: Activation | null;
	/** The job that switches, once it was started; it lives in the address. */
	jobId: string | undefined;
	onStart: (jobId: string) => void;
	onClose: () => void;
}

/** Shows what a switch would do, asks, and follows it to its end. */
export function ModelSwitcher(props: ModelSwitcherProps) {
	return props.jobId ? <Switching {...props} jobId={props.jobId} /> : <Planning {...props} />;
}

function Planning({ kind, version, active, onStart, onClose }: ModelSwitcherProps) {
	const plan = useQuery(queries.switchPlan(kind, version));
	const form = useId();
	const [reason, setReason] = useState("");
	const [typed, setTyped] = useState("");
	// The same press twice, or again after a lost answer, is one request.
	const [id] = useState(requestId);
	const start = useMutation({
		mutationFn: () =>
			switchVersion(
				kind,
				version,
				{
					expected_generation: active?.generation ?? 0,
					reason: reason.trim(),
					allow_different_vectors: plan.data?.different_vectors ?? false,
				},
				id,
			),
		onSuccess: (job) => onStart(job.id),
		onError: () => plan.refetch(),
	});
	const failed = plan.data?.checks.some((check) => check.outcome === "failed") ?? true;
	const fits = plan.data?.memory?.fits !== "never";
	const confirmed = !plan.data?.different_vectors || typed === version;
	const ready = plan.data !== undefined && !failed && fits && confirmed && !start.isPending;

	function submit(event: FormEvent) {
		event.preventDefault();
		if (ready) start.mutate();
	}

	return (
		<Dialog
			title={`Switch to ${version}`}
			lead="Nothing changes until you press the button; requests that run are finished by the version they began with."
			onClose={onClose}
			footer={
				<>
					{plan.data && <span className="small muted">{missing({ failed, fits, confirmed })}</span>}
					<button type="button" onClick={onClose}>
						Cancel
					</button>
					<button type="submit" form={form} className="primary" disabled={!ready}>
						{start.isPending ? "Switching…" : "Switch"}
					</button>
				</>
			}
		>
			<ErrorNote error={start.error} />
			{plan.data ? (
				<form id={form} className="stack" style={{ gap: 20 }} onSubmit={submit}>
					<PlanOf plan={plan.data} />
					{plan.data.different_vectors && (
						<DifferentVectors version={version} typed={typed} onType={setTyped} />
					)}
					<Field label="Reason" hint="It stands in the history. Optional.">
						<input
							value={reason}
							maxLength={500}
							onChange={(event) => setReason(event.target.value)}
						/>
					</Field>
				</form>
			) : plan.error ? (
				<ErrorNote error={plan.error} />
			) : (
				<Loading what="Checking the version and the memory" />
			)}
		</Dialog>
	);
}

/** Why the button cannot be pressed; empty if it can. */
function missing(given: { failed: boolean; fits: boolean; confirmed: boolean }): string {
	if (given.failed) return "A check failed.";
	if (!given.fits) return "It does not fit into the memory.";
	return given.confirmed ? "" : "Type the name of the version to confirm.";
}

function PlanOf({ plan }: { plan: SwitchPlan }) {
	return (
		<>
			<div className="from-to">
				<Specimen version={plan.from} title="Active now" />
				<Icon name="arrow" />
				<Specimen version={plan.to} title="After the switch" isNext />
			</div>
			<section>
				<h3>Checks</h3>
				<CheckList checks={plan.checks} />
			</section>
			{plan.memory && (
				<section className="stack">
					<h3>Memory</h3>
					<MemoryNote memory={plan.memory} />
				</section>
			)}
			{plan.serving.length > 0 && (
				<p className="small muted">
					Follows this kind: <span className="mono">{plan.serving.join(", ")}</span>
				</p>
			)}
			<section className="stack">
				<h3>Measured on this machine</h3>
				{plan.comparison?.metrics.length ? (
					<DeltaTable comparison={plan.comparison} />
				) : (
					<p className="note">
						There are no measurements of both versions. Benchmark them to see what the switch costs.
					</p>
				)}
			</section>
		</>
	);
}

/** Whether a model fits, in one sentence. */
export function MemoryNote({ memory }: { memory: NonNullable<SwitchPlan["memory"]> }) {
	const { fits, need_bytes, free_bytes, would_unload } = memory;
	const numbers = `It needs ${bytes(need_bytes)}; ${bytes(free_bytes)} are free.`;
	if (fits === "now") return <p className="note ok">Fits now. {numbers}</p>;
	if (fits === "after_unloading") {
		return (
			<p className="note warn">
				Fits after unloading <strong>{would_unload.join(", ")}</strong>. {numbers}
			</p>
		);
	}
	return (
		<div className="problem">
			<strong>Never fits</strong>
			<p>
				{numbers} Nothing that may be unloaded makes enough room. Give the pool more memory, unpin a
				model, or choose a smaller one.
			</p>
		</div>
	);
}

export function DifferentVectors(props: {
	version: string;
	typed: string;
	onType: (value: string) => void;
}) {
	return (
		<div className="note warn stack">
			<p>
				<strong>It makes other vectors: your index must be rebuilt.</strong> Documents encoded by
				the active version cannot be searched with queries encoded by {props.version}.
			</p>
			<TypedConfirmation expected={props.version} value={props.typed} onChange={props.onType} />
		</div>
	);
}

function Switching({ version, jobId, onClose }: ModelSwitcherProps & { jobId: string }) {
	const { job, error } = useJob(jobId);
	const title = {
		queued: `Switching to ${version}`,
		running: `Switching to ${version}`,
		succeeded: `${version} serves`,
		failed: `${version} does not serve`,
	}[job?.state ?? "running"];
	return (
		<Dialog
			title={title}
			onClose={onClose}
			footer={
				<button type="button" className="primary" onClick={onClose}>
					{job && isOver(job) ? "Close" : "Go on in the background"}
				</button>
			}
		>
			{job ? <JobProgress job={job} /> : error ? <ErrorNote error={error} /> : <Loading />}
			{job?.state === "failed" && (
				<p className="note">What was active before is still active. No request was lost.</p>
			)}
		</Dialog>
	);
}
