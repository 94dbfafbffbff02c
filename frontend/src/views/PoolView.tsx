import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { reload } from "../api/endpoints";
import * as queries from "../api/queries";
import type { Applied, Policy, Pool } from "../api/types";
import { useSearch } from "../app/router";
import { bytes, duration } from "../format";
import { BudgetBar } from "../pool/BudgetBar";
import { EventList } from "../pool/EventList";
import { HowToDeploy } from "../pool/HowToDeploy";
import { PoolTable } from "../pool/PoolTable";
import { Icon } from "../ui/Icon";
import { Answer, Empty, ErrorNote } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

/** What is loaded, what it costs, and what made room for what. */
export function PoolView() {
	const query = useQuery(queries.pool());
	const server = useQuery(queries.server());
	const client = useQueryClient();
	const again = useMutation({
		mutationFn: reload,
		onSettled: () => client.invalidateQueries({ queryKey: queries.keys.pool }),
	});
	return (
		<>
			<PageHead
				title="Pool"
				lead="What is loaded and what it costs. A model that is not loaded is loaded by its first call, or here."
			>
				<button
					type="button"
					disabled={again.isPending || server.data?.deployment === null}
					title={
						server.data?.deployment === null
							? "The server was started without a deployment"
							: "Read the deployment again and apply what changed"
					}
					onClick={() => again.mutate()}
				>
					<Icon name="refresh" />
					Apply the deployment again
				</button>
			</PageHead>
			<ErrorNote error={again.error} />
			{again.data && <NotApplied {...again.data} />}
			<Answer query={query} what="Asking for the pool">
				{(pool) => (
					<>
						{!pool.models.length && server.data && <HowToDeploy server={server.data} />}
						<PoolState pool={pool} />
					</>
				)}
			</Answer>
		</>
	);
}

/** Names that a deployment could not change, or that it added and nothing can be loaded for. */
function NotApplied({ failed, missing }: Pick<Applied, "failed" | "missing">) {
	const problems = [
		...Object.entries(failed).map(([name, reason]) => [name, "was not changed", reason]),
		...Object.entries(missing).map(([name, reason]) => [name, "cannot be loaded", reason]),
	];
	if (!problems.length) return null;
	return (
		<div className="problem" role="alert">
			<strong>The deployment was applied in part</strong>
			<ul>
				{problems.map(([name, what, reason]) => (
					<li key={name} className="break">
						<code>{name}</code> {what}: {reason}
					</li>
				))}
			</ul>
		</div>
	);
}

function PoolState({ pool }: { pool: Pool }) {
	return (
		<>
			<div className="card">
				{pool.devices.map((device) => (
					<BudgetBar key={device.name} device={device} models={pool.models} />
				))}
				{!pool.devices.length && (
					<p className="muted">No device is in use: nothing was loaded yet.</p>
				)}
				<p className="small muted">{policyText(pool.policy)}</p>
			</div>
			<div className="card flush">
				{pool.models.length ? (
					<PoolTable models={pool.models} />
				) : (
					<Empty title="No model is deployed" />
				)}
			</div>
			{pool.ensembles.length > 0 && (
				<p className="small muted">
					Combine others: <span className="mono">{pool.ensembles.join(", ")}</span>
				</p>
			)}
			<Events pool={pool} />
		</>
	);
}

const FILTERS: [id: string, title: string, kinds: readonly string[]][] = [
	["", "All", []],
	["evictions", "Evictions", ["evicted", "unloaded", "memory_not_returned"]],
	[
		"failures",
		"Failures",
		["load_failed", "swap_failed", "deployment_failed", "sick", "breaker_opened"],
	],
	["swaps", "Swaps", ["swapped", "restored", "different_vectors", "deployment_applied"]],
];

function Events({ pool }: { pool: Pool }) {
	const [search, setSearch] = useSearch();
	const filter = FILTERS.find(([id]) => id === (search.events ?? "")) ?? FILTERS[0];
	const kinds = filter?.[2] ?? [];
	const events = [...pool.events]
		.filter((event) => !kinds.length || kinds.includes(event.kind))
		.sort((a, b) => b.number - a.number);
	return (
		<section className="card flush" aria-label="Events">
			<header>
				<h2>What happened</h2>
				<fieldset className="tabs" aria-label="Which events">
					{FILTERS.map(([id, title]) => (
						<button
							key={id}
							type="button"
							className="small"
							aria-pressed={id === filter?.[0]}
							onClick={() => setSearch({ events: id })}
						>
							{title}
						</button>
					))}
				</fieldset>
			</header>
			{events.length ? (
				<EventList events={events} />
			) : (
				<Empty title="Nothing of this happened lately" />
			)}
		</section>
	);
}

const EVICTIONS: Record<Policy["eviction"], string> = {
	lru: "the one that was called longest ago leaves first",
	fewest: "as few as possible leave",
};
const SWAPS: Record<Policy["swap"], string> = {
	overlap: "a new version is loaded beside the old one",
	replace: "the old version leaves before the new one is loaded",
};

/** How the pool shares memory, as a sentence of its settings. */
export function policyText({
	memory,
	eviction,
	idle_after_s,
	min_resident_s,
	swap,
}: Policy): string {
	const limits = memory.map(({ device, bytes: size, share }) => {
		const much = size === null ? `${Math.round((share ?? 0) * 100)} %` : bytes(size);
		return `models may take ${much} of ${device === "*" ? "each device" : device}`;
	});
	const parts = [
		...limits,
		EVICTIONS[eviction] ?? eviction,
		min_resident_s > 0 ? `nobody leaves in the first ${duration(min_resident_s)}` : "",
		idle_after_s === null ? "" : `idle models leave after ${duration(idle_after_s)}`,
		SWAPS[swap] ?? swap,
	];
	return `Policy: ${parts.filter(Boolean).join("; ")}.`;
}
