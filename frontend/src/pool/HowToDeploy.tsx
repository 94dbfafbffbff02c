import type { ServerInfo } from "../api/types";

const EXAMPLE = `version: "1.0"
models: {search: {source: "catalogue:all-minilm-l6-v2"}}`;

/** Where models are added to a server that has none. */
export function HowToDeploy({ server }: { server: ServerInfo }) {
	if (server.deployment) {
		return (
			<p className="note">
				No model is deployed. Add one in <code className="break">{server.deployment}</code>, and
				apply it again under Pool.
			</p>
		);
	}
	return (
		<div className="note">
			<p>
				No model is served, since the server was started without a deployment. Write a file such as{" "}
				<code>deployment.yaml</code>:
			</p>
			<pre>{EXAMPLE}</pre>
			<p>
				and start it with <code>holotype serve deployment.yaml</code>.
			</p>
		</div>
	);
}
