/** What somebody should look at now. */

import type { Job, Pool, ServerInfo } from "../api/types";
import { duration, plural } from "../format";

export interface Alarm {
	tone: "bad" | "warn";
	text: string;
	reason: string;
	to: string;
}

const STUCK_AFTER_S = 300;
const RECENT_MS = 60 * 60_000;

export function alarmsOf(
	pool: Pool | undefined,
	server: ServerInfo | undefined,
	jobs: readonly Job[],
	now = Date.now(),
): Alarm[] {
	const alarms: Alarm[] = [];
	const add = (tone: Alarm["tone"], text: string, reason: string, to: string) =>
		alarms.push({ tone, text, reason, to });
	const database = server?.database;
	if (database && !database.ok) {
		add(
			"bad",
			"The database does not answer",
			database.problem ?? "Switches are refused until it does.",
			"/activity",
		);
	}
	for (const model of pool?.models ?? []) {
		const { name, state, breaker, last_error } = model;
		if (state === "sick")
			add("bad", `${name} is sick`, "It returned NaN too often and serves no more.", "/pool");
		if (breaker !== "closed")
			add("bad", `${name} gets no calls`, `Its breaker is ${breaker}.`, "/pool");
		if (last_error) add("bad", `${name} could not be loaded`, last_error, "/pool");
	}
	for (const device of pool?.devices ?? []) {
		if (device.loading && (device.loading_for_s ?? 0) > STUCK_AFTER_S) {
			const since = duration(device.loading_for_s ?? 0);
			add(
				"warn",
				`${device.loading} has been loading for ${since}`,
				"Other loads of the device wait for it.",
				"/pool",
			);
		}
	}
	const last = pool?.events.findLast(
		({ kind }) => kind === "deployment_failed" || kind === "deployment_applied",
	);
	if (last?.kind === "deployment_failed") {
		add(
			"bad",
			"The last deployment was refused",
			String(last.values.reason ?? ""),
			"/pool?events=failures",
		);
	}
	const failed = jobs.filter(
		(job) =>
			job.state === "failed" && now - Date.parse(job.finished_at ?? job.created_at) < RECENT_MS,
	);
	if (failed.length) {
		const newest = failed[0];
		add(
			"warn",
			`${plural(failed.length, "job")} failed in the last hour`,
			newest?.problem?.detail ?? "",
			"/activity",
		);
	}
	return alarms;
}
