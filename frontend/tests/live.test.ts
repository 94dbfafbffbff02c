import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { queriesOf } from "../src/live/affected";
import { readEvents, type ServerEvent, type StreamState } from "../src/live/stream";
import { listen } from "../src/live/tabs";

/** One connection of a client: what it was asked with, and what it is sent. */
class Connection {
	private controller!: ReadableStreamDefaultController<Uint8Array>;
	readonly body = new ReadableStream<Uint8Array>({
		start: (controller) => {
			this.controller = controller;
		},
	});

	constructor(readonly headers: Headers) {}

	send(text: string) {
		this.controller.enqueue(new TextEncoder().encode(text));
	}
	end() {
		this.controller.close();
	}
}

let connections: Connection[];
let answer: () => Response | Promise<Response>;
let ended: AbortController;

beforeEach(() => {
	connections = [];
	ended = new AbortController();
	answer = () => new Response(connections.at(-1)?.body);
	vi.stubGlobal("fetch", async (_path: string, init: RequestInit) => {
		const connection = new Connection(new Headers(init.headers));
		init.signal?.addEventListener("abort", () => {
			try {
				connection.end();
			} catch {
				// It has ended already.
			}
		});
		connections.push(connection);
		return answer();
	});
});
afterEach(() => ended.abort());

function start(lastEventId = "") {
	const events: ServerEvent[] = [];
	const states: StreamState["name"][] = [];
	void readEvents({
		lastEventId,
		signal: ended.signal,
		onEvent: (event) => void events.push(event),
		onState: ({ name }) => void states.push(name),
	});
	return { events, states };
}

test("events arrive with their ids, whole even if the bytes come in pieces", async () => {
	const { events } = start();
	await vi.waitFor(() => expect(connections).toHaveLength(1));
	connections[0]?.send("id: 7\nevent: po");
	connections[0]?.send('ol\ndata: {"kind": "loaded"}\n\n: ping\n\n');
	await vi.waitFor(() => expect(events).toHaveLength(1));
	expect(events[0]).toEqual({ id: "7", type: "pool", data: '{"kind": "loaded"}' });
});

test("a lost connection is made again, after the last event", async () => {
	const { events, states } = start("3");
	await vi.waitFor(() => expect(connections).toHaveLength(1));
	expect(connections[0]?.headers.get("last-event-id")).toBe("3");
	connections[0]?.send("id: 4\nevent: job\ndata: {}\n\n");
	await vi.waitFor(() => expect(events).toHaveLength(1));
	connections[0]?.end();
	await vi.waitFor(() => expect(connections).toHaveLength(2), { timeout: 3000 });
	expect(connections[1]?.headers.get("last-event-id")).toBe("4");
	expect(states).toEqual(["connecting", "live", "away", "live"]);
});

test("a server that is away is asked again at once on request", async () => {
	answer = () => Promise.reject(new TypeError("refused"));
	const { states } = start();
	await vi.waitFor(() => expect(states).toContain("away"));
	const tries = connections.length;
	window.dispatchEvent(new Event("holotype-retry"));
	await vi.waitFor(() => expect(connections.length).toBeGreaterThan(tries), { timeout: 400 });
});

test("a server that wants a key is not asked again and again", async () => {
	answer = () => new Response("", { status: 401 });
	const { states } = start();
	await vi.waitFor(() => expect(states.at(-1)).toBe("refused"));
	await new Promise((resolve) => setTimeout(resolve, 700));
	expect(connections).toHaveLength(1);
});

/** The browser's locks, for one process. */
class Locks {
	private queue: (() => Promise<void>)[] = [];
	private busy = false;

	request(_name: string, { signal }: { signal: AbortSignal }, run: () => Promise<void>) {
		return new Promise<void>((resolve, reject) => {
			signal.addEventListener("abort", () => reject(signal.reason));
			this.queue.push(async () => {
				if (!signal.aborted) await run();
				resolve();
			});
			void this.next();
		});
	}
	private async next() {
		if (this.busy) return;
		this.busy = true;
		for (let one = this.queue.shift(); one; one = this.queue.shift()) await one();
		this.busy = false;
	}
}

function openTab() {
	const events: string[] = [];
	const states: string[] = [];
	const close = listen({
		onEvent: ({ id }) => void events.push(id),
		onState: ({ name }) => void states.push(name),
		onGap: () => {},
	});
	return { events, states, close };
}

test("two tabs share one stream, and the second goes on where the first ended", async () => {
	vi.stubGlobal("navigator", { ...navigator, locks: new Locks() });
	const first = openTab();
	await vi.waitFor(() => expect(connections).toHaveLength(1));
	const second = openTab();
	connections[0]?.send("id: 1\nevent: pool\ndata: {}\n\n");
	await vi.waitFor(() => expect(first.events).toEqual(["1"]));
	await vi.waitFor(() => expect(second.events).toEqual(["1"]));
	expect(second.states.at(-1)).toBe("live");
	expect(connections).toHaveLength(1);

	first.close();
	await vi.waitFor(() => expect(connections).toHaveLength(2));
	expect(connections[1]?.headers.get("last-event-id")).toBe("1");
	connections[1]?.send("id: 2\nevent: pool\ndata: {}\n\n");
	await vi.waitFor(() => expect(second.events).toEqual(["1", "2"]));
	second.close();
});

test("a hidden tab closes its stream, and resumes it after the last event", async () => {
	vi.stubGlobal("navigator", { ...navigator, locks: new Locks() });
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
	let visibility = "visible";
	const spy = vi.spyOn(document, "visibilityState", "get");
	spy.mockImplementation(() => visibility as DocumentVisibilityState);
	const tab = openTab();
	await vi.waitFor(() => expect(connections).toHaveLength(1));
	connections[0]?.send("id: 5\nevent: pool\ndata: {}\n\n");
	await vi.waitFor(() => expect(tab.events).toEqual(["5"]));

	visibility = "hidden";
	document.dispatchEvent(new Event("visibilitychange"));
	await vi.advanceTimersByTimeAsync(5_000);
	expect(tab.states.at(-1)).toBe("paused");

	visibility = "visible";
	document.dispatchEvent(new Event("visibilitychange"));
	await vi.waitFor(() => expect(connections).toHaveLength(2));
	expect(connections[1]?.headers.get("last-event-id")).toBe("5");
	tab.close();
	spy.mockRestore();
});

test("an event says which answers are old", () => {
	const of = (type: string, data = "{}") => queriesOf({ id: "1", type, data }).map((key) => key[0]);
	expect(of("pool")).toEqual(["pool", "jobs"]);
	expect(of("activation")).toEqual(["models", "pool"]);
	expect(of("job", '{"state": "running"}')).toEqual(["jobs"]);
	expect(of("job", '{"state": "succeeded"}')).toEqual(["jobs", "models", "performance"]);
	expect(of("reset")).toEqual([undefined]);
	expect(of("unheard of")).toEqual([]);
});
