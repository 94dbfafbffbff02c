import { useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo } from "react";
import * as queries from "../api/queries";
import type { CatalogueSummary } from "../api/types";
import { Link, useSearch } from "../app/router";
import { compact, integer, plural, typeName } from "../format";
import { Field } from "../ui/Field";
import { Empty, ErrorNote, Loading } from "../ui/notes";
import { PageHead } from "../ui/PageHead";
import { type Column, VirtualTable } from "../ui/VirtualTable";

/** Every type that a record may have; a test compares them with the catalogue's. */
const TYPES = [
	"dense",
	"colbert",
	"sparse",
	"cross-encoder",
	"classifier",
	"image-text",
	"captioner",
];

const number = (value: number | null | undefined) =>
	value === null || value === undefined ? "–" : integer(value);

const COLUMNS: Column<CatalogueSummary>[] = [
	{
		id: "id",
		title: "Model",
		width: 30,
		render: (one) => <Link to={`/catalogue/${encodeURIComponent(one.id)}`}>{one.id}</Link>,
	},
	{ id: "organization", title: "By", width: 17, render: (one) => one.organization },
	{ id: "type", title: "Type", width: 13, render: (one) => typeName(one.type) },
	{ id: "license", title: "Licence", width: 14, render: (one) => one.license ?? "–" },
	{
		id: "parameters",
		title: "Parameters",
		width: 10,
		isNumber: true,
		render: (one) => (one.parameters ? compact(one.parameters) : "–"),
	},
	{ id: "dim", title: "Dim", width: 7, isNumber: true, render: (one) => number(one.embedding_dim) },
	{
		id: "length",
		title: "Tokens",
		width: 9,
		isNumber: true,
		render: (one) => number(one.context_length),
	},
];

/** Every record of the catalogue, searchable; each value of a record has a source. */
export function Catalogue() {
	const [search, setSearch] = useSearch();
	const { q = "", type = "", language = "", license = "", max_dim = "" } = search;
	const filters = useMemo(
		() => ({ q, type, language, license, max_dim }),
		[q, type, language, license, max_dim],
	);
	const wanted = useDeferredValue(filters);
	const { data, error, fetchNextPage, hasNextPage, isFetching } = useInfiniteQuery(
		queries.catalogue(wanted),
	);
	const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
	const bind = (name: string, value: string) => ({
		value,
		onChange: (event: { target: { value: string } }) => setSearch({ [name]: event.target.value }),
	});
	return (
		<>
			<PageHead
				title="Catalogue"
				lead="How each model must be run, with the source of every value. What no source states is left out."
			/>
			<search className="filters">
				<Field label="Search">
					<input type="search" placeholder="bge, jina, minilm" {...bind("q", q)} />
				</Field>
				<Field label="Type">
					<select {...bind("type", type)}>
						<option value="">All types</option>
						{TYPES.map((each) => (
							<option key={each} value={each}>
								{typeName(each)}
							</option>
						))}
					</select>
				</Field>
				<Field label="Language">
					<input placeholder="de" {...bind("language", language)} />
				</Field>
				<Field label="Licence">
					<input placeholder="apache-2.0" {...bind("license", license)} />
				</Field>
				<Field label="Dimensions at most">
					<input inputMode="numeric" placeholder="768" {...bind("max_dim", max_dim)} />
				</Field>
			</search>
			<p className="small muted" role="status">
				{data ? plural(data.pages[0]?.total ?? 0, "model") : "Searching…"}
			</p>
			<ErrorNote error={error} />
			{data ? (
				<div className="card flush">
					<VirtualTable
						caption="Catalogue"
						columns={COLUMNS}
						rows={rows}
						keyOf={(one) => one.id}
						onEnd={() => {
							if (hasNextPage && !isFetching) void fetchNextPage();
						}}
					/>
					{!rows.length && <Empty title="No model matches these filters" />}
				</div>
			) : (
				!error && <Loading what="Searching" />
			)}
		</>
	);
}
