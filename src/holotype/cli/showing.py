"""`holotype show`: shows everything that the catalogue knows about a model, with sources."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from holotype.cli.as_json import page_as_json
from holotype.cli.catalogues import OpenCatalogue, complete_id, open_catalogue
from holotype.cli.fields import Fact, facts
from holotype.cli.output import fail, is_terminal, note, terminal, write_json, write_lines
from holotype.cli.project import hint_for
from holotype.cli.wording import exact, readable
from holotype.encoders.names import described_in, resolve
from holotype.errors import (
    AmbiguousModelError,
    DeprecatedModelWarning,
    HolotypeError,
    ModelNotFoundError,
)
from holotype.naming import nearest
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Named: TypeAlias = ModelInfo | ModelRef

_WIDE = 72
"""The width from which sources get their own column."""

_GAP = 2


def show(
    context: typer.Context,
    id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An id, an alias or a Hugging Face id, in any letter case, or a reference.",
            autocompletion=complete_id,
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="The fields and their sources, as a JSON object.")
    ] = False,
) -> None:
    """Show every field of a model with its value and source.

    If stdout is not a terminal, each line has a field, its value and its source, separated by tabs,
    with - for unknown values. A note on stderr counts the values that were read at another commit
    than the pinned one; on a terminal, a star marks their sources.

    Of a reference outside the catalogue (a folder, an artifact, a repository) it shows what the
    files say.

    The exit code is 1 if there is no such model. A deprecated model is shown with a warning on
    stderr.
    """
    opened = open_catalogue(context.obj)
    found = find_entry(opened, id)
    record = found if isinstance(found, ModelInfo) else describe_reference(found)
    if as_json:
        write_json(page_as_json(record))
    elif is_terminal():
        _draw(terminal(), record, opened)
    else:
        write_lines(_rows(record))
    if not as_json and (told := _other_commits(record)):
        note(told)


def find_named(opened: OpenCatalogue, name: str, *, checkpoint: Path | None = None) -> Named:
    """Return the record or the reference that a name means; exit with suggestions if nothing.

    Args:
        opened: the catalogue.
        name: an id, an alias, a Hugging Face id, a reference, or the path of a folder.
        checkpoint: the folder that another option gives, if any.
    """
    try:
        found = resolve(name, opened.catalogue, checkpoint=checkpoint)
        if isinstance(found, ModelRef) and found.scheme == "hf":
            found = described_in(found, opened.catalogue)
    except (ModelNotFoundError, AmbiguousModelError):
        # What it says is about Python.
        return find_record(opened, name)
    except HolotypeError as error:
        fail(str(error))
    if isinstance(found, ModelInfo) or found.scheme == "catalogue":
        return find_record(opened, name if isinstance(found, ModelInfo) else found.location)
    return found


def find_entry(opened: OpenCatalogue, name: str) -> Named:
    """Return what a name means as `find_named` does, where a folder does not rival an entry.

    What only reads the catalogue can mistake no weights for others.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecatedModelWarning)
            is_entry = opened.catalogue.find_model(name) is not None
    except AmbiguousModelError:
        is_entry = True
    return find_record(opened, name) if is_entry else find_named(opened, name)


def describe_reference(ref: ModelRef) -> ModelInfo:
    """Return the record of a reference's model, by its files; exit if they cannot be read."""
    from holotype.publishing import get_model_info

    try:
        return get_model_info(ref).record
    except HolotypeError as error:
        fail(str(error))


def find_record(opened: OpenCatalogue, name: str) -> ModelInfo:
    """Return the record with this id, alias or Hugging Face id; exit with suggestions if none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecatedModelWarning)
        try:
            record = opened.catalogue.find_model(name)
        except AmbiguousModelError as error:
            fail(f"{name!r} has {len(error.ids)} entries; name one of {', '.join(error.ids)}")
        if record is None:
            fail(_not_found(opened, name))
    for warning in caught:
        note(f"warning: {warning.message}")
    return record


def _not_found(opened: OpenCatalogue, name: str) -> str:
    records = opened.catalogue.listed
    names = [record.id for record in records]
    names += [alias for record in records for alias in record.aliases]
    names += [record.huggingface_id for record in records]
    near = nearest(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else "`holotype list` shows all models."
    hint = hint_for(name, opened.name) or (
        f"{hint} A folder of your own is local:PATH, a repository on the Hub hf:ORG/MODEL"
    )
    return f"no model has the id, alias or Hugging Face id {name!r}; {hint}"


def _other_commits(record: ModelInfo) -> str | None:
    """Return a note on values that other commits than the pinned one were read for."""
    n = sum(fact.is_of_another_commit for fact in facts(record))
    if not n:
        return None
    values = "1 value was" if n == 1 else f"{n} values were"
    return (
        f"note: {values} read at another commit of the repository than the pinned one, or on a "
        f"branch; `holotype verify {record.id}` compares the entry with the pinned one"
    )


def _rows(record: ModelInfo) -> Iterator[tuple[str, str, str]]:
    yield "id", record.id, exact("source", record.source_of("id"))
    for fact in facts(record):
        yield fact.name, exact(fact.name, fact.value), exact("source", fact.source)


def _draw(console: Console, record: ModelInfo, opened: OpenCatalogue) -> None:
    from rich.text import Text

    opened = opened.holding(record)
    console.print(Text(record.id, style="bold cyan"))
    constant = opened.constants.get(record.id)
    if constant is not None:
        console.print(Text(f"{opened.name}.{constant}", style="dim"))
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
        source = Text((fact.source or "") + " *" * fact.is_of_another_commit, style="dim")
        if not wide and fact.source:
            value, source = Text("\n").join((value, source)), Text()
        grid.add_row(Text(f"  {fact.name}"), value, source)
    return grid


def _legend(sources: Iterable[str | None], opened: OpenCatalogue) -> Table:
    """Return the titles of these sources."""
    from rich.table import Table
    from rich.text import Text

    keys = dict.fromkeys(source.partition(":")[0] for source in sources if source)
    # An artifact keeps the record of the catalogue that it was made with.
    keys = {key: None for key in keys if key in opened.sources}
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
