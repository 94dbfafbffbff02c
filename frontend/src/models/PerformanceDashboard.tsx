import { useSearch } from "../app/router";
import { HistoryChart } from "../charts/HistoryChart";
import { measured } from "../format";
import { Field } from "../ui/Field";
import { MetricCard } from "../ui/MetricCard";
import { Empty, ErrorNote, Loading } from "../ui/notes";
import { metricName } from "./metrics";
import { RunTable } from "./RunTable";
import { type Metric, useModelPerformance } from "./useModelPerformance";

const MOST_VERSIONS = 8;

/** The numbers of a kind: the newest of one version, one metric over time, and every run. */
export function PerformanceDashboard({ kind }: { kind: string }) {
	const [search, setSearch] = useSearch();
	const { runs, metrics, hasMore, loadMore, error, isPending } = useModelPerformance(kind);
	if (isPending) return <Loading what="Asking for the measurements" />;
	if (error && !runs.length) return <ErrorNote error={error} />;
	const newest = runs[0];
	if (!newest) {
		return (
			<div className="card">
				<Empty title="Nothing was measured yet" />
			</div>
		);
	}
	const idOf = ({ dataset, name }: Metric) => `${dataset} ${name}`;
	const chosen = metrics.find((each) => idOf(each) === search.metric) ?? metrics[0];
	const names = [...new Set(runs.map((run) => run.version.name))].slice(0, MOST_VERSIONS);
	const ofNewest = runs.filter(
		(run) => run.version.id === newest.version.id && run.test_run_id === newest.test_run_id,
	);
	return (
		<>
			<h2>
				Newest: <span className="mono">{newest.version.name}</span>
			</h2>
			<div className="grid tight">
				{ofNewest
					.flatMap((run) => run.measurements.map((each) => ({ each, run })))
					.map(({ each, run }) => (
						<MetricCard
							key={`${run.id} ${each.name}`}
							name={metricName(each.name)}
							value={measured(each.value, each.unit)}
							note={
								each.interval && each.interval[0] < each.interval[1]
									? `95 %: ${measured(each.interval[0], each.unit)} to ${measured(each.interval[1], each.unit)}`
									: `${each.n_samples} samples`
							}
						/>
					))}
			</div>
			{chosen && (
				<>
					<div className="filters">
						<Field label="Metric over time">
							<select
								value={idOf(chosen)}
								onChange={(event) => setSearch({ metric: event.target.value })}
							>
								{metrics.map((metric) => (
									<option key={idOf(metric)} value={idOf(metric)}>
										{metricName(metric.name)}, {metric.dataset}
									</option>
								))}
							</select>
						</Field>
					</div>
					<HistoryChart kind={kind} versions={names} metric={chosen} />
				</>
			)}
			<RunTable runs={runs} onEnd={loadMore} hasMore={hasMore} />
		</>
	);
}
