import { type DragEvent, useId, useState } from "react";
import { FORMATS, type Picture, readPictures } from "./pictures";

interface PictureFieldProps {
	pictures: readonly Picture[];
	onChange: (pictures: Picture[]) => void;
}

/** Pictures to choose, or to drop here; each can be taken away again. */
export function PictureField({ pictures, onChange }: PictureFieldProps) {
	const id = useId();
	const [over, setOver] = useState(false);
	const [problem, setProblem] = useState("");

	async function add(files: Iterable<File>) {
		try {
			const { pictures: found, refused } = await readPictures(files);
			setProblem(
				refused.length
					? `${refused.join(", ")}: no picture that the server reads. Choose PNG, JPEG, WebP or GIF.`
					: "",
			);
			if (found.length) onChange([...pictures, ...found]);
		} catch (error) {
			setProblem(error instanceof Error ? error.message : String(error));
		}
	}

	function drop(event: DragEvent) {
		event.preventDefault();
		setOver(false);
		void add(event.dataTransfer.files);
	}

	return (
		<div className="field">
			<label htmlFor={id}>Pictures</label>
			{/* biome-ignore lint/a11y/noStaticElementInteractions: the input does the same by keyboard */}
			<div
				className="dropzone"
				data-over={over || undefined}
				onDragOver={(event) => {
					event.preventDefault();
					setOver(true);
				}}
				onDragLeave={() => setOver(false)}
				onDrop={drop}
			>
				<input
					id={id}
					type="file"
					multiple
					accept={FORMATS.join(",")}
					aria-describedby={`${id}-hint`}
					onChange={(event) => {
						void add(event.target.files ?? []);
						// The same file can be chosen again.
						event.target.value = "";
					}}
				/>
				<span className="hint" id={`${id}-hint`}>
					Or drop them here: PNG, JPEG, WebP or GIF.
				</span>
				{pictures.length > 0 && (
					<ul className="thumbnails" aria-label="Chosen pictures">
						{pictures.map((picture, at) => (
							// Two may have one name.
							// biome-ignore lint/suspicious/noArrayIndexKey: the place is what tells them apart
							<li key={at}>
								<img src={picture.uri} alt={picture.name} />
								<button
									type="button"
									aria-label={`Remove ${picture.name}`}
									onClick={() => onChange(pictures.filter((_, other) => other !== at))}
								>
									×
								</button>
							</li>
						))}
					</ul>
				)}
			</div>
			{problem && (
				<span className="error" role="alert">
					{problem}
				</span>
			)}
		</div>
	);
}
