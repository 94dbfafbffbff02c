import type { Version } from "../api/types";
import { integer } from "../format";
import { Badge } from "../ui/Badge";
import { Fingerprint } from "../ui/Fingerprint";

/** A version as a label: what it is called, and which vectors it makes. */
export function Specimen({
	version,
	title,
	isNext = false,
}: {
	version: Version | null;
	title: string;
	isNext?: boolean;
}) {
	return (
		<div className={`specimen${isNext ? " next" : ""}`}>
			<span className="small muted">{title}</span>
			{version ? (
				<>
					<span className="name">{version.name}</span>
					<span className="row small muted">
						{version.fingerprint && <Fingerprint value={version.fingerprint} />}
						{version.embedding_dim !== null && (
							<span>{integer(version.embedding_dim)} dimensions</span>
						)}
					</span>
				</>
			) : (
				<span className="name">nothing</span>
			)}
		</div>
	);
}

/** Whether the last checks of a version passed. */
export function CheckBadge({ version }: { version: Version }) {
	const check = version.last_check;
	if (!check) return <Badge>not checked</Badge>;
	return <Badge tone={check.outcome === "passed" ? "ok" : "bad"}>{check.outcome}</Badge>;
}
