/** Asks one model to search, rerank or classify, through the same APIs that programs use. */

import { post } from "../api/client";

export type Task = "search" | "rerank" | "classify";

export interface Row {
	text: string;
	score: number;
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
): Promise<Attempt> {
	const start = performance.now();
	const [rows, headers] = await ASKERS[task](model, query, documents);
	const version = headers.get("x-holotype-version") ?? "";
	return {
		rows: [...rows].sort((a, b) => b.score - a.score),
		version: version === "-" ? "" : version,
		fingerprint: headers.get("x-holotype-fingerprint"),
		elapsed_ms: performance.now() - start,
		timing: headers.get("server-timing") ?? "",
	};
}

type Asker = (model: string, query: string, texts: readonly string[]) => Promise<[Row[], Headers]>;

const ASKERS: Record<Task, Asker> = {
	async search(model, query, documents) {
		const embed = async (input: readonly string[], input_type: "query" | "document") => {
			const body = { model, input, input_type, truncate: true };
			const response = await post("/v1/embeddings", body);
			const answer = (await response.json()) as { data: { embedding: number[] }[] };
			return [answer.data.map(({ embedding }) => embedding), response.headers] as const;
		};
		const [vectors, headers] = await embed(documents, "document");
		const [[asked]] = await embed([query], "query");
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
