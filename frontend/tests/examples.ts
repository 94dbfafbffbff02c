/** What a server could answer. */

import type {
	Activation,
	Comparison,
	DeviceStatus,
	Job,
	Pool,
	SwitchPlan,
	VariantStatus,
	Version,
} from "../src/api/types";

export const AT = "2026-11-27T12:00:00Z";
const MIB = 1024 * 1024;

export function version(name: string, more: Partial<Version> = {}): Version {
	const [model_id = "", version_id = ""] = name.split("/");
	return {
		id: Number(/\d+/.exec(version_id)?.[0] ?? 1),
		kind: "text_embedding",
		type: "dense",
		model_id,
		version_id,
		name,
		reference: `local:artifacts/${model_id}`,
		source_repo: `acme/${model_id}`,
		checkpoint_hash: "ab".repeat(32),
		fingerprint: "cd".repeat(32),
		embedding_dim: 384,
		inference_config: {},
		created_at: AT,
		created_by: "alice",
		active: false,
		last_check: null,
		catalogue_id: null,
		...more,
	};
}

export function activation(to: Version, more: Partial<Activation> = {}): Activation {
	return {
		kind: to.kind,
		generation: 3,
		version: to,
		action: "activate",
		returns_to: 2,
		new_vector_space: false,
		actor: "alice",
		reason: "",
		request_id: "r1",
		at: AT,
		...more,
	};
}

export function plan(more: Partial<SwitchPlan> = {}): SwitchPlan {
	return {
		kind: "text_embedding",
		from: version("minilm/v1"),
		to: version("minilm/v2"),
		checks: [{ name: "digests", outcome: "passed", message: "6 files" }],
		memory: { fits: "now", need_bytes: 90 * MIB, free_bytes: 900 * MIB, would_unload: [] },
		different_vectors: false,
		comparison: null,
		serving: ["search"],
		...more,
	};
}

export function job(more: Partial<Job> = {}): Job {
	return {
		id: "j1",
		type: "switch",
		state: "running",
		kind: "text_embedding",
		subject: "minilm/v2",
		actor: "alice",
		request_id: "r1",
		created_at: AT,
		started_at: AT,
		finished_at: null,
		steps: [],
		result: null,
		problem: null,
		progress: null,
		...more,
	};
}

export function variant(name: string, more: Partial<VariantStatus> = {}): VariantStatus {
	return {
		name,
		variant: "default",
		copy: 1,
		weight: 1,
		state: "ready",
		reference: `local:artifacts/${name}`,
		version: { reference: "", number: 1, fingerprint: null, device: "cpu", kind: "dense" },
		memory_bytes: 90 * MIB,
		n_leases: 0,
		n_draining: 0,
		pinned: false,
		breaker: "closed",
		loaded_for_s: 60,
		idle_for_s: 5,
		last_error: null,
		...more,
	};
}

export function device(more: Partial<DeviceStatus> = {}): DeviceStatus {
	return {
		name: "cpu",
		total_bytes: 4096 * MIB,
		budget_bytes: 1000 * MIB,
		held_bytes: 90 * MIB,
		unreturned_bytes: 0,
		available_bytes: 2000 * MIB,
		free_bytes: 910 * MIB,
		loading: null,
		loading_for_s: null,
		...more,
	};
}

export function pool(more: Partial<Pool> = {}): Pool {
	return {
		models: [variant("search")],
		ensembles: [],
		devices: [device()],
		events: [],
		policy: { memory: [], eviction: "lru", idle_after_s: null, min_resident_s: 0, swap: "overlap" },
		...more,
	};
}

export function comparison(): Comparison {
	const measurement = (value: number, low: number, high: number) => ({
		name: "latency_p50",
		unit: "ms",
		value,
		n_samples: 40,
		interval: [low, high] as [number, number],
		higher_is_better: false,
		notes: "",
	});
	return {
		versions: [version("minilm/v1"), version("minilm/v2")],
		metrics: [
			{
				dataset: "speed on everyday-en",
				name: "latency_p50",
				unit: "ms",
				higher_is_better: false,
				values: [measurement(5.2, 5, 5.4), measurement(3.1, 3, 3.3)],
				differences: [
					null,
					{ difference: -2.1, relative: -0.404, interval: [-2.4, -1.8], verdict: "better" },
				],
				apart: "",
			},
		],
	};
}
