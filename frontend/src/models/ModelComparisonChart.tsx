import {
	Bar,
	BarChart,
	CartesianGrid,
	Cell,
	ErrorBar,
	ResponsiveContainer,
	Tooltip,
	XAxis,
	YAxis,
} from "recharts";
import type { ComparedMetric, Version } from "../api/types";
import { AXIS, ChartFrame, TOOLTIP } from "../charts/frame";
import { measured } from "../format";
import { colourOf } from "../ui/colours";
import { metricName } from "./metrics";

interface ModelComparisonChartProps {
	versions: readonly Version[];
	metric: ComparedMetric;
}

/** One metric of several versions as bars, with intervals of 95 % confidence. */
export function ModelComparisonChart({ versions, metric }: ModelComparisonChartProps) {
	const rows = versions.flatMap((version, index) => {
		const found = metric.values[index];
		if (!found) return [];
		const [low, high] = found.interval ?? [found.value, found.value];
		return [
			{
				name: version.name,
				value: found.value,
				error: [found.value - low, high - found.value] as [number, number],
				colour: colourOf(index),
			},
		];
	});
	const better =
		metric.higher_is_better === null
			? ""
			: metric.higher_is_better
				? ", more is better"
				: ", less is better";
	const title = `${metricName(metric.name)}${better}`;
	const description = rows
		.map((row) => `${row.name}: ${measured(row.value, metric.unit)}`)
		.join("; ");
	return (
		<ChartFrame title={title} description={`${title}. ${description}`}>
			<ResponsiveContainer width="100%" height={44 + rows.length * 46}>
				<BarChart data={rows} layout="vertical" margin={{ top: 4, right: 28, bottom: 4, left: 4 }}>
					<CartesianGrid horizontal={false} stroke="var(--line)" />
					<XAxis type="number" {...AXIS} tickFormatter={(value) => measured(value, metric.unit)} />
					<YAxis
						type="category"
						dataKey="name"
						width={190}
						{...AXIS}
						tick={{ ...AXIS.tick, fill: "var(--ink)" }}
					/>
					<Tooltip
						{...TOOLTIP}
						cursor={{ fill: "var(--sunken)" }}
						formatter={(value) => [measured(Number(value), metric.unit), metricName(metric.name)]}
					/>
					<Bar dataKey="value" barSize={22} radius={[0, 4, 4, 0]} isAnimationActive={false}>
						{rows.map((row) => (
							<Cell key={row.name} fill={row.colour} />
						))}
						<ErrorBar
							dataKey="error"
							direction="x"
							width={7}
							strokeWidth={1.6}
							stroke="var(--ink)"
							isAnimationActive={false}
						/>
					</Bar>
				</BarChart>
			</ResponsiveContainer>
		</ChartFrame>
	);
}
