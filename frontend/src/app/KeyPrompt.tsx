import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { readKey, storeKey } from "../api/client";
import { Field } from "../ui/Field";

/** Asks for the key that the server wants. */
export function KeyPrompt() {
	const client = useQueryClient();
	const [key, setKey] = useState("");
	const [remember, setRemember] = useState(false);
	const hadKey = readKey() !== "";

	function use(event: FormEvent) {
		event.preventDefault();
		storeKey(key.trim(), remember);
		window.dispatchEvent(new Event("holotype-key"));
		void client.resetQueries();
	}

	return (
		<form className="card" onSubmit={use} style={{ maxWidth: 520 }}>
			<header>
				<h1>This server needs a key</h1>
			</header>
			{hadKey && <p className="note warn">The key that this browser has was not accepted.</p>}
			<Field
				label="Key"
				hint={
					<>
						Whoever runs the server makes one: <code>holotype keys create</code>
					</>
				}
			>
				<input
					type="password"
					autoComplete="off"
					spellCheck={false}
					required
					value={key}
					onChange={(event) => setKey(event.target.value)}
				/>
			</Field>
			<label className="choice">
				<input
					type="checkbox"
					checked={remember}
					onChange={(event) => setRemember(event.target.checked)}
				/>
				<span>Keep it in this browser, also after the tab is closed</span>
			</label>
			<div>
				<button type="submit" className="primary" disabled={!key.trim()}>
					Use this key
				</button>
			</div>
		</form>
	);
}
