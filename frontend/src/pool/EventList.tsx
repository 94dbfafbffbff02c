import type { PoolEvent } from "../api/types";
import { Dot } from "../ui/Badge";
import { Time } from "../ui/Time";
import { sentence } from "./sentences";

/** What happened in the pool, newest first, with reasons. */
export function EventList({ events }: { events: readonly PoolEvent[] }) {
	return (
		<ol className="timeline">
			{events.map((event) => (
				<EventEntry key={event.number} event={event} />
			))}
		</ol>
	);
}

export function EventEntry({ event }: { event: PoolEvent }) {
	const { text, reason, tone } = sentence(event);
	return (
		<li>
			<Dot tone={tone} />
			<div>
				<p className="what">
					{event.name && <strong>{event.name} </strong>}
					{text}
				</p>
				{reason && <p className="small muted break">{reason}</p>}
				<p className="small muted">
					<Time at={event.at} />
				</p>
			</div>
		</li>
	);
}
