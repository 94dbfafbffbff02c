import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

afterEach(() => {
	cleanup();
	vi.unstubAllGlobals();
	vi.useRealTimers();
	localStorage.clear();
	sessionStorage.clear();
	history.replaceState(null, "", "/");
});
