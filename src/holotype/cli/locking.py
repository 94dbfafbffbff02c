"""`holotype artifact lock` and `holotype download`: the same bytes everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from holotype.atomic_file import replace_file
from holotype.cli.catalogues import chosen_catalogue
from holotype.cli.groups import Command
from holotype.cli.output import counted_models, fail, note, write_lines, write_row
from holotype.cli.progress import bytes_progress
from holotype.cli.sole_writer import sole_writer
from holotype.errors import HolotypeError

if TYPE_CHECKING:
    from holotype.catalogue import Catalogue
    from holotype.references.hashing import OnBytes, OnTotal
    from holotype.references.lock_file import LockedModel, LockFile
    from holotype.references.ref import ModelRef

Lock: TypeAlias = Annotated[
    Path, typer.Option("--lock", metavar="FILE", help="The lock file of the project.")
]

_LOCK = Path("holotype.lock")


def lock_command(
    context: typer.Context,
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF", help="References to add; without any, all of the file."),
    ] = None,
    lock: Lock = _LOCK,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 where anything differs.")
    ] = False,
) -> None:
    """Lock references: write the commit and the SHA-256 of every file of each.

    Loading under the lock, load(REF, lock=FILE) or HOLOTYPE_LOCK=FILE, refuses everything else.
    Repositories and objects are downloaded into the cache to be locked; a local reference must name
    an artifact. Other models in the file stay unchanged.
    """
    from holotype.encoders.names import as_reference
    from holotype.references.lock_file import LockFile, read_lock

    try:
        old = read_lock(lock) if check or not references else _written(lock)
        catalogue = chosen_catalogue(context)
        asked = [as_reference(text, catalogue) for text in references or ()]
        named = asked or [_again(model.reference, catalogue) for model in old.models]
        found = {ref: _locked(ref) for ref in named}
    except (HolotypeError, OSError) as error:
        fail(str(error))
    if check:
        _compare(old, LockFile(models=tuple(found.values())))
        note(f"{lock} is up to date: {counted_models(len(found))}")
        return
    new = _write(lock, found)
    write_lines((str(ref), model.digest) for ref, model in found.items())
    note(f"{lock}: {counted_models(len(new.models))}")


def _written(lock: Path) -> LockFile:
    """Return what a lock file holds, which need not be there."""
    from holotype.references.lock_file import LockFile, read_lock

    return read_lock(lock) if lock.exists() else LockFile(models=())


def _locked(ref: ModelRef) -> LockedModel:
    """Return what a reference is now, and show how far its bytes are read."""
    from holotype.publishing.locking import lock_model

    with ExitStack() as stack:

        def on_total(n_bytes: int) -> OnBytes | None:
            stack.close()  # what was fetched is read again
            return stack.enter_context(bytes_progress(str(ref), n_bytes))

        return lock_model(ref, on_total=on_total)


def _write(lock: Path, found: Mapping[ModelRef, LockedModel]) -> LockFile:
    """Put models into a lock file beside those that are there by now, and return its contents.

    Reading gigabytes takes minutes, in which another command may have added models of its own.
    """
    from holotype.references.lock_file import LockFile

    spelt = set(map(str, found))
    with sole_writer(lock):
        try:
            kept = [model for model in _written(lock).models if str(model.reference) not in spelt]
            new = LockFile(models=(*kept, *found.values()))
            replace_file(lock, new.to_json().encode())
        except HolotypeError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{lock}: cannot be written: {error.strerror}")
    return new


def _again(ref: ModelRef, catalogue: Catalogue[Any] | None) -> ModelRef:
    """Return a locked reference as it is now; its entry stays where no catalogue has another."""
    from holotype.encoders.names import described_in

    now = described_in(replace(ref, record=None), catalogue)
    return ref if now.record is None and ref.record is not None else now


def _compare(old: LockFile, new: LockFile) -> None:
    from holotype.references.lock_file import LOCK_FILE

    problems = []
    for model in new.models:
        locked = old.find(model.reference)
        if locked is None:
            problems.append(f"{model.reference}: is not in {LOCK_FILE}")
            continue
        try:
            locked.compare(model)
        except HolotypeError as error:
            problems.append(str(error))
    if problems:
        fail("\n".join(problems))


def download(
    lock: Lock = _LOCK,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Fetch nothing; load every model in a process whose network is denied.",
        ),
    ] = False,
) -> None:
    """Download everything that a lock file names, comparing every byte.

    Each line has these tab-separated fields: the reference and its folder or, with --offline,
    whether it loads. The exit code is 1 if a model is unavailable or does not load. Downloads go
    into the folder of HOLOTYPE_CACHE, else the system's folder for caches, such as
    ~/.cache/holotype.
    """
    if offline:
        raise typer.Exit(_prove(lock))
    from holotype.publishing.locking import fetch_locked
    from holotype.references.lock_file import read_lock

    try:
        models = read_lock(lock).models
        for model in models:
            with bytes_progress(str(model.reference), model.size) as on_bytes:
                folder = fetch_locked(model, on_total=_known(on_bytes))
            write_row((str(model.reference), str(folder)))
    except (HolotypeError, OSError) as error:
        fail(str(error))
    note(f"{lock}: {counted_models(len(models))}, all there")


def _known(on_bytes: OnBytes | None) -> OnTotal:
    """Return a progress display; the lock file gives the total."""
    return lambda _: on_bytes


def _prove(lock: Path) -> int:
    """Load the models in a separate process, without HF_HUB_OFFLINE; return its exit code."""
    from holotype.references.lock_file import read_lock

    try:
        read_lock(lock)
    except (HolotypeError, OSError) as error:
        fail(str(error))
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    code = "from holotype.publishing.offline import main; main()"
    command = [sys.executable, "-c", code, str(lock)]
    # Safe: the command is this interpreter with the code above.
    result = subprocess.run(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    lines = result.stdout.splitlines()
    write_lines(line.split("\t", 1) for line in lines)
    if result.returncode == 0:
        note(f"{lock}: {counted_models(len(lines))}, loaded with the network denied")
    return result.returncode


ARTIFACT_COMMANDS: tuple[Command, ...] = (
    Command(
        "lock",
        lock_command,
        "Write the exact files of references to a lock file.",
        (
            "holotype artifact lock hf:sentence-transformers/all-MiniLM-L6-v2@v1",
            "holotype artifact lock local:artifacts@production s3://models/bge-m3",
            "holotype artifact lock --check",
        ),
    ),
)
"""The commands that this module adds to the group `artifact`."""

DOWNLOAD = Command(
    "download",
    download,
    "Fetch all that a lock file names.",
    ("holotype download", "holotype download --lock /app/holotype.lock --offline"),
)
"""The command `holotype download`."""
