"""`holotype add`: creates an entry from a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holotype.cli.catalogue_file import read_catalogue_file, replace_catalogue_file
from holotype.cli.catalogues import OWN
from holotype.cli.hub_extra import require_hub
from holotype.cli.output import fail, note, write_json, write_row
from holotype.cli.project import project_of, update_module
from holotype.cli.sole_writer import sole_writer
from holotype.criteria import meant_kind
from holotype.errors import (
    CatalogueFileError,
    CheckpointError,
    CriterionError,
)

if TYPE_CHECKING:
    from holotype.hub.adding import NewEntry
    from holotype.hub.checkpoint_files import CheckpointFiles

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def add(
    repository: Annotated[
        str,
        typer.Argument(
            metavar="REPOSITORY", help="The model on the Hub: org/model; of a folder, its name."
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Read this folder instead of the Hub."),
    ] = None,
    file: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The catalogue that gets the entry; it is made if there is none."
        ),
    ] = Path("models.json"),
    id: Annotated[
        str | None, typer.Option(metavar="ID", help="The id; one is proposed if not given.")
    ] = None,
    type: Annotated[
        str | None, typer.Option(metavar="KIND", help="The kind; recognised if not given.")
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT",
            help="The commit; the newest if not given. A folder without one is not on the Hub.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the entry, write nothing.")
    ] = False,
) -> None:
    """Create an entry from everything that a checkpoint says, with its provenance; the rest is null.

    The command recognises the kind: dense (including static), colbert (of Stanford, PyLate and
    sentence-transformers, and of pages), sparse, cross-encoder, classifier, image-text (CLIP and
    its like, also of OpenCLIP) or captioner. It inserts the entry after the last one of its kind
    and leaves the rest of the file unchanged.

    If the catalogue belongs to a project with holotype's build hook, its module is generated again,
    so that the other commands see the entry.

    If the catalogue already has the model or would become invalid, nothing is written and the exit
    code is 1. Needs the extras hub and codegen.
    """
    require_hub()
    try:
        type = type if type is None else meant_kind(type)
    except CriterionError as error:
        raise typer.BadParameter(str(error), param_hint="--type") from None
    if not _REPOSITORY.fullmatch(repository):
        raise typer.BadParameter(
            f"{repository!r} is not the name of a repository; write org/model, and where the files "
            "are in a folder, also --from FOLDER",
            param_hint="REPOSITORY",
        )
    if not dry_run:
        _text_of(file)  # Fails before anything is fetched.
    try:
        with _open_checkpoint(repository, folder, revision) as files, sole_writer(file):
            text = _text_of(file)
            name = files.repository.id if files.repository else repository
            entry = _make(text, files, name, id=id, kind=type, revision=revision)
            for message in entry.notes:
                note(f"note: {message}")
            if dry_run:
                write_json(entry.values)
            else:
                _insert(file, text, entry, folder)
    except CatalogueFileError as error:
        fail(f"{file}: {error}")
    except CheckpointError as error:
        fail(str(error))


def _text_of(file: Path) -> str:
    """Return the text of the catalogue, which is empty if there is no file; exit if unreadable."""
    if file.exists() or file.is_symlink():
        return read_catalogue_file(file)
    if not file.parent.is_dir():
        fail(f"there is no folder {file.parent} for {file.name}; make it, or correct --file")
    return ""


@contextmanager
def _open_checkpoint(
    repository: str, folder: Path | None, revision: str | None
) -> Iterator[CheckpointFiles]:
    from holotype.hub.checkpoint_files import open_folder, open_repository
    from holotype.hub.client import HubClient

    if folder is not None:
        yield open_folder(folder.expanduser())
    else:
        with open_repository(HubClient(), repository, revision) as files:
            yield files


def _make(
    text: str,
    files: CheckpointFiles,
    name: str,
    *,
    id: str | None,
    kind: str | None,
    revision: str | None,
) -> NewEntry:
    from holotype.encoders.kinds.derived_record import KindNotToldError, recognise_kind
    from holotype.hub.adding import completed, make_entry, propose_id, require_new
    from holotype.hub.fixing import entries

    models = entries(completed(text))
    try:
        kind = kind or recognise_kind(files.checkpoint)
    except KindNotToldError as error:
        fail(f"{error}; or name the kind with --type")
    require_new(models, name, kind, id)
    id = id or propose_id(name, kind, models)
    return make_entry(files, name, id=id, kind=kind, revision=revision)


def _insert(file: Path, text: str, entry: NewEntry, folder: Path | None) -> None:
    from holotype.hub.adding import with_entry

    replace_catalogue_file(file, with_entry(text, entry.values))
    write_row(str(entry.values[name]) for name in ("id", "type", "huggingface_id"))
    if entry.values["revision"] is None:
        note(
            "note: the entry says that the model is not on the Hub; if the folder is a copy of "
            f"{entry.values['huggingface_id']} there, add it with --revision COMMIT"
        )
    made = "the entry is written" if text.strip() else "a new catalogue with the entry is written"
    note(f"{file}: {made}; fill in what is null")
    update_module(file)
    project = project_of(file)
    if project is not None:
        catalogue = "" if project.module == OWN else f"--catalogue {project.module} "
        place = f" --from {folder}" if folder is not None else ""
        command = f"holotype {catalogue}verify {entry.values['id']}{place}"
        note(f"compare it with its checkpoint: {command}")
