import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ProblemError } from "../src/api/client";
import { mergeSeries } from "../src/charts/HistoryChart";
import { DeltaTable } from "../src/models/DeltaTable";
import { ModelList } from "../src/models/ModelList";
import { errorsOf, errorsOfChecks, ModelRegistration, read } from "../src/models/ModelRegistration";
import { ModelSwitcher } from "../src/models/ModelSwitcher";
import { isQuality, metricName } from "../src/models/metrics";
import { RollbackButton } from "../src/models/RollbackButton";
import { metricsOf } from "../src/models/useModelPerformance";
import { sortVersions } from "../src/models/useModelVersions";
import { Fingerprint } from "../src/ui/Fingerprint";
import { activation, comparison, job, plan, version } from "./examples";
import { problem, serve, show } from "./render";

const SWITCH = "POST /api/models/text_embedding/switch/minilm%2Fv2";
const MIB = 1024 * 1024;

function openSwitcher(onStart = vi.fn()) {
	show(
		<ModelSwitcher
			kind="text_embedding"
			version="minilm/v2"
			active={activation(version("minilm/v1"))}
			jobId={undefined}
			onStart={onStart}
			onClose={vi.fn()}
		/>,
	);
	return onStart;
}

const switchButton = () => screen.getByRole<HTMLButtonElement>("button", { name: "Switch" });

test("a switch shows its plan, and sends the generation that it was planned for", async () => {
	const calls = serve({
		[SWITCH]: ({ body }: { body: { dry_run?: boolean } }) =>
			body.dry_run ? plan({ comparison: comparison() }) : job(),
	});
	const onStart = openSwitcher();
	await screen.findByText("Fits now. It needs 90.0 MiB; 900 MiB are free.");
	expect(screen.getByText(/−2.1 ms \(−40 %\), better/)).toBeTruthy();
	fireEvent.change(screen.getByLabelText("Reason"), { target: { value: " faster " } });
	fireEvent.click(switchButton());
	await waitFor(() => expect(onStart).toHaveBeenCalledWith("j1"));
	expect(calls.at(-1)?.body).toEqual({
		expected_generation: 3,
		reason: "faster",
		allow_different_vectors: false,
	});
});

test("other vectors need the name of the version, typed", async () => {
	const calls = serve({
		[SWITCH]: ({ body }: { body: { dry_run?: boolean } }) =>
			body.dry_run ? plan({ different_vectors: true }) : job(),
	});
	openSwitcher();
	const field = await screen.findByLabelText("Type minilm/v2 to confirm");
	expect(switchButton().disabled).toBe(true);
	fireEvent.change(field, { target: { value: "minilm/v1" } });
	expect(switchButton().disabled).toBe(true);
	expect(screen.getByText("This is not minilm/v2.")).toBeTruthy();
	fireEvent.change(field, { target: { value: "minilm/v2" } });
	fireEvent.click(switchButton());
	await waitFor(() => expect(calls.at(-1)?.body).toMatchObject({ allow_different_vectors: true }));
});

test.each([
	["a failed check", { checks: [{ name: "digests", outcome: "failed", message: "differs" }] }],
	["no memory", { memory: { fits: "never", need_bytes: MIB, free_bytes: 0, would_unload: [] } }],
])("%s does not let the switch begin", async (_name, more) => {
	serve({ [SWITCH]: plan(more as Parameters<typeof plan>[0]) });
	openSwitcher();
	await screen.findByText("Checks");
	expect(switchButton().disabled).toBe(true);
});

test("a stale generation is told, and the plan is made again", async () => {
	const calls = serve({
		[SWITCH]: ({ body }: { body: { dry_run?: boolean } }) =>
			body.dry_run ? plan() : problem(409, "bob has switched to generation 4"),
	});
	openSwitcher();
	await screen.findByText("Checks");
	fireEvent.click(switchButton());
	await screen.findByText("bob has switched to generation 4");
	const plans = () =>
		calls.filter(({ body }) => (body as { dry_run?: boolean } | undefined)?.dry_run).length;
	await waitFor(() => expect(plans()).toBe(2));
});

