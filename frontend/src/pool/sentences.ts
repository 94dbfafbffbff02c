/** What happened in the pool, in words. */

import type { PoolEvent } from "../api/types";
import { bytes, duration } from "../format";

export type Tone = "ok" | "warn" | "bad" | "plain";

interface Sentence {
	/** What happened. */
	text: string;
	/** Why; empty if nothing says so. */
	reason: string;
	tone: Tone;
}

type Values = PoolEvent["values"];
const text = (values: Values, name: string) => {
	const value = values[name];
	return value === undefined || value === null ? "" : String(value);
};
const size = (values: Values, name: string) => {
	const value = values[name];
	return typeof value === "number" ? bytes(value) : "";
};
const seconds = (values: Values, name: string) => {
	const value = values[name];
	return typeof value === "number" ? duration(value) : "";
};
const list = (values: Values, name: string): string => {
	const value = values[name];
	return Array.isArray(value) ? value.join(", ") : "";
};

const SENTENCES: Record<string, (values: Values) => [string, string, Tone]> = {
	load_started: (v) => ["is being loaded", text(v, "reference"), "plain"],
	loaded: (v) => {
		const held = v.memory_bytes ? `, ${size(v, "memory_bytes")}` : "";
		return [`was loaded in ${seconds(v, "seconds")}${held}`, "", "ok"];
	},
	load_failed: (v) => ["could not be loaded", text(v, "reason"), "bad"],
	unloaded: (v) => {
		const held = size(v, "memory_bytes");
		return [held ? `was unloaded; it held ${held}` : "was unloaded", text(v, "reason"), "plain"];
	},
	evicted: (v) => [
		`was evicted to make room for ${text(v, "by") || "another model"}`,
		`${text(v, "by")} needs ${size(v, "needed_bytes")} (${text(v, "because")}); ` +
			`${size(v, "held_bytes")} of ${size(v, "budget_bytes")} were taken`,
		"warn",
	],
	memory_not_returned: (v) => [
		`gave back ${size(v, "returned_bytes")} of ${size(v, "expected_bytes")}`,
		`${size(v, "missing_bytes")} are missing and count as taken`,
		"warn",
	],
	swapped: (v) => [
		`serves version ${text(v, "new")} instead of ${text(v, "old")}`,
		text(v, "reason"),
		"ok",
	],
	swap_failed: (v) => ["kept its version: the swap failed", text(v, "reason"), "bad"],
	restored: (v) => ["went back to what served before", text(v, "reference"), "warn"],
	different_vectors: () => ["makes other vectors than before", "its index must be rebuilt", "warn"],
	fallback: (v) => [`was answered by ${text(v, "answered")}`, text(v, "reason"), "warn"],
	breaker_opened: (v) => [
		"gets no calls for now",
		`too many failed; the next try is in ${seconds(v, "seconds") || "a while"}`,
		"bad",
	],
	breaker_closed: () => ["gets calls again", "", "ok"],
	sick: () => ["returned NaN too often and serves no more", "", "bad"],
	member_dropped: (v) => [
		`answered without its member ${text(v, "member")}`,
		text(v, "reason"),
		"warn",
	],
	deployment_applied: (v) => {
		const parts = ["added", "removed", "swapped", "changed"].flatMap((what) => {
			const names = list(v, what);
			return names ? [`${what} ${names}`] : [];
		});
		return ["The deployment was applied", parts.join("; ") || "nothing changed", "ok"];
	},
	deployment_failed: (v) => [
		"The deployment was refused; the one before serves",
		text(v, "reason"),
		"bad",
	],
	pool_closed: () => ["The pool was closed", "", "plain"],
};

export function sentence(event: PoolEvent): Sentence {
	const known = SENTENCES[event.kind];
	if (known) {
		const [what, reason, tone] = known(event.values);
		return { text: what, reason, tone };
	}
	return {
		text: event.kind.replaceAll("_", " "),
		reason: text(event.values, "reason"),
		tone: "plain",
	};
}
