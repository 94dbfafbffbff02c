"""`holotype artifact`: folders that hold all that is needed to run a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holotype.artifact_errors import ArtifactError
from holotype.cli.groups import Command
from holotype.cli.output import fail, note, write, write_json
from holotype.cli.progress import bytes_progress


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder of the artifact.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare names and sizes only, read no contents.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Compare every byte of an artifact with its manifest.

    Each line names a file that differs: missing, extra, truncated, changed, or not a file (a link,
    say). Files are read in parallel. The exit code is 1 where anything differs.
    """
    from holotype.references import check_contents, check_sizes, read_manifest

    try:
        manifest = read_manifest(path)
        if quick:
            findings = check_sizes(path, manifest)
        else:
            with bytes_progress("verifying", manifest.size) as on_bytes:
                findings = check_contents(path, manifest, on_bytes=on_bytes)
    except (ArtifactError, OSError) as error:
        fail(str(error))
    if as_json:
        write_json(
            [
                {"path": each.path, "problem": each.problem, "detail": each.detail}
                for each in findings
            ]
        )
    else:
        write("".join(f"{finding}\n" for finding in findings))
    note(f"{path}: {len(manifest.files)} files, {len(findings)} that differ, {manifest.digest}")
    if findings:
        raise typer.Exit(1)


COMMANDS: tuple[Command, ...] = (
    Command(
        "verify",
        verify,
        "Compare every byte with the manifest.",
        ("holotype artifact verify artifacts/model-v2",),
    ),
)
"""The commands of the group, in the order in which the help lists them."""
