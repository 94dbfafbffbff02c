/** What the page says where the operator has started the server without a registry. */

import { ProblemError } from "../api/client";

export const NO_REGISTRY = new ProblemError({
	type: "urn:holotype:problem:no_registry",
	title: "No registry",
	status: 503,
	detail:
		"This server has no registry; start it with --database sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
	code: "no_registry",
});
