import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, lazy, Suspense, useState } from "react";
import { comparisonAddress, runBenchmark } from "../api/endpoints";
import * as queries from "../api/queries";
import { Link, useSearch } from "../app/router";
import { kindName } from "../format";
import { JobProgress } from "../jobs/JobProgress";
import { useJob } from "../jobs/useJob";
import { useModels } from "../models/ModelsContext";
import { useModelVersions } from "../models/useModelVersions";
import { Field } from "../ui/Field";
import { ErrorNote, Loading } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

const PerformanceDashboard = lazy(async () => ({
	default: (await import("../models/PerformanceDashboard")).PerformanceDashboard,
}));

const MOST = 8;

/** Measures versions on this machine, and shows what was measured. */
export function Benchmarks() {
	const models = useModels();
	return (
		<>
			<PageHead
				title="Benchmarks"
				lead="How good and how fast versions are on this machine. Runs never change, and are kept in the registry."
			/>
			{models.error && !models.data ? <ErrorNote error={models.error} /> : <Measured />}
		</>
	);
}

/** The kind that is chosen, and what can be and was measured of it. */
function Measured() {
	const [search, setSearch] = useSearch();
	const models = useModels();
	const kind = search.kind ?? models.data?.[0]?.kind ?? "";
	return (
		<>
			<div className="filters">
				<Field label="Kind">
					<select
						value={kind}
						onChange={(event) => setSearch({ kind: event.target.value, job: null, metric: null })}
					>
						{models.data?.map((one) => (
							<option key={one.kind} value={one.kind}>
								{kindName(one.kind)}
							</option>
						))}
					</select>
				</Field>
			</div>
			{kind && (
				<>
					<Runner key={kind} kind={kind} />
					<Suspense fallback={<Loading />}>
						<PerformanceDashboard kind={kind} />
					</Suspense>
				</>
			)}
			{models.data && !kind && <p className="note">No version is registered yet.</p>}
		</>
	);
}

function Runner({ kind }: { kind: string }) {
	const [search, setSearch] = useSearch();
	const { versions, hasMore, loadMore } = useModelVersions(kind);
	const datasets = useQuery(queries.datasets());
	const [names, setNames] = useState<readonly string[]>(() =>
		(search.versions ?? "").split(",").filter(Boolean),
	);
	const [dataset, setDataset] = useState("");
	const run = useMutation({
		mutationFn: () =>
			runBenchmark(kind, { versions: [...names], ...(dataset ? { datasets: [dataset] } : {}) }),
		onSuccess: (job) => setSearch({ job: job.id, kind }),
	});
	const { job } = useJob(search.job);

	return (
		<div className="columns">
			<form
				className="card"
				onSubmit={(event: FormEvent) => {
					event.preventDefault();
					run.mutate();
				}}
			>
				<h2>Measure</h2>
				<fieldset className="stack" style={{ gap: 6 }}>
					<legend className="small muted">Versions, one to {MOST}</legend>
					<div className="stack" style={{ gap: 6, maxHeight: 220, overflow: "auto" }}>
						{versions.map(({ id, name }) => (
							<label key={id} className="choice">
								<input
									type="checkbox"
									checked={names.includes(name)}
									disabled={names.length >= MOST && !names.includes(name)}
									onChange={(event) =>
										setNames(
											event.target.checked
												? [...names, name]
												: names.filter((each) => each !== name),
										)
									}
								/>
								<span className="mono">{name}</span>
							</label>
						))}
						{hasMore && (
							<button type="button" className="small" onClick={loadMore}>
								Show more
							</button>
						)}
					</div>
				</fieldset>
				<Field label="Data" hint={datasets.data?.find(({ name }) => name === dataset)?.description}>
					<select value={dataset} onChange={(event) => setDataset(event.target.value)}>
						<option value="">What fits the kind</option>
						{datasets.data?.map(({ name }) => (
							<option key={name}>{name}</option>
						))}
					</select>
				</Field>
				<ErrorNote error={run.error} />
				<div>
					<button type="submit" className="primary" disabled={!names.length || run.isPending}>
						Run the benchmark
					</button>
				</div>
			</form>
			<section className="card" aria-label="Progress">
				<h2>{job ? job.subject : "Progress"}</h2>
				{job ? (
					<>
						<JobProgress job={job} />
						{job.state === "succeeded" && names.length > 1 && (
							<p>
								<Link to={comparisonAddress(kind, names)} className="button primary">
									Compare them
								</Link>
							</p>
						)}
					</>
				) : (
					<p className="muted">
						A run loads each version by itself and measures quality, latency, throughput and memory.
						It takes processor time from what serves.
					</p>
				)}
			</section>
		</div>
	);
}
