import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { isShown } from "../src/jobs/JobDock";
import { BudgetBar } from "../src/pool/BudgetBar";
import { PoolTable } from "../src/pool/PoolTable";
import { sentence } from "../src/pool/sentences";
import { VirtualTable } from "../src/ui/VirtualTable";
import { merge } from "../src/views/Activity";
import { alarmsOf } from "../src/views/alarms";
import { policyText } from "../src/views/PoolView";
import { AT, activation, device, job, pool, variant, version } from "./examples";
import { serve, show } from "./render";

const MIB = 1024 * 1024;

test("the budget is shared by who is loaded, and what was not given back is shown", () => {
	const models = [variant("search"), variant("rerank", { memory_bytes: 0, state: "cold" })];
	const shown = device({ held_bytes: 90 * MIB, unreturned_bytes: 30 * MIB });
	const { container } = show(<BudgetBar device={shown} models={models} />);
	expect(screen.getByRole("heading").textContent).toBe("cpu: 120 MiB of 1000 MiB");
	const widths = [...container.querySelectorAll<HTMLElement>(".bar > span")].map(
		(part) => part.style.width,
	);
	expect(widths).toEqual(["9%", "3%"]);
	expect(screen.getByText("Not given back by what was unloaded")).toBeTruthy();
	expect(screen.queryByText("rerank")).toBeNull();
});

test("a model that is loaded can be unloaded, one that is not can be planned and loaded", async () => {
	const calls = serve({
		"POST /api/pool/search/unload": {},
		"POST /api/pool/rerank/plan": {
			fits: "after_unloading",
			need_bytes: 90 * MIB,
			free_bytes: 10 * MIB,
			would_unload: ["search"],
		},
		"POST /api/pool/rerank/load": { id: "j1" },
	});
	show(
		<PoolTable
			models={[variant("search"), variant("rerank", { state: "cold", memory_bytes: 0 })]}
		/>,
	);
	fireEvent.click(screen.getByRole("button", { name: "Unload search" }));
	await waitFor(() => expect(calls.map(({ path }) => path)).toContain("/api/pool/search/unload"));
	fireEvent.click(screen.getByRole("button", { name: /Plan rerank/ }));
	await screen.findByText(/Fits after unloading/);
	fireEvent.click(screen.getByRole("button", { name: "Load" }));
	await waitFor(() => expect(calls.map(({ path }) => path)).toContain("/api/pool/rerank/load"));
});

test("a load that failed says why in the table", () => {
	show(
		<PoolTable models={[variant("search", { state: "cold", last_error: "the digest differs" })]} />,
	);
	expect(screen.getByText("the digest differs")).toBeTruthy();
});

test("an eviction is a sentence with its reason", () => {
	const event = {
		number: 1,
		at: AT,
		kind: "evicted",
		name: "search",
		values: {
			by: "rerank",
			because: "measured size",
			needed_bytes: 90 * MIB,
			held_bytes: 950 * MIB,
			budget_bytes: 1000 * MIB,
		},
	};
	expect(sentence(event)).toEqual({
		text: "was evicted to make room for rerank",
		reason: "rerank needs 90.0 MiB (measured size); 950 MiB of 1000 MiB were taken",
		tone: "warn",
	});
	expect(sentence({ ...event, kind: "newer_kind", values: { reason: "so" } })).toEqual({
		text: "newer kind",
		reason: "so",
		tone: "plain",
	});
});

test("alarms name what is broken, and nothing else", () => {
	expect(alarmsOf(pool(), undefined, [])).toEqual([]);
	const database = { kind: "sqlite", ok: false, problem: "disk full", last_contact_at: null };
	const server = { database } as never;
	const broken = pool({
		models: [variant("search", { breaker: "open" }), variant("rerank", { last_error: "no file" })],
		devices: [device({ loading: "big", loading_for_s: 900 })],
		events: [
			{ number: 1, at: AT, kind: "deployment_applied", name: "", values: {} },
			{ number: 2, at: AT, kind: "deployment_failed", name: "", values: { reason: "line 3" } },
		],
	});
	const failed = job({ state: "failed", finished_at: AT });
	const found = alarmsOf(broken, server, [failed], Date.parse(AT) + 1000);
	expect(found.map(({ text }) => text)).toEqual([
		"The database does not answer",
		"search gets no calls",
		"rerank could not be loaded",
		"big has been loading for 15 min",
		"The last deployment was refused",
		"1 job failed in the last hour",
	]);
});

test("a deployment that was applied later ends its alarm", () => {
	const events = [
		{ number: 1, at: AT, kind: "deployment_failed", name: "", values: {} },
		{ number: 2, at: AT, kind: "deployment_applied", name: "", values: {} },
	];
	expect(alarmsOf(pool({ events }), undefined, [])).toEqual([]);
});

test("a job stays in the corner while it runs, and a failure longer than a success", () => {
	const now = Date.parse(AT);
	const later = new Date(now - 60_000).toISOString();
	expect(isShown(job(), now)).toBe(true);
	expect(isShown(job({ state: "succeeded", finished_at: later }), now)).toBe(false);
	expect(isShown(job({ state: "failed", finished_at: later }), now)).toBe(true);
});

test("activity of all sources is in the order of time", () => {
	const at = (minute: number) => `2026-11-27T12:0${minute}:00Z`;
	const entries = merge(
		[activation(version("m/v1"), { at: at(2) })],
		[job({ finished_at: at(3), state: "failed" })],
		[{ number: 1, at: at(1), kind: "loaded", name: "a", values: {} }],
	);
	expect(entries.map(({ what }) => what)).toEqual(["job", "activation", "event"]);
});

test("of ten thousand rows only those in sight exist", () => {
	const rows = Array.from({ length: 10_000 }, (_, index) => index);
	const columns = [{ id: "n", title: "Number", width: 100, render: (row: number) => String(row) }];
	const { container } = show(
		<VirtualTable caption="Numbers" columns={columns} rows={rows} keyOf={(row) => row} />,
	);
	expect(container.querySelectorAll("tbody tr").length).toBeLessThan(100);
	expect(screen.getByRole("table").getAttribute("aria-rowcount")).toBe("10001");
});

test("the policy is a sentence of what is set", () => {
	const memory = [{ device: "cpu", bytes: 1024 * MIB, share: null }];
	const policy = {
		memory,
		eviction: "lru",
		idle_after_s: 600,
		min_resident_s: 0,
		swap: "overlap",
	} as const;
	expect(policyText({ ...policy, memory })).toBe(
		"Policy: models may take 1.0 GiB of cpu; the one that was called longest ago leaves first; " +
			"idle models leave after 10 min; a new version is loaded beside the old one.",
	);
	const shared = {
		...policy,
		memory: [{ device: "cpu", bytes: null, share: 0.5 }],
		idle_after_s: null,
	};
	expect(policyText({ ...shared, min_resident_s: 60 })).toContain(
		"models may take 50 % of cpu; the one that was called longest ago leaves first; nobody leaves in the first 1 min;",
	);
});
