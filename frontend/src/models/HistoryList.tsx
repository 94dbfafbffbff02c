import type { Activation } from "../api/types";
import { kindName } from "../format";
import { Badge, Dot } from "../ui/Badge";
import { Time } from "../ui/Time";

interface HistoryListProps {
	activations: readonly Activation[];
	/** The generation that is active. */
	current?: number | undefined;
	/** Whether to say of which kind each is. */
	withKind?: boolean;
}

/** Who switched what, when and why. */
export function HistoryList({ activations, current, withKind = false }: HistoryListProps) {
	return (
		<ol className="timeline">
			{activations.map((each) => (
				<ActivationEntry
					key={`${each.kind} ${each.generation}`}
					activation={each}
					isCurrent={each.generation === current}
					withKind={withKind}
				/>
			))}
		</ol>
	);
}

export function ActivationEntry({
	activation,
	isCurrent,
	withKind,
}: {
	activation: Activation;
	isCurrent: boolean;
	withKind: boolean;
}) {
	const { action, actor, at, generation, kind, new_vector_space, reason, version } = activation;
	return (
		<li>
			<Dot tone={isCurrent ? "ok" : action === "rollback" ? "warn" : "plain"} />
			<div>
				<p className="what">
					<strong>{actor}</strong> {action === "rollback" ? "rolled back to" : "switched to"}{" "}
					<span className="mono">{version.name}</span>
					{withKind && ` for ${kindName(kind).toLowerCase()}`}{" "}
					{isCurrent && <Badge tone="ok">active</Badge>}{" "}
					{new_vector_space && <Badge tone="warn">other vectors</Badge>}
				</p>
				{reason && <p>“{reason}”</p>}
				<p className="small muted">
					generation {generation} · <Time at={at} />
				</p>
			</div>
		</li>
	);
}
