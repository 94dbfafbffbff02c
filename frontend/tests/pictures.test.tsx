import { fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";
import { PictureField } from "../src/trying/PictureField";
import { type Picture, readPictures } from "../src/trying/pictures";

const png = new File(["cat"], "cat.png", { type: "image/png" });
const pdf = new File(["page"], "page.pdf", { type: "application/pdf" });

function Chosen() {
	const [pictures, setPictures] = useState<Picture[]>([]);
	return <PictureField pictures={pictures} onChange={setPictures} />;
}

test("files become data URIs, and what is no picture is named", async () => {
	expect(await readPictures([png, pdf])).toEqual({
		pictures: [{ name: "cat.png", uri: "data:image/png;base64,Y2F0" }],
		refused: ["page.pdf"],
	});
});

test("pictures are chosen and taken away again", async () => {
	render(<Chosen />);
	fireEvent.change(screen.getByLabelText("Pictures"), { target: { files: [png] } });
	const shown = await screen.findByRole("img", { name: "cat.png" });
	expect(shown.getAttribute("src")).toBe("data:image/png;base64,Y2F0");
	fireEvent.click(screen.getByRole("button", { name: "Remove cat.png" }));
	expect(screen.queryByRole("img")).toBeNull();
});

test("pictures are dropped, and another file is refused with a reason", async () => {
	const { container } = render(<Chosen />);
	const zone = container.querySelector(".dropzone");
	if (!zone) throw new Error("there is no place to drop them");
	fireEvent.dragOver(zone, { dataTransfer: { files: [png, pdf] } });
	expect(zone.hasAttribute("data-over")).toBe(true);
	fireEvent.drop(zone, { dataTransfer: { files: [png, pdf] } });
	expect((await screen.findByRole("alert")).textContent).toContain("page.pdf");
	expect(await screen.findByRole("img", { name: "cat.png" })).toBeDefined();
	expect(zone.hasAttribute("data-over")).toBe(false);
});
