"""`holotype artifact lock` and `holotype download`: the same bytes everywhere, before anything starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from holotype.cli.groups import Command
from holotype.cli.output import fail, note, write, write_file
from holotype.errors import HolotypeError

if TYPE_CHECKING:
    from holotype.references.checking import OnBytes
    from holotype.references.lock_file import LockFile
    from holotype.references.pulling import OnTotal

Lock: TypeAlias = Annotated[
    Path, typer.Option("--lock", metavar="FILE", help="The lock file of the project.")
]

_LOCK = Path("holotype.lock")


def lock_command(
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF]...", help="References to add; without any, all of the file."),
    ] = None,
    lock: Lock = _LOCK,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 where anything differs.")
    ] = False,
) -> None:
    """Write what each reference stands for now: its commit and the SHA-256 of every file.

    Loading under the lock, load(REF, lock=FILE) or HOLOTYPE_LOCK=FILE, refuses everything else.
    Repositories and objects are fetched into the cache to be locked; a local reference must name an
    artifact. Models of the file that are not named stay as they are.
    """
    from holotype.artifacts.locking import lock_model
    from holotype.references.lock_file import LockFile, read_lock
    from holotype.references.ref import ModelRef

    try:
        old = read_lock(lock) if check or not references or lock.exists() else LockFile(models=())
        asked = [ModelRef.parse(text) for text in references or ()]
        named = asked or [model.reference for model in old.models]
        found = {ref: lock_model(ref) for ref in named}
    except (HolotypeError, OSError) as error:
        fail(str(error))
    if check:
        _compare(old, LockFile(models=tuple(found.values())))
        note(f"{lock} is up to date: {len(found)} models")
        return
    kept = [model for model in old.models if model.reference not in found]
    new = LockFile(models=(*kept, *found.values()))
    try:
        write_file(lock, new.to_json())
    except OSError as error:
        fail(f"{lock}: cannot be written: {error.strerror}")
    write("".join(f"{ref}\t{model.digest}\n" for ref, model in found.items()))
    note(f"{lock}: {len(new.models)} models")


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
    """Fetch all that a lock file names, before a service starts; every byte is compared.

    Each line has these fields with a tab between them: the reference and its folder, or, with
    --offline, whether it loads. The exit code is 1 where a model cannot be had or does not load.
    The folder of fetched models is that of HOLOTYPE_CACHE, else the system's folder for
    caches, such as ~/.cache/holotype.
    """
    if offline:
        raise typer.Exit(_prove(lock))
    from holotype.artifacts.locking import fetch_locked
    from holotype.cli.progress import bytes_progress
    from holotype.references.lock_file import read_lock

    try:
        models = read_lock(lock).models
        for model in models:
            with bytes_progress(str(model.reference), model.size) as on_bytes:
                folder = fetch_locked(model, on_total=_known(on_bytes))
            write(f"{model.reference}\t{folder}\n")
    except (HolotypeError, OSError) as error:
        fail(str(error))
    note(f"{lock}: {len(models)} models, all there")


def _known(on_bytes: OnBytes | None) -> OnTotal:
    """Return what shows the progress whose total the lock file says."""
    return lambda _: on_bytes


def _prove(lock: Path) -> int:
    """Run the proof in a process of its own; the Hub's own switch is off, to see what happens."""
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    code = "from holotype.artifacts.offline import main; main()"
    command = [sys.executable, "-c", code, str(lock)]
    # The command is this interpreter with the text above.
    result = subprocess.run(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    write(result.stdout)
    if result.returncode == 0:
        note(f"{lock}: {len(result.stdout.splitlines())} models load with the network denied")
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
"""What this module adds to the group `artifact`."""

DOWNLOAD = Command(
    "download",
    download,
    "Fetch all that a lock file names.",
    ("holotype download", "holotype download --lock /app/holotype.lock --offline"),
)
"""The command `holotype download`."""
