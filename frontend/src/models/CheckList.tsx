import type { CheckResult } from "../api/types";
import { Icon, type IconName } from "../ui/Icon";

const ICONS: Record<string, IconName> = { passed: "check", failed: "cross", skipped: "skip" };

/** What was checked, and what was found. */
export function CheckList({ checks }: { checks: readonly CheckResult[] }) {
	if (!checks.length) return <p className="muted">Nothing was checked.</p>;
	return (
		<ul className="checks">
			{checks.map(({ name, outcome, message }) => (
				<li key={name + message} className={outcome}>
					<Icon name={ICONS[outcome] ?? "skip"} />
					<span>
						{name.replaceAll("_", " ")}
						<span className="visually-hidden">: {outcome}</span>
						{message && <span className="muted"> · {message}</span>}
					</span>
				</li>
			))}
		</ul>
	);
}
