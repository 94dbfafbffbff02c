import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";

export interface Column<Row> {
	/** Its name in the address, if the table can be sorted by it. */
	id: string;
	title: string;
	/** Whether only screen readers say the title. */
	isTitleHidden?: boolean;
	/** Of the table's width, in percent. */
	width: number;
	isNumber?: boolean;
	sortable?: boolean;
	render: (row: Row) => ReactNode;
}

interface VirtualTableProps<Row> {
	caption: string;
	columns: readonly Column<Row>[];
	rows: readonly Row[];
	keyOf: (row: Row) => string | number;
	classOf?: (row: Row) => string;
	/** The column that it is sorted by, with a minus before it if the largest comes first. */
	sort?: string;
	onSort?: (sort: string) => void;
	/** Called near the end of the rows. */
	onEnd?: () => void;
}

const ROW_HEIGHT = 46;

/** A table of any length: only the rows in sight exist. */
export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
	const { caption, columns, rows, keyOf, classOf, sort = "", onSort, onEnd } = props;
	const scroller = useRef<HTMLDivElement>(null);
	const virtual = useVirtualizer({
		count: rows.length,
		getScrollElement: () => scroller.current,
		estimateSize: () => ROW_HEIGHT,
		overscan: 8,
	});
	const items = virtual.getVirtualItems();
	const before = items[0]?.start ?? 0;
	const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
	const last = items.at(-1)?.index ?? 0;
	useEffect(() => {
		if (rows.length && last >= rows.length - 10) onEnd?.();
	}, [last, rows.length, onEnd]);

	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
		<section className="virtual" ref={scroller} tabIndex={0} aria-label={caption}>
			<table aria-rowcount={rows.length + 1}>
				<caption className="visually-hidden">{caption}</caption>
				<colgroup>
					{columns.map((column) => (
						<col key={column.id} style={{ width: `${column.width}%` }} />
					))}
				</colgroup>
				<thead>
					<tr aria-rowindex={1}>
						{columns.map((column) => (
							<Heading key={column.id} column={column} sort={sort} onSort={onSort} />
						))}
					</tr>
				</thead>
				<tbody>
					{before > 0 && <Spacer height={before} span={columns.length} />}
					{items.map(({ index }) => {
						const row = rows[index] as Row;
						return (
							<tr
								key={keyOf(row)}
								aria-rowindex={index + 2}
								className={`hoverable ${classOf?.(row) ?? ""}`}
							>
								{columns.map((column) => (
									<td key={column.id} className={column.isNumber ? "number" : undefined}>
										{column.render(row)}
									</td>
								))}
							</tr>
						);
					})}
					{after > 0 && <Spacer height={after} span={columns.length} />}
				</tbody>
			</table>
		</section>
	);
}

interface HeadingProps {
	column: Pick<Column<never>, "id" | "title" | "isTitleHidden" | "isNumber" | "sortable">;
	sort: string;
	onSort: ((sort: string) => void) | undefined;
}

function Heading({ column, sort, onSort }: HeadingProps) {
	const { id, title, isTitleHidden } = column;
	const direction = sort === id ? "ascending" : sort === `-${id}` ? "descending" : "none";
	const className = column.isNumber ? "number" : undefined;
	if (!column.sortable || !onSort) {
		return (
			<th scope="col" className={className}>
				{isTitleHidden ? <span className="visually-hidden">{title}</span> : title}
			</th>
		);
	}
	return (
		<th scope="col" className={className} aria-sort={direction}>
			<button type="button" onClick={() => onSort(direction === "ascending" ? `-${id}` : id)}>
				{title}
				<span aria-hidden="true">{{ ascending: "↑", descending: "↓", none: "↕" }[direction]}</span>
			</button>
		</th>
	);
}

function Spacer({ height, span }: { height: number; span: number }) {
	return (
		// biome-ignore lint/a11y/noAriaHiddenOnFocusable: an empty row takes no focus.
		<tr className="spacer" aria-hidden="true">
			<td colSpan={span} style={{ height }} />
		</tr>
	);
}
