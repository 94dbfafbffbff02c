/** Writes THIRD-PARTY.txt: the licences of every package that ends up in the bundle. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const PACKAGE = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(licen[cs]e|copying)(\.(md|txt))?$/i;

export function thirdParty(): Plugin {
	return {
		name: "third-party",
		apply: "build",
		generateBundle(_options, bundle) {
			const folders = new Set<string>();
			for (const chunk of Object.values(bundle)) {
				const modules = chunk.type === "chunk" ? chunk.moduleIds : [];
				for (const id of modules) {
					const folder = PACKAGE.exec(id.replaceAll("\\", "/").replace(/^\0/, ""))?.[1];
					if (folder) folders.add(folder);
				}
			}
			const entries = [...folders].map(describe).sort((a, b) => (a.name < b.name ? -1 : 1));
			const source = `${entries.map((entry) => entry.text).join(`\n${"~".repeat(80)}\n\n`)}`;
			this.emitFile({ type: "asset", fileName: "THIRD-PARTY.txt", source });
		},
	};
}

function describe(folder: string): { name: string; text: string } {
	const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	const file = readdirSync(folder)
		.sort()
		.find((name) => LICENCE.test(name));
	if (!manifest.license) throw new Error(`${folder}/package.json names no licence`);
	const heading = `${manifest.name} ${manifest.version} (${manifest.license})`;
	const licence = file ? readFileSync(join(folder, file), "utf8").trim() : "";
	return { name: manifest.name, text: `${heading}\n\n${licence}\n` };
}
