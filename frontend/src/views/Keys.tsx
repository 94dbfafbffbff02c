import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { createKey, revokeKey } from "../api/endpoints";
import * as queries from "../api/queries";
import type { ApiKey, Scope } from "../api/types";
import { moment } from "../format";
import { NO_REGISTRY, useRegistry } from "../models/registry";
import { Badge } from "../ui/Badge";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { Answer, Empty, ErrorNote } from "../ui/notes";
import { PageHead } from "../ui/PageHead";
import { Time } from "../ui/Time";

const SCOPES: readonly (readonly [Scope, string])[] = [
	["infer", "infer: ask models, and read everything"],
	["operate", "operate: also load, switch, register and benchmark"],
	["admin", "admin: also make and revoke keys"],
];

/** Who may do what. A key is shown once, when it is made. */
export function Keys() {
	const [creates, setCreates] = useState(false);
	const { isMissing, canBeAsked } = useRegistry();
	const keys = useQuery({ ...queries.apiKeys(), enabled: canBeAsked });
	const query = isMissing ? { ...keys, error: NO_REGISTRY } : keys;
	return (
		<>
			<PageHead
				title="Keys"
				lead="Programs send one as a bearer token. The server keeps a digest, so a key is shown only when it is made."
			>
				{!isMissing && (
					<button type="button" className="primary" onClick={() => setCreates(true)}>
						Make a key
					</button>
				)}
			</PageHead>
			<div className="card flush">
				<Answer query={query} what="Asking for the keys">
					{(keys) =>
						keys.length ? (
							<KeyTable keys={keys} />
						) : (
							<Empty title="There are no keys">
								Without any, the server listens on this machine only, and everybody on it may do
								everything.
							</Empty>
						)
					}
				</Answer>
			</div>
			{creates && <CreateDialog onClose={() => setCreates(false)} />}
		</>
	);
}

function KeyTable({ keys }: { keys: readonly ApiKey[] }) {
	const client = useQueryClient();
	const [revoked, setRevoked] = useState<ApiKey | null>(null);
	const revoke = useMutation({
		mutationFn: (key: ApiKey) => revokeKey(key.id),
		onSuccess: () => setRevoked(null),
		onSettled: () => client.invalidateQueries({ queryKey: queries.keys.keys }),
	});
	return (
		<section className="scroll" aria-label="Keys">
			<table>
				<caption className="visually-hidden">Keys</caption>
				<thead>
					<tr>
						<th scope="col">Name</th>
						<th scope="col">May</th>
						<th scope="col">Made</th>
						<th scope="col">Ends</th>
						<th scope="col">
							<span className="visually-hidden">Actions</span>
						</th>
					</tr>
				</thead>
				<tbody>
					{keys.map((key) => (
						<tr key={key.id}>
							<th scope="row">{key.name}</th>
							<td>
								<span className="tags">
									{key.scopes.map((scope) => (
										<Badge key={scope}>{scope}</Badge>
									))}
								</span>
							</td>
							<td>
								<Time at={key.created_at} />
							</td>
							<td>{key.expires_at ? moment(key.expires_at) : "never"}</td>
							<td className="number">
								{key.revoked_at ? (
									<Badge tone="bad">revoked</Badge>
								) : (
									<button
										type="button"
										className="small danger"
										aria-label={`Revoke ${key.name}`}
										onClick={() => setRevoked(key)}
									>
										Revoke
									</button>
								)}
							</td>
						</tr>
					))}
				</tbody>
			</table>
			{revoked && (
				<Dialog
					title={`Revoke ${revoked.name}?`}
					lead="Whoever uses it is refused within a second. This cannot be undone."
					onClose={() => setRevoked(null)}
					footer={
						<>
							<button type="button" onClick={() => setRevoked(null)}>
								Cancel
							</button>
							<button
								type="button"
								className="primary danger"
								disabled={revoke.isPending}
								onClick={() => revoke.mutate(revoked)}
							>
								Revoke
							</button>
						</>
					}
				>
					<ErrorNote error={revoke.error} />
				</Dialog>
			)}
		</section>
	);
}

function CreateDialog({ onClose }: { onClose: () => void }) {
	const client = useQueryClient();
	const [name, setName] = useState("");
	const [scope, setScope] = useState<Scope>("infer");
	const [expires, setExpires] = useState("");
	const create = useMutation({
		mutationFn: () =>
			createKey({
				name: name.trim(),
				scopes: [scope],
				...(expires ? { expires_at: new Date(`${expires}T23:59:59Z`).toISOString() } : {}),
			}),
		onSuccess: () => client.invalidateQueries({ queryKey: queries.keys.keys }),
	});
	function submit(event: FormEvent) {
		event.preventDefault();
		create.mutate();
	}
	if (create.data) {
		return (
			<Dialog title={create.data.name} lead="Copy it now: it is not shown again." onClose={onClose}>
				<p className="note ok break mono" data-testid="new-key">
					{create.data.key}
				</p>
				<div>
					<button
						type="button"
						onClick={() => void navigator.clipboard?.writeText(create.data?.key ?? "")}
					>
						Copy
					</button>
				</div>
			</Dialog>
		);
	}
	return (
		<Dialog
			title="Make a key"
			onClose={onClose}
			footer={
				<button
					type="submit"
					form="new-key"
					className="primary"
					disabled={!name.trim() || create.isPending}
				>
					Make the key
				</button>
			}
		>
			<ErrorNote error={create.error} />
			<form id="new-key" className="stack" onSubmit={submit}>
				<Field label="Name" hint="Who uses it, such as a service.">
					<input value={name} onChange={(event) => setName(event.target.value)} />
				</Field>
				<Field label="May">
					<select value={scope} onChange={(event) => setScope(event.target.value as Scope)}>
						{SCOPES.map(([id, text]) => (
							<option key={id} value={id}>
								{text}
							</option>
						))}
					</select>
				</Field>
				<Field label="Ends after" hint="Optional: the end of this day, in UTC.">
					<input type="date" value={expires} onChange={(event) => setExpires(event.target.value)} />
				</Field>
			</form>
		</Dialog>
	);
}
