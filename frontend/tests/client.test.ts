import { expect, test, vi } from "vitest";
import { AwayError, ProblemError, requestId, send, storeKey } from "../src/api/client";
import { getCatalogue, switchVersion } from "../src/api/endpoints";
import { problem, serve } from "./render";

/** The error that a request ends with. */
async function refusal(path: string): Promise<ProblemError> {
	const error = await send(path).then(
		() => null,
		(reason: unknown) => reason,
	);
	expect(error).toBeInstanceOf(ProblemError);
	return error as ProblemError;
}

test("a refusal carries the server's words", async () => {
	serve({
		"GET /api/pool": problem(409, "another generation is active", { code: "stale_generation" }),
	});
	const error = await refusal("/api/pool");
	expect(error.problem).toMatchObject({ status: 409, code: "stale_generation" });
	expect(error.message).toBe("another generation is active");
});

test("the errors of OpenAI's shape and of proxies are problems as well", async () => {
	serve({
		"GET /v1/models": new Response('{"error": {"message": "no such model"}}', { status: 404 }),
		// As the server writes the errors of all that is below /v1.
		"GET /v1/rerank": Response.json(
			{
				error: {
					type: "invalid_request_error",
					title: "Unprocessable Entity",
					status: 422,
					detail: "it is of another kind",
					message: "it is of another kind",
					code: "unprocessable",
					request_id: "r1",
					param: null,
				},
			},
			{ status: 422 },
		),
		"GET /proxy": new Response("<html>Bad gateway</html>", {
			status: 502,
			statusText: "Bad Gateway",
		}),
	});
	const openai = await refusal("/v1/models");
	expect(openai.message).toBe("no such model");
	const told = await refusal("/v1/rerank");
	expect(told.problem).toMatchObject({
		title: "Unprocessable Entity",
		code: "unprocessable",
		request_id: "r1",
		detail: "it is of another kind",
	});
	const proxy = await refusal("/proxy");
	expect(proxy.message).toContain("502 Bad Gateway");
});

test("a server that does not answer is away", async () => {
	vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed")));
	await expect(send("/api/pool")).rejects.toBeInstanceOf(AwayError);
});

test("the key goes with every request", async () => {
	const calls = serve({ "GET /api/pool": {} });
	storeKey("secret", false);
	await send("/api/pool");
	expect(calls[0]?.headers.get("authorization")).toBe("Bearer secret");
	storeKey("", false);
	await send("/api/pool");
	expect(calls[1]?.headers.has("authorization")).toBe(false);
});

test("a largest size that is no number is not sent", async () => {
	const calls = serve({ "GET /api/catalogue": { items: [], total: 0 } });
	const query = { q: "", type: "", language: "", license: "", limit: 200, offset: 0 };
	const { signal } = new AbortController();
	await getCatalogue({ ...query, max_dim: "75x" }, signal);
	await getCatalogue({ ...query, max_dim: "768" }, signal);
	expect(calls[0]?.path).not.toContain("max_dim");
	expect(calls[1]?.path).toContain("max_dim=768");
});

test("a switch names the version, the generation and an id of its own", async () => {
	const calls = serve({ "POST /api/models/text_embedding/switch/bge-m3%2Fv2": { id: "j1" } });
	await switchVersion("text_embedding", "bge-m3/v2", { expected_generation: 3 });
	expect(calls[0]?.body).toEqual({ expected_generation: 3 });
	expect(calls[0]?.headers.get("idempotency-key")).toMatch(/^[0-9a-f]{32}$/);
	expect(requestId()).not.toBe(requestId());
});
