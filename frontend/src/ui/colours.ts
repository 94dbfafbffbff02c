/** One colour for each member of a series, in its order. */

const COUNT = 8;

export function colourOf(index: number): string {
	return `var(--series-${(index % COUNT) + 1})`;
}
