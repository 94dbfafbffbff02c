import type { BenchmarkRun } from "../api/types";
import { measured } from "../format";
import { Empty } from "../ui/notes";
import { Time } from "../ui/Time";
import { type Column, VirtualTable } from "../ui/VirtualTable";
import { isQuality, metricName } from "./metrics";

const COLUMNS: Column<BenchmarkRun>[] = [
	{
		id: "version",
		title: "Version",
		width: 26,
		render: (run) => <span className="mono">{run.version.name}</span>,
	},
	{ id: "dataset", title: "Data", width: 22, render: (run) => run.dataset },
	{
		id: "numbers",
		title: "Numbers",
		width: 34,
		render: (run) => {
			const first = run.measurements
				.filter((each) => isQuality(each.name) || each.unit === "ms")
				.slice(0, 2);
			return (first.length ? first : run.measurements.slice(0, 2))
				.map((each) => `${metricName(each.name)} ${measured(each.value, each.unit)}`)
				.join(" · ");
		},
	},
	{ id: "at", title: "Measured", width: 18, render: (run) => <Time at={run.recorded_at} /> },
];

interface RunTableProps {
	runs: readonly BenchmarkRun[];
	hasMore: boolean;
	onEnd: () => void;
}

/** Every run, newest first. */
export function RunTable({ runs, hasMore, onEnd }: RunTableProps) {
	return (
		<section className="card flush" aria-label="Runs">
			<header>
				<h2>Runs</h2>
			</header>
			{runs.length ? (
				<VirtualTable
					caption="Runs"
					columns={COLUMNS}
					rows={runs}
					keyOf={(run) => run.id}
					{...(hasMore ? { onEnd } : {})}
				/>
			) : (
				<Empty title="Nothing was measured yet" />
			)}
		</section>
	);
}
