import { useQuery } from "@tanstack/react-query";
import * as queries from "../api/queries";
import type { Job } from "../api/types";

/** A job by its id, kept up to date until it is over; an empty id asks for nothing. */
export function useJob(id: string | undefined): { job: Job | undefined; error: unknown } {
	const { data, error } = useQuery({ ...queries.job(id ?? ""), enabled: Boolean(id) });
	return { job: data, error };
}
