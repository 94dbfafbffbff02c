/** Every call that the page makes. */

import { address, request, requestId, send } from "./client";
import type {
	Activation,
	ApiKey,
	BenchmarkRun,
	CatalogueSummary,
	Check,
	Comparison,
	Job,
	Kind,
	KindSummary,
	MemoryPlan,
	Page,
	Pool,
	Series,
	ServerInfo,
	SwitchPlan,
	Version,
} from "./types";

const text = encodeURIComponent;
const models = (kind: string) => `/api/models/${text(kind)}`;
const versionPath = (name: string) => name.split("/").map(text).join("/");

export const getServer = (signal: AbortSignal) => request<ServerInfo>("/api/server", { signal });

export const getKinds = (signal: AbortSignal) =>
	request<{ items: KindSummary[] }>("/api/models/", { signal }).then((page) => page.items);

export const getKind = (
	kind: string,
	query: { limit?: number; before?: Page<unknown>["next"]; q?: string },
	signal: AbortSignal,
) => request<Kind>(models(kind), { query, signal });

export const getVersion = (kind: string, name: string, signal: AbortSignal) =>
	request<Version>(`${models(kind)}/versions/${versionPath(name)}`, { signal });

export const getHistory = (
	kind: string,
	query: { limit?: number; before?: Page<unknown>["next"] },
	signal: AbortSignal,
) => request<Page<Activation>>(`${models(kind)}/history`, { query, signal });

export interface Registration {
	reference: string;
	version_id: string;
	model_id?: string;
	inference_config?: Record<string, unknown>;
}

export const checkRegistration = (kind: string, body: Registration) =>
	request<{ checks: SwitchPlan["checks"] }>(`${models(kind)}/register`, {
		method: "POST",
		body: { ...body, dry_run: true },
	});

export const register = (kind: string, body: Registration) =>
	request<Job>(`${models(kind)}/register`, { method: "POST", body });

export interface Switch {
	expected_generation?: number;
	reason?: string;
	allow_different_vectors?: boolean;
}

export const planSwitch = (kind: string, version: string, signal: AbortSignal) =>
	request<SwitchPlan>(`${models(kind)}/switch/${versionPath(version)}`, {
		method: "POST",
		body: { dry_run: true },
		signal,
	});

export const switchVersion = (kind: string, version: string, body: Switch, id = requestId()) =>
	request<Job>(`${models(kind)}/switch/${versionPath(version)}`, {
		method: "POST",
		body,
		headers: { "idempotency-key": id },
	});

export const rollback = (kind: string, body: Switch, id = requestId()) =>
	request<Job>(`${models(kind)}/rollback`, {
		method: "POST",
		body,
		headers: { "idempotency-key": id },
	});

export const getRuns = (
	kind: string,
	query: { version?: string; limit?: number; before?: Page<unknown>["next"]; dataset?: string },
	signal: AbortSignal,
) => request<Page<BenchmarkRun>>(`/api/models/performance/${text(kind)}`, { query, signal });

/** At most 300 points of one metric, from the oldest to the newest. */
export const getSeries = (
	kind: string,
	query: { version: string; metric: string; dataset: string },
	signal: AbortSignal,
) =>
	request<Series>(`/api/models/performance/${text(kind)}`, {
		query: { ...query, points: 300 },
		signal,
	});

export const runBenchmark = (
	kind: string,
	body: { versions: string[]; datasets?: string[]; test_run_id?: string },
) => request<Job>(`${models(kind)}/benchmark`, { method: "POST", body });

export const getComparison = (kind: string, versions: string[], signal: AbortSignal) =>
	request<Comparison>(`${models(kind)}/compare`, {
		query: { versions: versions.join(","), format: "json" },
		signal,
	});

export const getComparisonFile = async (kind: string, versions: string[], format: string) => {
	const query = { versions: versions.join(","), format };
	return (await send(`${models(kind)}/compare`, { query, headers: { accept: "*/*" } })).blob();
};

export interface Dataset {
	name: string;
	description?: string;
	types?: string[];
}

export const getDatasets = (signal: AbortSignal) =>
	request<{ items: Dataset[] }>("/api/benchmarks/datasets", { signal }).then((page) => page.items);

export const getPool = (signal: AbortSignal) => request<Pool>("/api/pool", { signal });

export type PoolAction = "load" | "unload" | "pin" | "unpin";

export const actOnPool = (name: string, action: PoolAction) =>
	request<Job | Record<string, unknown>>(`/api/pool/${text(name)}/${action}`, {
		method: "POST",
		body: {},
	});

export const planLoad = (name: string) =>
	request<MemoryPlan>(`/api/pool/${text(name)}/plan`, { method: "POST", body: {} });

export const reload = () => request<Record<string, unknown>>("/api/reload", { method: "POST" });

export const getJobs = (signal: AbortSignal) =>
	request<Page<Job>>("/api/jobs", { signal }).then((page) => page.items);

export const getJob = (id: string, signal: AbortSignal) =>
	request<Job>(`/api/jobs/${text(id)}`, { signal });

export interface CatalogueQuery {
	q?: string;
	type?: string;
	language?: string;
	license?: string;
	max_dim?: string;
	limit: number;
	offset: number;
}

export const getCatalogue = (query: CatalogueQuery, signal: AbortSignal) =>
	request<{ items: CatalogueSummary[]; total: number }>("/api/catalogue", {
		query: { ...query },
		signal,
	});

export const getRecord = (id: string, signal: AbortSignal) =>
	request<Record<string, unknown>>(`/api/catalogue/${text(id)}`, { signal });

export const getKeys = (signal: AbortSignal) =>
	request<Page<ApiKey>>("/api/keys", { signal }).then((page) => page.items);

export const createKey = (body: { name: string; scopes: string[]; expires_at?: string }) =>
	request<ApiKey & { key: string }>("/api/keys", { method: "POST", body });

export const revokeKey = (id: ApiKey["id"]) =>
	request<void>(`/api/keys/${text(String(id))}`, { method: "DELETE" });

export const comparisonAddress = (kind: string, versions: readonly string[]) =>
	address("/compare", { kind, versions: versions.join(",") });

export type { Check };
