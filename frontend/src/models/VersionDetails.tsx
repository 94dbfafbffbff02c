import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { getVersion } from "../api/endpoints";
import { keys } from "../api/queries";
import { Link } from "../app/router";
import { moment } from "../format";
import { Dialog } from "../ui/Dialog";
import { Answer } from "../ui/notes";
import { CheckBadge } from "./VersionName";

/** Everything that the registry knows of a version. */
export function VersionDetails({
	kind,
	name,
	onClose,
}: {
	kind: string;
	name: string;
	onClose: () => void;
}) {
	const query = useQuery({
		queryKey: [...keys.models, "version", kind, name],
		queryFn: ({ signal }) => getVersion(kind, name, signal),
	});
	return (
		<Dialog title={name} lead="A version never changes." onClose={onClose}>
			<Answer query={query}>
				{(version) => {
					const facts: [string, ReactNode][] = [
						["Kind", version.kind],
						["Type", version.type],
						["Reference", <code key="">{version.reference}</code>],
						["Source", <code key="">{version.source_repo}</code>],
						["Checkpoint", <code key="">{version.checkpoint_hash}</code>],
						[
							"Fingerprint",
							version.fingerprint ? <code key="">{version.fingerprint}</code> : "none",
						],
						["Dimensions", version.embedding_dim ?? "none"],
						["Options", <code key="">{JSON.stringify(version.inference_config)}</code>],
						["Registered", `${moment(version.created_at)} by ${version.created_by}`],
						["Checks", <CheckBadge key="" version={version} />],
					];
					return (
						<>
							<dl className="facts">
								{facts.map(([term, value]) => (
									<Fact key={term} term={term}>
										{value}
									</Fact>
								))}
							</dl>
							{version.last_check?.problems.map(({ check, message }) => (
								<div className="problem" key={check + message}>
									<strong>{check.replaceAll("_", " ")}</strong>
									<p>{message}</p>
								</div>
							))}
							{version.catalogue_id && (
								<p>
									<Link to={`/catalogue/${version.catalogue_id}`}>
										{version.catalogue_id} in the catalogue
									</Link>
								</p>
							)}
						</>
					);
				}}
			</Answer>
		</Dialog>
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
