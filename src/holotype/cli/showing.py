"""`holotype show`: shows everything that the catalogue knows about a model, with sources."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from holotype.cli.as_json import page_as_json
from holotype.cli.catalogues import OpenCatalogue, complete_id, open_catalogue
from holotype.cli.fields import Fact, facts
from holotype.cli.output import fail, is_terminal, note, terminal, write, write_json
from holotype.cli.project import hint_for
from holotype.cli.wording import exact, readable
from holotype.errors import AmbiguousModelError, DeprecatedModelWarning, ModelNotFoundError
from holotype.naming import nearest
from holotype.records import ModelInfo

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 72
"""The width from which sources get their own column."""

_GAP = 2


def show(
    context: typer.Context,
    id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The id of a model, an alias, or its Hugging Face id; in any letter case.",
            autocompletion=complete_id,
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="The fields and their sources, as a JSON object.")
    ] = False,
) -> None:
    """Show every field of a model with its value and source.

    If stdout is not a terminal, each line has a field, its value and its source, separated by tabs,
    with - for unknown values.

    The exit code is 1 if there is no such model. A deprecated model is shown with a warning on
    stderr.
    """
    opened = open_catalogue(context.obj)
    record = find_record(opened, id)
    if as_json:
        write_json(page_as_json(record))
    elif is_terminal():
        _draw(terminal(), record, opened)
    else:
        write("".join(_lines(record)))


def find_record(opened: OpenCatalogue, name: str) -> ModelInfo:
    """Return the record with this id, alias or Hugging Face id; exit with suggestions if none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecatedModelWarning)
        record = opened.catalogue.find_model(name)
        if record is None:
            try:
                record = opened.catalogue.get_model_by_hf_id(name)
            except AmbiguousModelError as error:
                fail(f"{name!r} has {len(error.ids)} entries; show one of {', '.join(error.ids)}")
            except ModelNotFoundError:
                fail(_notfind_record(opened, name))
    for warning in caught:
        note(f"warning: {warning.message}")
    return record


def _notfind_record(opened: OpenCatalogue, name: str) -> str:
    records = opened.catalogue.listed
    names = [record.id for record in records]
    names += [alias for record in records for alias in record.aliases]
    names += [record.huggingface_id for record in records]
    near = nearest(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else "`holotype list` shows all models"
    hint = hint_for(name, opened.name) or hint
    return f"no model has the id, alias or Hugging Face id {name!r}; {hint}"


def _lines(record: ModelInfo) -> Iterator[str]:
    yield f"id\t{record.id}\t{record.source_of('id')}\n"
    for fact in facts(record):
        yield f"{fact.name}\t{exact(fact.name, fact.value)}\t{exact('source', fact.source)}\n"


def _draw(console: Console, record: ModelInfo, opened: OpenCatalogue) -> None:
    from rich.text import Text

    console.print(Text(record.id, style="bold cyan"))
    console.print(Text(f"{opened.name}.{opened.constants[record.id]}", style="dim"))
    shown = list(facts(record))
    width = max(len(fact.name) for fact in shown)
    for group, members in groupby(shown, key=lambda fact: fact.group):
        console.print()
        console.print(Text(group, style="bold"))
        console.print(_grid(members, name_width=width, wide=console.width >= _WIDE))
    console.print()
    console.print(Text("Sources", style="bold"))
    console.print(_legend([record.source_of("id"), *(fact.source for fact in shown)], opened))


def _grid(members: Iterable[Fact], *, name_width: int, wide: bool) -> Table:
    """Return one group: fields, values and sources side by side, or sources below values."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, _GAP, 0, 0), expand=wide)
    grid.add_column(width=name_width + _GAP)
    grid.add_column(ratio=3 if wide else None, overflow="fold")
    grid.add_column(ratio=2 if wide else None, overflow="fold")
    for fact in members:
        value = Text("unknown", style="dim italic")
        if fact.known:
            value = Text(readable(fact.name, fact.value))
        source = Text(fact.source or "", style="dim")
        if not wide and fact.source:
            value, source = Text("\n").join((value, source)), Text()
        grid.add_row(Text(f"  {fact.name}"), value, source)
    return grid


def _legend(sources: Iterable[str | None], opened: OpenCatalogue) -> Table:
    """Return the titles of these sources."""
    from rich.table import Table
    from rich.text import Text

    keys = dict.fromkeys(source.partition(":")[0] for source in sources if source)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=max(map(len, keys), default=0) + _GAP)
    grid.add_column(overflow="fold")
    for key in keys:
        source = opened.sources[key]
        title = Text(source.title)
        if source.url is not None:
            title.append(f"\n{source.url}", style="dim")
        grid.add_row(Text(f"  {key}"), title)
    return grid
