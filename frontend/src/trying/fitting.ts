/** Which names of the deployment can be asked for a task. */

import type { NamedModel } from "../api/endpoints";
import { natural } from "../format";
import type { Task } from "./ask";

const KINDS: Record<Task, readonly string[]> = {
	search: ["dense", "image-text"],
	rerank: ["cross-encoder", "colbert"],
	classify: ["classifier"],
	pictures: ["image-text"],
	caption: ["captioner"],
};

/** Names whose models are of a kind that the task asks, or of one that only a load would tell. */
export function namesThatFit(models: readonly NamedModel[], task: Task): string[] {
	const byName = new Map(models.map((one) => [one.id, one]));
	const fits = ({ kind, members = [] }: NamedModel): boolean => {
		if (kind !== "ensemble") return kind === null || KINDS[task].includes(kind);
		// All members of an ensemble are of one kind.
		const member = byName.get(members[0] ?? "");
		return member === undefined || fits(member);
	};
	return models
		.filter(fits)
		.map(({ id }) => id)
		.sort(natural);
}
