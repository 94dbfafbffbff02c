/** What the page shows of a record of the catalogue. */

import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { CatalogueRecord } from "../src/views/Record";
import { serve, show } from "./render";

test("a range of sizes is told apart from a list", async () => {
	serve({
		"GET /api/catalogue/qwen3-embedding-0.6b": {
			description: "An embedding model.",
			matryoshka_dims: [],
			matryoshka_range: [32, 1024],
			languages: ["en", "de"],
			provenance: { "*": "card" },
			sources: {},
		},
	});
	show(<CatalogueRecord id="qwen3-embedding-0.6b" />);
	const row = (name: RegExp) => screen.findByRole("row", { name });
	expect((await row(/^Matryoshka range/)).textContent).toContain("32 to 1,024");
	expect((await row(/^Languages/)).textContent).toContain("en, de");
	expect(screen.queryByRole("row", { name: /^Matryoshka dims/ })).toBeNull();
});
