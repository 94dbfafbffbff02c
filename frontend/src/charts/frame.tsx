/** What the charts share: their look, and saving one as a picture. */

import { type ReactNode, type RefObject, useRef } from "react";
import { Icon } from "../ui/Icon";
import { download } from "./download";

export const AXIS = {
	stroke: "var(--line)",
	tick: { fill: "var(--muted)", fontSize: 12 },
} as const;
export const TOOLTIP = {
	contentStyle: {
		background: "var(--raised)",
		border: "1px solid var(--line)",
		borderRadius: 8,
		fontSize: 13,
		color: "var(--ink)",
	},
	itemStyle: { color: "var(--ink)" },
	labelStyle: { color: "var(--muted)" },
} as const;

export const LEGEND = {
	verticalAlign: "top",
	height: 44,
	// The colour of a line is too light for text.
	formatter: (name: string) => <span>{name}</span>,
} as const;

interface ChartFrameProps {
	title: string;
	/** For who cannot see it: what it shows. */
	description: string;
	children: ReactNode;
}

export function ChartFrame({ title, description, children }: ChartFrameProps) {
	const figure = useRef<HTMLDivElement>(null);
	return (
		<figure className="card">
			<header>
				<figcaption>
					<h2>{title}</h2>
				</figcaption>
				<span className="row not-presented">
					<SaveButton figure={figure} title={title} format="svg" />
					<SaveButton figure={figure} title={title} format="png" />
				</span>
			</header>
			<div className="chart" ref={figure} role="img" aria-label={description}>
				{children}
			</div>
		</figure>
	);
}

interface SaveButtonProps {
	figure: RefObject<HTMLDivElement | null>;
	title: string;
	format: "svg" | "png";
}

function SaveButton({ figure, title, format }: SaveButtonProps) {
	async function save() {
		const svg = figure.current?.querySelector("svg.recharts-surface");
		if (!(svg instanceof SVGSVGElement)) return;
		const text = standalone(svg);
		const picture =
			format === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await rasterise(text, svg);
		download(picture, `${title}.${format}`);
	}
	return (
		<button
			type="button"
			className="small quiet"
			aria-label={`Save ${title} as ${format.toUpperCase()}`}
			onClick={() => void save()}
		>
			<Icon name="download" />
			{format.toUpperCase()}
		</button>
	);
}

const KEPT = [
	"fill",
	"stroke",
	"stroke-width",
	"stroke-dasharray",
	"font-size",
	"font-family",
	"text-anchor",
];

/** The chart as a file of its own: with the colours that the style sheet gives it here. */
function standalone(svg: SVGSVGElement): string {
	const copy = svg.cloneNode(true) as SVGSVGElement;
	const shown = [svg, ...svg.querySelectorAll("*")];
	for (const [index, element] of [copy, ...copy.querySelectorAll("*")].entries()) {
		const style = getComputedStyle(shown[index] as Element);
		for (const name of KEPT) {
			const value = style.getPropertyValue(name);
			if (value) element.setAttribute(name, value);
		}
		element.removeAttribute("style");
	}
	const { width, height } = svg.getBoundingClientRect();
	copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
	copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
	copy.setAttribute("width", String(width));
	copy.setAttribute("height", String(height));
	const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
	paper.setAttribute("width", "100%");
	paper.setAttribute("height", "100%");
	paper.setAttribute("fill", getComputedStyle(svg.closest(".card") ?? svg).backgroundColor);
	copy.prepend(paper);
	return new XMLSerializer().serializeToString(copy);
}

async function rasterise(text: string, svg: SVGSVGElement): Promise<Blob> {
	const { width, height } = svg.getBoundingClientRect();
	const image = new Image();
	image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
	await image.decode();
	const canvas = document.createElement("canvas");
	const scale = 2;
	canvas.width = width * scale;
	canvas.height = height * scale;
	canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
	return new Promise((resolve, reject) =>
		canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
	);
}
