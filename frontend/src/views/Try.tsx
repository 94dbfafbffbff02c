import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import * as queries from "../api/queries";
import { type SetSearch, useSearch } from "../app/router";
import { type Attempt, ask, type Task } from "../trying/ask";
import { namesThatFit } from "../trying/fitting";
import { PictureField } from "../trying/PictureField";
import type { Picture } from "../trying/pictures";
import { Field } from "../ui/Field";
import { Fingerprint } from "../ui/Fingerprint";
import { Empty, ErrorNote, Loading } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

const TASKS: [Task, string][] = [
	["search", "Search"],
	["rerank", "Rerank"],
	["classify", "Classify"],
	["pictures", "Search pictures"],
	["caption", "Caption"],
];

const DOCUMENTS = `Open the settings and choose a new passphrase.
Invoices are sent on the first day of each month.
Cats sleep for most of the day.
The office is closed on public holidays.`;

interface Question {
	/** Which press of the button it is. */
	number: number;
	task: Task;
	query: string;
	documents: string[];
	pictures: Picture[];
}

/** The same question to one name, or to two side by side. */
export function Try() {
	const [search, setSearch] = useSearch();
	const named = useQuery(queries.named());
	const task = TASKS.find(([id]) => id === search.task)?.[0] ?? "search";
	const names = namesThatFit(named.data ?? [], task);
	const fitting = (name: string | undefined) => names.find((each) => each === name);
	const first = fitting(search.a) ?? names[0];
	const second = fitting(search.b);
	const [query, setQuery] = useState("How do I reset my password?");
	const [documents, setDocuments] = useState(DOCUMENTS);
	const [pictures, setPictures] = useState<Picture[]>([]);
	const [question, setQuestion] = useState<Question | null>(null);
	const withPictures = task === "pictures" || task === "caption";
	const isComplete = (task === "caption" || query.trim()) && (!withPictures || pictures.length);

	function submit(event: FormEvent) {
		event.preventDefault();
		const lines = documents.split("\n").filter((line) => line.trim());
		const number = (question?.number ?? 0) + 1;
		setQuestion({ number, task, query, documents: lines, pictures });
	}

	return (
		<>
			<PageHead
				title="Try"
				lead="Ask one name, or two side by side, through the same APIs that programs use."
			/>
			<form className="card" onSubmit={submit}>
				<fieldset className="tabs" aria-label="Task">
					{TASKS.map(([id, title]) => (
						<button
							key={id}
							type="button"
							aria-pressed={id === task}
							onClick={() => {
								setSearch({ task: id });
								setQuestion(null);
							}}
						>
							{title}
						</button>
					))}
				</fieldset>
				<div className="columns even">
					<NameField
						label="Name"
						which="a"
						names={names}
						value={first ?? ""}
						onChange={setSearch}
					/>
					<NameField
						label="Beside it"
						which="b"
						names={names}
						value={second ?? ""}
						onChange={setSearch}
					/>
				</div>
				{task !== "caption" && (
					<Field label={task === "classify" ? "Text" : "Query"}>
						<input value={query} onChange={(event) => setQuery(event.target.value)} />
					</Field>
				)}
				{withPictures && <PictureField pictures={pictures} onChange={setPictures} />}
				{(task === "search" || task === "rerank") && (
					<Field label="Documents" hint="One a line.">
						<textarea
							value={documents}
							rows={5}
							onChange={(event) => setDocuments(event.target.value)}
						/>
					</Field>
				)}
				<div>
					<button type="submit" className="primary" disabled={!first || !isComplete}>
						Ask
					</button>
				</div>
			</form>
			<ErrorNote error={named.error} />
			{named.data && !names.length && (
				<div className="card">
					<Empty
						title={
							named.data.length
								? "The deployment has no model for this"
								: "The deployment names no models"
						}
					/>
				</div>
			)}
			{question && (
				<div className={second ? "columns even" : "stack"}>
					{first && <Side name={first} question={question} />}
					{second && <Side name={second} question={question} />}
				</div>
			)}
		</>
	);
}

interface NameFieldProps {
	label: string;
	which: "a" | "b";
	names: readonly string[];
	value: string;
	onChange: SetSearch;
}

function NameField({ label, which, names, value, onChange }: NameFieldProps) {
	return (
		<Field label={label}>
			<select value={value} onChange={(event) => onChange({ [which]: event.target.value })}>
				{which === "b" && <option value="">Nothing</option>}
				{names.map((name) => (
					<option key={name}>{name}</option>
				))}
			</select>
		</Field>
	);
}

/** What one name answers. */
function Side({ name, question }: { name: string; question: Question }) {
	const { number, task, query, documents, pictures } = question;
	const answer = useQuery({
		// Pictures are large, and each press of the button has a number.
		queryKey: ["try", name, number, task],
		queryFn: () => ask(task, name, query, documents, pictures),
		// A model answers once for each press of the button.
		staleTime: Number.POSITIVE_INFINITY,
		gcTime: 0,
		retry: false,
	});
	return (
		<section className="card" aria-label={`Answer of ${name}`}>
			<h2>{name}</h2>
			{answer.data ? (
				<Rows attempt={answer.data} />
			) : answer.error ? (
				<ErrorNote error={answer.error} />
			) : (
				<Loading what="Asking; a model that is not loaded is loaded first" />
			)}
		</section>
	);
}

function Rows({ attempt }: { attempt: Attempt }) {
	const { rows, version, fingerprint, elapsed_ms, timing } = attempt;
	return (
		<>
			<ol className="result-list">
				{rows.map(({ text, score, picture }, at) => (
					// Two pictures may have one name, and two captions one text.
					// biome-ignore lint/suspicious/noArrayIndexKey: rows of an answer never move
					<li key={at}>
						<span className={picture ? "break pictured" : "break"}>
							{picture && <img src={picture} alt="" />}
							{text}
						</span>
						<span className="number">{score.toFixed(3)}</span>
					</li>
				))}
			</ol>
			<p className="small muted row">
				{fingerprint && <Fingerprint value={fingerprint} />}
				{version && <span className="mono">{version}</span>}
				<span title={timing}>{elapsed_ms.toFixed(0)} ms</span>
			</p>
		</>
	);
}
