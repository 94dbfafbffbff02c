import type { ComparedMetric, Comparison, Difference } from "../api/types";
import { measured, percent, signed } from "../format";
import { metricName } from "./metrics";

/** Metric by metric: every version's value, and the difference from the first where there is one. */
export function DeltaTable({ comparison }: { comparison: Comparison }) {
	const { versions, metrics } = comparison;
	return (
		<section className="scroll" aria-label="Metrics of the versions">
			<table>
				<caption className="visually-hidden">Metrics of the versions</caption>
				<thead>
					<tr>
						<th scope="col">Metric</th>
						{versions.map((version, index) => (
							<th scope="col" className="number" key={version.id}>
								<span className="mono">{version.name}</span>
								{index === 0 && <span className="muted"> · base</span>}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{metrics.map((metric) => (
						<MetricRow key={metric.dataset + metric.name} metric={metric} />
					))}
				</tbody>
			</table>
		</section>
	);
}

function MetricRow({ metric }: { metric: ComparedMetric }) {
	return (
		<tr>
			<th scope="row">
				{metricName(metric.name)}
				<div className="small muted">{metric.dataset}</div>
				{metric.apart && <div className="small muted">not compared: {metric.apart}</div>}
			</th>
			{metric.values.map((value, index) => {
				const difference =
					index > 0 ? (metric.differences[index] ?? metric.differences[index - 1]) : null;
				return (
					// biome-ignore lint/suspicious/noArrayIndexKey: the columns are the versions, in their order.
					<td className="number" key={index}>
						{value ? (
							measured(value.value, value.unit)
						) : (
							<span className="muted">not measured</span>
						)}
						{value?.interval && (
							<div className="small muted">
								{measured(value.interval[0], "")} to {measured(value.interval[1], "")}
							</div>
						)}
						{difference && <Delta difference={difference} unit={metric.unit} />}
					</td>
				);
			})}
		</tr>
	);
}

/** A difference with what it means: better, worse, or unclear. */
export function Delta({ difference, unit }: { difference: Difference; unit: string }) {
	const { difference: value, relative, interval, verdict } = difference;
	return (
		<div
			className={`small verdict ${verdict ?? "unclear"}`}
			title={
				interval ? `95 %: ${signed(interval[0], unit)} to ${signed(interval[1], unit)}` : undefined
			}
		>
			{signed(value, unit)}
			{relative !== null && ` (${percent(relative)})`}
			{verdict && `, ${verdict}`}
		</div>
	);
}
