"""How ids are written: kebab-case, as `holotype_codegen.naming` has it, too."""

from __future__ import annotations

import re

_KEBAB_CASE = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def is_kebab_case(name: str) -> bool:
    """Whether `name` is lower-case letters and digits, joined by single ``-`` or ``.``."""
    return _KEBAB_CASE.fullmatch(name) is not None


def kebab_case(name: str) -> str:
    """Return the kebab-case that is nearest to a name; empty where nothing of it can stand."""
    between = re.compile("[^a-z0-9]+")
    return between.sub(lambda run: "." if run[0] == "." else "-", name.lower()).strip("-.")
