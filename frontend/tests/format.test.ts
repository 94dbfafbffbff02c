import { expect, test } from "vitest";
import { ago, bytes, duration, kindName, measured, natural, percent, signed } from "../src/format";

test.each([
	[0, "0 B"],
	[1023, "1023 B"],
	[1024, "1.0 KiB"],
	[1_288_490_189, "1.2 GiB"],
	[1024 * 1024 - 1, "1.0 MiB"],
	[-94_371_840, "−90.0 MiB"],
])("%d bytes are %s", (value, text) => {
	expect(bytes(value)).toBe(text);
});

test.each([
	[0, "0 s"],
	[0.25, "0.3 s"],
	[59, "59 s"],
	[95, "1 min 35 s"],
	[3600, "1 h"],
	[4210, "1 h 10 min"],
	[90_000, "1 d 1 h"],
])("%d seconds are %s", (seconds, text) => {
	expect(duration(seconds)).toBe(text);
});

test("a moment is told from now", () => {
	const now = Date.parse("2026-11-27T12:00:00Z");
	expect(ago("2026-11-27T11:59:40Z", now)).toBe("just now");
	expect(ago("2026-11-27T11:57:00Z", now)).toBe("3 minutes ago");
	expect(ago("2026-11-26T11:00:00Z", now)).toBe("yesterday");
});

test("a measured number has three digits and its unit", () => {
	expect(measured(5.23456, "ms")).toBe("5.23 ms");
	expect(measured(12_345.6, "texts/s")).toBe("12,346 texts/s");
	expect(measured(0.87654, "1")).toBe("0.877");
	expect(measured(94_371_840, "bytes")).toBe("90.0 MiB");
});

test("a difference has a sign", () => {
	expect(signed(-2.1, "ms")).toBe("−2.1 ms");
	expect(signed(0.02, "1")).toBe("+0.020");
	expect(percent(-0.404)).toBe("−40 %");
	expect(percent(0.012)).toBe("+1.2 %");
});

test("numbers in names are compared as numbers", () => {
	expect(["v10", "v9", "v1.10", "v1.9"].sort(natural)).toEqual(["v1.9", "v1.10", "v9", "v10"]);
});

test("a kind is written as words", () => {
	expect(kindName("text_embedding")).toBe("Text embedding");
});
