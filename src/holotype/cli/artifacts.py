"""`holotype artifact`: creates, verifies and shows artifacts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holotype.cli.catalogues import chosen_catalogue, open_catalogue
from holotype.cli.groups import Command
from holotype.cli.options import MaxBytes
from holotype.cli.output import fail, note, write_json, write_lines, write_row
from holotype.cli.progress import bytes_progress
from holotype.cli.showing import find_record
from holotype.cli.wording import UNKNOWN
from holotype.errors import ArtifactError, HolotypeError, LostPromptWarning

if TYPE_CHECKING:
    from holotype.publishing.info import ReferencedModel
    from holotype.references.hashing import OnBytes


def create(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="Where the model comes from: local:PATH, hf:ORG/MODEL@REVISION, or an id.",
        ),
    ],
    target: Annotated[Path, typer.Option("--to", metavar="PATH", help="The folder to make.")],
    entry: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The entry of the catalogue that describes a folder."),
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link", help="Link to the files of a folder; changes to one reach both."),
    ] = False,
    convert_pickles: Annotated[
        bool,
        typer.Option("--convert-pickles", help="Turn pickled weights into safetensors."),
    ] = False,
    trust_remote_code: Annotated[
        bool,
        typer.Option("--trust-remote-code", help="Take the model's own Python files, too."),
    ] = False,
    max_bytes: MaxBytes = None,
) -> None:
    """Create an artifact: a folder with everything needed to run a model, and its manifest.

    The artifact includes only the needed files: settings, tokenizer, safetensors weights, licence
    and card. Every file is verified, and the record and the files must agree about how to run the
    model. The manifest, artifact.json, holds the reference, the exact commit, the record, the size
    and SHA-256 of each file, a digest of the whole, and the fingerprint of the vectors.

    The folder appears in one step when it is complete. After an interruption, nothing is at PATH,
    and the next run continues with what was downloaded. Nothing is overwritten.

    Files of a folder are cloned if the file system can, and copied otherwise; --link makes hard
    links. Pickled weights and Python code are refused, unless you pass --convert-pickles, which
    reads weights with torch's restricted unpickler and stores safetensors, or --trust-remote-code,
    which includes code; load() still runs it only if told to trust it.

    Prints the path, the digest and the fingerprint, separated by tabs.
    """
    from holotype.encoders.names import as_reference, completed
    from holotype.publishing import CreationOptions, create_artifact
    from holotype.publishing.contents import MAX_BYTES

    catalogue = chosen_catalogue(context)
    opened = open_catalogue(context.obj)
    known = replace(opened, catalogue=completed(opened.catalogue))
    described = None if entry is None else find_record(known, entry)
    options = CreationOptions(
        entry=described,
        link=link,
        convert_pickles=convert_pickles,
        trust_remote_code=trust_remote_code,
        max_bytes=max_bytes or MAX_BYTES,
    )
    with ExitStack() as stack:

        def on_total(n_bytes: int) -> OnBytes | None:
            return stack.enter_context(bytes_progress("fetching", n_bytes))

        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", LostPromptWarning)
                manifest = create_artifact(
                    as_reference(reference, catalogue), target, options, on_total=on_total
                )
        except (HolotypeError, ValueError) as error:
            stack.close()
            fail(str(error))
    for warning in caught:
        note(f"warning: {warning.message}")
    write_row((str(target), manifest.digest, manifest.fingerprint or UNKNOWN))
    commit = f", commit {manifest.commit}" if manifest.commit else ""
    note(f"{len(manifest.files)} files, {manifest.size:,} bytes{commit}")


def verify(
    artifact: Annotated[
        str, typer.Argument(metavar="PATH", help="The folder of the artifact, or a reference.")
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare names and sizes only, read no contents.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Compare every byte of an artifact with its manifest, and see that it can be loaded.

    Each line names a file that differs: missing, extra, changed, or not a file (such as a link).
    Files are read in parallel. The exit code is 1 if anything differs, or if weights, tokenizer and
    settings do not make a model that can be loaded.
    """
    from holotype.encoders.opening import check_loadable
    from holotype.references import check_contents, check_sizes, read_manifest

    try:
        path = artifact_folder(artifact)
        manifest = read_manifest(path)
        if quick:
            findings = check_sizes(path, manifest)
        else:
            with bytes_progress("verifying", manifest.size) as on_bytes:
                findings = check_contents(path, manifest, on_bytes=on_bytes)
            if not findings:
                check_loadable(path, manifest)
    except (HolotypeError, OSError) as error:
        fail(str(error))
    if as_json:
        found = [
            {"path": each.path, "problem": each.problem, "detail": each.detail} for each in findings
        ]
        write_json(found)
    else:
        write_lines([str(finding)] for finding in findings)
    note(f"{path}: {len(manifest.files)} files, {len(findings)} that differ, {manifest.digest}")
    if findings:
        raise typer.Exit(1)


