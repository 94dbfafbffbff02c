"""`holotype keys`: who may call a server that has the registry's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from holotype.cli.actors import Actor, name_actor
from holotype.cli.database import DEFAULT, Address
from holotype.cli.groups import Command
from holotype.cli.output import fail, note, write, write_json, write_row, write_rows
from holotype.cli.wording import UNKNOWN
from holotype.errors import HolotypeError

if TYPE_CHECKING:
    from holotype.registry import ApiKey, ApiKeys, Scope


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom the key is for.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="infer, operate or admin; each may do what those before it may. By default infer.",
        ),
    ] = None,
    expires_in_days: Annotated[
        int | None,
        typer.Option(
            "--expires-in", min=1, max=36500, metavar="DAYS", help="By default it never expires."
        ),
    ] = None,
    actor: Actor = None,
    database: Address = DEFAULT,
) -> None:
    """Make a key, and print it; it cannot be shown again.

    The database keeps its SHA-256. infer runs models and reads, operate also registers, switches,
    measures and loads, admin also manages keys.
    """
    moment = None
    if expires_in_days is not None:
        moment = datetime.now(UTC) + timedelta(days=expires_in_days)
    with _keys(database) as keys:
        key, kept = keys.create(
            name,
            cast("list[Scope]", scopes or ["infer"]),
            actor=name_actor(actor),
            expires_at=moment,
        )
    write(f"{key}\n")
    note(f"the key {kept.id}, for {kept.name}, with {' '.join(kept.scopes)}; keep it now")


def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    database: Address = DEFAULT,
) -> None:
    """List all keys, the newest first, without the keys themselves.

    If stdout is not a terminal, each line has these tab-separated fields: number, name, prefix,
    scopes, when it was made, when it expires (- if never), and revoked or expired if it does not
    work any more.
    """
    with _keys(database) as keys:
        found = keys.list()
    if as_json:
        write_json([_values(each) for each in found])
    else:
        headings = ("number", "name", "prefix", "scopes", "made", "expires", "state")
        write_rows(headings, map(_fields, found))
    if not found:
        note("there are no keys; make one with: holotype keys create NAME")


def revoke(
    id: Annotated[int, typer.Argument(metavar="NUMBER", help="The number in the list.")],
    actor: Actor = None,
    database: Address = DEFAULT,
) -> None:
    """Revoke a key; servers refuse it within a second. Revoking it again changes nothing."""
    with _keys(database) as keys:
        gone = keys.revoke(id, actor=name_actor(actor))
    write_row(_fields(gone))


@contextmanager
def _keys(address: str) -> Iterator[ApiKeys]:
    """Open the keys of a database; an error of the block ends the command in one line."""
    try:
        from holotype.registry import ApiKeys, Database

        with Database(address) as database:
            yield ApiKeys(database)
    except HolotypeError as error:
        fail(str(error))


def _fields(key: ApiKey) -> list[str]:
    fields = [str(key.id), key.name, key.prefix, " ".join(key.scopes), _time(key.created_at)]
    fields.append(UNKNOWN if key.expires_at is None else _time(key.expires_at))
    if key.revoked_at is not None:
        fields.append("revoked")
    elif not key.works_at(datetime.now(UTC)):
        fields.append("expired")
    return fields


def _values(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "created_at": _time(key.created_at),
        "created_by": key.created_by,
        "expires_at": None if key.expires_at is None else _time(key.expires_at),
        "revoked_at": None if key.revoked_at is None else _time(key.revoked_at),
        "revoked_by": key.revoked_by,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


COMMANDS: tuple[Command, ...] = (
    Command(
        "create",
        create,
        "Make a key, and show it once.",
        (
            "holotype keys create search-service",
            "holotype keys create alice --scope operate --expires-in 90",
        ),
    ),
    Command("list", list_command, "List keys.", ("holotype keys list --json",)),
    Command("revoke", revoke, "Revoke a key.", ("holotype keys revoke 3",)),
)
"""The commands of the group, in the order of the help."""
