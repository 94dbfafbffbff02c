/** What the page asks the server for, by the keys under which the answers are kept. */

import { infiniteQueryOptions, QueryClient, queryOptions } from "@tanstack/react-query";
import { ProblemError } from "./client";
import * as api from "./endpoints";
import type { Cursor, Page } from "./types";

export const keys = {
	server: ["server"],
	models: ["models"],
	performance: ["performance"],
	pool: ["pool"],
	jobs: ["jobs"],
	catalogue: ["catalogue"],
	keys: ["keys"],
} as const;

export function createQueryClient(): QueryClient {
	return new QueryClient({
		defaultOptions: {
			queries: {
				// Events say when an answer is old; the interval is for what no event tells.
				staleTime: 30_000,
				refetchOnWindowFocus: true,
				// A refusal stays one; a server that is away is asked again when it is back.
				retry: (count, error) => !(error instanceof ProblemError) && count < 1,
				retryDelay: 500,
				networkMode: "always",
			},
			mutations: { networkMode: "always" },
		},
	});
}

const pages = <T>() => ({
	initialPageParam: null as Cursor,
	getNextPageParam: (last: Page<T>) => last.next,
});

export const server = () =>
	queryOptions({ queryKey: keys.server, queryFn: ({ signal }) => api.getServer(signal) });

export const kinds = () =>
	queryOptions({
		queryKey: [...keys.models, "kinds"],
		queryFn: ({ signal }) => api.getKinds(signal),
	});

export const versions = (kind: string, q: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.models, "versions", kind, q],
		queryFn: ({ pageParam, signal }) =>
			api.getKind(kind, { limit: 200, before: pageParam, q }, signal),
		initialPageParam: null as Cursor,
		getNextPageParam: (last) => last.next,
	});

export const history = (kind: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.models, "history", kind],
		queryFn: ({ pageParam, signal }) =>
			api.getHistory(kind, { limit: 50, before: pageParam }, signal),
		...pages(),
	});

export const switchPlan = (kind: string, version: string) =>
	queryOptions({
		queryKey: [...keys.models, "plan", kind, version],
		queryFn: ({ signal }) => api.planSwitch(kind, version, signal),
		// A plan holds for the moment in which it is read.
		staleTime: 0,
		gcTime: 0,
	});

export const runs = (kind: string, version = "") =>
	infiniteQueryOptions({
		queryKey: [...keys.performance, "runs", kind, version],
		queryFn: ({ pageParam, signal }) =>
			api.getRuns(kind, { version, limit: 50, before: pageParam }, signal),
		...pages(),
	});

export const series = (kind: string, version: string, metric: string, dataset: string) =>
	queryOptions({
		queryKey: [...keys.performance, "series", kind, version, metric, dataset],
		queryFn: ({ signal }) => api.getSeries(kind, { version, metric, dataset }, signal),
	});

export const comparison = (kind: string, names: string[]) =>
	queryOptions({
		queryKey: [...keys.performance, "compare", kind, names],
		queryFn: ({ signal }) => api.getComparison(kind, names, signal),
		enabled: names.length > 1,
	});

export const datasets = () =>
	queryOptions({ queryKey: ["datasets"], queryFn: ({ signal }) => api.getDatasets(signal) });

export const pool = () =>
	queryOptions({
		queryKey: keys.pool,
		queryFn: ({ signal }) => api.getPool(signal),
		// Leases and idle times move without an event.
		refetchInterval: 5_000,
	});

/** The names of the deployment with the kinds of their models; loading one may tell more. */
export const named = () =>
	queryOptions({
		queryKey: [...keys.pool, "named"],
		queryFn: ({ signal }) => api.getNamedModels(signal),
	});

export const jobs = () =>
	queryOptions({ queryKey: [...keys.jobs, "all"], queryFn: ({ signal }) => api.getJobs(signal) });

export const job = (id: string) =>
	queryOptions({
		queryKey: [...keys.jobs, id],
		queryFn: ({ signal }) => api.getJob(id, signal),
		// In case an event is lost: a running job is asked for now and then.
		refetchInterval: ({ state }) =>
			state.data?.state === "queued" || state.data?.state === "running" ? 3_000 : false,
	});

export const catalogue = (filters: Omit<api.CatalogueQuery, "limit" | "offset">) =>
	infiniteQueryOptions({
		queryKey: [...keys.catalogue, "list", filters],
		queryFn: ({ pageParam, signal }) =>
			api.getCatalogue({ ...filters, limit: 200, offset: pageParam }, signal),
		initialPageParam: 0,
		getNextPageParam: (last, all) => {
			const shown = all.reduce((sum, page) => sum + page.items.length, 0);
			return shown < last.total && last.items.length ? shown : undefined;
		},
		staleTime: Number.POSITIVE_INFINITY,
	});

export const record = (id: string) =>
	queryOptions({
		queryKey: [...keys.catalogue, "record", id],
		queryFn: ({ signal }) => api.getRecord(id, signal),
		staleTime: Number.POSITIVE_INFINITY,
	});

export const apiKeys = () =>
	queryOptions({ queryKey: keys.keys, queryFn: ({ signal }) => api.getKeys(signal) });
