import { useEffect, useState } from "react";
import { clock, plural } from "../format";
import { useLive } from "../live/LiveProvider";
import { Icon } from "../ui/Icon";

/** Says that the server does not answer, and when it is asked again. */
export function AwayBanner() {
	const live = useLive();
	return (
		<div role="status">
			{live.name === "away" && <Away since={live.since} nextTry={live.nextTry} />}
		</div>
	);
}

function Away({ since, nextTry }: { since: number; nextTry: number }) {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 500);
		return () => clearInterval(timer);
	}, []);
	const wait = Math.max(0, Math.ceil((nextTry - now) / 1000));
	return (
		<div className="banner bad">
			<Icon name="alarm" />
			<p>
				<strong>The server does not answer.</strong> What you see is from {clock(since)}.{" "}
				{wait ? `Next try in ${plural(wait, "second")}.` : "Trying again."}
			</p>
			<button type="button" onClick={() => window.dispatchEvent(new Event("holotype-retry"))}>
				Try now
			</button>
		</div>
	);
}
