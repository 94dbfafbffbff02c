import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { thirdParty } from "./third-party.ts";

/** Whose APIs `npm run dev` uses. */
const SERVER = process.env.HOLOTYPE_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
	plugins: [react(), thirdParty()],
	// Only `make page` fills this folder; the wheel carries it.
	build: {
		outDir: "../src/holotype/server/page",
		emptyOutDir: true,
		target: "es2022",
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
		manifest: "manifest.json",
	},
	server: { proxy: Object.fromEntries(["/api", "/v1", "/classify"].map((path) => [path, SERVER])) },
	test: {
		environment: "happy-dom",
		include: ["tests/**/*.test.{ts,tsx}"],
		setupFiles: ["tests/setup.ts"],
	},
});
