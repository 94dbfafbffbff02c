import { useQueries, useQuery } from "@tanstack/react-query";
import { getHistory } from "../api/endpoints";
import * as queries from "../api/queries";
import type { Activation, Job, PoolEvent } from "../api/types";
import { useSearch } from "../app/router";
import { JobProgress, JobState, jobTitle } from "../jobs/JobProgress";
import { ActivationEntry } from "../models/HistoryList";
import { useModels } from "../models/ModelsContext";
import { EventEntry } from "../pool/EventList";
import { Dot } from "../ui/Badge";
import { Empty } from "../ui/notes";
import { PageHead } from "../ui/PageHead";
import { Time } from "../ui/Time";

const FILTERS = [
	["", "All"],
	["switches", "Switches"],
	["jobs", "Jobs"],
	["pool", "Pool"],
] as const;

/** Who did what, when and why: switches, jobs, and what the pool did by itself. */
export function Activity() {
	const [search, setSearch] = useSearch();
	const { data: kinds = [] } = useModels();
	const histories = useQueries({
		queries: kinds.map(({ kind }) => ({
			queryKey: [...queries.keys.models, "recent", kind],
			queryFn: ({ signal }: { signal: AbortSignal }) => getHistory(kind, { limit: 50 }, signal),
		})),
	});
	const { data: jobs = [] } = useQuery(queries.jobs());
	const { data: pool } = useQuery(queries.pool());
	const filter = search.show ?? "";
	const entries = merge(
		filter === "" || filter === "switches"
			? histories.flatMap(({ data }) => data?.items ?? [])
			: [],
		filter === "" || filter === "jobs" ? jobs : [],
		filter === "" || filter === "pool" ? (pool?.events ?? []) : [],
	);
	const active = new Map(kinds.map((one) => [one.kind, one.active?.generation]));
	return (
		<>
			<PageHead title="Activity" lead="Who did what, when and why, over all kinds." />
			<fieldset className="tabs" aria-label="What to show">
				{FILTERS.map(([id, title]) => (
					<button
						key={id}
						type="button"
						aria-pressed={filter === id}
						onClick={() => setSearch({ show: id })}
					>
						{title}
					</button>
				))}
			</fieldset>
			<div className="card flush">
				{entries.length ? (
					<ol className="timeline">
						{entries.map((entry) => {
							if (entry.what === "activation") {
								const { activation } = entry;
								const isCurrent = active.get(activation.kind) === activation.generation;
								return (
									<ActivationEntry
										key={entry.key}
										activation={activation}
										isCurrent={isCurrent}
										withKind
									/>
								);
							}
							if (entry.what === "event") return <EventEntry key={entry.key} event={entry.event} />;
							return <JobEntry key={entry.key} job={entry.job} />;
						})}
					</ol>
				) : (
					<Empty title="Nothing has happened yet" />
				)}
			</div>
		</>
	);
}

type Entry = { key: string; at: number } & (
	| { what: "activation"; activation: Activation }
	| { what: "job"; job: Job }
	| { what: "event"; event: PoolEvent }
);

/** All of them, newest first. */
export function merge(
	activations: readonly Activation[],
	jobs: readonly Job[],
	events: readonly PoolEvent[],
): Entry[] {
	const entries: Entry[] = [
		...activations.map((activation) => ({
			key: `activation ${activation.kind} ${activation.generation}`,
			at: Date.parse(activation.at),
			what: "activation" as const,
			activation,
		})),
		...jobs.map((job) => ({
			key: `job ${job.id}`,
			at: Date.parse(job.finished_at ?? job.created_at),
			what: "job" as const,
			job,
		})),
		...events.map((event) => ({
			key: `event ${event.number}`,
			at: Date.parse(event.at),
			what: "event" as const,
			event,
		})),
	];
	return entries.sort((a, b) => b.at - a.at);
}

function JobEntry({ job }: { job: Job }) {
	return (
		<li>
			<Dot tone={job.state === "failed" ? "bad" : job.state === "succeeded" ? "ok" : "plain"} />
			<div>
				<p className="what">
					<strong>{jobTitle(job)}</strong> {job.subject} <JobState job={job} />
				</p>
				<p className="small muted">
					<Time at={job.finished_at ?? job.created_at} />
				</p>
				{(job.steps.length > 0 || job.problem) && (
					<details open={job.state === "failed"}>
						<summary className="small">Steps</summary>
						<JobProgress job={job} />
					</details>
				)}
			</div>
		</li>
	);
}
