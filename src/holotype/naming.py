"""The form of ids: kebab-case, the same as in `holotype_codegen.naming`; and names like a name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_KEBAB_CASE = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def is_kebab_case(name: str) -> bool:
    """Whether `name` is lower-case letters and digits, joined by single ``-`` or ``.``."""
    return _KEBAB_CASE.fullmatch(name) is not None


def kebab_case(name: str) -> str:
    """Return the kebab-case form of a name; empty if it has no allowed character."""
    between = re.compile("[^a-z0-9]+")
    return between.sub(lambda run: "." if run[0] == "." else "-", name.lower()).strip("-.")


def one_of(word: str, known: Iterable[str]) -> str:
    """Return what to write in place of an unknown word, to follow it in an error."""
    known = tuple(known)
    near = nearest(word, known, limit=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}expected one of {', '.join(known)}"


def nearest(name: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to `limit` of `names` with the spelling closest to `name`, best first."""
    import difflib

    spellings = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower(), spellings, n=limit, cutoff=0.6)
    return [spellings[candidate] for candidate in close]
