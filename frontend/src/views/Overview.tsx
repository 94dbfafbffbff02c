import { useQuery } from "@tanstack/react-query";
import * as queries from "../api/queries";
import type { KindSummary, Pool, ServerInfo } from "../api/types";
import { Link } from "../app/router";
import { bytes, duration, integer, moment, plural } from "../format";
import { ModelCard } from "../models/ModelCard";
import { useModels } from "../models/ModelsContext";
import { BudgetBar } from "../pool/BudgetBar";
import { EventList } from "../pool/EventList";
import { HowToDeploy } from "../pool/HowToDeploy";
import { Badge } from "../ui/Badge";
import { Icon } from "../ui/Icon";
import { MetricCard } from "../ui/MetricCard";
import { Answer, Empty } from "../ui/notes";
import { PageHead } from "../ui/PageHead";
import { type Alarm, alarmsOf } from "./alarms";

const EVENTS_SHOWN = 6;

/** What serves, since when, and what somebody should look at. */
export function Overview() {
	const server = useQuery(queries.server());
	const pool = useQuery(queries.pool());
	const { data: jobs = [] } = useQuery(queries.jobs());
	const models = useModels();
	const alarms = alarmsOf(pool.data, server.data, jobs);
	return (
		<>
			<PageHead title="Overview" lead={server.data && <ServerLine server={server.data} />} />
			<Alarms alarms={alarms} />
			<Answer query={pool} what="Asking for the pool">
				{(data) => (
					<>
						<Numbers pool={data} server={server.data} />
						{!data.models.length && server.data && <HowToDeploy server={server.data} />}
						{data.devices.length > 0 && (
							<div className="card">
								{data.devices.map((device) => (
									<BudgetBar key={device.name} device={device} models={data.models} />
								))}
							</div>
						)}
					</>
				)}
			</Answer>
			<div className="row spread">
				<h2>Active versions</h2>
				<Link to="/models">All models</Link>
			</div>
			<Answer query={models} what="Asking for the models">
				{(kinds) =>
					kinds.length ? (
						<div className="grid">
							{activeFirst(kinds)
								.slice(0, 9)
								.map((model) => (
									<ModelCard key={model.kind} model={model} />
								))}
						</div>
					) : (
						<div className="card">
							<Empty title="No version is registered yet">
								<Link to="/register" className="button primary">
									Register the first one
								</Link>
							</Empty>
						</div>
					)
				}
			</Answer>
			{pool.data && pool.data.events.length > 0 && (
				<section className="card flush" aria-label="Recent events">
					<header>
						<h2>What happened lately</h2>
						<Link to="/activity">All activity</Link>
					</header>
					<EventList
						events={[...pool.data.events]
							.sort((a, b) => b.number - a.number)
							.slice(0, EVENTS_SHOWN)}
					/>
				</section>
			)}
		</>
	);
}

const activeFirst = (kinds: readonly KindSummary[]) =>
	[...kinds].sort((a, b) => Number(b.active !== null) - Number(a.active !== null));

function ServerLine({ server }: { server: ServerInfo }) {
	return (
		<>
			holotype {server.version} on <span className="mono">{server.device}</span>, Python{" "}
			{server.python}, {plural(server.n_threads, "thread")}
			{server.database && (
				<>
					{" "}
					· {server.database.kind}{" "}
					{server.database.ok ? "answers" : <Badge tone="bad">does not answer</Badge>}
				</>
			)}
		</>
	);
}

function Alarms({ alarms }: { alarms: readonly Alarm[] }) {
	if (!alarms.length) {
		return (
			<p className="note ok row" role="status">
				<Icon name="check" />
				Nothing needs your attention.
			</p>
		);
	}
	return (
		<ul className="stack" aria-label="Alarms">
			{alarms.map(({ tone, text, reason, to }) => (
				<li key={text} className={tone === "bad" ? "problem" : "note warn"}>
					<div className="row spread">
						<strong>{text}</strong>
						<Link to={to}>Look at it</Link>
					</div>
					{reason && <p className="break">{reason}</p>}
				</li>
			))}
		</ul>
	);
}

function Numbers({ pool, server }: { pool: Pool; server: ServerInfo | undefined }) {
	const loaded = pool.models.filter((one) => one.state === "ready");
	const calls = pool.models.reduce((sum, one) => sum + one.n_leases, 0);
	const held = pool.devices.reduce((sum, one) => sum + one.held_bytes + one.unreturned_bytes, 0);
	const budget = pool.devices.reduce((sum, one) => sum + one.budget_bytes, 0);
	const since = server && (Date.now() - Date.parse(server.started_at)) / 1000;
	return (
		<div className="grid tight">
			<MetricCard
				name="Loaded models"
				value={`${loaded.length} of ${pool.models.length}`}
				note={
					loaded.length < pool.models.length
						? "the rest is loaded by its first call"
						: pool.models.length
							? "all that are deployed"
							: "none is deployed"
				}
			/>
			<MetricCard
				name="Memory"
				value={bytes(held)}
				note={budget ? `of ${bytes(budget)}` : "nothing was loaded yet"}
			/>
			<MetricCard name="Calls right now" value={integer(calls)} note="leases on loaded models" />
			{since !== undefined && server && (
				<MetricCard
					name="Serves for"
					value={duration(since)}
					note={`since ${moment(server.started_at)}`}
				/>
			)}
		</div>
	);
}
