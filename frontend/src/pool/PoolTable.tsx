import type { VariantStatus } from "../api/types";
import { bytes, duration } from "../format";
import { Badge, Dot, type Tone } from "../ui/Badge";
import { colourOf } from "../ui/colours";
import { Fingerprint } from "../ui/Fingerprint";
import { PoolActions } from "./PoolActions";

const STATES: Record<VariantStatus["state"], [string, Tone]> = {
	ready: ["Ready", "ok"],
	loading: ["Loading", "accent"],
	cold: ["Not loaded", "plain"],
	sick: ["Sick", "bad"],
};

/** Every name of the deployment: what it costs, who uses it, and what can be done. */
export function PoolTable({ models }: { models: readonly VariantStatus[] }) {
	return (
		<section className="scroll" aria-label="Models of the pool">
			<table>
				<caption className="visually-hidden">Models of the pool</caption>
				<thead>
					<tr>
						<th scope="col">Name</th>
						<th scope="col">State</th>
						<th scope="col">Vectors</th>
						<th scope="col" className="number">
							Memory
						</th>
						<th scope="col" className="number">
							Calls
						</th>
						<th scope="col" className="number">
							Idle
						</th>
						<th scope="col">
							<span className="visually-hidden">Actions</span>
						</th>
					</tr>
				</thead>
				<tbody>
					{models.map((model, index) => (
						<ModelRow
							key={`${model.name} ${model.variant} ${model.copy}`}
							model={model}
							index={index}
							models={models}
						/>
					))}
				</tbody>
			</table>
		</section>
	);
}

interface ModelRowProps {
	model: VariantStatus;
	index: number;
	models: readonly VariantStatus[];
}

function ModelRow({ model, index, models }: ModelRowProps) {
	const [state, tone] = STATES[model.state] ?? [model.state, "plain"];
	const isFirst = models.findIndex((one) => one.name === model.name) === index;
	const sameName = models.filter((one) => one.name === model.name);
	const copies = sameName.filter((one) => one.variant === model.variant).length;
	return (
		<tr data-name={model.name}>
			<th scope="row">
				<span className="row" style={{ flexWrap: "nowrap" }}>
					<span className="swatch" style={{ background: colourOf(index) }} />
					<span>
						{model.name}
						{sameName.length > copies && (
							<span className="muted">
								{" "}
								{model.variant}, weight {model.weight}
							</span>
						)}
						{copies > 1 && <span className="muted"> copy {model.copy}</span>}
					</span>
					{model.pinned && <Badge tone="accent">pinned</Badge>}
				</span>
				<div className="small muted mono break">{model.reference}</div>
				{model.last_error && (
					<details className="small">
						<summary>The last load failed</summary>
						<p className="break">{model.last_error}</p>
					</details>
				)}
			</th>
			<td>
				<span className="row" style={{ flexWrap: "nowrap" }}>
					<Dot tone={tone === "accent" ? "warn" : tone} busy={model.state === "loading"} />
					{state}
				</span>
				{model.breaker !== "closed" && <Badge tone="bad">breaker {model.breaker}</Badge>}
				{model.version && <div className="small muted">version {model.version.number}</div>}
			</td>
			<td>{model.version ? <Fingerprint value={model.version.fingerprint} /> : "–"}</td>
			<td className="number">{model.memory_bytes ? bytes(model.memory_bytes) : "–"}</td>
			<td className="number">
				{model.n_leases}
				{model.n_draining > 0 && <div className="small muted">{model.n_draining} draining</div>}
			</td>
			<td className="number">{model.idle_for_s === null ? "–" : duration(model.idle_for_s)}</td>
			<td className="number">{isFirst && <PoolActions model={model} />}</td>
		</tr>
	);
}