test("a switch that failed says why", async () => {
	const failed = job({
		state: "failed",
		steps: [{ name: "load", state: "failed", message: "the digest differs", at: "" }],
		problem: {
			type: "",
			title: "Failed Dependency",
			status: 424,
			detail: "model.safetensors differs from its digest",
			code: "load_failed",
		},
	});
	serve({ "GET /api/jobs/j1": failed });
	show(
		<ModelSwitcher
			kind="text_embedding"
			version="minilm/v2"
			active={null}
			jobId="j1"
			onStart={vi.fn()}
			onClose={vi.fn()}
		/>,
	);
	await screen.findByText("model.safetensors differs from its digest");
	expect(
		screen.getByText("What was active before is still active. No request was lost."),
	).toBeTruthy();
});

test("one click rolls back if the vectors stay the same", async () => {
	const calls = serve({ "POST /api/models/text_embedding/rollback": job({ type: "rollback" }) });
	show(
		<RollbackButton
			active={activation(version("minilm/v2"))}
			target={activation(version("minilm/v1"), { generation: 2 })}
		/>,
	);
	fireEvent.click(screen.getByRole("button", { name: "Roll back" }));
	const sent = () => calls.find(({ path }) => path === "/api/models/text_embedding/rollback");
	await waitFor(() => expect(sent()).toBeDefined());
	expect(sent()?.body).toMatchObject({
		expected_generation: 3,
		allow_different_vectors: false,
	});
});

test("a rollback to other vectors asks for the name", () => {
	const calls = serve({});
	const other = version("minilm/v1", { fingerprint: "ef".repeat(32) });
	show(<RollbackButton active={activation(version("minilm/v2"))} target={activation(other)} />);
	fireEvent.click(screen.getByRole("button", { name: "Roll back" }));
	expect(screen.getByLabelText("Type minilm/v1 to confirm")).toBeTruthy();
	expect(calls.filter(({ method }) => method === "POST")).toEqual([]);
});

test("a registration is checked first and saved then", async () => {
	const calls = serve({
		"GET /api/models/": { items: [] },
		"POST /api/models/text_embedding/register": ({ body }: { body: { dry_run?: boolean } }) =>
			body.dry_run ? { checks: plan().checks } : job({ type: "register", state: "succeeded" }),
		"GET /api/jobs/j1": job({ type: "register", state: "succeeded" }),
	});
	show(<ModelRegistration />);
	const type = (label: string, value: string) =>
		fireEvent.change(screen.getByLabelText(label), { target: { value } });
	type("Kind", "text_embedding");
	type("Reference", "local:artifacts/minilm");
	type("Version", "v2");
	fireEvent.click(screen.getByRole("button", { name: "Check" }));
	await screen.findByText("It can be registered");
	fireEvent.click(screen.getByRole("button", { name: "Register" }));
	await screen.findByText("To its kind");
	const bodies = calls.filter(({ method }) => method === "POST").map(({ body }) => body);
	expect(bodies).toEqual([
		{ reference: "local:artifacts/minilm", version_id: "v2", dry_run: true },
		{ reference: "local:artifacts/minilm", version_id: "v2" },
	]);
});

test("what is wrong stands at its field", async () => {
	serve({
		"GET /api/models/": { items: [] },
		"POST /api/models/text_embedding/register": problem(422, "the request is not valid", {
			errors: [{ field: "body.version_id", message: "the model has a version v2" }],
		}),
	});
	show(<ModelRegistration />);
	fireEvent.click(screen.getByRole("button", { name: "Check" }));
	expect(screen.getAllByText("This is needed.")).toHaveLength(3);
	const type = (label: string, value: string) =>
		fireEvent.change(screen.getByLabelText(label), { target: { value } });
	type("Kind", "text_embedding");
	type("Reference", "local:x");
	type("Version", "v2");
	fireEvent.click(screen.getByRole("button", { name: "Check" }));
	const field = screen.getByLabelText("Version");
	await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"));
	const id = field.getAttribute("aria-describedby")?.split(" ").at(-1) ?? "";
	expect(document.getElementById(id)?.textContent).toBe("the model has a version v2");
});

test("a refusal or a failed check that names a field stands at it", () => {
	const refusal = {
		type: "",
		title: "",
		status: 422,
		code: "",
		detail: "version_id is 'v 2'; expected",
	};
	expect(errorsOf(new ProblemError(refusal))).toEqual({
		version_id: "version_id is 'v 2'; expected",
	});
	const failed = { name: "reference", outcome: "failed", message: "there is no folder" } as const;
	const passed = { name: "kind", outcome: "passed", message: "" } as const;
	expect(errorsOfChecks([failed, passed])).toEqual({ reference: "there is no folder" });
});

