/** What went wrong, what is missing, and what is still on its way, in words. */

import type { ReactNode } from "react";
import { AwayError, ProblemError } from "../api/client";
import type { Problem } from "../api/types";

/** A problem as the server tells it: what, why, and what to do. */
export function ProblemNote({ problem }: { problem: Problem }) {
	return (
		<div className="problem" role="alert">
			<strong>{problem.title}</strong>
			{problem.detail && problem.detail !== problem.title && <p>{problem.detail}</p>}
			{problem.errors?.length ? (
				<ul>
					{problem.errors.map(({ field = "", message = "" }) => (
						<li key={field + message}>
							<code>{field}</code>: {message}
						</li>
					))}
				</ul>
			) : null}
			{problem.suggestions?.length ? (
				<p>
					Did you mean <strong>{problem.suggestions.join(", ")}</strong>?
				</p>
			) : null}
			<p className="small muted">
				{problem.code}
				{problem.request_id ? ` · request ${problem.request_id}` : ""}
			</p>
		</div>
	);
}

/** How the operator started the server, which is nobody's mistake. */
const CHOICES = new Set(["no_registry", "no_deployment"]);

export function ErrorNote({ error }: { error: unknown }) {
	if (!error) return null;
	if (error instanceof ProblemError) {
		const { problem } = error;
		if (CHOICES.has(problem.code)) return <p className="note">{problem.detail}</p>;
		return <ProblemNote problem={problem} />;
	}
	const title = error instanceof AwayError ? "The server is away" : "The page has an error";
	return (
		<div className="problem" role="alert">
			<strong>{title}</strong>
			<p>{error instanceof Error ? error.message : String(error)}</p>
		</div>
	);
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
	return (
		<div className="empty">
			<strong>{title}</strong>
			{children && <div>{children}</div>}
		</div>
	);
}

export function Loading({ what = "Loading" }: { what?: string }) {
	return (
		<p className="empty" role="status">
			{what}…
		</p>
	);
}

interface AnswerProps<T> {
	query: { data: T | undefined; error: unknown; isPending: boolean };
	what?: string;
	children: (data: T) => ReactNode;
}

/** What a query answered; the last answer stays when a later one fails. */
export function Answer<T>({ query, what, children }: AnswerProps<T>) {
	if (query.data !== undefined) return children(query.data);
	if (query.error) return <ErrorNote error={query.error} />;
	return <Loading {...(what ? { what } : {})} />;
}
