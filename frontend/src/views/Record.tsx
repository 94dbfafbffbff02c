import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import * as queries from "../api/queries";
import { Link } from "../app/router";
import { integer } from "../format";
import { Answer } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

/** One record of the catalogue, with the source of each value. */
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
				{(data) => <Fields data={data} />}
			</Answer>
		</>
	);
}

type Values = Record<string, unknown>;

const isGroup = (value: unknown): value is Values =>
	typeof value === "object" && value !== null && !Array.isArray(value);

const isKnown = (value: unknown) =>
	value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);

function Fields({ data }: { data: Values }) {
	const { provenance, sources, description, ...record } = data;
	const given = isGroup(provenance) ? provenance : {};
	const sourceOf = (name: string) => String(given[name] ?? given["*"] ?? "");
	const known = Object.entries(record).filter(([, value]) => isKnown(value));
	return (
		<>
			{typeof description === "string" && <p>{description}</p>}
			<section className="card flush scroll" aria-label="Fields">
				<table>
					<caption className="visually-hidden">Fields, with the source of each value</caption>
					<thead>
						<tr>
							<th scope="col">Field</th>
							<th scope="col">Value</th>
							<th scope="col">Source</th>
						</tr>
					</thead>
					<tbody>
						{known.map(([name, value]) => (
							<tr key={name}>
								<th scope="row">{title(name)}</th>
								<td className="break">{name.endsWith("_range") ? range(value) : shown(value)}</td>
								<td className="small muted break">{sourceOf(name)}</td>
							</tr>
						))}
					</tbody>
				</table>
			</section>
			{isGroup(sources) && Object.keys(sources).length > 0 && <Sources sources={sources} />}
		</>
	);
}

/** What the catalogue knows of the sources that the values name. */
function Sources({ sources }: { sources: Values }) {
	return (
		<section className="card">
			<h2>Sources</h2>
			<dl className="facts">
				{Object.entries(sources).map(([name, about]) => (
					<Fact key={name} term={name}>
						{isGroup(about)
							? Object.entries(about)
									.filter(([, value]) => isKnown(value))
									.map(([key, value]) => <div key={key}>{shown(value)}</div>)
							: shown(about)}
					</Fact>
				))}
			</dl>
		</section>
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

const range = (value: unknown) =>
	Array.isArray(value) ? value.map(integer).join(" to ") : shown(value);

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
	return <code>{JSON.stringify(value)}</code>;
}
