"""What people call a language: its BCP 47 tag, its name, or its code of three letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

from holotype.errors import CriterionError
from holotype.naming import nearest

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")


def meant_language(wanted: str, known: Iterable[str]) -> str:
    """Return the lower-case tag of a language, without what no model distinguishes.

    Args:
        wanted: a tag, a name in English or in the language itself, or a code of three letters.
        known: the lower-case language ranges of the records that are asked.

    Returns:
        The tag. A region that no record names is left out, `de-AT` → `de`, and so is a script of a
        language for which no record names a script.

    Raises:
        CriterionError: the text is neither a tag nor a name of a language; the error suggests one.
    """
    ranges = frozenset(known)
    written = wanted.strip().casefold().replace("_", "-")
    if written in ranges:
        return written
    tag = _tag_named(written)
    found = _longest(tag, ranges) if tag else None
    if found is not None:
        return found
    if tag is None or tag.partition("-")[0] not in _tags_by_name().values():
        raise CriterionError("language", wanted, f"is no language that is known; {_hint(written)}")
    return tag


def _longest(tag: str, ranges: Collection[str]) -> str | None:
    """Return the tag, or the longest shorter one, that is a range of the records."""
    subtags = tag.split("-")
    for n in range(len(subtags), 0, -1):
        shorter = "-".join(subtags[:n])
        if shorter in ranges:
            return shorter
        if n == 2 and _is_script(subtags[1]) and _have_scripts(subtags[0], ranges):
            return None
    return None


def _have_scripts(language: str, ranges: Collection[str]) -> bool:
    tags = (each.split("-") for each in ranges)
    return any(len(tag) > 1 and tag[0] == language and _is_script(tag[1]) for tag in tags)


def _is_script(subtag: str) -> bool:
    return len(subtag) == 4 and subtag.isalpha()


def _tag_named(written: str) -> str | None:
    """Return the tag for a tag or a name; None if the text has the form of neither."""
    names = _tags_by_name()
    plain = _without_accents(written)
    whole = names.get(written) or names.get(plain) or names.get(plain.replace("-", " "))
    if whole is not None:
        return whole
    first, hyphen, rest = plain.partition("-")
    tag = f"{names.get(first, first)}{hyphen}{rest}"
    return tag if _TAG.fullmatch(tag) else None


def _hint(written: str) -> str:
    names = _tags_by_name()
    near = nearest(written, names)
    meant = f"did you mean {names[near[0]]!r} ({near[0]})? " if near else ""
    return f"{meant}write a BCP 47 tag such as de or zh-Hans, or a name such as German"


@cache
def _tags_by_name() -> dict[str, str]:
    """Return the lower-case tag for each name in lower case."""
    return {
        name: tag.lower() for tag, names in table()["languages"].items() for name in (*names, tag)
    }


def _without_accents(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in split if not unicodedata.combining(c)))


def known_licences() -> frozenset[str]:
    """Return the lower-case ids of licences: SPDX's, and those that only the Hub has."""
    return frozenset(table()["licences"])


@cache
def table() -> dict[str, Any]:
    """Return the table that tools/name_table.py makes: `languages` and `licences`."""
    import json  # most programs name no language

    text = Path(__file__).with_name("names.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))