def artifact_folder(name: str) -> Path:
    """Return the folder of an artifact, by its path or a reference.

    Raises:
        HolotypeError: the name is no reference, or names an entry of the catalogue or the Hub.
    """
    from holotype.encoders.names import as_reference
    from holotype.references.folders import find_folder

    path = Path(name)
    if path.exists() or (":" not in name and "@" not in name):
        return path
    ref = as_reference(name)
    if ref.scheme in ("hf", "catalogue"):
        raise ArtifactError(
            str(ref),
            f"is no artifact; make one with: holotype artifact create {ref} --to PATH, or compare "
            "the model with its entry: holotype verify",
        )
    return find_folder(ref)


def info(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF", help="A reference, such as local:artifacts/model-v2, or an id."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Describe a reference without loading or downloading weights.

    Each line has a name, a tab and a value, which is - if unknown: availability (local, cached in
    the Hub's cache, remote on the Hub, or unreachable), kind, dimensions, labels, parameters, the
    type of the weights, the size of the files and of the weights in float32 in bytes, licence,
    commit, fingerprint.

    The exit code is 1 if the reference names nothing.
    """
    from holotype.encoders.names import as_reference
    from holotype.publishing import get_model_info

    try:
        found = get_model_info(as_reference(reference, chosen_catalogue(context)))
    except HolotypeError as error:
        fail(str(error))
    if as_json:
        write_json(dict(_facts(found)))
    else:
        write_lines((name, _text(value)) for name, value in _facts(found))
    if found.problem is not None:
        note(f"note: {found.problem}")


def _facts(found: ReferencedModel) -> Iterator[tuple[str, object]]:
    record = found.record
    yield "reference", str(found.reference)
    yield "availability", found.availability
    yield "artifact", found.is_artifact
    yield "id", record.id
    yield "kind", str(record.type)
    yield "huggingface_id", record.huggingface_id or None
    yield "embedding_dim", record.embedding_dim
    yield "matryoshka_dims", list(record.matryoshka_dims) or None
    yield "matryoshka_range", record.matryoshka_range and list(record.matryoshka_range)
    yield "context_length", record.context_length
    yield "labels", list(found.labels) or None
    yield "parameters", found.parameters
    yield "dtype", found.dtype
    yield "size_bytes", found.size_bytes
    yield "memory_bytes", found.memory_bytes
    yield "license", record.license
    yield "commit", found.commit
    yield "fingerprint", found.fingerprint


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else str(value)


COMMANDS: tuple[Command, ...] = (
    Command(
        "create",
        create,
        "Make an artifact of a model.",
        (
            "holotype artifact create catalogue:bge-m3 --to artifacts/bge-m3-v1",
            "holotype artifact create hf:org/model@v1.0.0 --to artifacts/model-v1",
            "holotype artifact create local:checkpoints/minilm --entry all-minilm-l6-v2 "
            "--to artifacts/minilm-v1",
        ),
    ),
    Command(
        "verify",
        verify,
        "Compare every byte with the manifest.",
        (
            "holotype artifact verify artifacts/model-v2",
            "holotype artifact verify artifacts/model-v2 --quick",
        ),
    ),
    Command(
        "info",
        info,
        "Show what a reference names, without its weights.",
        (
            "holotype artifact info local:artifacts/model-v2",
            "holotype artifact info catalogue:bge-m3 --json | jq .size_bytes",
        ),
    ),
)
"""The commands of the group, in the order of the help."""
