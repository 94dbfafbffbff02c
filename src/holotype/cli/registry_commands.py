"""Commands of `holotype registry` that add and activate versions, and say what was active."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from holotype.cli.actors import Actor, name_actor
from holotype.cli.catalogues import chosen_catalogue
from holotype.cli.database import DEFAULT, Address
from holotype.cli.groups import Command
from holotype.cli.output import fail, note, write_json, write_row, write_rows
from holotype.cli.registry_arguments import AsJson, Kind, Limit, Version, open_registry
from holotype.cli.wording import UNKNOWN
from holotype.naming import nearest

if TYPE_CHECKING:
    from holotype.registry import Activation, ModelVersion

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

    The reference is resolved to a commit, digests and the fingerprint of the vectors, and every
    byte is read. A version never changes; registering the same again changes nothing.

    Prints the kind, the version, its reference and its fingerprint, separated by tabs.
    """
    with open_registry(database, chosen_catalogue(context)) as registry:
        kinds = registry.kinds()
        added = registry.register(
            kind,
            version,
            reference,
            actor=name_actor(actor),
            model_id=model,
            inference_config=dict(map(_option, options or ())),
        )
    write_row(_version_fields(added))
    near = () if kind in kinds else nearest(kind, kinds, limit=1)
    if near:
        note(f"note: {kind} is a new kind; there is already one called {near[0]}")


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

    If stdout is not a terminal, each line has these tab-separated fields: kind, version, reference,
    fingerprint (- if it makes no vectors), and active if it is.
    """
    with open_registry(database) as registry:
        page = registry.list(kind, limit=limit, before=before)
        active = {each.version.id for each in registry.all_active().values()}
    if as_json:
        write_json([_version_values(each, active=each.id in active) for each in page.versions])
    else:
        write_rows(
            ("kind", "version", "reference", "fingerprint", "active"),
            (_version_fields(each, active=each.id in active) for each in page.versions),
        )
    if not page.versions and before is None:
        note("there are no versions; add one with: holotype registry register KIND VERSION REF")
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
    --expect, the switch is refused if somebody else has switched in the meantime. Where the version
    is active already, nothing is written, and the command says so; with --request-id it is activated
    even so, since only that tells the same request later.

    Prints the kind, the generation, the version and the time, separated by tabs.
    """
    with open_registry(database) as registry:
        before = registry.active(kind)
        done = registry.activate(
            kind,
            version,
            actor=name_actor(actor),
            reason=reason,
            expected_generation=expected,
            request_id=request_id,
            allow_different_vectors=allow_different_vectors,
        )
    write_row(_activation_fields(done))
    if before is not None and done.generation == before.generation:
        kept = "" if not reason else ", and the reason is not written to the history"
        note(
            f"nothing has changed: {done.version.name} has been active since {_text(done.at)}{kept}"
        )


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
    with open_registry(database) as registry:
        done = registry.rollback(
            kind,
            actor=name_actor(actor),
            reason=reason,
            expected_generation=expected,
            request_id=request_id,
            allow_different_vectors=allow_different_vectors,
        )
    write_row(_activation_fields(done))


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

    If stdout is not a terminal, each line has these tab-separated fields: kind, generation,
    version, time, activate or rollback, actor, reason. The exit code is 1 if nothing was active at
    the time that --at names.
    """
    moment = None if at is None else _time(at)
    with open_registry(database) as registry:
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
        write_rows(
            ("kind", "generation", "version", "time", "action", "actor", "reason"),
            ((*_activation_fields(each), each.action, each.actor, each.reason) for each in found),
        )


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


def _version_fields(version: ModelVersion, *, active: bool = False) -> list[str]:
    fields = [version.kind, version.name, version.reference, version.fingerprint or UNKNOWN]
    return [*fields, "active"] if active else fields


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


def _activation_fields(done: Activation) -> list[str]:
    return [done.kind, str(done.generation), done.version.name, _text(done.at)]


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
)
"""These commands of the group, in the order of the help."""
