/** Keeps what the page shows equal to what the server says, by its events. */

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { queriesOf } from "./affected";
import type { StreamState } from "./stream";
import { listen } from "./tabs";

const Live = createContext<StreamState>({ name: "connecting" });

/** Whether the page hears the server. */
export const useLive = () => useContext(Live);

/** Events of a busy second are answered by one refetch. */
const TOGETHER_MS = 250;

export function LiveProvider({ children }: { children: ReactNode }) {
	const client = useQueryClient();
	const [state, setState] = useState<StreamState>({ name: "connecting" });

	useEffect(() => {
		const waiting = new Map<string, readonly unknown[]>();
		let timer: ReturnType<typeof setTimeout> | undefined;
		function refetch() {
			timer = undefined;
			for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey });
			waiting.clear();
		}
		function soon(keys: readonly (readonly unknown[])[]) {
			for (const key of keys) waiting.set(JSON.stringify(key), key);
			timer ??= setTimeout(refetch, TOGETHER_MS);
		}
		const end = listen({
			onState: setState,
			onGap: () => soon([[]]),
			onEvent: (event) => soon(queriesOf(event)),
		});
		return () => {
			clearTimeout(timer);
			end();
		};
	}, [client]);

	return <Live value={state}>{children}</Live>;
}
