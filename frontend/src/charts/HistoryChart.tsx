import { useQueries } from "@tanstack/react-query";
import {
	CartesianGrid,
	Legend,
	Line,
	LineChart,
	ResponsiveContainer,
	Tooltip,
	XAxis,
	YAxis,
} from "recharts";
import * as queries from "../api/queries";
import { measured, moment } from "../format";
import { metricName } from "../models/metrics";
import { colourOf } from "../ui/colours";
import { AXIS, ChartFrame, LEGEND, TOOLTIP } from "./frame";

interface HistoryChartProps {
	kind: string;
	/** Names of versions, at most eight. */
	versions: readonly string[];
	metric: { dataset: string; name: string; unit: string };
}

const DAY = new Intl.DateTimeFormat("en-GB", {
	day: "numeric",
	month: "short",
	hour: "2-digit",
	minute: "2-digit",
});

/** One metric of each version over time; the server sends at most 300 points a version. */
export function HistoryChart({ kind, versions, metric }: HistoryChartProps) {
	const answers = useQueries({
		queries: versions.map((version) => queries.series(kind, version, metric.name, metric.dataset)),
	});
	const rows = mergeSeries(
		versions.map((name, index) => ({ name, points: answers[index]?.data?.points ?? [] })),
	);
	const title = `${metricName(metric.name)} over time`;
	if (!rows.length) return null;
	return (
		<ChartFrame
			title={title}
			description={`${title}: ${rows.length} moments of ${versions.length} versions`}
		>
			<ResponsiveContainer width="100%" height={290}>
				<LineChart data={rows} margin={{ top: 8, right: 24, bottom: 4, left: 12 }}>
					<CartesianGrid vertical={false} stroke="var(--line)" />
					<XAxis
						type="number"
						dataKey="at"
						scale="time"
						domain={["dataMin", "dataMax"]}
						tickFormatter={(at) => DAY.format(at)}
						{...AXIS}
					/>
					<YAxis
						domain={["auto", "auto"]}
						tickFormatter={(value) => measured(value, metric.unit)}
						width={80}
						{...AXIS}
					/>
					<Tooltip
						{...TOOLTIP}
						labelFormatter={(at) => moment(Number(at))}
						formatter={(value) => measured(Number(value), metric.unit)}
					/>
					<Legend {...LEGEND} />
					{versions.map((name, index) => (
						<Line
							key={name}
							// A function, since dots of a version's name would be taken for a path.
							dataKey={(row: Row) => row.values[name]}
							name={name}
							stroke={colourOf(index)}
							strokeWidth={2}
							dot={{ r: 3 }}
							connectNulls
							isAnimationActive={false}
						/>
					))}
				</LineChart>
			</ResponsiveContainer>
		</ChartFrame>
	);
}

interface Row {
	at: number;
	values: Record<string, number>;
}

/** One row a moment, with the value of each version that has one. */
export function mergeSeries(
	series: readonly { name: string; points: readonly (readonly [string, number, ...unknown[]])[] }[],
): Row[] {
	const rows = new Map<number, Row>();
	for (const { name, points } of series) {
		for (const [at, value] of points) {
			const moment = Date.parse(at);
			const row = rows.get(moment) ?? { at: moment, values: {} };
			row.values[name] = value;
			rows.set(moment, row);
		}
	}
	return [...rows.values()].sort((a, b) => a.at - b.at);
}
