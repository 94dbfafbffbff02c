/** Pictures that a visitor chooses: read in the browser, sent as data URIs. */

export const FORMATS = ["image/png", "image/jpeg", "image/webp", "image/gif"];

export interface Picture {
	name: string;
	/** The picture as the server reads it: `data:image/png;base64,...`. */
	uri: string;
}

/** What became of files: those that are pictures, and the names of the others. */
export interface Chosen {
	pictures: Picture[];
	refused: string[];
}

export async function readPictures(files: Iterable<File>): Promise<Chosen> {
	const all = [...files];
	const known = all.filter(({ type }) => FORMATS.includes(type));
	return {
		pictures: await Promise.all(
			known.map(async (file) => ({ name: file.name, uri: await readUri(file) })),
		),
		refused: all.filter((file) => !known.includes(file)).map(({ name }) => name),
	};
}

function readUri(file: File): Promise<string> {
	return new Promise((resolve, reject) => {
		const reader = new FileReader();
		reader.onload = () => resolve(String(reader.result));
		reader.onerror = () => reject(reader.error ?? new Error(`${file.name} cannot be read`));
		reader.readAsDataURL(file);
	});
}
