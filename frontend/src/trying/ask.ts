/** Asks one model through the same APIs that programs use. */

import { post } from "../api/client";
import type { Picture } from "./pictures";

export type Task = "search" | "rerank" | "classify" | "pictures" | "caption";

export interface Row {
	text: string;
	score: number;
	/** The data URI of the picture that the row is about. */
	picture?: string;
}

export interface Attempt {
	/** The best first. */
	rows: Row[];
	/** What answered, as the headers of the answer say. */
	version: string;
	fingerprint: string | null;
	/** From the request to the answer, in milliseconds, as the browser saw it. */
	elapsed_ms: number;
	/** What the server says that it did in that time. */
	timing: string;
}

export async function ask(
	task: Task,
	model: string,
	query: string,
	documents: readonly string[],
	pictures: readonly Picture[] = [],
): Promise<Attempt> {
	const start = performance.now();
	const [rows, headers] = await ASKERS[task](model, query, documents, pictures);
	const version = headers.get("x-holotype-version") ?? "";
	return {
		// Captions stay in the order of their pictures: their scores are of different ones.
		rows: task === "caption" ? rows : [...rows].sort((a, b) => b.score - a.score),
		version: version === "-" ? "" : version,
		fingerprint: headers.get("x-holotype-fingerprint"),
		elapsed_ms: performance.now() - start,
		timing: headers.get("server-timing") ?? "",
	};
}

type Asker = (
	model: string,
	query: string,
	texts: readonly string[],
	pictures: readonly Picture[],
) => Promise<[Row[], Headers]>;

type Input = readonly string[] | readonly { image: string }[];

async function embed(model: string, input: Input, input_type: "query" | "document") {
	const body = { model, input, input_type, truncate: true };
	const response = await post("/v1/embeddings", body);
	const answer = (await response.json()) as { data: { embedding: number[] }[] };
	return [answer.data.map(({ embedding }) => embedding), response.headers] as const;
}

const ASKERS: Record<Task, Asker> = {
	async search(model, query, documents) {
		const [vectors, headers] = await embed(model, documents, "document");
		const [[asked]] = await embed(model, [query], "query");
		const rows = documents.map((text, index) => ({
			text,
			score: cosine(asked ?? [], vectors[index] ?? []),
		}));
		return [rows, headers];
	},
	async rerank(model, query, documents) {
		const body = { model, query, documents, truncate: true };
		const response = await post("/v1/rerank", body);
		const answer = (await response.json()) as {
			results: { index: number; relevance_score: number }[];
		};
		const rows = answer.results.map(({ index, relevance_score }) => ({
			text: documents[index] ?? "",
			score: relevance_score,
		}));
		return [rows, response.headers];
	},
	async pictures(model, query, _, pictures) {
		const images = pictures.map(({ uri }) => ({ image: uri }));
		const [vectors, headers] = await embed(model, images, "document");
		const [[asked]] = await embed(model, [query], "query");
		const rows = pictures.map(({ name, uri }, index) => ({
			text: name,
			score: cosine(asked ?? [], vectors[index] ?? []),
			picture: uri,
		}));
		return [rows, headers];
	},
	async caption(model, _, __, pictures) {
		const body = { model, input: pictures.map(({ uri }) => ({ image: uri })) };
		const response = await post("/v1/captions", body);
		const answer = (await response.json()) as { data: { text: string; score: number }[] };
		const rows = answer.data.map(({ text, score }, index) => ({
			text,
			score,
			picture: pictures[index]?.uri ?? "",
		}));
		return [rows, response.headers];
	},
	async classify(model, query) {
		const body = { model, input: [query], truncate: true };
		const response = await post("/classify", body);
		const answer = (await response.json()) as { data: { label: string; score: number }[][] };
		const rows = (answer.data[0] ?? []).map(({ label, score }) => ({ text: label, score }));
		return [rows, response.headers];
	},
};

export function cosine(a: readonly number[], b: readonly number[]): number {
	let product = 0;
	let left = 0;
	let right = 0;
	for (const [index, value] of a.entries()) {
		const other = b[index] ?? 0;
		product += value * other;
		left += value * value;
		right += other * other;
	}
	return left && right ? product / Math.sqrt(left * right) : 0;
}
