/** A component with what surrounds it in the page, and a server that answers from a table. */

import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { createQueryClient } from "../src/api/queries";
import { ModelsProvider } from "../src/models/ModelsContext";

export interface Call {
	method: string;
	path: string;
	body: unknown;
	headers: Headers;
}

type Answer = unknown | ((call: Call) => unknown);

/** Answer requests by "METHOD /path"; returns the calls that were made. */
export function serve(answers: Record<string, Answer>): Call[] {
	const calls: Call[] = [];
	vi.stubGlobal("fetch", async (request: Request) => {
		const { pathname, search } = new URL(request.url);
		const text = await request.text();
		const call: Call = {
			method: request.method,
			path: pathname + search,
			body: text ? JSON.parse(text) : undefined,
			headers: request.headers,
		};
		calls.push(call);
		const key = `${call.method} ${pathname}`;
		if (!(key in answers)) return problem(404, `no answer for ${key}`);
		const answer = answers[key];
		const value = typeof answer === "function" ? answer(call) : answer;
		return value instanceof Response ? value : Response.json(value);
	});
	return calls;
}

export function problem(status: number, detail: string, more: object = {}): Response {
	const body = { type: "about:blank", title: "Refused", status, detail, code: "refused", ...more };
	return new Response(JSON.stringify(body), {
		status,
		headers: { "content-type": "application/problem+json" },
	});
}

export function show(element: ReactNode) {
	return render(
		<QueryClientProvider client={createQueryClient()}>
			<ModelsProvider>{element}</ModelsProvider>
		</QueryClientProvider>,
	);
}
