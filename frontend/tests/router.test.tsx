import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Link, match, navigate, usePath, useSearch } from "../src/app/router";
import { findView } from "../src/app/routes";

test("an address is matched part by part", () => {
	expect(match("/models/:kind", "/models/text_embedding")).toEqual({ kind: "text_embedding" });
	expect(match("/models/:kind", "/models/a%2Fb/")).toEqual({ kind: "a/b" });
	expect(match("/models/:kind", "/models")).toBeNull();
	expect(match("/models/:kind", "/models/%E0%A4%A")).toBeNull();
});

test("every view has a title, and an unknown address has one, too", () => {
	expect(findView("/models/text_embedding").title).toBe("Text embedding");
	expect(findView("/pool").title).toBe("Pool");
	expect(findView("/none").title).toBe("Not found");
});

function Filter() {
	const [search, setSearch] = useSearch();
	return (
		<>
			<p>
				{usePath()} {search.q ?? "none"}
			</p>
			<button type="button" onClick={() => setSearch({ q: "bge", page: null })}>
				set
			</button>
			<button type="button" onClick={() => setSearch({ q: "" })}>
				clear
			</button>
			<Link to="/pool">Pool</Link>
		</>
	);
}

test("a filter lives in the address and leaves the other parameters alone", () => {
	history.replaceState(null, "", "/catalogue?type=dense&page=2");
	render(<Filter />);
	fireEvent.click(screen.getByText("set"));
	expect(location.search).toBe("?type=dense&q=bge");
	expect(screen.getByText("/catalogue bge")).toBeTruthy();
	fireEvent.click(screen.getByText("clear"));
	expect(location.search).toBe("?type=dense");
});

test("a link changes the view without loading the page", () => {
	render(<Filter />);
	fireEvent.click(screen.getByText("Pool"));
	expect(location.pathname).toBe("/pool");
	expect(screen.getByText("/pool none")).toBeTruthy();
});

test("a link with a modifier key is the browser's", () => {
	render(<Filter />);
	let wasPrevented: boolean | undefined;
	window.addEventListener(
		"click",
		(event) => {
			wasPrevented = event.defaultPrevented;
			event.preventDefault();
		},
		{ once: true },
	);
	fireEvent.click(screen.getByText("Pool"), { ctrlKey: true });
	expect(wasPrevented).toBe(false);
	expect(location.pathname).toBe("/");
});

test("the address can be changed from outside of a view", () => {
	render(<Filter />);
	act(() => navigate("/models?q=x"));
	expect(screen.getByText("/models x")).toBeTruthy();
});
