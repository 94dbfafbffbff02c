/** Whether the server has a registry, which its operator decides. */

import { useQuery } from "@tanstack/react-query";
import { ProblemError } from "../api/client";
import * as queries from "../api/queries";

export const NO_REGISTRY = new ProblemError({
	type: "urn:holotype:problem:no_registry",
	title: "No registry",
	status: 503,
	detail:
		"This server has no registry; start it with --database sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
	code: "no_registry",
});

/** What is asked of the registry waits until the server has said whether it has one. */
export function useRegistry(): { isMissing: boolean; canBeAsked: boolean } {
	const server = useQuery(queries.server());
	const isMissing = server.data?.database === null;
	return { isMissing, canBeAsked: !server.isPending && !isMissing };
}
