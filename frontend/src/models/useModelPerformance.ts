import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import * as queries from "../api/queries";
import type { BenchmarkRun } from "../api/types";

export interface Metric {
	dataset: string;
	name: string;
	unit: string;
	higherIsBetter: boolean | null;
}

/** The measurements of a kind, newest first, and which metrics they have. */
export function useModelPerformance(kind: string, version = "") {
	const query = useInfiniteQuery({ ...queries.runs(kind, version), enabled: kind !== "" });
	const runs = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
	const metrics = useMemo(() => metricsOf(runs), [runs]);
	return {
		runs,
		metrics,
		hasMore: query.hasNextPage,
		loadMore: () => {
			if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
		},
		error: query.error,
		isPending: query.isPending,
	};
}

export function metricsOf(runs: readonly BenchmarkRun[]): readonly Metric[] {
	const found = new Map<string, Metric>();
	for (const { dataset, measurements } of runs) {
		for (const { name, unit, higher_is_better } of measurements) {
			const key = JSON.stringify([dataset, name, unit]);
			if (!found.has(key))
				found.set(key, { dataset, name, unit, higherIsBetter: higher_is_better });
		}
	}
	return [...found.values()];
}
