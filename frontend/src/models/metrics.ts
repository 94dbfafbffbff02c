/** What a measured number is called. */

const NAMES: Record<string, string> = {
	latency_p50: "Latency, 50th percentile",
	latency_p95: "Latency, 95th percentile",
	latency_p99: "Latency, 99th percentile",
	throughput_texts: "Throughput in texts",
	throughput_tokens: "Throughput in tokens",
	memory_weights: "Memory of the weights",
};

export function metricName(name: string): string {
	if (NAMES[name]) return NAMES[name];
	const text = name.replaceAll("_", " ").replace(/^ndcg/i, "nDCG");
	return text.startsWith("nDCG") ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

const QUALITY = /recall|ndcg|mrr|map|accuracy|f1|spearman|pearson/i;

/** Whether a metric says how good a model is, rather than what it costs. */
export const isQuality = (name: string) => QUALITY.test(name);
