import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import * as queries from "../api/queries";
import type { Job } from "../api/types";
import { useSearch } from "../app/router";
import { Icon } from "../ui/Icon";
import { isOver, JobProgress, JobProgressBar, JobState, jobTitle } from "./JobProgress";

const KEPT = "holotype-dismissed-jobs";
const SUCCESS_SHOWN_MS = 8_000;
const FAILURE_SHOWN_MS = 10 * 60_000;
const MOST = 3;

function readDismissed(): readonly string[] {
	return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
}

/** What the server works on, and what failed lately, in a corner of every view. */
export function JobDock() {
	const [search] = useSearch();
	const [dismissed, setDismissed] = useState(readDismissed);
	const { data = [] } = useQuery(queries.jobs());
	const now = useNowWhile(data.some((job) => job.state === "succeeded"));
	const shown = data
		.filter((job) => !dismissed.includes(job.id) && job.id !== search.job && isShown(job, now))
		.slice(0, MOST);

	function dismiss(id: string) {
		const next = [id, ...dismissed].slice(0, 100);
		sessionStorage.setItem(KEPT, JSON.stringify(next));
		setDismissed(next);
	}

	if (!shown.length) return null;
	return (
		<aside className="dock not-presented" aria-label="Jobs">
			{shown.map((job) => (
				<section key={job.id} className="job" aria-label={`${jobTitle(job)}: ${job.subject}`}>
					<div className="row spread">
						<span className="break">
							<strong>{jobTitle(job)}</strong> {job.subject}
						</span>
						<span className="row" style={{ flexWrap: "nowrap" }}>
							<JobState job={job} />
							{isOver(job) && (
								<button
									type="button"
									className="quiet icon-button"
									aria-label="Dismiss"
									onClick={() => dismiss(job.id)}
								>
									<Icon name="cross" />
								</button>
							)}
						</span>
					</div>
					{!isOver(job) && <JobProgressBar job={job} />}
					{job.state !== "succeeded" && (
						<details className="small">
							<summary>{lastStep(job)}</summary>
							<JobProgress job={job} />
						</details>
					)}
					{job.problem && <p className="small reason">{job.problem.detail}</p>}
				</section>
			))}
		</aside>
	);
}

function lastStep(job: Job): string {
	const step = job.steps.at(-1);
	return step ? `${step.name.replaceAll("_", " ")}: ${step.state}` : "Details";
}

export function isShown(job: Job, now: number): boolean {
	if (!isOver(job)) return true;
	const age = now - Date.parse(job.finished_at ?? job.created_at);
	return age < (job.state === "succeeded" ? SUCCESS_SHOWN_MS : FAILURE_SHOWN_MS);
}

function useNowWhile(active: boolean): number {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		setNow(Date.now());
		if (!active) return;
		const timer = setInterval(() => setNow(Date.now()), 2_000);
		return () => clearInterval(timer);
	}, [active]);
	return now;
}
