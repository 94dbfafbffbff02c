/** A server that was started without a database, or without a deployment. */

import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { sentence } from "../src/pool/sentences";
import { Benchmarks } from "../src/views/Benchmarks";
import { Catalogue } from "../src/views/Catalogue";
import { Compare } from "../src/views/Compare";
import { Keys } from "../src/views/Keys";
import { Models } from "../src/views/Models";
import { Overview } from "../src/views/Overview";
import { PoolView } from "../src/views/PoolView";
import { Register } from "../src/views/Register";
import { Try } from "../src/views/Try";
import { AT, pool } from "./examples";
import { problem, serve, show } from "./render";

const WITHOUT =
	"This server has no registry; start it with --database sqlite:///FILE or postgresql://USER@HOST/DATABASE.";
const server = (deployment: string | null) => ({
	version: "1.0",
	started_at: AT,
	address: "http://127.0.0.1:8080",
	deployment,
	database: null,
	python: "3.12.1",
	device: "cpu",
	n_threads: 2,
});
const answers = (deployment: string | null, models = pool().models) => ({
	"GET /api/server": server(deployment),
	"GET /api/pool": pool({ models }),
	"GET /api/jobs": { items: [] },
});

test.each([
	["Overview", Overview],
	["Models", Models],
	["Register", Register],
	["Compare", Compare],
	["Benchmarks", Benchmarks],
	["Keys", Keys],
])("%s notes that there is no registry, and asks nothing of one", async (_, View) => {
	const calls = serve(answers("deployment.yaml"));
	show(<View />);
	const note = await screen.findByText(WITHOUT);
	expect(note.className).toBe("note");
	expect(screen.queryByRole("alert")).toBeNull();
	expect(calls.filter(({ path }) => /models|keys|benchmarks/.test(path))).toEqual([]);
});

test("a database that is away stays an alarm", async () => {
	const away = () => problem(503, "has not answered yet", { code: "unavailable" });
	const database = {
		kind: "sqlite",
		location: "x.db",
		ok: false,
		problem: "",
		last_contact_at: null,
	};
	serve({
		...answers("deployment.yaml"),
		"GET /api/server": { ...server("deployment.yaml"), database },
		"GET /api/models/": away,
	});
	show(<Models />);
	expect((await screen.findByRole("alert")).textContent).toContain("has not answered yet");
});

test.each([
	["Overview", Overview],
	["Pool", PoolView],
])("%s says how to deploy a first model", async (_, View) => {
	serve(answers(null, []));
	show(<View />);
	expect(await screen.findByText("holotype serve deployment.yaml")).toBeTruthy();
	expect(screen.queryByText("all that are deployed")).toBeNull();
});

test("a server with a deployment of no models names its place", async () => {
	serve(answers("/etc/models.yaml", []));
	show(<Overview />);
	expect(await screen.findByText("/etc/models.yaml")).toBeTruthy();
	expect(screen.getByText("none is deployed")).toBeTruthy();
});

test("a deployment can be applied again where there is one, and its failures are shown", async () => {
	const calls = serve({
		...answers("deployment.yaml"),
		"POST /api/reload": {
			added: ["pages"],
			removed: [],
			swapped: [],
			changed: [],
			failed: { search: "there is no folder '/gone'" },
			missing: { pages: "there is no folder '/pages'" },
		},
	});
	show(<PoolView />);
	await screen.findByRole("heading", { name: "What happened" });
	fireEvent.click(screen.getByRole("button", { name: "Apply the deployment again" }));
	const alert = await screen.findByRole("alert");
	expect(alert.textContent).toContain("search was not changed: there is no folder '/gone'");
	expect(alert.textContent).toContain("pages cannot be loaded: there is no folder '/pages'");
	expect(calls.filter(({ path }) => path === "/api/reload")).toHaveLength(1);
});

test("a deployment that is not there cannot be applied again", async () => {
	serve(answers(null));
	show(<PoolView />);
	const button = screen.getByRole("button", { name: "Apply the deployment again" });
	await waitFor(() => expect((button as HTMLButtonElement).disabled).toBe(true));
	expect(button.title).toBe("The server was started without a deployment");
});

test("a deployment that was applied says what it changed, and nothing else", () => {
	const event = { number: 1, at: AT, kind: "deployment_applied", name: "" };
	const changes = { added: [], removed: ["old"], swapped: [], changed: ["a", "b"] };
	expect(sentence({ ...event, values: changes }).reason).toBe("removed old; changed a, b");
	expect(sentence({ ...event, values: {} }).reason).toBe("nothing changed");
});

test("models of pictures are among the types of the catalogue", async () => {
	const calls = serve({ "GET /api/catalogue": { items: [], total: 0 } });
	show(<Catalogue />);
	const types = screen.getByLabelText("Type") as HTMLSelectElement;
	expect([...types.options].map((one) => one.text)).toEqual([
		"All types",
		"text embedding",
		"ColBERT",
		"sparse",
		"reranking",
		"classification",
		"image embedding",
		"captioning",
	]);
	fireEvent.change(types, { target: { value: "captioner" } });
	await waitFor(() => expect(calls.map(({ path }) => path).join(" ")).toContain("type=captioner"));
});

test("a name that cannot do a task is not offered for it", async () => {
	const models = [
		{ id: "bge", kind: "dense" },
		{ id: "rank", kind: "cross-encoder" },
	];
	serve({ "GET /v1/models": { object: "list", data: models } });
	show(<Try />);
	const field = (await screen.findByLabelText("Name")) as HTMLSelectElement;
	const offered = () => [...field.options].map((one) => one.text);
	await waitFor(() => expect(offered()).toEqual(["bge"]));
	fireEvent.click(screen.getByRole("button", { name: "Rerank" }));
	await waitFor(() => expect(offered()).toEqual(["rank"]));
	fireEvent.click(screen.getByRole("button", { name: "Classify" }));
	expect(await screen.findByText("The deployment has no model for this")).toBeTruthy();
	expect((screen.getByRole("button", { name: "Ask" }) as HTMLButtonElement).disabled).toBe(true);
});
