"""Numbers as people write them: counts such as ``8k`` and ``1.5B``, bytes such as ``500MB``."""

from __future__ import annotations

import re
import sys

_SCALES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
_BINARY_SCALES = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_NUMBER = r"(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9][0-9_]*)(?:\.[0-9]+)?)"
_COUNT = re.compile(rf"{_NUMBER}\s?(?P<scale>[KMBGT]?)", re.IGNORECASE)
_BYTES = re.compile(rf"{_NUMBER}\s?(?:(?P<binary>[KMGT])iB?|(?P<scale>[KMGT]?)B?)", re.IGNORECASE)


def parse_count(text: str) -> int:
    """Parse a number such as ``500M``, ``8k``, ``1.5B``, ``110_000_000`` or ``22700``.

    Raises:
        ValueError: the text is not such a number, or the number is below 1.
    """
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        is_bytes = _BYTES.fullmatch(text.strip()) is not None
        found = "is a number of bytes" if is_bytes else "is not a number"
        raise ValueError(f"{text!r} {found}; write 8k, 500M, 1.5B or 110000000")
    return _scaled(text, match["number"], _SCALES[match["scale"].upper()])


def parse_bytes(text: str) -> int:
    """Parse a number of bytes such as ``500MB``, ``1.5 GB``, ``0.5GiB`` or ``2000000``.

    Raises:
        ValueError: the text is not such a number, or the number is below 1.
    """
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a number of bytes; write 500MB, 1.5GB, 0.5GiB or 110000000"
        )
    binary = match["binary"]
    scale = _BINARY_SCALES[binary.upper()] if binary else _SCALES[match["scale"].upper()]
    return _scaled(text, match["number"], scale)


def _scaled(text: str, number: str, scale: int) -> int:
    exact = float(number.replace("_", "").replace(",", "")) * scale
    if exact > sys.maxsize:
        raise ValueError(f"{text[:20]!r} is above {sys.maxsize}")
    count = round(exact)
    if count < 1:
        raise ValueError(f"{text!r} is below 1")
    return count
