"""`holotype export`: exports a model for another backend and compares the result."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from holotype.cli.catalogues import complete_id, open_catalogue
from holotype.cli.output import as_command, fail, write_json, write_lines
from holotype.cli.showing import find_named
from holotype.errors import HolotypeError, reason_of

if TYPE_CHECKING:
    from holotype.encoders.exports import Export


def export(
    context: typer.Context,
    id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An id, an alias or a Hugging Face id, or a reference such as local:PATH.",
            autocompletion=complete_id,
        ),
    ],
    backend: Annotated[str, typer.Option(metavar="NAME", help="onnx or openvino.")],
    dtype: Annotated[
        str,
        typer.Option(
            metavar="TYPE",
            help="float32, float16 or int8; bfloat16 with openvino.",
        ),
    ] = "float32",
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The model's files; without it, the Hub's."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The folder to make; without it, ID-BACKEND[-TYPE]."),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Texts to compare, one a line; without it, a few."),
    ] = None,
    min_cosine: Annotated[
        float | None,
        typer.Option(min=-1, max=1, metavar="COSINE", help="How near vectors must be."),
    ] = None,
    max_difference: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="NUMBER", help="How far logits, or the scores of captions, may be."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Export a model for ONNX Runtime or OpenVINO, which run it without torch.

    Before the folder gets its name, the vectors of some texts, the scores of pairs of them, or
    captions are compared with those of the original weights on torch in float32. An export that
    differs too much is discarded; nothing is overwritten. The loss is printed and stored in
    holotype_export.json.

    Each line of the output has a name, a tab and a value: folder, backend, dtype, max_difference;
    for vectors also min_cosine and texts, the number of texts, and of pictures where the model
    reads those, that were compared, for sparse ones min_words_kept; for scores also agreement, the
    share of unchanged rankings or labels, and inputs; for captions also words_kept, the share of
    words that stay where they were, and pictures.

    Load the folder with load(ID, backend=..., dtype=..., checkpoint=FOLDER). Needs the extra export
    and the extra of the backend.
    """
    model = find_named(open_catalogue(context.obj), id, checkpoint=checkpoint)
    try:
        from holotype.encoders.exports import export as make

        made = make(
            model,
            backend=cast(Any, backend),
            dtype=cast(Any, dtype),
            checkpoint=checkpoint,
            to=to,
            texts=_lines(texts) if texts else None,
            min_cosine=min_cosine,
            max_difference=max_difference,
        )
    except HolotypeError as error:
        fail(error.told(as_command))
    except ValueError as error:
        fail(str(error))
    _write(made, as_json=as_json)


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {reason_of(error)}")


def _write(made: Export, *, as_json: bool) -> None:
    manifest, loss = made.manifest, made.manifest.loss
    if as_json:
        write_json({"folder": str(made.folder), **asdict(manifest)})
        return
    rows = [("folder", str(made.folder)), ("backend", manifest.backend), ("dtype", manifest.dtype)]
    measured = asdict(loss).items() if loss is not None else ()
    rows += [(name, _told(name, value)) for name, value in measured]
    write_lines(rows)


def _told(name: str, value: Any) -> str:
    """Format a number; for a measure per text, return the number of texts."""
    if not isinstance(value, float):
        return str(len(value))
    return f"{value:.2e}" if name == "max_difference" else f"{value:.7f}"
