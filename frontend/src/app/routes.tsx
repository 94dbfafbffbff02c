/** The views by address. All but the first are loaded when they are needed. */

import { type ComponentType, lazy } from "react";
import { kindName } from "../format";
import { Overview } from "../views/Overview";
import { match } from "./router";

// biome-ignore lint/suspicious/noExplicitAny: each view has parameters of its own.
type View = ComponentType<any>;
type Parameters = Record<string, string>;

const later = (load: () => Promise<Record<string, unknown>>, name: string): View =>
	lazy(async () => ({ default: (await load())[name] as View }));

const ROUTES: [pattern: string, view: View, title: (parameters: Parameters) => string][] = [
	["/", Overview, () => "Overview"],
	["/pool", later(() => import("../views/PoolView"), "PoolView"), () => "Pool"],
	["/models", later(() => import("../views/Models"), "Models"), () => "Models"],
	[
		"/models/:kind",
		later(() => import("../views/KindView"), "KindView"),
		({ kind = "" }) => kindName(kind),
	],
	["/register", later(() => import("../views/Register"), "Register"), () => "Register"],
	["/compare", later(() => import("../views/Compare"), "Compare"), () => "Compare"],
	["/benchmarks", later(() => import("../views/Benchmarks"), "Benchmarks"), () => "Benchmarks"],
	["/try", later(() => import("../views/Try"), "Try"), () => "Try"],
	["/activity", later(() => import("../views/Activity"), "Activity"), () => "Activity"],
	["/catalogue", later(() => import("../views/Catalogue"), "Catalogue"), () => "Catalogue"],
	[
		"/catalogue/:id",
		later(() => import("../views/Record"), "CatalogueRecord"),
		({ id = "" }) => id,
	],
	["/keys", later(() => import("../views/Keys"), "Keys"), () => "Keys"],
];

const NOT_FOUND = later(() => import("../views/NotFound"), "NotFound");

export function findView(path: string): { view: View; parameters: Parameters; title: string } {
	for (const [pattern, view, title] of ROUTES) {
		const parameters = match(pattern, path);
		if (parameters) return { view, parameters, title: title(parameters) };
	}
	return { view: NOT_FOUND, parameters: {}, title: "Not found" };
}
