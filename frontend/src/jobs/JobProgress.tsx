import type { Job } from "../api/types";
import { duration } from "../format";
import { Badge, type Tone } from "../ui/Badge";
import { Icon, type IconName } from "../ui/Icon";
import { ProblemNote } from "../ui/notes";

const TONES: Record<Job["state"], Tone> = {
	queued: "plain",
	running: "accent",
	succeeded: "ok",
	failed: "bad",
};

export const isOver = (job: Job) => job.state === "succeeded" || job.state === "failed";

const TITLES: Record<Job["type"], string> = {
	switch: "Switch",
	rollback: "Rollback",
	register: "Registration",
	benchmark: "Benchmark",
	load: "Load",
};

export const jobTitle = (job: Job) => TITLES[job.type] ?? job.type;

export function JobState({ job }: { job: Job }) {
	return <Badge tone={TONES[job.state] ?? "plain"}>{job.state}</Badge>;
}

/** How far a job is: its steps, and why it failed. */
export function JobProgress({ job }: { job: Job }) {
	return (
		<div className="stack" aria-live="polite">
			{!isOver(job) && <JobProgressBar job={job} />}
			{job.steps.length > 0 && <Steps job={job} />}
			{job.problem && <ProblemNote problem={job.problem} />}
			{job.state === "succeeded" && job.started_at && job.finished_at && (
				<p className="small muted">
					Done in {duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)}.
				</p>
			)}
		</div>
	);
}

export function JobProgressBar({ job }: { job: Job }) {
	return (
		<progress
			aria-label={`Progress of ${job.subject}`}
			{...(job.progress === null ? {} : { value: job.progress, max: 1 })}
		/>
	);
}

const STEP_ICONS: Record<string, [className: string, icon: IconName]> = {
	succeeded: ["passed", "check"],
	passed: ["passed", "check"],
	done: ["passed", "check"],
	failed: ["failed", "cross"],
	skipped: ["skipped", "skip"],
};

function Steps({ job }: { job: Job }) {
	return (
		<ol className="checks">
			{job.steps.map((step, index) => {
				const [className, icon] = STEP_ICONS[step.state] ?? ["skipped", "refresh"];
				return (
					// biome-ignore lint/suspicious/noArrayIndexKey: steps are only ever added at the end.
					<li key={index} className={className}>
						<Icon name={icon} />
						<span>
							{step.name.replaceAll("_", " ")}
							<span className="visually-hidden">: {step.state}</span>
							{step.message && <span className="muted"> · {step.message}</span>}
						</span>
					</li>
				);
			})}
		</ol>
	);
}
