"""Sizes and times as a deployment writes them: ``0.9GiB``, ``80%``, ``30m``."""

from __future__ import annotations

import re
from decimal import Decimal

_SIZES = {
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "B": 1,
}
_BY_LOWER_CASE = {unit.lower(): unit for unit in _SIZES}
_TIMES = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
_TIMES["d"] = 24 * _TIMES["h"]

SIZE = r"(?!0+(?:\.0+)?\s?[A-Za-z])[0-9]{1,18}(?:\.[0-9]{1,9})?\s?(?:[KMGT]i|[kMGT])?B"
"""The pattern of a size, for the schema."""
SHARE = r"(?:100|[1-9]?[0-9])(?:\.[0-9]{1,6})?\s?%"
"""The pattern of a share, for the schema."""
DURATION = r"[0-9]{1,18}(?:\.[0-9]{1,9})?\s?(?:ms|s|m|h|d)"
"""The pattern of a time, for the schema."""

_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s?([A-Za-z%]*)")


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``0.9GiB``, ``512MiB`` or ``2GB``, rounded down.

    Raises:
        ValueError: the text is no size, or less than a byte; the message is what to write.
    """
    number, unit = _split(text)
    if number is None:
        raise ValueError("write a number and its unit, such as 0.9GiB or 512MiB")
    if unit == "%":
        raise ValueError("write it in bytes, such as 0.9GiB; only pool.memory can be a share")
    if unit not in _SIZES:
        meant = _BY_LOWER_CASE.get(unit.lower()) or _BY_LOWER_CASE.get(f"{unit.lower()}ib")
        raise ValueError(f"write {number.normalize():f}{meant or 'GiB'}")
    n_bytes = int(number * _SIZES[unit])
    if not n_bytes:
        raise ValueError("write at least 1B, or leave the key out")
    return n_bytes


def parse_share(text: str) -> float:
    """Return the fraction of a share such as ``80%``, above 0 and at most 1.

    Raises:
        ValueError: the text is no share; the message is what to write.
    """
    number, unit = _split(text)
    if number is None or unit != "%" or not 0 < number <= 100:
        raise ValueError("write a share above 0% and at most 100%, such as 80%")
    return float(number / 100)


def parse_duration(text: str) -> float:
    """Return the seconds of a time such as ``500ms``, ``60s``, ``30m``, ``2h`` or ``1d``.

    Raises:
        ValueError: the text is no time; the message is what to write.
    """
    number, unit = _split(text)
    if number is None:
        raise ValueError("write a number and its unit, such as 60s or 30m")
    meant = unit if unit in _TIMES else unit.lower()[:1]
    if unit not in _TIMES:
        raise ValueError(f"write {number.normalize():f}{meant if meant in _TIMES else 's'}")
    return float(number * _TIMES[unit])


def format_size(n_bytes: int) -> str:
    """Return the shortest exact spelling of a size: 966367641 bytes are ``966367641B``."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        written = (Decimal(n_bytes) / _SIZES[unit]).quantize(Decimal("0.001")).normalize()
        text = f"{written:f}{unit}"
        if written >= Decimal("0.1") and parse_size(text) == n_bytes:
            return text
    return f"{n_bytes}B"


def format_share(share: float) -> str:
    """Return a share as a percentage: 0.8 is ``80%``."""
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"


def format_duration(seconds: float) -> str:
    """Return the shortest exact spelling of a time: 1800 seconds are ``30m``."""
    exact = Decimal(repr(float(seconds)))
    for unit in ("d", "h", "m", "s"):
        if exact and exact % _TIMES[unit] == 0:
            return f"{int(exact / _TIMES[unit])}{unit}"
    return f"{exact.normalize():f}s"


def _split(text: str) -> tuple[Decimal | None, str]:
    match = _QUANTITY.fullmatch(text.strip())
    return (None, "") if match is None else (Decimal(match[1]), match[2])
