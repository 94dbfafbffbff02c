/** What every view that speaks of models knows: the kinds, and which version of each is active. */

import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import * as queries from "../api/queries";
import type { KindSummary } from "../api/types";
import { natural } from "../format";
import { NO_REGISTRY, useRegistry } from "./registry";

export interface Models {
	/** In natural order; undefined until the server has answered. */
	data: readonly KindSummary[] | undefined;
	error: unknown;
	isPending: boolean;
	/** A kind by its name; undefined if there is none. */
	find: (kind: string) => KindSummary | undefined;
}

const Context = createContext<Models | null>(null);

export function ModelsProvider({ children }: { children: ReactNode }) {
	const { isMissing, canBeAsked } = useRegistry();
	const kinds = useQuery({ ...queries.kinds(), enabled: canBeAsked });
	const { data, isPending } = kinds;
	const error = isMissing ? NO_REGISTRY : kinds.error;
	const models = useMemo(() => {
		const sorted = data && [...data].sort((a, b) => natural(a.kind, b.kind));
		const byName = new Map(sorted?.map((one) => [one.kind, one]));
		return { data: sorted, error, isPending, find: (kind: string) => byName.get(kind) };
	}, [data, error, isPending]);
	return <Context value={models}>{children}</Context>;
}

export function useModels(): Models {
	const models = useContext(Context);
	if (!models) throw new Error("useModels needs a ModelsProvider around it");
	return models;
}
