import { useMemo } from "react";
import type { Version } from "../api/types";
import { integer } from "../format";
import { Badge } from "../ui/Badge";
import { Fingerprint } from "../ui/Fingerprint";
import { Empty } from "../ui/notes";
import { Time } from "../ui/Time";
import { type Column, VirtualTable } from "../ui/VirtualTable";
import type { ModelVersions } from "./useModelVersions";
import { CheckBadge } from "./VersionName";

const MOST_COMPARED = 8;

interface VersionTableProps {
	versions: ModelVersions;
	/** The names that are ticked for a comparison. */
	selected: readonly string[];
	onSelect: (names: readonly string[]) => void;
	sort: string;
	onSort: (sort: string) => void;
	onSwitch: (name: string) => void;
	onShow: (name: string) => void;
}

/** The versions of a kind, with the way to switch to each. */
export function VersionTable(props: VersionTableProps) {
	const { versions, selected, onSelect, sort, onSort, onSwitch, onShow } = props;
	const active = versions.active?.version.id;

	const columns = useMemo<Column<Version>[]>(
		() => [
			{
				id: "compare",
				title: "Compare",
				width: 9,
				render: (version) => (
					<input
						type="checkbox"
						aria-label={`Compare ${version.name}`}
						checked={selected.includes(version.name)}
						disabled={selected.length >= MOST_COMPARED && !selected.includes(version.name)}
						onChange={(event) =>
							onSelect(
								event.target.checked
									? [...selected, version.name]
									: selected.filter((name) => name !== version.name),
							)
						}
					/>
				),
			},
			{
				id: "name",
				title: "Version",
				width: 33,
				sortable: true,
				render: (version) => (
					<span className="row" style={{ flexWrap: "nowrap" }}>
						<button
							type="button"
							className="quiet small mono"
							style={{ padding: 0, minHeight: 24 }}
							onClick={() => onShow(version.name)}
						>
							{version.name}
						</button>
						{version.id === active && <Badge tone="ok">active</Badge>}
					</span>
				),
			},
			{
				id: "dim",
				title: "Dimensions",
				width: 12,
				isNumber: true,
				sortable: true,
				render: (version) =>
					version.embedding_dim === null ? "–" : integer(version.embedding_dim),
			},
			{
				id: "space",
				title: "Vectors",
				width: 10,
				render: (version) => <Fingerprint value={version.fingerprint} />,
			},
			{
				id: "checks",
				title: "Checks",
				width: 11,
				render: (version) => <CheckBadge version={version} />,
			},
			{
				id: "created",
				title: "Registered",
				width: 14,
				sortable: true,
				render: (version) => <Time at={version.created_at} />,
			},
			{
				id: "switch",
				title: "Actions",
				isTitleHidden: true,
				width: 11,
				isNumber: true,
				render: (version) =>
					version.id !== active && (
						<button
							type="button"
							className="small"
							aria-label={`Switch to ${version.name}`}
							onClick={() => onSwitch(version.name)}
						>
							Switch
						</button>
					),
			},
		],
		[active, selected, onSelect, onSwitch, onShow],
	);

	return (
		<div className="card flush">
			<VirtualTable
				caption="Versions"
				columns={columns}
				rows={versions.versions}
				keyOf={(version) => version.id}
				classOf={(version) => (version.id === active ? "selected" : "")}
				sort={sort}
				onSort={onSort}
				onEnd={versions.loadMore}
			/>
			{!versions.versions.length && <Empty title="No version matches" />}
		</div>
	);
}
