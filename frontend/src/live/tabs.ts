/** One stream for all tabs: the leader reads it and tells the others. */

import { readEvents, type ServerEvent, type StreamState } from "./stream";

const NAME = "holotype-events";
/** A tab that is hidden for a moment only keeps its stream. */
const HIDDEN_FOR_MS = 5_000;

type Message =
	| { what: "event"; event: ServerEvent }
	| { what: "state"; state: StreamState }
	| { what: "which state?" };

export interface LiveListener {
	onEvent: (event: ServerEvent) => void;
	onState: (state: StreamState) => void;
	/** The tab may have missed events, as after it was hidden. */
	onGap: () => void;
}

/**
 * Listen as long as the tab is visible, and return what ends it.
 *
 * The visible tab that holds the lock has the stream; it gives the lock away when it is hidden. Every
 * tab knows the id of the last event, so that the next leader goes on after it. Without https the
 * browser has no locks, except for localhost; then each visible tab has a stream of its own.
 */
export function listen(listener: LiveListener): () => void {
	const channel = new BroadcastChannel(NAME);
	const ended = new AbortController();
	let attempt: AbortController | null = null;
	let isLeader = false;
	let lastEventId = "";
	let state: StreamState = { name: "connecting" };
	let hiding: ReturnType<typeof setTimeout> | undefined;

	function take(event: ServerEvent) {
		lastEventId = event.id || lastEventId;
		listener.onEvent(event);
	}
	function enter(next: StreamState) {
		// What happened between the first answers and the stream is asked for again.
		const came = next.name === "live" && state.name !== "live";
		state = next;
		listener.onState(next);
		if (came) listener.onGap();
	}
	const post = (message: Message) => channel.postMessage(message);

	channel.onmessage = ({ data }: MessageEvent<Message>) => {
		if (data.what === "which state?") {
			if (isLeader) post({ what: "state", state });
		} else if (!isLeader) {
			if (data.what === "event") take(data.event);
			else if (document.visibilityState === "visible") enter(data.state);
		}
	};

	async function lead(signal: AbortSignal, shares: boolean) {
		isLeader = true;
		await readEvents({
			lastEventId,
			signal,
			onEvent(event) {
				take(event);
				if (shares) post({ what: "event", event });
			},
			onState(next) {
				enter(next);
				if (shares) post({ what: "state", state: next });
			},
		});
		isLeader = false;
	}

	function start() {
		if (attempt) return;
		attempt = new AbortController();
		const { signal } = attempt;
		if (!navigator.locks) {
			void lead(signal, false);
			return;
		}
		post({ what: "which state?" });
		navigator.locks
			.request(NAME, { signal }, () => lead(signal, true))
			.catch(() => {
				// The tab was hidden before it became the leader.
			});
	}
	function stop() {
		attempt?.abort();
		attempt = null;
	}
	function followVisibility() {
		clearTimeout(hiding);
		if (document.visibilityState === "visible") {
			if (!attempt) enter({ name: "connecting" });
			start();
			listener.onGap();
		} else {
			hiding = setTimeout(() => {
				stop();
				enter({ name: "paused" });
			}, HIDDEN_FOR_MS);
		}
	}

	const options = { signal: ended.signal };
	document.addEventListener("visibilitychange", followVisibility, options);
	window.addEventListener("pagehide", stop, options);
	window.addEventListener("pageshow", (event) => event.persisted && followVisibility(), options);
	// A new key is tried at once.
	window.addEventListener(
		"holotype-key",
		() => {
			stop();
			start();
		},
		options,
	);
	if (document.visibilityState === "visible") start();
	return () => {
		clearTimeout(hiding);
		stop();
		ended.abort();
		channel.close();
	};
}
