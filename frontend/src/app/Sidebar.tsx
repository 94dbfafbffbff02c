import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import * as queries from "../api/queries";
import { useLive } from "../live/LiveProvider";
import type { StreamState } from "../live/stream";
import { Dot, type Tone } from "../ui/Badge";
import { Icon, type IconName } from "../ui/Icon";
import { Link } from "./router";
import { type Theme, useTheme } from "./theme";

const GROUPS: { title: string; items: [string, string, IconName][] }[] = [
	{
		title: "Serving",
		items: [
			["/", "Overview", "overview"],
			["/pool", "Pool", "pool"],
			["/activity", "Activity", "activity"],
			["/try", "Try", "try"],
		],
	},
	{
		title: "Versions",
		items: [
			["/models", "Models", "models"],
			["/register", "Register", "register"],
			["/compare", "Compare", "compare"],
			["/benchmarks", "Benchmarks", "benchmarks"],
		],
	},
	{
		title: "Reference",
		items: [
			["/catalogue", "Catalogue", "catalogue"],
			["/keys", "Keys", "keys"],
		],
	},
];

export function Sidebar({ path }: { path: string }) {
	const [open, setOpen] = useState(false);
	// biome-ignore lint/correctness/useExhaustiveDependencies: a new view closes the menu.
	useEffect(() => setOpen(false), [path]);
	const isCurrent = (to: string) => (to === "/" ? path === "/" : `${path}/`.startsWith(`${to}/`));

	return (
		<header className={`side${open ? " open" : ""}`}>
			<div className="side-top">
				<Link to="/" className="brand">
					<img src="/icon.svg" alt="" />
					holotype
				</Link>
				<button
					type="button"
					className="menu-button quiet"
					aria-expanded={open}
					aria-controls="navigation"
					onClick={() => setOpen(!open)}
				>
					<Icon name="menu" />
					Menu
				</button>
			</div>
			<nav id="navigation" className="nav" aria-label="Views">
				{GROUPS.map(({ title, items }) => (
					<div key={title}>
						<p className="nav-title">{title}</p>
						<ul>
							{items.map(([to, name, icon]) => (
								<li key={to}>
									<Link to={to} aria-current={isCurrent(to) ? "page" : undefined}>
										<Icon name={icon} />
										{name}
									</Link>
								</li>
							))}
						</ul>
					</div>
				))}
			</nav>
			<Foot />
		</header>
	);
}

const STATES: Record<StreamState["name"], [string, Tone]> = {
	connecting: ["Connecting", "plain"],
	live: ["Live", "ok"],
	paused: ["Paused", "plain"],
	refused: ["Needs a key", "warn"],
	away: ["Server away", "bad"],
};

function Foot() {
	const live = useLive();
	const { data } = useQuery(queries.server());
	const [theme, setTheme] = useTheme();
	const [name, tone] = STATES[live.name];
	const next: Record<Theme, [Theme, IconName]> = {
		system: ["light", "auto"],
		light: ["dark", "sun"],
		dark: ["system", "moon"],
	};
	const [following, icon] = next[theme];
	return (
		<div className="side-foot">
			<div className="row">
				<span className="row" data-testid="live">
					<Dot tone={tone} busy={live.name === "connecting"} />
					{name}
				</span>
				<button
					type="button"
					className="quiet icon-button"
					aria-label={`Colours: ${theme}. Change to ${following}.`}
					title={`Colours: ${theme}`}
					onClick={() => setTheme(following)}
				>
					<Icon name={icon} />
				</button>
			</div>
			{data && (
				<p className="break">
					{location.host}
					<br />
					holotype {data.version}
				</p>
			)}
		</div>
	);
}
