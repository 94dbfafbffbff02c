/** The server's events over one connection, which comes back by itself. */

import { createParser } from "eventsource-parser";
import { authorization } from "../api/client";

export interface ServerEvent {
	/** The server's id; a later connection goes on after it. */
	id: string;
	/** `pool`, `activation`, `job`, `deployment`, `health`, or `reset` after a gap. */
	type: string;
	data: string;
}

export type StreamState =
	| { name: "connecting" }
	| { name: "live" }
	/** A hidden tab listens to nothing. */
	| { name: "paused" }
	/** The server asks for a key, or for another one. */
	| { name: "refused" }
	/** It does not answer: since when, and when the next try is (both in ms since 1970). */
	| { name: "away"; since: number; nextTry: number };

export interface StreamOptions {
	lastEventId: string;
	onEvent: (event: ServerEvent) => void;
	onState: (state: StreamState) => void;
	signal: AbortSignal;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
/** The server sends something at least every 15 s; a longer silence is a dead connection. */
const SILENCE_MS = 40_000;

/** Read events until the signal; a lost connection is made again after the last event. */
export async function readEvents(options: StreamOptions): Promise<void> {
	const { signal, onState } = options;
	let lastEventId = options.lastEventId;
	let wait = FIRST_WAIT_MS;
	let awaySince = 0;
	onState({ name: "connecting" });
	while (!signal.aborted) {
		const opened = await connect(lastEventId, {
			...options,
			onEvent(event) {
				lastEventId = event.id || lastEventId;
				options.onEvent(event);
			},
			onState(state) {
				awaySince = 0;
				wait = FIRST_WAIT_MS;
				onState(state);
			},
		});
		if (signal.aborted) return;
		if (opened === "refused") {
			onState({ name: "refused" });
			return;
		}
		awaySince ||= Date.now();
		onState({ name: "away", since: awaySince, nextTry: Date.now() + wait });
		await pause(wait, signal);
		wait = Math.min(wait * 2, LONGEST_WAIT_MS);
	}
}

/** Read one connection to its end. */
async function connect(lastEventId: string, options: StreamOptions): Promise<"refused" | "ended"> {
	const silence = new AbortController();
	let timer = setTimeout(() => silence.abort(), SILENCE_MS);
	try {
		const response = await fetch("/api/events", {
			headers: {
				accept: "text/event-stream",
				...authorization(),
				...(lastEventId ? { "last-event-id": lastEventId } : {}),
			},
			cache: "no-store",
			signal: AbortSignal.any([options.signal, silence.signal]),
		});
		if (response.status === 401 || response.status === 403) return "refused";
		if (!response.ok || !response.body) return "ended";
		options.onState({ name: "live" });
		const parser = createParser({
			onEvent: ({ id = "", event = "message", data }) => options.onEvent({ id, type: event, data }),
		});
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return "ended";
			clearTimeout(timer);
			timer = setTimeout(() => silence.abort(), SILENCE_MS);
			parser.feed(value);
		}
	} catch {
		// Whatever ended the connection, the caller makes another one.
		return "ended";
	} finally {
		clearTimeout(timer);
	}
}

/** Wait; a press on "try now" (the event `holotype-retry`) and the network's return end it early. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const ended = new AbortController();
		const end = () => {
			ended.abort();
			clearTimeout(timer);
			resolve();
		};
		const timer = setTimeout(end, milliseconds);
		signal.addEventListener("abort", end, { signal: ended.signal });
		window.addEventListener("online", end, { signal: ended.signal });
		window.addEventListener("holotype-retry", end, { signal: ended.signal });
	});
}
