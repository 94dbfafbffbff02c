import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import * as queries from "../api/queries";
import { Link } from "../app/router";
import { integer } from "../format";
import { Answer } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

/** One record of the catalogue, group by group, with where its values come from. */
export function CatalogueRecord({ id }: { id: string }) {
	const query = useQuery(queries.record(id));
	return (
		<>
			<PageHead title={id} crumbs={<Link to="/catalogue">Catalogue</Link>}>
				<Link
					className="button primary"
					to={`/register?reference=${encodeURIComponent(`catalogue:${id}`)}&model_id=${encodeURIComponent(id)}`}
				>
					Register a version of it
				</Link>
			</PageHead>
			<Answer query={query} what="Asking for the record">
				{(data) => <Groups data={data} />}
			</Answer>
		</>
	);
}

type Values = Record<string, unknown>;

const isGroup = (value: unknown): value is Values =>
	typeof value === "object" && value !== null && !Array.isArray(value);

function Groups({ data }: { data: Values }) {
	const record = isGroup(data.record) ? data.record : data;
	const provenance = data.provenance ?? record.provenance;
	const plain = Object.entries(record).filter(([, value]) => !isGroup(value));
	const groups = Object.entries(record).filter(
		([name, value]) => isGroup(value) && name !== "provenance",
	);
	return (
		<div className="columns">
			<div className="stack">
				<Group name="Record" values={Object.fromEntries(plain)} />
				{groups.map(([name, values]) => (
					<Group key={name} name={name} values={values as Values} />
				))}
			</div>
			<section className="card">
				<h2>Sources</h2>
				{isGroup(provenance) || Array.isArray(provenance) ? (
					<Sources value={provenance} />
				) : (
					<p className="muted">The server names none.</p>
				)}
			</section>
		</div>
	);
}

function Group({ name, values }: { name: string; values: Values }) {
	const known = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
	if (!known.length) return null;
	return (
		<section className="card">
			<h2>{title(name)}</h2>
			<dl className="facts">
				{known.map(([key, value]) => (
					<Fact key={key} term={title(key)}>
						{shown(value)}
					</Fact>
				))}
			</dl>
		</section>
	);
}

function Sources({ value }: { value: Values | unknown[] }) {
	return (
		<dl className="facts" style={{ gridTemplateColumns: "minmax(0, 1fr)" }}>
			{Object.entries(value).map(([where, source]) => (
				<Fact key={where} term={where === "*" ? "everything else" : where}>
					{shown(source)}
				</Fact>
			))}
		</dl>
	);
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
	return (
		<>
			<dt>{term}</dt>
			<dd>{children}</dd>
		</>
	);
}

const title = (name: string) => {
	const text = name.replaceAll("_", " ");
	return text.charAt(0).toUpperCase() + text.slice(1);
};

function shown(value: unknown): ReactNode {
	if (typeof value === "number") return integer(value);
	if (typeof value === "boolean") return value ? "yes" : "no";
	if (typeof value === "string") {
		if (!/^https:\/\//.test(value)) return value;
		return (
			<a href={value} rel="noreferrer noopener" target="_blank">
				{value}
			</a>
		);
	}
	if (Array.isArray(value) && value.every((one) => typeof one !== "object"))
		return value.join(", ") || "none";
	if (isGroup(value)) return <Sources value={value} />;
	return <code>{JSON.stringify(value)}</code>;
}
