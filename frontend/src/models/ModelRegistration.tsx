import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ProblemError } from "../api/client";
import { checkRegistration, register } from "../api/endpoints";
import type { CheckResult, Registration } from "../api/types";
import { Link, useSearch } from "../app/router";
import { kindName } from "../format";
import { JobProgress } from "../jobs/JobProgress";
import { useJob } from "../jobs/useJob";
import { Field } from "../ui/Field";
import { ErrorNote } from "../ui/notes";
import { CheckList } from "./CheckList";
import { useModels } from "./ModelsContext";

interface Draft {
	kind: string;
	reference: string;
	model_id: string;
	version_id: string;
	inference_config: string;
}

type Errors = Partial<Record<keyof Draft, string>>;

/** A form that checks a version before it saves it; what is wrong stands at its field. */
export function ModelRegistration() {
	const [search, setSearch] = useSearch();
	const models = useModels();
	const [draft, setDraft] = useState<Draft>({
		kind: search.kind ?? "",
		reference: search.reference ?? "",
		model_id: search.model_id ?? "",
		version_id: search.version_id ?? "",
		inference_config: "",
	});
	const [own, setOwn] = useState<Errors>({});
	const check = useMutation({
		mutationFn: (body: Registration) => checkRegistration(draft.kind, body),
	});
	const save = useMutation({
		mutationFn: (body: Registration) => register(draft.kind, body),
		onSuccess: (job) => setSearch({ job: job.id, kind: draft.kind }),
	});
	const { job, error: jobError } = useJob(search.job);

	const refused = save.error ?? check.error;
	const errors = { ...errorsOfChecks(check.data?.checks ?? []), ...errorsOf(refused), ...own };
	const passed = check.data?.checks.every(({ outcome }) => outcome !== "failed") ?? false;

	function change(name: keyof Draft, value: string) {
		setDraft({ ...draft, [name]: value });
		setOwn({});
		check.reset();
		save.reset();
		if (search.job) setSearch({ job: null });
	}

	function submit(event: FormEvent) {
		event.preventDefault();
		const [body, found] = read(draft);
		setOwn(found);
		if (!body) return;
		if (passed) save.mutate(body);
		else check.mutate(body);
	}

	const bind = (name: keyof Draft) => ({
		value: draft[name],
		spellCheck: false,
		autoComplete: "off",
		onChange: (event: { target: { value: string } }) => change(name, event.target.value),
	});

	return (
		<div className="columns">
			<form className="card" onSubmit={submit} noValidate>
				<Field
					label="Kind"
					error={errors.kind}
					hint="What programs ask for. All versions of a kind have one type of model."
				>
					<input list="kinds" placeholder="text_embedding" {...bind("kind")} />
				</Field>
				<datalist id="kinds">
					{models.data?.map(({ kind }) => (
						<option key={kind} value={kind}>
							{kindName(kind)}
						</option>
					))}
				</datalist>
				<Field
					label="Reference"
					error={errors.reference}
					hint={
						<>
							An artifact of this machine, a repository, or an entry of the{" "}
							<Link to="/catalogue">catalogue</Link>: <code>local:…</code>,{" "}
							<code>hf:org/model@commit</code>, <code>catalogue:bge-m3</code>
						</>
					}
				>
					<input className="mono" placeholder="catalogue:bge-m3" {...bind("reference")} />
				</Field>
				<div className="columns even" style={{ gap: 14 }}>
					<Field label="Model" error={errors.model_id} hint="Optional: taken from the reference.">
						<input className="mono" {...bind("model_id")} />
					</Field>
					<Field
						label="Version"
						error={errors.version_id}
						hint="A name that the model has not used yet."
					>
						<input className="mono" placeholder="v1.0.0" {...bind("version_id")} />
					</Field>
				</div>
				<Field
					label="Options"
					error={errors.inference_config}
					hint={
						<>
							What <code>load</code> is given, as JSON; it belongs to the version. Optional.
						</>
					}
				>
					<textarea className="mono" placeholder='{"dim": 256}' {...bind("inference_config")} />
				</Field>
				<div className="row">
					<button type="submit" className="primary" disabled={check.isPending || save.isPending}>
						{check.isPending ? "Checking…" : passed ? "Register" : "Check"}
					</button>
					<span className="small muted">
						{passed ? "The checks passed; nothing is saved yet." : "Checks first, saves then."}
					</span>
				</div>
			</form>
			<div className="stack" aria-live="polite">
				{refused && <ErrorNote error={refused} />}
				{check.data && !search.job && (
					<section className="card">
						<h2>{passed ? "It can be registered" : "It cannot be registered yet"}</h2>
						<CheckList checks={check.data.checks} />
					</section>
				)}
				{search.job && (
					<section className="card">
						<h2>Registration</h2>
						{job ? <JobProgress job={job} /> : <ErrorNote error={jobError} />}
						{job?.state === "succeeded" && job.kind && (
							<p className="row">
								<Link to={`/models/${encodeURIComponent(job.kind)}`} className="button primary">
									To its kind
								</Link>
								<Link to={`/benchmarks?kind=${encodeURIComponent(job.kind)}`} className="button">
									Benchmark it
								</Link>
							</p>
						)}
					</section>
				)}
				{!check.data && !search.job && !refused && (
					<section className="card">
						<h2>What is checked</h2>
						<p className="muted">
							The reference is resolved to a commit or a manifest, every byte is compared with its
							digest, and the model is loaded once and tried. Nothing is activated: a version serves
							only after a switch.
						</p>
					</section>
				)}
			</div>
		</div>
	);
}

/** What the server says of each field. */
export function errorsOf(error: unknown): Errors {
	if (!(error instanceof ProblemError)) return {};
	const found: Errors = {};
	for (const { field = "", message = "" } of error.problem.errors ?? []) {
		const name = field.split(/[./]/).at(-1) ?? field;
		found[name as keyof Draft] = message;
	}
	const { detail } = error.problem;
	const named = /^(kind|reference|model_id|version_id|inference_config) is /.exec(detail)?.[1];
	if (named) found[named as keyof Draft] ??= detail;
	return found;
}

const FIELDS: Record<string, keyof Draft> = {
	kind: "kind",
	type: "kind",
	reference: "reference",
	options: "inference_config",
	name: "version_id",
};

/** What the checks found wrong, at the field that decides it. */
export function errorsOfChecks(checks: readonly CheckResult[]): Errors {
	const failed = checks.filter(({ outcome }) => outcome === "failed");
	return Object.fromEntries(
		failed.flatMap(({ name, message }) => {
			const field = FIELDS[name];
			return field ? [[field, message]] : [];
		}),
	);
}

/** The body of the request, or what is wrong with the draft. */
export function read(draft: Draft): [Registration | null, Errors] {
	const errors: Errors = {};
	const text = (name: keyof Draft) => draft[name].trim();
	for (const name of ["kind", "reference", "version_id"] as const) {
		if (!text(name)) errors[name] = "This is needed.";
	}
	let options: Record<string, unknown> | undefined;
	if (text("inference_config")) {
		try {
			options = JSON.parse(text("inference_config"));
			if (typeof options !== "object" || options === null || Array.isArray(options))
				throw new Error();
		} catch {
			errors.inference_config = 'This is not a JSON object such as {"dim": 256}.';
		}
	}
	if (Object.keys(errors).length) return [null, errors];
	return [
		{
			reference: text("reference"),
			version_id: text("version_id"),
			...(text("model_id") ? { model_id: text("model_id") } : {}),
			...(options ? { inference_config: options } : {}),
		},
		{},
	];
}
