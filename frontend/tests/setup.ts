import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

/** Nothing reaches a network: a test without a server of its own finds none. */
const noServer = () => vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no server")));

beforeEach(noServer);

afterEach(() => {
	cleanup();
	vi.unstubAllGlobals();
	noServer();
	vi.useRealTimers();
	localStorage.clear();
	sessionStorage.clear();
	history.replaceState(null, "", "/");
});
