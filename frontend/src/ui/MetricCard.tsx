import type { ReactNode } from "react";

interface MetricCardProps {
	name: string;
	value: ReactNode;
	/** What qualifies the value: a unit in words, an interval, a date. */
	note?: ReactNode;
	/** Words instead of a number: smaller type. */
	words?: boolean;
	/** Takes the room of two. */
	wide?: boolean;
}

/** One number with its name. */
export function MetricCard({ name, value, note, words = false, wide = false }: MetricCardProps) {
	return (
		<dl className={wide ? "metric wide" : "metric"}>
			<dt>{name}</dt>
			<dd className={words ? "value text" : "value"}>{value}</dd>
			{note && <dd className="detail">{note}</dd>}
		</dl>
	);
}