test("options are a JSON object", () => {
	const draft = { kind: "k", reference: "r", model_id: "", version_id: "v", inference_config: "" };
	expect(read({ ...draft, inference_config: "[1]" })[1]).toHaveProperty("inference_config");
	expect(read({ ...draft, inference_config: "{" })[1]).toHaveProperty("inference_config");
	expect(read({ ...draft, inference_config: '{"dim": 64}' })[0]?.inference_config).toEqual({
		dim: 64,
	});
});

test("the list of models is filtered by the address", async () => {
	const of = (kind: string, type: string) => ({
		kind,
		type,
		active: null,
		n_versions: 1,
		since: null,
	});
	serve({
		"GET /api/models/": {
			items: [of("kind_10", "dense"), of("kind_9", "dense"), of("sentiment", "classifier")],
		},
	});
	history.replaceState(null, "", "/models?type=dense");
	show(<ModelList />);
	await screen.findByText("2 kinds of 3");
	const names = screen.getAllByRole("heading", { level: 3 }).map((heading) => heading.textContent);
	expect(names).toEqual(["Kind 9", "Kind 10"]);
	fireEvent.change(screen.getByLabelText("Search"), { target: { value: "kind_9" } });
	expect(location.search).toBe("?type=dense&q=kind_9");
	expect(screen.getAllByRole("heading", { level: 3 })).toHaveLength(1);
});

test("no difference is shown where the environments differ", () => {
	const given = comparison();
	const metric = {
		...given.metrics[0],
		differences: [null, null],
		apart: "the environments differ: cpu",
	};
	show(<DeltaTable comparison={{ ...given, metrics: [metric as (typeof given.metrics)[0]] }} />);
	const table = within(screen.getByRole("table"));
	expect(table.getByText("not compared: the environments differ: cpu")).toBeTruthy();
	expect(table.queryByText(/better/)).toBeNull();
	expect(table.getByText("3.1 ms")).toBeTruthy();
});

test("versions are sorted as people count", () => {
	const versions = ["m/v10", "m/v9", "m/v1"].map((name) => version(name));
	const names = (sort: string) => sortVersions(versions, sort).map(({ version_id }) => version_id);
	expect(names("name")).toEqual(["v1", "v9", "v10"]);
	expect(names("-name")).toEqual(["v10", "v9", "v1"]);
	expect(names("")).toEqual(["v10", "v9", "v1"]);
});

test("equal fingerprints have equal pictures, others have not", () => {
	const drawn = (value: string) => {
		const { container, unmount } = show(<Fingerprint value={value} />);
		const bars = [...container.querySelectorAll("rect")].map((bar) => bar.outerHTML).join();
		unmount();
		return bars;
	};
	expect(drawn("ab".repeat(32))).toBe(drawn("ab".repeat(32)));
	expect(drawn("ab".repeat(32))).not.toBe(drawn("cd".repeat(32)));
});

test("metrics have names, and are told apart by their data", () => {
	expect(metricName("latency_p95")).toBe("Latency, 95th percentile");
	expect(metricName("recall@10")).toBe("Recall@10");
	expect(isQuality("ndcg@10")).toBe(true);
	expect(isQuality("latency_p50")).toBe(false);
	const measurements = comparison().metrics[0]?.values.slice(0, 1) ?? [];
	const run = { measurements, dataset: "a" } as never;
	const other = { measurements, dataset: "b" } as never;
	expect(metricsOf([run, run, other]).map(({ dataset }) => dataset)).toEqual(["a", "b"]);
});

test("series of several versions share their moments", () => {
	const rows = mergeSeries([
		{ name: "v2", points: [["2026-11-02T00:00:00Z", 2]] },
		{
			name: "v1",
			points: [
				["2026-11-01T00:00:00Z", 1],
				["2026-11-02T00:00:00Z", 3],
			],
		},
	]);
	expect(rows.map(({ values }) => values)).toEqual([{ v1: 1 }, { v2: 2, v1: 3 }]);
});
