"""`holotype refresh`: shows what changed upstream since the pinned revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from holotype.cli.catalogues import open_catalogue
from holotype.cli.hub_extra import Ids, Jobs, require_hub
from holotype.cli.output import fail, note, write_json, write_lines
from holotype.cli.showing import find_record
from holotype.cli.wording import UNKNOWN, exact
from holotype.errors import HubUnreachableError
from holotype.records import ModelInfo

if TYPE_CHECKING:
    from holotype.hub.refreshing import Upstream


def refresh(
    context: typer.Context,
    ids: Ids = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
    jobs: Jobs = 4,
) -> None:
    """Show what changed upstream since the pinned revision: the commit, values and files.

    Each line has these tab-separated fields, with - for unknown values: id, what (a field,
    revision, added or removed), the pinned value, the newest value, the file that states it. A
    model whose pinned commit is the newest has no line.

    Nothing is written. The exit code is 1 if a repository could not be read. Needs the extra hub.
    """
    require_hub()
    opened = open_catalogue(context.obj)
    if ids:
        records = [find_record(opened, name) for name in ids]
    else:
        records = [record for record in opened.catalogue.records if record.is_on_hub]
    found = _looked_up(records, jobs)
    if as_json:
        write_json([asdict(each) for each in found])
    else:
        write_lines(row for each in found for row in _rows(each))
    for each in found:
        if each.error is not None:
            note(f"error: {each.id}: {each.error}")
    n_current = sum(each.is_current for each in found)
    note(f"{n_current} of {len(found)} pinned at the newest commit")
    if any(each.error is not None for each in found):
        raise typer.Exit(1)


def _looked_up(records: Sequence[ModelInfo], jobs: int) -> list[Upstream]:
    from holotype.hub.client import HubClient
    from holotype.hub.refreshing import look_upstream

    client = HubClient()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(look_upstream, record, client) for record in records]
        try:
            return [future.result() for future in futures]
        except HubUnreachableError as error:
            pool.shutdown(wait=False, cancel_futures=True)
            fail(str(error))


def _rows(found: Upstream) -> Iterator[tuple[str, ...]]:
    if found.newest is None or found.is_current:
        return
    when = found.changed or UNKNOWN
    yield found.id, "revision", found.pinned or UNKNOWN, found.newest, when
    for change in found.changes:
        old, new = exact(change.field, change.old), exact(change.field, change.new)
        yield found.id, change.field, old, new, change.file or UNKNOWN
    for name in found.added:
        yield found.id, "added", UNKNOWN, name, UNKNOWN
    for name in found.removed:
        yield found.id, "removed", name, UNKNOWN, UNKNOWN
