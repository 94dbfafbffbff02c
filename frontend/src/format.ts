/** Numbers, times and names as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 1,288,490,189 bytes are "1.2 GiB". */
export function bytes(value: number): string {
	let size = Math.abs(value);
	let unit = 0;
	while (size >= 1023.5 && unit < UNITS.length - 1) {
		size /= 1024;
		unit += 1;
	}
	const digits = unit === 0 || size >= 99.95 ? 0 : 1;
	return `${value < 0 ? "−" : ""}${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** 4,210 seconds are "1 h 10 min". */
export function duration(seconds: number): string {
	const whole = Math.max(0, Math.round(seconds));
	if (seconds < 10 && seconds % 1 && seconds > 0) return `${seconds.toFixed(1)} s`;
	if (whole < 60) return `${whole} s`;
	const minutes = Math.floor(whole / 60);
	if (minutes < 60)
		return whole % 60 && minutes < 10 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
	const days = Math.floor(hours / 24);
	return hours % 24 && days < 10 ? `${days} d ${hours % 24} h` : `${days} d`;
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
	["year", 31_557_600],
	["month", 2_629_800],
	["day", 86_400],
	["hour", 3_600],
	["minute", 60],
];

/** "3 minutes ago". */
export function ago(at: string | number, now = Date.now()): string {
	const seconds = (now - new Date(at).getTime()) / 1000;
	for (const [unit, size] of STEPS) {
		if (Math.abs(seconds) >= size) return RELATIVE.format(-Math.trunc(seconds / size), unit);
	}
	return "just now";
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const clock = (at: string | number) => CLOCK.format(new Date(at));
export const moment = (at: string | number) => MOMENT.format(new Date(at));

const INTEGER = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const integer = (value: number) => INTEGER.format(value);
/** 22,713,216 is "22.7M". */
export const compact = (value: number) => COMPACT.format(value);

/** A measured value with as many digits as it deserves. */
export function measured(value: number, unit: string): string {
	if (unit === "B" || unit === "bytes") return bytes(value);
	if (unit === "1") return value.toFixed(3);
	const size = Math.abs(value);
	const text = size >= 1000 ? integer(Math.round(value)) : Number(value.toPrecision(3)).toString();
	return `${text} ${unit}`.trim();
}

export function signed(value: number, unit: string): string {
	const text = measured(Math.abs(value), unit);
	return value === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}

export function percent(share: number): string {
	if (share === 0) return "0 %";
	const value = share * 100;
	const digits = Math.abs(value) < 9.95 ? 1 : 0;
	return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)} %`;
}

const WORDS: Record<string, string> = {
	dense: "text embedding",
	colbert: "ColBERT",
	sparse: "sparse",
	"cross-encoder": "reranking",
	reranker: "reranking",
	classifier: "classification",
	"image-text": "image embedding",
	captioner: "captioning",
};

/** The type of a model in the words of the page. */
export const typeName = (type: string) => WORDS[type] ?? type.replaceAll(/[_-]/g, " ");

/** `text_embedding` is "Text embedding". */
export function kindName(kind: string): string {
	const text = kind.replaceAll("_", " ");
	return text.charAt(0).toUpperCase() + text.slice(1);
}

const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Compares names so that `v2` comes before `v10`. */
export const natural = (a: string, b: string) => COLLATOR.compare(a, b);

export function plural(count: number, one: string, many = `${one}s`): string {
	return `${integer(count)} ${count === 1 ? one : many}`;
}
