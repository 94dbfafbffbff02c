/** Which view an address shows, and links that change it without loading the page again. */

import {
	type AnchorHTMLAttributes,
	type MouseEvent,
	useCallback,
	useMemo,
	useSyncExternalStore,
} from "react";

const CHANGED = "holotype-address";

export interface NavigateOptions {
	/** Replace the entry of the history, as a filter does, instead of adding one. */
	replace?: boolean;
}

export function navigate(to: string, { replace = false }: NavigateOptions = {}): void {
	if (to === location.pathname + location.search) return;
	history[replace ? "replaceState" : "pushState"](null, "", to);
	window.dispatchEvent(new Event(CHANGED));
}

function subscribe(listener: () => void): () => void {
	window.addEventListener("popstate", listener);
	window.addEventListener(CHANGED, listener);
	return () => {
		window.removeEventListener("popstate", listener);
		window.removeEventListener(CHANGED, listener);
	};
}

export function usePath(): string {
	return useSyncExternalStore(subscribe, () => location.pathname);
}

export type Search = Readonly<Record<string, string>>;
export type SetSearch = (
	changes: Record<string, string | null | undefined>,
	options?: NavigateOptions,
) => void;

/** The filters of a view, which live in the address; null or an empty text removes one. */
export function useSearch(): [Search, SetSearch] {
	const text = useSyncExternalStore(subscribe, () => location.search);
	const search = useMemo(() => Object.fromEntries(new URLSearchParams(text)), [text]);
	const set = useCallback<SetSearch>((changes, options = { replace: true }) => {
		const next = new URLSearchParams(location.search);
		for (const [name, value] of Object.entries(changes)) {
			if (value) next.set(name, value);
			else next.delete(name);
		}
		const written = next.toString();
		navigate(location.pathname + (written ? `?${written}` : ""), options);
	}, []);
	return [search, set];
}

/** The parameters of an address such as `/models/:kind`; null if it does not match. */
export function match(pattern: string, path: string): Record<string, string> | null {
	const wanted = pattern.split("/");
	const given = path.replace(/(.)\/$/, "$1").split("/");
	if (wanted.length !== given.length) return null;
	const found: Record<string, string> = {};
	for (const [index, part] of wanted.entries()) {
		const value = given[index] ?? "";
		if (part.startsWith(":")) {
			if (!value) return null;
			try {
				found[part.slice(1)] = decodeURIComponent(value);
			} catch {
				return null;
			}
		} else if (part !== value) return null;
	}
	return found;
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

export function Link({ to, onClick, ...rest }: LinkProps) {
	function follow(event: MouseEvent<HTMLAnchorElement>) {
		onClick?.(event);
		const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey);
		if (event.defaultPrevented || !plain || rest.target) return;
		event.preventDefault();
		navigate(to);
		window.scrollTo(0, 0);
	}
	return <a href={to} onClick={follow} {...rest} />;
}
