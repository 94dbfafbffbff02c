/** What speaks to the server: with the key, and with problems as errors. */

import createClient from "openapi-fetch";
import type { paths } from "./schema";
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

/**
 * Send a request with the key.
 *
 * Throws `ProblemError` if the server refuses it, `AwayError` if none answers.
 */
export async function send(input: string | Request, init: RequestInit = {}): Promise<Response> {
	const request = new Request(input instanceof Request ? input : absolute(input), init);
	for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value);
	let response: Response;
	try {
		response = await fetch(request);
	} catch (error) {
		if (error instanceof DOMException && error.name === "AbortError") throw error;
		throw new AwayError();
	}
	if (!response.ok) throw new ProblemError(await readProblem(response));
	return response;
}

/** Send a body to one of the APIs that programs use, and return the whole response. */
export function post(path: string, body: unknown): Promise<Response> {
	const headers = { accept: "application/json", "content-type": "application/json" };
	return send(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The management API, as the server describes it. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

/** The answer of a call that has succeeded; any other has thrown. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
	const { data } = await call;
	return data as T;
}

const absolute = (path: string) => new URL(path, location.origin).href;

async function readProblem(response: Response): Promise<Problem> {
	const text = await response.text();
	try {
		const body = JSON.parse(text);
		// OpenAI's shape has the problem one level down.
		const found = body?.error ?? body;
		if (typeof found?.title === "string") return found as Problem;
		const message = found?.message ?? found?.detail;
		if (typeof message === "string") return plain(response, message);
	} catch {
		// A proxy before the server answers in HTML; its status says enough.
	}
	return plain(response, `The server answered ${response.status} ${response.statusText}.`);
}

function plain({ status }: Response, detail: string): Problem {
	return { type: "about:blank", title: `Status ${status}`, status, detail, code: `http_${status}` };
}

/** An id that no other request has; it works without https, where `crypto.randomUUID` is missing. */
export function requestId(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
