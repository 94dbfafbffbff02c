import { useInfiniteQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { comparisonAddress } from "../api/endpoints";
import * as queries from "../api/queries";
import type { Activation } from "../api/types";
import { Link, useSearch } from "../app/router";
import { integer, kindName, typeName } from "../format";
import { HistoryList } from "../models/HistoryList";
import { ModelSwitcher } from "../models/ModelSwitcher";
import { RollbackButton } from "../models/RollbackButton";
import { useModelVersions } from "../models/useModelVersions";
import { VersionDetails } from "../models/VersionDetails";
import { VersionTable } from "../models/VersionTable";
import { Field } from "../ui/Field";
import { Fingerprint } from "../ui/Fingerprint";
import { MetricCard } from "../ui/MetricCard";
import { Empty, ErrorNote, Loading } from "../ui/notes";
import { PageHead } from "../ui/PageHead";
import { Time } from "../ui/Time";

const PerformanceDashboard = lazy(async () => ({
	default: (await import("../models/PerformanceDashboard")).PerformanceDashboard,
}));

const TABS = [
	["", "Versions"],
	["history", "History"],
	["performance", "Performance"],
] as const;

/** A kind: its versions, its history, its numbers, and the way from one version to another. */
export function KindView({ kind }: { kind: string }) {
	const [search, setSearch] = useSearch();
	const { q = "", sort = "", tab = "" } = search;
	const versions = useModelVersions(kind, { q, sort });
	const history = useInfiniteQuery(queries.history(kind));
	const activations = history.data?.pages.flatMap((page) => page.items) ?? [];
	const { active } = versions;
	const selected = (search.versions ?? "").split(",").filter(Boolean);

	if (!versions.type) {
		return versions.error ? (
			<ErrorNote error={versions.error} />
		) : (
			<Loading what="Asking for the kind" />
		);
	}
	return (
		<>
			<PageHead
				title={kindName(kind)}
				crumbs={<Link to="/models">Models</Link>}
				lead={
					<>
						<span className="mono">{kind}</span> · {typeName(versions.type)}
					</>
				}
			>
				{active && (
					<RollbackButton
						active={active}
						target={activations.find((each) => each.generation === active.returns_to)}
					/>
				)}
				<Link to={`/register?kind=${encodeURIComponent(kind)}`} className="button">
					Register a version
				</Link>
			</PageHead>
			{active ? (
				<ActiveVersion active={active} />
			) : (
				<p className="note">No version is active yet.</p>
			)}
			<div className="row spread">
				<fieldset className="tabs" aria-label="What to show">
					{TABS.map(([id, title]) => (
						<button
							key={id}
							type="button"
							aria-pressed={tab === id}
							onClick={() => setSearch({ tab: id }, { replace: false })}
						>
							{title}
						</button>
					))}
				</fieldset>
				{selected.length > 1 && (
					<Link to={comparisonAddress(kind, selected)} className="button primary">
						Compare {selected.length} versions
					</Link>
				)}
			</div>
			{tab === "" && (
				<>
					<search className="filters">
						<Field label="Search versions">
							<input
								type="search"
								value={q}
								placeholder="bge-m3/v2"
								onChange={(event) => setSearch({ q: event.target.value })}
							/>
						</Field>
					</search>
					<VersionTable
						versions={versions}
						selected={selected}
						onSelect={(names) => setSearch({ versions: names.join(",") })}
						sort={sort}
						onSort={(next) => setSearch({ sort: next })}
						onSwitch={(name) => setSearch({ switch: name, job: null }, { replace: false })}
						onShow={(name) => setSearch({ version: name }, { replace: false })}
					/>
				</>
			)}
			{tab === "history" && (
				<div className="card flush">
					<HistoryList activations={activations} current={active?.generation} />
					{history.hasNextPage && (
						<p className="empty">
							<button type="button" onClick={() => void history.fetchNextPage()}>
								Show older ones
							</button>
						</p>
					)}
					{!activations.length && !history.isPending && <Empty title="Nothing was switched yet" />}
				</div>
			)}
			{tab === "performance" && (
				<Suspense fallback={<Loading />}>
					<PerformanceDashboard kind={kind} />
				</Suspense>
			)}
			{search.switch && (
				<ModelSwitcher
					kind={kind}
					version={search.switch}
					active={active ?? null}
					jobId={search.job}
					onStart={(job) => setSearch({ job })}
					onClose={() => setSearch({ switch: null, job: null })}
				/>
			)}
			{search.version && (
				<VersionDetails
					kind={kind}
					name={search.version}
					onClose={() => setSearch({ version: null })}
				/>
			)}
		</>
	);
}

function ActiveVersion({ active }: { active: Activation }) {
	const { version } = active;
	return (
		<div className="grid tight" data-testid="active-version">
			<MetricCard
				name="Active version"
				value={<span className="mono">{version.name}</span>}
				words
				wide
				note={
					<>
						<Time at={active.at} /> by {active.actor}
						{active.reason && `: “${active.reason}”`}
					</>
				}
			/>
			<MetricCard
				name="Generation"
				value={active.generation}
				note={active.action === "rollback" ? "reached by a rollback" : "reached by a switch"}
			/>
			{version.embedding_dim !== null && (
				<MetricCard
					name="Dimensions"
					value={integer(version.embedding_dim)}
					note={version.model_id}
				/>
			)}
			{version.fingerprint && (
				<MetricCard
					name="Vector space"
					value={<Fingerprint value={version.fingerprint} />}
					words
					note={
						active.generation === 1
							? "the first"
							: active.new_vector_space
								? "other vectors than before"
								: "as before"
					}
				/>
			)}
		</div>
	);
}
