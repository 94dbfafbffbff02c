import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { thirdParty } from "./third-party.ts";

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
	server: {
		proxy: { "/api": "http://127.0.0.1:8000", "/v1": "http://127.0.0.1:8000" },
	},
	test: {
		environment: "happy-dom",
		include: ["tests/**/*.test.{ts,tsx}"],
		setupFiles: ["tests/setup.ts"],
	},
});
