/** Every call of the management API that the page makes. */

import { answer, api, requestId, send } from "./client";
import type {
	ApiKey,
	BenchmarkRun,
	CheckResult,
	Comparison,
	Cursor,
	Job,
	NewKey,
	Page,
	Registration,
	Series,
	Switching,
	SwitchPlan,
} from "./types";

export const getServer = (signal: AbortSignal) => answer(api.GET("/api/server", { signal }));

export const getKinds = async (signal: AbortSignal) =>
	(await answer(api.GET("/api/models/", { signal }))).items;

export const getKind = (
	kind: string,
	query: { limit?: number; before?: Cursor; q?: string },
	signal: AbortSignal,
) => answer(api.GET("/api/models/{kind}", { params: { path: { kind }, query }, signal }));

export const getVersion = (kind: string, name: string, signal: AbortSignal) => {
	const [model_id = "", version_id = ""] = name.split("/");
	const path = { kind, model_id, version_id };
	return answer(
		api.GET("/api/models/{kind}/versions/{model_id}/{version_id}", { params: { path }, signal }),
	);
};

export const getHistory = (
	kind: string,
	query: { limit?: number; before?: Cursor },
	signal: AbortSignal,
) => answer(api.GET("/api/models/{kind}/history", { params: { path: { kind }, query }, signal }));

/** What a registration would find; nothing is saved. */
export const checkRegistration = (kind: string, registration: Registration) =>
	answer(
		api.POST("/api/models/{kind}/register", {
			params: { path: { kind } },
			body: { ...registration, dry_run: true },
		}),
	) as Promise<unknown> as Promise<{ checks: CheckResult[] }>;

export const register = (kind: string, body: Registration) =>
	answer(
		api.POST("/api/models/{kind}/register", { params: { path: { kind } }, body }),
	) as Promise<Job>;

/** What a switch would do; nothing changes. */
export const planSwitch = (kind: string, version: string, signal: AbortSignal) =>
	answer(
		api.POST("/api/models/{kind}/switch/{version}", {
			// The plan says that the vectors differ; it need not fail for it.
			body: { dry_run: true, allow_different_vectors: true },
			params: { path: { kind, version } },
			signal,
		}),
	) as Promise<SwitchPlan>;

export const switchVersion = (
	kind: string,
	version: string,
	body: Switching,
	id: string = requestId(),
) =>
	answer(
		api.POST("/api/models/{kind}/switch/{version}", {
			params: { path: { kind, version }, header: { "idempotency-key": id } },
			body,
		}),
	) as Promise<Job>;

export const rollback = (kind: string, body: Switching, id: string = requestId()) =>
	answer(
		api.POST("/api/models/{kind}/rollback", {
			params: { path: { kind }, header: { "idempotency-key": id } },
			body,
		}),
	);

export const getRuns = (
	kind: string,
	query: { version?: string; limit?: number; before?: Cursor; dataset?: string },
	signal: AbortSignal,
) =>
	answer(
		api.GET("/api/models/performance/{kind}", { params: { path: { kind }, query }, signal }),
	) as Promise<Page<BenchmarkRun>>;

/** At most 300 points of one metric, from the oldest to the newest. */
export const getSeries = (
	kind: string,
	query: { version: string; metric: string; dataset: string },
	signal: AbortSignal,
) =>
	answer(
		api.GET("/api/models/performance/{kind}", {
			params: { path: { kind }, query: { ...query, points: 300 } },
			signal,
		}),
	) as Promise<Series>;

export const getComparison = (kind: string, versions: readonly string[], signal: AbortSignal) =>
	answer(
		api.GET("/api/models/{kind}/compare", {
			params: { path: { kind }, query: { versions: versions.join(",") } },
			signal,
		}),
	) as Promise<Comparison>;

export const getComparisonFile = async (
	kind: string,
	versions: readonly string[],
	format: "csv" | "json" | "markdown",
) => {
	const { data } = await api.GET("/api/models/{kind}/compare", {
		params: { path: { kind }, query: { versions: versions.join(","), format } },
		parseAs: "blob",
	});
	return data as Blob;
};

export const getPool = (signal: AbortSignal) => answer(api.GET("/api/pool", { signal }));

/** A name of the deployment, as `/v1/models` lists it for programs. */
export interface NamedModel {
	id: string;
	/** Null where only a load would tell; `ensemble` for a name that combines others. */
	kind: string | null;
	/** The names that an ensemble combines. */
	members?: string[];
}

export const getNamedModels = async (signal: AbortSignal): Promise<NamedModel[]> =>
	((await (await send("/v1/models", { signal })).json()) as { data: NamedModel[] }).data;

export type PoolAction = "load" | "unload" | "pin" | "unpin";

export const actOnPool = (name: string, action: PoolAction): Promise<unknown> =>
	answer(api.POST(`/api/pool/{name}/${action}`, { params: { path: { name } } }));

export const planLoad = (name: string) =>
	answer(api.POST("/api/pool/{name}/plan", { params: { path: { name } } }));

export const reload = () => answer(api.POST("/api/reload"));

export const getJobs = async (signal: AbortSignal) =>
	(await answer(api.GET("/api/jobs", { signal }))).items;

export const getJob = (id: string, signal: AbortSignal) =>
	answer(api.GET("/api/jobs/{id}", { params: { path: { id } }, signal }));

export interface CatalogueQuery {
	q: string;
	type: string;
	language: string;
	license: string;
	/** A number, as it was typed. */
	max_dim: string;
	limit: number;
	offset: number;
}

export const getCatalogue = (
	{ q, type, language, license, max_dim, limit, offset }: CatalogueQuery,
	signal: AbortSignal,
) => {
	const largest = /^\d+$/.test(max_dim) && Number(max_dim) > 0 ? { max_dim: Number(max_dim) } : {};
	const query = { q, type, language, license, limit, offset, ...largest };
	return answer(api.GET("/api/catalogue", { params: { query }, signal }));
};

export const getRecord = (id: string, signal: AbortSignal) =>
	answer(api.GET("/api/catalogue/{id}", { params: { path: { id } }, signal }));

export const getKeys = async (signal: AbortSignal) =>
	(await answer(api.GET("/api/keys", { signal }))).items;

export const createKey = (body: NewKey) => answer(api.POST("/api/keys", { body }));

export const revokeKey = (id: ApiKey["id"]) =>
	answer(api.DELETE("/api/keys/{id}", { params: { path: { id } } }));

/** The address of the view that compares versions. */
export const comparisonAddress = (kind: string, versions: readonly string[]) =>
	`/compare?${new URLSearchParams({ kind, versions: versions.join(",") })}`;

export const getDatasets = async (signal: AbortSignal) =>
	(await answer(api.GET("/api/benchmarks/datasets", { signal }))).items;

export const runBenchmark = (
	kind: string,
	body: { versions: string[]; datasets?: string[]; test_run_id?: string },
) => answer(api.POST("/api/models/{kind}/benchmark", { params: { path: { kind } }, body }));
