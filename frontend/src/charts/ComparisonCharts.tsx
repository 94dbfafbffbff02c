import type { ComparedMetric, Comparison } from "../api/types";
import { ModelComparisonChart } from "../models/ModelComparisonChart";
import { HistoryChart } from "./HistoryChart";
import { QualityCostChart } from "./QualityCostChart";

interface ComparisonChartsProps {
	kind: string;
	comparison: Comparison;
	/** The metric of the bars and of the history. */
	metric: ComparedMetric;
}

/** The charts of a comparison; they are loaded apart, since they are larger than the rest of the page. */
export function ComparisonCharts({ kind, comparison, metric }: ComparisonChartsProps) {
	const { versions, metrics } = comparison;
	return (
		<>
			<ModelComparisonChart versions={versions} metric={metric} />
			<div className="columns even">
				<QualityCostChart versions={versions} metrics={metrics} />
				<HistoryChart kind={kind} versions={versions.map(({ name }) => name)} metric={metric} />
			</div>
		</>
	);
}
