"""`holotype registry`: registers versions, activates them, and shows what was active when."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import typer

from holotype.cli.actors import Actor, name_actor
from holotype.cli.catalogues import chosen_catalogue
from holotype.cli.database import DEFAULT, Address
from holotype.cli.groups import Command
from holotype.cli.output import as_command, fail, note, write, write_json
from holotype.cli.wording import UNKNOWN
from holotype.errors import HolotypeError, TextOverflowWarning

if TYPE_CHECKING:
    from holotype.catalogue import Catalogue
    from holotype.registry import Activation, ModelRegistry, ModelVersion
    from holotype.registry.exporting import Format

Kind: TypeAlias = Annotated[
    str, typer.Argument(metavar="KIND", help="What programs ask for, such as text_embedding.")
]
Version: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="VERSION",
        help="A version, such as v1.0.0; MODEL/VERSION if several models have one.",
    ),
]
Reason: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")
]
Expected: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--expect", min=0, metavar="N", help="Only if this generation is active; 0 means none."
    ),
]
RequestId: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--request-id", metavar="TEXT", help="Names the request; the same again changes nothing."
    ),
]
DifferentVectors: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-different-vectors",
        help="Switch although an index of one is useless with the other.",
    ),
]
Limit: TypeAlias = Annotated[
    int, typer.Option("--limit", min=1, max=1000, metavar="N", help="How many at most.")
]
OutputFormat: TypeAlias = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="markdown, csv or json.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FormatJson: TypeAlias = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


def register(
    context: typer.Context,
    kind: Kind,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="The name of the new version, such as v1.0.0.")
    ],
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="Where the model comes from: local:PATH, hf:ORG/MODEL@REVISION, or an id.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="ID", help="The model's name; by default its record's id."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="NAME=VALUE",
            help="An option of load() that belongs to the version, such as dim=256.",
        ),
    ] = None,
    actor: Actor = None,
    database: Address = DEFAULT,
) -> None:
    """Register a version of a model; nothing is activated.

    The reference is resolved to a commit, digests and the fingerprint of the vectors, and every byte
    is read. A version never changes; registering the same again changes nothing.

    Prints the kind, the version, its reference and its fingerprint, separated by tabs.
    """
    with _registry(database, chosen_catalogue(context)) as registry:
        added = registry.register(
            kind,
            version,
            reference,
            actor=name_actor(actor),
            model_id=model,
            inference_config=dict(map(_option, options or ())),
        )
    write(_version_line(added))


def list_command(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Only versions of this kind.")
    ] = None,
    limit: Limit = 50,
    before: Annotated[
        int | None, typer.Option("--before", metavar="N", help="The next page; see stderr.")
    ] = None,
    as_json: AsJson = False,
    database: Address = DEFAULT,
) -> None:
    """List versions, the newest first.

    Each line has these tab-separated fields: kind, version, reference, fingerprint (- if it makes no
    vectors), and active if it is.
    """
    with _registry(database) as registry:
        page = registry.list(kind, limit=limit, before=before)
        active = {each.version.id for each in registry.all_active().values()}
    if as_json:
        write_json([_version_values(each, active=each.id in active) for each in page.versions])
    else:
        lines = (_version_line(each, active=each.id in active) for each in page.versions)
        write("".join(lines))
    if page.next is not None:
        note(f"there are more: --before {page.next}")


def activate(
    kind: Kind,
    version: Version,
    reason: Reason = "",
    expected: Expected = None,
    request_id: RequestId = None,
    allow_different_vectors: DifferentVectors = False,
    actor: Actor = None,
    database: Address = DEFAULT,
) -> None:
    """Make a version the active one of its kind.

    A version that makes other vectors than the active one is refused unless you allow it. With
    --expect, the switch is refused if somebody else has switched in the meantime.

    Prints the kind, the generation, the version and the time, separated by tabs.
    """
    with _registry(database) as registry:
        done = registry.activate(
            kind,
            version,
            actor=name_actor(actor),
            reason=reason,
            expected_generation=expected,
            request_id=request_id,
            allow_different_vectors=allow_different_vectors,
        )
    write(_activation_line(done))


def rollback(
    kind: Kind,
    reason: Reason = "",
    expected: Expected = None,
    request_id: RequestId = None,
    allow_different_vectors: DifferentVectors = False,
    actor: Actor = None,
    database: Address = DEFAULT,
) -> None:
    """Return to the version before.

    Each rollback goes one step further back.
    """
    with _registry(database) as registry:
        done = registry.rollback(
            kind,
            actor=name_actor(actor),
            reason=reason,
            expected_generation=expected,
            request_id=request_id,
            allow_different_vectors=allow_different_vectors,
        )
    write(_activation_line(done))


def history_command(
    kind: Kind,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Only what was active at 2026-11-27T13:00Z."),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    database: Address = DEFAULT,
) -> None:
    """Show what was active, the newest first.

    Each line has these tab-separated fields: kind, generation, version, time, activate or rollback,
    actor, reason. The exit code is 1 if nothing was active at the time that --at names.
    """
    moment = None if at is None else _time(at)
    with _registry(database) as registry:
        if moment is None:
            found = registry.history(kind, limit=limit)
        else:
            one = registry.active_at(kind, moment)
            found = () if one is None else (one,)
    if moment is not None and not found:
        fail(f"no version of {kind} was active at {at}")
    if as_json:
        write_json([_activation_values(each) for each in found])
    else:
        write("".join(f"{_activation_line(each)[:-1]}\t{_who(each)}\n" for each in found))


def benchmark(
    context: typer.Context,
    kind: Kind,
    version: Version,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="SET", help="A set that ships, or a file of your own."),
    ] = None,
    n_requests: Annotated[
        int, typer.Option("--requests", min=1, metavar="N", help="How many requests are timed.")
    ] = 400,
    test_run: Annotated[
        str | None,
        typer.Option("--run", metavar="NAME", help="A name that compared runs share."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="DEVICE", help="Where to run, such as cuda:0.")
    ] = None,
    as_json: AsJson = False,
    database: Address = DEFAULT,
) -> None:
    """Load a version, measure how good and how fast it is, and record the numbers.

    Recall and nDCG of encoders and rerankers come from a set of queries, the accuracy of classifiers
    from a set of labelled texts. Latency comes from its queries or texts, one at a time; throughput
    from its documents in one call. The environment is recorded with them.

    Each line has these tab-separated fields: metric, value, unit, ends of the confidence interval of
    95 % (- if there is none), number of samples.
    """
    with _registry(database, chosen_catalogue(context)) as registry:
        from holotype.registry import export_runs, run_benchmark

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TextOverflowWarning)
            runs = run_benchmark(
                registry,
                kind,
                version,
                data,
                n_requests=n_requests,
                test_run_id=test_run,
                device=device,
            )
    for warning in caught:
        note(f"warning: {warning.message}")
    if as_json:
        write(export_runs(runs, "json"))
        return
    for run in runs:
        for each in run.measurements:
            low, high = each.interval or (None, None)
            ends = "\t".join(UNKNOWN if end is None else f"{end:.6g}" for end in (low, high))
            write(f"{each.name}\t{each.value:.6g}\t{each.unit}\t{ends}\t{each.n_samples}\n")


def compare(
    kind: Kind,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A version.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Another version.")],
    format: OutputFormat = "markdown",
    as_json: FormatJson = False,
    database: Address = DEFAULT,
) -> None:
    """Compare what was measured of two versions.

    Differences have a confidence interval of 95 % and a verdict: better, worse or unclear. Versions
    that were measured on different data, or in different environments, are shown side by side,
    without a difference.
    """
    with _registry(database) as registry:
        from holotype.registry import PerformanceTracker, export_comparison

        comparison = PerformanceTracker(registry).compare(kind, before, after)
        text = export_comparison(comparison, _format(format, as_json))
    write(text)
    if not comparison.metrics:
        note(f"nothing was measured; measure with: holotype registry benchmark {kind} VERSION")


def runs(
    kind: Kind,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Only what was measured of it.")
    ] = None,
    limit: Limit = 50,
    format: OutputFormat = "markdown",
    as_json: FormatJson = False,
    database: Address = DEFAULT,
) -> None:
    """Show what was measured, the newest first.

    JSON and CSV have the numbers exactly as they were recorded; JSON also has the environments.
    """
    with _registry(database) as registry:
        from holotype.registry import PerformanceTracker, export_runs

        found = PerformanceTracker(registry).runs(kind, version, limit=limit)
        text = export_runs(found, _format(format, as_json))
    write(text)


def _format(format: str, as_json: bool) -> Format:
    return "json" if as_json else cast("Format", format)


@contextmanager
def _registry(address: str, catalogue: Catalogue[Any] | None = None) -> Iterator[ModelRegistry]:
    """Open a registry; an error of the block ends the command in one line."""
    try:
        from holotype.registry import Database, ModelRegistry

        with Database(address) as database:
            yield ModelRegistry(database, catalogue=catalogue)
    except HolotypeError as error:
        fail(error.told(as_command))


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        fail(f"--option is {text!r}; expected NAME=VALUE, such as dim=256")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        fail(f"--at is {text!r}; expected a time such as 2026-11-27T13:00:00Z")


def _version_line(version: ModelVersion, *, active: bool = False) -> str:
    fields = (version.kind, version.name, version.reference, version.fingerprint or UNKNOWN)
    return "\t".join((*fields, *(["active"] if active else ()))) + "\n"


def _version_values(version: ModelVersion, *, active: bool) -> dict[str, Any]:
    return {
        "kind": version.kind,
        "type": version.type,
        "model_id": version.model_id,
        "version_id": version.version_id,
        "reference": version.reference,
        "source_repo": version.source_repo,
        "checkpoint_hash": version.checkpoint_hash,
        "fingerprint": version.fingerprint,
        "embedding_dim": version.embedding_dim,
        "inference_config": dict(version.inference_config),
        "created_at": _text(version.created_at),
        "created_by": version.created_by,
        "is_active": active,
    }


def _activation_line(done: Activation) -> str:
    return f"{done.kind}\t{done.generation}\t{done.version.name}\t{_text(done.at)}\n"


def _activation_values(done: Activation) -> dict[str, Any]:
    return {
        "kind": done.kind,
        "generation": done.generation,
        "version": done.version.name,
        "action": done.action,
        "at": _text(done.at),
        "actor": done.actor,
        "reason": done.reason,
        "new_vector_space": done.new_vector_space,
        "request_id": done.request_id,
    }


def _who(done: Activation) -> str:
    return f"{done.action}\t{done.actor}\t{done.reason}"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


COMMANDS: tuple[Command, ...] = (
    Command(
        "register",
        register,
        "Add a version of a model.",
        (
            "holotype registry register text_embedding v1.0.0 local:artifacts/model-v1",
            "holotype registry register text_embedding v2.0.0 hf:org/model@v2 --option dim=256",
        ),
    ),
    Command(
        "list",
        list_command,
        "List versions.",
        ("holotype registry list", "holotype registry list text_embedding --json"),
    ),
    Command(
        "activate",
        activate,
        "Make a version the active one.",
        (
            "holotype registry activate text_embedding v1.0.0 --reason 'better recall'",
            "holotype registry activate text_embedding v2.0.0 --expect 7 --request-id deploy-412",
        ),
    ),
    Command(
        "rollback",
        rollback,
        "Go back to the version before.",
        ("holotype registry rollback text_embedding --reason 'slow on long texts'",),
    ),
    Command(
        "history",
        history_command,
        "Show what was active when, and who switched it.",
        (
            "holotype registry history text_embedding",
            "holotype registry history text_embedding --at 2026-11-27T13:00:00Z",
        ),
    ),
    Command(
        "benchmark",
        benchmark,
        "Measure a version, and record the numbers.",
        (
            "holotype registry benchmark text_embedding v1.0.0",
            "holotype registry benchmark text_embedding v1.0.0 --data mine.json --device cuda:0",
        ),
    ),
    Command(
        "runs",
        runs,
        "Show what was measured.",
        (
            "holotype registry runs text_embedding v1.0.0",
            "holotype registry runs text_embedding --format csv > runs.csv",
        ),
    ),
    Command(
        "compare",
        compare,
        "Compare what was measured of two versions.",
        ("holotype registry compare text_embedding v1.0.0 v2.0.0",),
    ),
)
"""The commands of the group, in the order of the help."""
