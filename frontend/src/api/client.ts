/** One function that speaks to the server: with the key, and with problems as errors. */

import type { Problem } from "./types";

const KEY = "holotype-key";

/** What the server refused, in its own words. */
export class ProblemError extends Error {
	constructor(readonly problem: Problem) {
		super(problem.detail || problem.title);
	}
}

/** The server did not answer at all. */
export class AwayError extends Error {
	constructor() {
		super(`${location.host} does not answer. It may be stopped or restarting.`);
	}
}

export function readKey(): string {
	return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";
}

/** Keep the key for this tab, or for all tabs until it is deleted; an empty key deletes it. */
export function storeKey(key: string, remember: boolean): void {
	sessionStorage.removeItem(KEY);
	localStorage.removeItem(KEY);
	if (key) (remember ? localStorage : sessionStorage).setItem(KEY, key);
}

export function authorization(): Record<string, string> {
	const key = readKey();
	return key ? { authorization: `Bearer ${key}` } : {};
}

export interface Options {
	method?: "GET" | "POST" | "DELETE";
	query?: Record<string, string | number | boolean | undefined | null>;
	body?: unknown;
	headers?: Record<string, string>;
	signal?: AbortSignal;
}

export function address(path: string, query: Options["query"] = {}): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
	}
	const text = search.toString();
	return text ? `${path}?${text}` : path;
}

/** Send a request; throws `ProblemError` if the server refuses it, `AwayError` if none answers. */
export async function send(path: string, options: Options = {}): Promise<Response> {
	const { method = "GET", query, body, headers = {}, signal } = options;
	const given = body === undefined ? {} : { "content-type": "application/json" };
	let response: Response;
	try {
		response = await fetch(address(path, query), {
			method,
			headers: { accept: "application/json", ...given, ...authorization(), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			...(signal ? { signal } : {}),
		});
	} catch (error) {
		if (error instanceof DOMException && error.name === "AbortError") throw error;
		throw new AwayError();
	}
	if (!response.ok) throw new ProblemError(await readProblem(response));
	return response;
}

export async function request<T>(path: string, options: Options = {}): Promise<T> {
	const response = await send(path, options);
	return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

async function readProblem(response: Response): Promise<Problem> {
	const text = await response.text();
	try {
		const found = JSON.parse(text);
		if (typeof found?.title === "string") return found as Problem;
		const message = found?.error?.message ?? found?.detail;
		if (typeof message === "string") return plain(response, message);
	} catch {
		// A proxy before the server answers in HTML; its status says enough.
	}
	return plain(response, `The server answered ${response.status} ${response.statusText}.`);
}

function plain(response: Response, detail: string): Problem {
	const { status } = response;
	return { type: "about:blank", title: `Status ${status}`, status, detail, code: `http_${status}` };
}

/** An id that no other request has; it works without https, where `crypto.randomUUID` is missing. */
export function requestId(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
