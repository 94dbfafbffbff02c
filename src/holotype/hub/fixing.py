"""Write a checkpoint's values into a catalogue file, each with its source."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from holotype.errors import CatalogueFileError
from holotype.hub import json_text
from holotype.hub.fields import POINTERS
from holotype.hub.file_list import MISSING
from holotype.hub.verifying import GONE, Finding, Report

HUB = "hub"
FOLDER = "folder"
"""The sources of checkpoints on the Hub, and of those that are not there."""

_SOURCES = {
    HUB: {
        "title": "Files of the model's own repository on the Hugging Face Hub",
        "url": "https://huggingface.co/models",
        "note": "The detail names the file.",
    },
    FOLDER: {
        "title": "Files of a checkpoint in a folder",
        "url": None,
        "note": "The detail names the file. A model whose huggingface_id has this source is not on the Hugging Face Hub.",
    },
}
_AFTER_GROUPS = ("revision", "encoding", "lineage", "provenance")


@dataclass(frozen=True, slots=True)
class Fix:
    """A value that was written into an entry."""

    id: str
    finding: Finding


def fixable(report: Report) -> tuple[Finding, ...]:
    """Return the findings where the checkpoint has another value than the entry, or a new one.

    A missing commit or file has no value to write.
    """
    return tuple(
        finding
        for finding in report.having("differ", "checkpoint only")
        if finding.theirs not in (MISSING, GONE)
    )


def fixed_text(
    text: str, reports: Iterable[Report], refused: Collection[Fix] = ()
) -> tuple[str, tuple[Fix, ...]]:
    """Write the checkpoints' values into a catalogue; return its text and the fixes.

    Args:
        text: the catalogue file.
        reports: the reports on its entries.
        refused: fixes not to write.

    Raises:
        CatalogueFileError: the text is not a catalogue, or lacks an entry.
    """
    fixes: list[Fix] = []
    for report in reports:
        wanted = [Fix(report.id, finding) for finding in fixable(report)]
        wanted = [fix for fix in wanted if fix not in refused]
        if not wanted:
            continue
        at = entry_index(text, report.id)
        for fix in wanted:
            text = _with_value(text, at, fix.finding)
        fixes += wanted
        text = with_source(text, _source_of(text, at))
    return text, tuple(fixes)


def causes_of(fixes: Iterable[Fix], id: str | None, pointer: str) -> tuple[Fix, ...]:
    """Return the fixes that caused a problem in the fixed catalogue.

    Args:
        fixes: the fixes that were written.
        id: the entry with the problem.
        pointer: the JSON pointer of the problem in the file.

    Returns:
        The fixes of that value; if there are none, because values contradict each other, all
        fixes of that entry.
    """
    of_entry = tuple(fix for fix in fixes if fix.id == id)
    place = tuple(pointer.split("/")[3:])  # After the empty text, `models` and the position.
    of_value = tuple(
        fix for fix in of_entry if place and place[: len(own := POINTERS[fix.finding.field])] == own
    )
    return of_value or of_entry


def entry_index(text: str, id: str) -> int:
    """Return the position of an entry in the list of models.

    Raises:
        CatalogueFileError: the text is not a catalogue, or has no such entry.
    """
    for at, entry in enumerate(entries(text)):
        if entry.get("id") == id:
            return at
    raise CatalogueFileError("", f"there is no entry {id!r}; give the catalogue file that has it")


def entries(text: str) -> list[dict[str, object]]:
    """Return the entries of a catalogue file.

    Raises:
        CatalogueFileError: the text is not a catalogue.
    """
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise CatalogueFileError(
            "", f"this is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise CatalogueFileError("", f"this is JSON that cannot be read: {error}") from None
    models = values.get("models") if isinstance(values, dict) else None
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise CatalogueFileError("", "this is not a catalogue: it has no list of models")
    return models


def with_source(text: str, source: str) -> str:
    """Add the Hub, or folders, to the sources of a catalogue."""
    if json_text.find(text, ("sources", source)) is not None:
        return text
    return json_text.insert_member(text, ("sources",), source, _SOURCES[source])


def _source_of(text: str, at: int) -> str:
    """Return what the checkpoint of an entry is called as a source."""
    provenance: Any = entries(text)[at].get("provenance")
    named = provenance.get("/huggingface_id", provenance.get("*"))
    return FOLDER if str(named).partition(":")[0] == FOLDER else HUB


def _with_value(text: str, at: int, finding: Finding) -> str:
    *groups, key = POINTERS[finding.field]
    entry: tuple[str | int, ...] = ("models", at)
    path = (*entry, *groups)
    if groups and json_text.find(text, path) is None:
        before = _AFTER_GROUPS
        text = json_text.insert_member(text, path[:-1], str(path[-1]), {}, before=before)
    if json_text.find(text, (*path, key)) is None:
        text = json_text.insert_member(text, path, key, finding.theirs)
    else:
        text = json_text.replace(text, (*path, key), finding.theirs)
    pointer = "/" + "/".join(POINTERS[finding.field])
    said = f"{_source_of(text, at)}: {finding.file}"
    if json_text.find(text, (*entry, "provenance", pointer)) is None:
        return json_text.insert_member(text, (*entry, "provenance"), pointer, said)
    return json_text.replace(text, (*entry, "provenance", pointer), said)
