import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import * as queries from "../api/queries";
import type { Activation, Version } from "../api/types";
import { natural } from "../format";

export interface ModelVersions {
	type: string | undefined;
	active: Activation | null | undefined;
	/** Those that have come so far. */
	versions: readonly Version[];
	hasMore: boolean;
	loadMore: () => void;
	error: unknown;
	isPending: boolean;
}

interface VersionQuery {
	/** Only versions whose name has this text. */
	q?: string;
	/** `name`, `created`, `dim` or `by`, with a minus before it for the reverse; empty: newest first. */
	sort?: string;
}

/** The versions of a kind, page by page. Another order than the server's needs all pages, so it loads them. */
export function useModelVersions(
	kind: string,
	{ q = "", sort = "" }: VersionQuery = {},
): ModelVersions {
	const query = useInfiniteQuery({ ...queries.versions(kind, q), enabled: kind !== "" });
	const { data, hasNextPage, isFetching, fetchNextPage } = query;
	const needsAll = sort !== "" && sort !== "-created";

	useEffect(() => {
		if (needsAll && hasNextPage && !isFetching) void fetchNextPage();
	}, [needsAll, hasNextPage, isFetching, fetchNextPage]);

	const versions = useMemo(
		() => sortVersions(data?.pages.flatMap((page) => page.items) ?? [], sort),
		[data, sort],
	);
	return {
		type: data?.pages[0]?.type,
		active: data?.pages[0]?.active,
		versions,
		hasMore: hasNextPage,
		loadMore: () => {
			if (hasNextPage && !isFetching) void fetchNextPage();
		},
		error: query.error,
		isPending: query.isPending,
	};
}

const ORDERS: Record<string, (a: Version, b: Version) => number> = {
	name: (a, b) => natural(a.name, b.name),
	created: (a, b) => a.id - b.id,
	dim: (a, b) => (a.embedding_dim ?? 0) - (b.embedding_dim ?? 0),
	by: (a, b) => natural(a.created_by, b.created_by),
};

export function sortVersions(versions: readonly Version[], sort: string): readonly Version[] {
	const order = ORDERS[sort.replace(/^-/, "")];
	if (!order) return versions;
	const sorted = [...versions].sort(order);
	return sort.startsWith("-") ? sorted.reverse() : sorted;
}
