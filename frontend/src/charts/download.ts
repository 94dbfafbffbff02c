/** Give the user a file that the page has made. */
export function download(content: Blob, name: string): void {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(content);
	link.download = name.replaceAll(/[/\\:]/g, "-");
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
