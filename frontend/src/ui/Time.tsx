import { useSyncExternalStore } from "react";
import { ago, moment } from "../format";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the whole page, which stands while nobody looks at it. */
function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	timer ??= setInterval(() => {
		now = Date.now();
		for (const each of listeners) each();
	}, 10_000);
	return () => {
		listeners.delete(listener);
		if (!listeners.size) {
			clearInterval(timer);
			timer = undefined;
		}
	};
}

/** How long ago something was; the moment itself on hovering. */
export function Time({ at }: { at: string | number }) {
	useSyncExternalStore(subscribe, () => now);
	return (
		<time dateTime={new Date(at).toISOString()} title={moment(at)} className="nowrap">
			{ago(at)}
		</time>
	);
}
