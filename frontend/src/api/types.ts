/** The shapes of the server's answers. */

export type Outcome = "passed" | "failed" | "skipped";

export interface Check {
	outcome: "passed" | "failed";
	at: string;
	problems: { check: string; message: string }[];
	facts: Record<string, unknown>;
}

export interface Version {
	id: number;
	kind: string;
	type: string;
	model_id: string;
	version_id: string;
	name: string;
	reference: string;
	source_repo: string;
	checkpoint_hash: string;
	fingerprint: string | null;
	embedding_dim: number | null;
	inference_config: Record<string, unknown>;
	created_at: string;
	created_by: string;
	active: boolean;
	last_check: Check | null;
	catalogue_id: string | null;
}

export interface Activation {
	kind: string;
	generation: number;
	version: Version;
	action: "activate" | "rollback";
	returns_to: number | null;
	new_vector_space: boolean;
	actor: string;
	reason: string;
	request_id: string;
	at: string;
}

export interface Problem {
	type: string;
	title: string;
	status: number;
	detail: string;
	code: string;
	suggestions?: string[];
	request_id?: string | null;
	errors?: { field: string; message: string }[];
}

export interface Job {
	id: string;
	type: "switch" | "rollback" | "register" | "benchmark" | "load";
	state: "queued" | "running" | "succeeded" | "failed";
	kind: string | null;
	subject: string;
	created_at: string;
	started_at: string | null;
	finished_at: string | null;
	steps: { name: string; state: string; message: string; at: string }[];
	result: Record<string, unknown> | null;
	problem: Problem | null;
	progress: number | null;
}

export interface Page<T> {
	items: T[];
	next: number | string | null;
}

export interface KindSummary {
	kind: string;
	type: string;
	active: Activation | null;
	n_versions: number;
	since: string | null;
}

export interface Kind extends Page<Version> {
	kind: string;
	type: string;
	active: Activation | null;
}

export interface Measurement {
	name: string;
	unit: string;
	value: number;
	n_samples: number;
	interval: [number, number] | null;
	higher_is_better: boolean | null;
	notes: string;
}

export interface BenchmarkRun {
	id: number;
	test_run_id: string;
	version: Version;
	dataset: string;
	dataset_digest: string;
	environment: Record<string, unknown>;
	recorded_at: string;
	measurements: Measurement[];
}

export interface Series {
	metric: string;
	unit: string;
	points: [string, number, number | null, number | null][];
}

export interface Difference {
	difference: number;
	relative: number | null;
	interval: [number, number] | null;
	verdict: "better" | "worse" | "unclear" | null;
}

export interface ComparedMetric {
	dataset: string;
	name: string;
	unit: string;
	higher_is_better: boolean | null;
	values: (Measurement | null)[];
	differences: (Difference | null)[];
	apart: string;
}

export interface Comparison {
	versions: Version[];
	metrics: ComparedMetric[];
}

export interface MemoryPlan {
	fits: "now" | "after_unloading" | "never";
	need_bytes: number;
	free_bytes: number;
	would_unload: string[];
}

export interface SwitchPlan {
	kind: string;
	from: Version | null;
	to: Version;
	checks: { name: string; outcome: Outcome; message: string }[];
	memory: MemoryPlan | null;
	different_vectors: boolean;
	comparison: Comparison | null;
	serving: string[];
}

export interface PoolVersion {
	reference: string;
	number: number;
	fingerprint: string | null;
}

export interface VariantStatus {
	name: string;
	variant: string;
	weight: number;
	state: "cold" | "loading" | "ready" | "sick";
	reference: string;
	version: PoolVersion | null;
	memory_bytes: number;
	n_leases: number;
	n_draining: number;
	pinned: boolean;
	breaker: "closed" | "open" | "half-open";
	loaded_for_s: number | null;
	idle_for_s: number | null;
	last_error: string | null;
}

export interface DeviceStatus {
	name: string;
	total_bytes: number;
	budget_bytes: number;
	held_bytes: number;
	unreturned_bytes: number;
	available_bytes: number;
	free_bytes: number;
	loading: string | null;
	loading_for_s: number | null;
}

export interface PoolEvent {
	number: number;
	at: string;
	kind: string;
	name: string;
	values: Record<string, unknown>;
}

export interface Policy {
	memory: { device: string; bytes: number | null; share: number | null }[];
	eviction: "fewest" | "lru";
	idle_after_s: number | null;
	min_resident_s: number;
	swap: "overlap" | "replace";
}

export interface Pool {
	models: VariantStatus[];
	ensembles: string[];
	devices: DeviceStatus[];
	events: PoolEvent[];
	policy: Policy;
}

export interface CatalogueSummary {
	id: string;
	type: string;
	name: string;
	organization: string;
	license: string | null;
	parameters: number | null;
	embedding_dim: number | null;
	context_length: number | null;
}

export interface ServerInfo {
	version: string;
	started_at: string;
	address: string;
	database: {
		kind: string;
		ok: boolean;
		problem: string | null;
		last_contact_at: string | null;
	} | null;
	python: string;
	device: string;
	n_threads: number;
}

export interface ApiKey {
	id: number | string;
	name: string;
	scopes: string[];
	created_at: string;
	expires_at: string | null;
	last_used_at?: string | null;
	revoked_at?: string | null;
}
