"""`holotype alias`: shows and switches the aliases of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from holotype.cli.groups import Command
from holotype.cli.output import as_command, fail, note, write_json, write_row, write_rows
from holotype.errors import HolotypeError

if TYPE_CHECKING:
    from holotype.references.aliases import AliasChange, AliasHistory

Store: TypeAlias = Annotated[
    Path, typer.Option("--store", metavar="FOLDER", help="The folder with the artifacts.")
]
Alias: TypeAlias = Annotated[
    str, typer.Argument(metavar="ALIAS", help="A name, such as production.")
]
Reason: TypeAlias = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")
]
DifferentVectors: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-different-vectors",
        help="Switch although an index of one is useless with the other.",
    ),
]
Full: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--full/--quick",
        help="First compare every byte with the manifest, or names and sizes only.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_STORE = Path("artifacts")


def set_command(
    alias: Alias,
    artifact: Annotated[
        str, typer.Argument(metavar="ARTIFACT", help="The name of a folder in the store.")
    ],
    store: Store = _STORE,
    reason: Reason = "",
    allow_different_vectors: DifferentVectors = False,
    full: Full = True,
) -> None:
    """Point an alias to an artifact.

    The switch is one atomic rename: whoever loads local:STORE@ALIAS gets either the old artifact or
    the new one. An artifact that makes different vectors is refused unless you allow it. Where the
    alias points to the artifact already, nothing is written, and the command says so.
    """
    from holotype.publishing.alias_switching import point_alias

    try:
        history, is_switched = point_alias(
            store,
            alias,
            artifact,
            reason=reason,
            allow_different_vectors=allow_different_vectors,
            verify="full" if full else "sizes",
        )
    except HolotypeError as error:
        fail(error.told(as_command))
    write_row(_fields(history))
    if not is_switched:
        since = _values(history.current)["time"]
        kept = "" if not reason else ", and the reason is not written to the history"
        note(f"nothing has changed: {alias} has stood for {artifact} since {since}{kept}")


def rollback(
    alias: Alias,
    store: Store = _STORE,
    reason: Reason = "",
    allow_different_vectors: DifferentVectors = False,
    full: Full = True,
) -> None:
    """Point an alias to its previous artifact.

    Each rollback goes one step further back.
    """
    from holotype.publishing.alias_switching import rollback_alias

    try:
        history = rollback_alias(
            store,
            alias,
            reason=reason,
            allow_different_vectors=allow_different_vectors,
            verify="full" if full else "sizes",
        )
    except HolotypeError as error:
        fail(error.told(as_command))
    write_row(_fields(history))


def list_command(store: Store = _STORE, as_json: AsJson = False) -> None:
    """List the aliases of a store and their artifacts.

    If stdout is not a terminal, each line has these tab-separated fields: alias, artifact, time of
    the switch.
    """
    from holotype.references.aliases import alias_names, read_alias

    if not store.is_dir():
        fail(
            f"{store}: there is no such folder; name the folder with the artifacts: --store FOLDER"
        )
    try:
        histories = [read_alias(store, name) for name in alias_names(store)]
    except HolotypeError as error:
        fail(error.told(as_command))
    if as_json:
        write_json([{"alias": each.alias, **_values(each.current)} for each in histories])
    else:
        write_rows(("alias", "artifact", "time"), map(_fields, histories))
    note(f"{len(histories)} alias{'es' * (len(histories) != 1)} in {store}")


def history_command(alias: Alias, store: Store = _STORE, as_json: AsJson = False) -> None:
    """Show the history of an alias, newest first.

    If stdout is not a terminal, each line has these tab-separated fields: time, set or rollback,
    artifact, reason.
    """
    from holotype.references.aliases import read_alias

    try:
        history = read_alias(store, alias)
    except HolotypeError as error:
        fail(error.told(as_command))
    changes = [_values(change) for change in reversed(history.changes)]
    if as_json:
        write_json(changes)
    else:
        fields = ("time", "action", "artifact", "reason")
        write_rows(fields, ([str(each[name]) for name in fields] for each in changes))


def _fields(history: AliasHistory) -> list[str]:
    values = _values(history.current)
    return [history.alias, str(values["artifact"]), str(values["time"])]


def _values(change: AliasChange) -> dict[str, str | None]:
    return {
        "artifact": change.artifact,
        "action": change.action,
        "time": change.time.isoformat().replace("+00:00", "Z"),
        "reason": change.reason,
        "digest": change.digest,
        "fingerprint": change.fingerprint,
    }


COMMANDS: tuple[Command, ...] = (
    Command(
        "set",
        set_command,
        "Let an alias stand for an artifact.",
        (
            "holotype alias set production model-v2 --reason 'better recall'",
            "holotype alias set staging model-v3 --allow-different-vectors",
        ),
    ),
    Command(
        "rollback",
        rollback,
        "Go back to the artifact before.",
        ("holotype alias rollback production --reason 'slow on long texts'",),
    ),
    Command(
        "list",
        list_command,
        "List aliases and what they stand for.",
        ("holotype alias list", "holotype alias list --store /srv/artifacts --json"),
    ),
    Command(
        "history",
        history_command,
        "Show all that an alias stood for.",
        ("holotype alias history production",),
    ),
)
"""The commands of the group, in the order of the help."""
