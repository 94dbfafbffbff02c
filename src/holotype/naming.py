"""The form of ids: kebab-case, the same as in `holotype_codegen.naming`."""

from __future__ import annotations

import re

_KEBAB_CASE = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def is_kebab_case(name: str) -> bool:
    """Whether `name` is lower-case letters and digits, joined by single ``-`` or ``.``."""
    return _KEBAB_CASE.fullmatch(name) is not None


def kebab_case(name: str) -> str:
    """Return the kebab-case form of a name; empty if it has no allowed character."""
    between = re.compile("[^a-z0-9]+")
    return between.sub(lambda run: "." if run[0] == "." else "-", name.lower()).strip("-.")
