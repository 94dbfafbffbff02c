import { expect, test } from "vitest";
import { ask, cosine } from "../src/trying/ask";
import { namesThatFit } from "../src/trying/fitting";
import { serve } from "./render";

test("documents are ranked by their cosine with the query", async () => {
	const calls = serve({
		"POST /v1/embeddings": ({ body }: { body: { input: string[]; input_type: string } }) =>
			new Response(
				JSON.stringify({
					data: body.input.map((text) => ({ embedding: text === "far" ? [0, 1] : [2, 0] })),
				}),
				{ headers: { "x-holotype-version": "minilm/v2", "x-holotype-fingerprint": "ab" } },
			),
	});
	const attempt = await ask("search", "search", "near", ["far", "close"]);
	expect(attempt.rows).toEqual([
		{ text: "close", score: 1 },
		{ text: "far", score: 0 },
	]);
	expect(attempt).toMatchObject({ version: "minilm/v2", fingerprint: "ab" });
	expect(calls.map(({ body }) => (body as { input_type: string }).input_type)).toEqual([
		"document",
		"query",
	]);
});

test("reranked documents keep their texts, and labels come best first", async () => {
	serve({
		"POST /v1/rerank": { results: [{ index: 1, relevance_score: 0.9 }] },
		"POST /classify": {
			data: [
				[
					{ label: "bad", score: 0.1 },
					{ label: "good", score: 0.9 },
				],
			],
		},
	});
	const reranked = await ask("rerank", "m", "q", ["a", "b"]);
	expect(reranked.rows).toEqual([{ text: "b", score: 0.9 }]);
	const classified = await ask("classify", "m", "fine", []);
	expect(classified.rows.map(({ text }) => text)).toEqual(["good", "bad"]);
});

test("a vector of zeros is like nothing", () => {
	expect(cosine([0, 0], [1, 0])).toBe(0);
	expect(cosine([3, 4], [3, 4])).toBeCloseTo(1);
});

const PICTURES = [
	{ name: "dog.png", uri: "data:image/png;base64,ZG9n" },
	{ name: "cat.png", uri: "data:image/png;base64,Y2F0" },
];

test("pictures are sent as they are, and ranked by their cosine with the query", async () => {
	const calls = serve({
		"POST /v1/embeddings": ({ body }: { body: { input: (string | { image: string })[] } }) => ({
			data: body.input.map((one) => ({
				embedding: typeof one === "object" && one.image.endsWith("ZG9n") ? [0, 1] : [1, 0],
			})),
		}),
	});
	const attempt = await ask("pictures", "clip", "a cat", [], PICTURES);
	expect(attempt.rows).toEqual([
		{ text: "cat.png", score: 1, picture: PICTURES[1]?.uri },
		{ text: "dog.png", score: 0, picture: PICTURES[0]?.uri },
	]);
	expect(calls[0]?.body).toHaveProperty(
		"input",
		PICTURES.map(({ uri }) => ({ image: uri })),
	);
});

test("captions stay beside their pictures", async () => {
	serve({
		"POST /v1/captions": {
			data: [
				{ text: "a dog", score: 0.2 },
				{ text: "a cat", score: 0.9 },
			],
		},
	});
	const { rows } = await ask("caption", "blip", "", [], PICTURES);
	expect(rows.map(({ text, picture }) => [text, picture])).toEqual([
		["a dog", PICTURES[0]?.uri],
		["a cat", PICTURES[1]?.uri],
	]);
});

test("a task is offered the names whose models can do it", () => {
	const models = [
		{ id: "bge", kind: "dense" },
		{ id: "both", kind: "ensemble", members: ["bge", "minilm"] },
		{ id: "clip", kind: "image-text" },
		{ id: "colbert", kind: "colbert" },
		{ id: "endpoint", kind: null },
		{ id: "pii", kind: "classifier" },
		{ id: "rank10", kind: "cross-encoder" },
		{ id: "rank9", kind: "cross-encoder" },
		{ id: "splade", kind: "sparse" },
		{ id: "blip", kind: "captioner" },
	];
	expect(namesThatFit(models, "search")).toEqual(["bge", "both", "clip", "endpoint"]);
	expect(namesThatFit(models, "rerank")).toEqual(["colbert", "endpoint", "rank9", "rank10"]);
	expect(namesThatFit(models, "classify")).toEqual(["endpoint", "pii"]);
	expect(namesThatFit(models, "pictures")).toEqual(["clip", "endpoint"]);
	expect(namesThatFit(models, "caption")).toEqual(["blip", "endpoint"]);
});
