import type { ReactNode } from "react";

export type Tone = "ok" | "warn" | "bad" | "accent" | "plain";

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
	return <span className={`badge ${tone}`}>{children}</span>;
}

export function Dot({ tone = "plain", busy = false }: { tone?: Tone; busy?: boolean }) {
	return <span className={`dot ${tone}${busy ? " busy" : ""}`} aria-hidden="true" />;
}
