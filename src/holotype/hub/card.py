"""Compare a record with the front matter of the model's card."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import langcodes
from langcodes.tag_parser import LanguageTagError

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.merge import Comparer
from holotype.hub.checkpoint_files import CARD, CheckpointFiles

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_NO_LANGUAGES = frozenset({"code", "multilingual", "und"})
"""Values that cards list as languages, but which are not."""
_UNSAID = frozenset({"", "~", "null", "unknown"})


def compare_card(comparer: Comparer, files: CheckpointFiles) -> tuple[str, ...]:
    """Compare the licence and the languages.

    A card's languages are only search tags, so they fill gaps and never contradict an entry.

    Returns:
        Notes on values that were ignored, and why; a bad card is no fault of the model.
    """
    notes: list[str] = []
    card = _front_matter(files.folder / CARD, notes)
    comparer.choose("license", comparer.record.license, _license(card, notes))
    languages = _languages(card, notes)
    if not comparer.record.languages and languages:
        comparer.compare("languages", None, Setting(languages, CARD), agrees=True)
    return tuple(notes)


def read_license(path: Path) -> str | None:
    """Return the licence that a card states; None if it states none, or several."""
    stated = _license(_front_matter(path, []), [])
    return None if stated is None else stated.value


def _front_matter(path: Path, notes: list[str]) -> dict[str, Any]:
    """Return the card's values, with all scalars as text.

    YAML 1.1 reads ``no``, the tag of Norwegian, as false; a loader without type guessing does not.
    """
    if not path.is_file():
        return {}
    try:
        # Some cards start with a byte order mark.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        notes.append(f"{CARD} is not UTF-8, so it is ignored")
        return {}
    found = _FRONT_MATTER.match(text)
    if found is None:
        return {}
    # PyYAML is a dependency of huggingface_hub, and has no type hints.
    yaml = import_module("yaml")
    try:
        values = yaml.load(found[1], Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).partition("\n")[0]
        notes.append(f"{CARD}: its front matter is not valid YAML ({first}), so it is ignored")
        return {}
    return values if isinstance(values, dict) else {}


def _license(card: dict[str, Any], notes: list[str]) -> Setting[str] | None:
    names = [name for name in _texts(card, "license", notes) if name.lower() not in _UNSAID]
    if len(names) > 1:
        notes.append(
            f"{CARD} names {len(names)} licences, {', '.join(names)[:200]}; so it is left null: write "
            "an SPDX expression that joins them with AND or OR"
        )
        return None
    name = names[0] if names else None
    if name == "other":
        name = next(iter(_texts(card, "license_name", notes)), name)
    return Setting(name.lower(), CARD) if name else None


def _languages(card: dict[str, Any], notes: list[str]) -> tuple[str, ...]:
    """Return the languages as their shortest BCP 47 tags."""
    tags: list[str] = []
    unknown: list[str] = []
    for stated in _texts(card, "language", notes):
        if stated.lower() not in _NO_LANGUAGES:
            tag = _shortest_tag(stated)
            (unknown if tag is None else tags).append(tag or stated)
    if unknown:
        shown = ", ".join(repr(each) for each in unknown[:8])[:200]
        notes.append(f"{CARD} names languages by invalid tags, which are left out: {shown}")
    return tuple(dict.fromkeys(tags))


def _shortest_tag(text: str) -> str | None:
    """Return the shortest BCP 47 tag of a language; None if there is no such language."""
    try:
        return langcodes.standardize_tag(text) if langcodes.tag_is_valid(text) else None
    except LanguageTagError:
        return None


def _texts(card: dict[str, Any], key: str, notes: list[str]) -> list[str]:
    """Return the texts in a value: a text, or a list that may contain some."""
    stated = card.get(key)
    items = stated if isinstance(stated, list) else [] if stated is None else [stated]
    texts = [item.strip() for item in items if isinstance(item, str) and item.isprintable()]
    if len(texts) < len(items):
        notes.append(
            f"{CARD}: {key!r} is {ascii(stated)[:80]}; what is no text in one line is left out"
        )
    return [text for text in texts if text]
