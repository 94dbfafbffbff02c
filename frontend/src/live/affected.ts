/** What has to be asked again after an event. */

import { keys } from "../api/queries";
import type { ServerEvent } from "./stream";

/** The keys of the queries whose answers an event may have changed. */
export function queriesOf({ type, data }: ServerEvent): readonly (readonly unknown[])[] {
	switch (type) {
		case "pool":
			return [keys.pool, keys.jobs];
		case "activation":
			return [keys.models, keys.pool];
		case "deployment":
			return [keys.pool, keys.server, keys.models];
		case "health":
			return [keys.server, keys.pool];
		case "job":
			return isOver(data) ? [keys.jobs, keys.models, keys.performance] : [keys.jobs];
		case "reset":
			return [[]];
		default:
			// A newer server may send what this page does not know.
			return [];
	}
}

function isOver(data: string): boolean {
	try {
		const { state } = JSON.parse(data);
		return state !== "queued" && state !== "running";
	} catch {
		return true;
	}
}
