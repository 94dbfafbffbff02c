import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { getComparisonFile } from "../api/endpoints";
import * as queries from "../api/queries";
import type { Comparison } from "../api/types";
import { useSearch } from "../app/router";
import { kindName } from "../format";
import { DeltaTable } from "../models/DeltaTable";
import { useModels } from "../models/ModelsContext";
import { metricName } from "../models/metrics";
import { useModelVersions } from "../models/useModelVersions";
import { Field } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Answer, Empty, ErrorNote, Loading } from "../ui/notes";
import { PageHead } from "../ui/PageHead";

const ComparisonCharts = lazy(async () => ({
	default: (await import("../charts/ComparisonCharts")).ComparisonCharts,
}));

const MOST = 8;

/** Two to eight versions side by side; everything that is chosen stands in the address. */
export function Compare() {
	const [search, setSearch] = useSearch();
	const models = useModels();
	const kind = search.kind ?? models.data?.find((one) => one.n_versions > 1)?.kind ?? "";
	const names = (search.versions ?? "").split(",").filter(Boolean);
	const comparison = useQuery(queries.comparison(kind, names));
	return (
		<>
			<PageHead
				title={names.length > 1 ? `Compare ${names.length} versions` : "Compare"}
				lead="A difference is shown only where the data and the environment of both are equal."
			>
				{names.length > 1 && <Export kind={kind} names={names} />}
				<button
					type="button"
					onClick={() => setSearch({ present: search.present ? null : "1" }, { replace: false })}
				>
					<Icon name="screen" />
					{search.present ? "End the presentation" : "Present"}
				</button>
			</PageHead>
			{models.error && !models.data ? (
				<ErrorNote error={models.error} />
			) : (
				<>
					<Chooser kind={kind} names={names} />
					{names.length < 2 ? (
						<div className="card">
							<Empty title="Choose two versions or more" />
						</div>
					) : (
						<Answer query={comparison} what="Comparing">
							{(data) => <Result kind={kind} comparison={data} />}
						</Answer>
					)}
				</>
			)}
		</>
	);
}

function Chooser({ kind, names }: { kind: string; names: readonly string[] }) {
	const [, setSearch] = useSearch();
	const models = useModels();
	const { versions } = useModelVersions(kind);
	const others = versions.filter((version) => !names.includes(version.name));
	return (
		<div className="card not-presented">
			<div className="filters">
				<Field label="Kind">
					<select
						value={kind}
						onChange={(event) =>
							setSearch({ kind: event.target.value, versions: null, metric: null })
						}
					>
						{models.data?.map((one) => (
							<option key={one.kind} value={one.kind}>
								{kindName(one.kind)}
							</option>
						))}
					</select>
				</Field>
				<Field label="Add a version">
					<select
						value=""
						disabled={names.length >= MOST || !others.length}
						onChange={(event) =>
							setSearch({ kind, versions: [...names, event.target.value].join(",") })
						}
					>
						<option value="">{names.length >= MOST ? "Eight at most" : "Choose one"}</option>
						{others.map((version) => (
							<option key={version.id} value={version.name}>
								{version.name}
							</option>
						))}
					</select>
				</Field>
			</div>
			<ul className="tags" aria-label="Compared versions">
				{names.map((name, index) => (
					<li key={name} className="badge">
						<span className="swatch" style={{ background: `var(--series-${index + 1})` }} />
						<span className="mono">{name}</span>
						{index === 0 && " · base"}
						<button
							type="button"
							className="quiet icon-button"
							style={{ minHeight: 20, width: 20 }}
							aria-label={`Remove ${name}`}
							onClick={() =>
								setSearch({ versions: names.filter((each) => each !== name).join(",") })
							}
						>
							<Icon name="cross" />
						</button>
					</li>
				))}
			</ul>
		</div>
	);
}

function Result({ kind, comparison }: { kind: string; comparison: Comparison }) {
	const [search, setSearch] = useSearch();
	const { metrics } = comparison;
	const idOf = ({ dataset, name }: { dataset: string; name: string }) => `${dataset} ${name}`;
	const metric = metrics.find((each) => idOf(each) === search.metric) ?? metrics[0];
	if (!metric) {
		return (
			<div className="card">
				<Empty title="None of these versions was measured">Benchmark them first.</Empty>
			</div>
		);
	}
	return (
		<>
			<div className="filters not-presented">
				<Field label="Metric">
					<select
						value={idOf(metric)}
						onChange={(event) => setSearch({ metric: event.target.value })}
					>
						{metrics.map((each) => (
							<option key={idOf(each)} value={idOf(each)}>
								{metricName(each.name)}, {each.dataset}
							</option>
						))}
					</select>
				</Field>
			</div>
			{metric.apart && <p className="note warn">No difference is shown: {metric.apart}.</p>}
			<Suspense fallback={<Loading what="Drawing" />}>
				<ComparisonCharts kind={kind} comparison={comparison} metric={metric} />
			</Suspense>
			<div className="card flush">
				<header>
					<h2>All metrics</h2>
				</header>
				<DeltaTable comparison={comparison} />
			</div>
		</>
	);
}

const FORMATS = [
	["csv", "CSV"],
	["json", "JSON"],
	["markdown", "Markdown"],
] as const;

function Export({ kind, names }: { kind: string; names: string[] }) {
	async function save(format: (typeof FORMATS)[number][0]) {
		const [file, { download }] = await Promise.all([
			getComparisonFile(kind, names, format),
			import("../charts/download"),
		]);
		download(file, `${kind}.${format === "markdown" ? "md" : format}`);
	}
	return (
		<span className="row not-presented">
			{FORMATS.map(([format, name]) => (
				<button
					key={format}
					type="button"
					className="quiet"
					aria-label={`Save as ${name}`}
					onClick={() => void save(format)}
				>
					<Icon name="download" />
					{name}
				</button>
			))}
		</span>
	);
}
