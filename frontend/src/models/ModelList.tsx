import { Link, useSearch } from "../app/router";
import { kindName, natural, plural, typeName } from "../format";
import { Field } from "../ui/Field";
import { Answer, Empty } from "../ui/notes";
import { ModelCard } from "./ModelCard";
import { useModels } from "./ModelsContext";

/** Every kind as a card, filtered by what stands in the address. */
export function ModelList() {
	const models = useModels();
	const [search, setSearch] = useSearch();
	const { q = "", type = "", active = "" } = search;
	return (
		<Answer query={models} what="Asking for the models">
			{(kinds) => {
				const types = [...new Set(kinds.map((one) => one.type))].sort(natural);
				const wanted = q.toLowerCase();
				const shown = kinds.filter(
					(one) =>
						(!type || one.type === type) &&
						(!active || (active === "yes") === (one.active !== null)) &&
						`${one.kind} ${kindName(one.kind)} ${one.active?.version.name ?? ""}`
							.toLowerCase()
							.includes(wanted),
				);
				if (!kinds.length) return <Nothing />;
				return (
					<>
						<search className="filters">
							<Field label="Search">
								<input
									type="search"
									value={q}
									placeholder="kind or version"
									onChange={(event) => setSearch({ q: event.target.value })}
								/>
							</Field>
							<Field label="Type">
								<select value={type} onChange={(event) => setSearch({ type: event.target.value })}>
									<option value="">All types</option>
									{types.map((each) => (
										<option key={each} value={each}>
											{typeName(each)}
										</option>
									))}
								</select>
							</Field>
							<Field label="Active version">
								<select
									value={active}
									onChange={(event) => setSearch({ active: event.target.value })}
								>
									<option value="">With or without</option>
									<option value="yes">With</option>
									<option value="no">Without</option>
								</select>
							</Field>
						</search>
						<p className="small muted" role="status">
							{plural(shown.length, "kind")}
							{shown.length < kinds.length && ` of ${kinds.length}`}
						</p>
						<h2 className="visually-hidden">Kinds</h2>
						<div className="grid">
							{shown.map((one) => (
								<ModelCard key={one.kind} model={one} />
							))}
						</div>
						{!shown.length && <Empty title="No kind matches these filters" />}
					</>
				);
			}}
		</Answer>
	);
}

function Nothing() {
	return (
		<div className="card">
			<Empty title="No version is registered yet">
				<Link to="/register" className="button primary">
					Register the first one
				</Link>
			</Empty>
		</div>
	);
}
