"""Numbers and bare words of JSON: the allowed ones, and the faults of the others."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from holotype_codegen.report import printable

MAX_NUMBER = 2**53
"""The largest magnitude up to which a double represents every whole number."""

NUMBER_LIKE = re.compile(r"[-+.]?[0-9][0-9A-Za-z_.+-]*|[-+.]")
"""A text that somebody may have meant as a number, valid or not."""

WORD = re.compile(r"[-+]?[A-Za-z_$][A-Za-z0-9_$]*")
"""A word without quotes: `true`, and the words of other languages."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LONGEST_SHOWN = 40
_MEANT = {"True": "true", "False": "false", "None": "null", "undefined": "null"}


class ScalarFault(NamedTuple):
    """The three parts of a problem."""

    found: str
    expected: str
    action: str


def number_fault(written: str) -> ScalarFault | None:
    """Return what is wrong with a number, or None."""
    shown = printable(written[:_LONGEST_SHOWN]) + ("…" if len(written) > _LONGEST_SHOWN else "")
    if _NUMBER.fullmatch(written) is None:
        return ScalarFault(
            f"{shown} is not a JSON number",
            "expected digits with at most one decimal point, and no leading zero, plus sign or unit",
            "write a number such as 109482240 or 0.53",
        )
    if not is_exact(written):
        return ScalarFault(
            f"the number {shown} is beyond 2^53",
            "expected a number that every JSON reader keeps exactly",
            "write the true value, or null",
        )
    return None


def word_fault(word: str) -> ScalarFault | None:
    """Return what is wrong with a word in place of a value, or None."""
    if word in ("true", "false", "null"):
        return None
    if word.lstrip("+-") in ("NaN", "Infinity"):
        return ScalarFault(f"{word} is not a JSON number", "expected a number", "write null")
    return ScalarFault(
        f"{word[:_LONGEST_SHOWN]} is not a JSON value",
        "expected a string, number, object, list, true, false or null",
        f"write {_MEANT[word]}" if word in _MEANT else "write text in double quotes",
    )


def is_exact(written: str) -> bool:
    """Return whether a JSON number is within 2^53, beyond which readers lose digits."""
    value = float(written)
    if not math.isfinite(value) or abs(value) > MAX_NUMBER:
        return False
    digits = written.lstrip("-")
    return abs(value) < MAX_NUMBER or not digits.isdigit() or int(digits) <= MAX_NUMBER
