import {
	CartesianGrid,
	Legend,
	ResponsiveContainer,
	Scatter,
	ScatterChart,
	Tooltip,
	XAxis,
	YAxis,
} from "recharts";
import type { ComparedMetric, Version } from "../api/types";
import { measured } from "../format";
import { isQuality, metricName } from "../models/metrics";
import { colourOf } from "../ui/colours";
import { AXIS, ChartFrame, LEGEND, TOOLTIP } from "./frame";

interface QualityCostChartProps {
	versions: readonly Version[];
	metrics: readonly ComparedMetric[];
}

/** How good each version is against how long it takes. */
export function QualityCostChart({ versions, metrics }: QualityCostChartProps) {
	const quality =
		metrics.find(({ name }) => /ndcg/i.test(name)) ?? metrics.find(({ name }) => isQuality(name));
	const cost =
		metrics.find(({ name }) => name === "latency_p50") ?? metrics.find(({ unit }) => unit === "ms");
	if (!quality || !cost) return null;
	const points = versions.flatMap((version, index) => {
		const good = quality.values[index];
		const slow = cost.values[index];
		if (!good || !slow) return [];
		return [{ name: version.name, x: slow.value, y: good.value, colour: colourOf(index) }];
	});
	if (points.length < 2) return null;
	const description = points
		.map(({ name, x, y }) => `${name}: ${measured(y, quality.unit)} at ${measured(x, cost.unit)}`)
		.join("; ");
	return (
		<ChartFrame title="Quality against latency" description={description}>
			<ResponsiveContainer width="100%" height={300}>
				<ScatterChart margin={{ top: 10, right: 24, bottom: 22, left: 12 }}>
					<CartesianGrid stroke="var(--line)" />
					<XAxis
						type="number"
						dataKey="x"
						domain={["auto", "auto"]}
						padding={{ left: 24, right: 24 }}
						tickFormatter={(value) => measured(value, cost.unit)}
						label={{
							value: metricName(cost.name),
							position: "insideBottom",
							offset: -12,
							fontSize: 12,
						}}
						{...AXIS}
					/>
					<YAxis
						type="number"
						dataKey="y"
						domain={["auto", "auto"]}
						padding={{ top: 16, bottom: 16 }}
						tickFormatter={(value) => measured(value, quality.unit)}
						label={{
							value: metricName(quality.name),
							angle: -90,
							position: "insideLeft",
							fontSize: 12,
						}}
						width={72}
						{...AXIS}
					/>
					<Tooltip {...TOOLTIP} />
					<Legend {...LEGEND} />
					{points.map((point) => (
						<Scatter
							key={point.name}
							name={point.name}
							data={[point]}
							fill={point.colour}
							isAnimationActive={false}
						/>
					))}
				</ScatterChart>
			</ResponsiveContainer>
		</ChartFrame>
	);
}
