"""`holotype artifact push` and `pull`: between a folder and an object store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from holotype.cli.artifacts import artifact_folder
from holotype.cli.groups import Command
from holotype.cli.options import MaxBytes
from holotype.cli.output import fail, write_row
from holotype.cli.progress import bytes_progress
from holotype.errors import HolotypeError
from holotype.references.ref import ModelRef

Url: TypeAlias = Annotated[
    str, typer.Argument(metavar="URL", help="s3://BUCKET/PREFIX or gs://BUCKET/PREFIX.")
]


def push(
    artifact: Annotated[
        str, typer.Argument(metavar="PATH", help="The folder of the artifact, or a reference.")
    ],
    url: Url,
) -> None:
    """Upload an artifact to an object store, and compare every byte there.

    The manifest goes last, so an unfinished push is not an artifact; the same command finishes it.
    Nothing is overwritten. Needs the extra s3 or gcs; credentials come from the store's own
    environment variables.
    """
    from holotype.publishing.pushing import push_artifact

    try:
        with _progress("pushing") as on_total:
            path = artifact_folder(artifact)
            manifest = push_artifact(path, _object_store(url), on_total=on_total)
    except HolotypeError as error:
        fail(str(error))
    write_row((url, manifest.digest))


def pull(
    url: Url,
    to: Annotated[Path, typer.Option("--to", metavar="PATH", help="The folder to make.")],
    max_bytes: MaxBytes = None,
) -> None:
    """Download an artifact from an object store, and compare every byte.

    The folder appears in one step when it is complete; the same command resumes after an
    interruption. Nothing is overwritten. Needs the extra s3 or gcs.
    """
    from holotype.references.pulling import MAX_BYTES, pull_artifact

    try:
        with _progress("pulling") as on_total:
            manifest = pull_artifact(
                _object_store(url), to, max_bytes=max_bytes or MAX_BYTES, on_total=on_total
            )
    except HolotypeError as error:
        fail(str(error))
    write_row((str(to), manifest.digest))


def _object_store(url: str) -> ModelRef:
    ref = ModelRef.parse(url)
    if ref.scheme not in ("s3", "gs", "memory"):
        copied = "; between folders, copy the artifact's own" if ref.scheme == "local" else ""
        fail(
            f"{ref} is in no object store; expected s3://BUCKET/PREFIX or gs://BUCKET/PREFIX{copied}"
        )
    return ref


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], Callable[[int], None] | None]]:
    with ExitStack() as stack:
        yield lambda n_bytes: stack.enter_context(bytes_progress(what, n_bytes))


COMMANDS: tuple[Command, ...] = (
    Command(
        "push",
        push,
        "Upload an artifact to an object store.",
        ("holotype artifact push artifacts/model-v2 s3://models/model-v2",),
    ),
    Command(
        "pull",
        pull,
        "Fetch an artifact from an object store.",
        ("holotype artifact pull s3://models/model-v2 --to artifacts/model-v2",),
    ),
)
"""The commands that this module adds to the group `artifact`."""
