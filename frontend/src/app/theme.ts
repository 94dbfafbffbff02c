/** Light, dark, or what the system says. */

import { useState } from "react";

export type Theme = "system" | "light" | "dark";
const NAME = "holotype-theme";

export function readTheme(): Theme {
	const kept = localStorage.getItem(NAME);
	return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyTheme(theme: Theme = readTheme()): void {
	if (theme === "system") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
	const [theme, setTheme] = useState(readTheme);
	function choose(next: Theme) {
		if (next === "system") localStorage.removeItem(NAME);
		else localStorage.setItem(NAME, next);
		applyTheme(next);
		setTheme(next);
	}
	return [theme, choose];
}
