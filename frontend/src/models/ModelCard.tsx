import { useQuery } from "@tanstack/react-query";
import * as queries from "../api/queries";
import type { KindSummary } from "../api/types";
import { Link } from "../app/router";
import { compact, integer, kindName, plural, typeName } from "../format";
import { Badge } from "../ui/Badge";
import { Fingerprint } from "../ui/Fingerprint";
import { Time } from "../ui/Time";

/** A kind with its active version, and what the catalogue says of its model. */
export function ModelCard({ model }: { model: KindSummary }) {
	const { kind, type, active, n_versions } = model;
	const version = active?.version;
	return (
		<article className="card model-card">
			<header>
				<h3>
					<Link to={`/models/${encodeURIComponent(kind)}`}>{kindName(kind)}</Link>
				</h3>
				<Badge tone={active ? "accent" : "plain"}>{typeName(type)}</Badge>
			</header>
			{version ? (
				<>
					<p className="name">{version.name}</p>
					<div className="row small muted">
						{version.fingerprint && <Fingerprint value={version.fingerprint} />}
						{version.embedding_dim !== null && (
							<span>{integer(version.embedding_dim)} dimensions</span>
						)}
					</div>
					{version.catalogue_id && <CatalogueFacts id={version.catalogue_id} />}
				</>
			) : (
				<p className="muted">No version is active.</p>
			)}
			<footer>
				{active && (
					<>
						Generation {active.generation}, <Time at={active.at} /> by {active.actor} ·{" "}
					</>
				)}
				{plural(n_versions, "version")}
			</footer>
		</article>
	);
}

/** Licence, size and length of the record, where the catalogue has them. */
function CatalogueFacts({ id }: { id: string }) {
	const { data } = useQuery(queries.record(id));
	if (!data) return null;
	const record = (data.record ?? data) as Record<string, unknown>;
	const facts = [
		typeof record.license === "string" && record.license,
		typeof record.parameters === "number" && `${compact(record.parameters)} parameters`,
		typeof record.context_length === "number" && `${integer(record.context_length)} tokens`,
	].filter(Boolean);
	return (
		<p className="small muted">{[record.organization, ...facts].filter(Boolean).join(" · ")}</p>
	);
}
