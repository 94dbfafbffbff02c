/** Line icons of 24 by 24. */

const PATHS = {
	overview: "M4 13h6V4H4zM14 20h6V11h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
	models: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
	pool: "M4 7h16v4H4zM4 13h16v4H4zM7.5 9h.01M7.5 15h.01M16 9h1M16 15h1",
	compare: "M8 20V10M16 20V4M4 20h16M12 20v-6",
	benchmarks: "M12 13l4-4M4.5 18a9 9 0 1 1 15 0",
	try: "M5 5h14v10H9l-4 4zM9 9h6M9 12h3",
	activity: "M3 12h4l3-8 4 16 3-8h4",
	catalogue: "M5 4h11l3 3v13H5zM9 9h6M9 13h6M9 17h4",
	keys: "M14.5 9.5a4 4 0 1 0-3.4 4L13 15.5h2v2h2v2h3v-3z",
	register: "M12 5v14M5 12h14",
	check: "M5 12.5l4.5 4.5L19 7.5",
	cross: "M6 6l12 12M18 6L6 18",
	skip: "M6 12h12",
	arrow: "M5 12h14M13 6l6 6-6 6",
	undo: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
	alarm: "M12 4l9 16H3zM12 10v4M12 17h.01",
	pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
	download: "M12 4v11M7 11l5 5 5-5M5 20h14",
	menu: "M4 7h16M4 12h16M4 17h16",
	screen: "M4 5h16v11H4zM9 20h6M12 16v4",
	sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19",
	moon: "M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z",
	auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
	refresh: "M20 11a8 8 0 0 0-14.5-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14.5 4L20 15M20 20v-5h-5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
	return (
		<svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
			<path d={PATHS[name]} />
		</svg>
	);
}
