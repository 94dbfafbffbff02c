r"""Characters that JSON allows in a string but a catalogue does not.

These are control characters other than tab and line feed; lone surrogates; the separators U+2028
and U+2029, which many programs take for line breaks; and the marks that change the direction of
text, which make a line read differently from its contents. Prompts need tabs and line feeds,
written as ``\t`` and ``\n``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_REFUSED = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_REFUSED_CHARACTER = re.compile(f"[{_REFUSED}]")
_REFUSED_LITERAL = re.compile(f"[{_REFUSED}\t]")
_SHORT_ESCAPES = {r"\b": "\b", r"\f": "\f", r"\r": "\r"}
_PIECE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: one character
    r"|\\u[0-9a-fA-F]{4}"
    r'|\\["\\/bfnrt]'
    r"|\\(?s:.)"
    rf"|[{_REFUSED}\t]"
)
_SUSPICIOUS_ESCAPE = re.compile(
    r"\\[bfr]|\\u(?:00[01][0-9a-fA-F]|007[fF]|00[89]|202[89a-eA-E]|206[6-9]|[dD][89a-fA-F])"
)
_SURROGATE_PAIR_LENGTH = 12
_WRITABLE = '\\" \\\\ \\/ \\n \\t or \\u and four hexadecimal digits'


class Fault(NamedTuple):
    """A fault in a string: the offset in its literal, and the three parts of a problem."""

    offset: int
    found: str
    expected: str
    action: str


def may_be_refused(text: str) -> bool:
    """Return whether a JSON text may contain a refused character, literally or escaped.

    The check is quick, and False is always right; `literal_faults` decides when it is True.
    """
    if not text.isascii() and _REFUSED_CHARACTER.search(text.replace("\r\n", "\n")):
        return True
    return "\x7f" in text or ("\\" in text and _SUSPICIOUS_ESCAPE.search(text) is not None)


def literal_faults(literal: str) -> Iterator[Fault]:
    """Yield the faults of a JSON string, given with its quotes."""
    for match in _PIECE.finditer(literal):
        fault = _fault_of_piece(match.group(), match.start())
        if fault is not None:
            yield fault


def _fault_of_piece(piece: str, offset: int) -> Fault | None:
    if len(piece) == _SURROGATE_PAIR_LENGTH:
        return None
    if piece.startswith("\\u") and len(piece) > 2:
        return _fault_of_code(int(piece[2:], 16), piece, offset)
    if piece in _SHORT_ESCAPES:
        return _fault_of_code(ord(_SHORT_ESCAPES[piece]), piece, offset)
    if piece.startswith("\\"):
        if piece[1] in '"\\/nt':
            return None
        return Fault(
            offset,
            f"the string contains {_shown(piece)}, which is not an escape sequence of JSON",
            f"expected {_WRITABLE} after a backslash",
            "write a literal backslash as two backslashes",
        )
    if piece == "\t":
        return Fault(
            offset,
            "the string contains a raw tab",
            r"expected it escaped, as \t",
            r"write \t, or a space",
        )
    return _fault_of_code(ord(piece), f"U+{ord(piece):04X}", offset)


def _fault_of_code(code: int, written: str, offset: int) -> Fault | None:
    if 0xD800 <= code <= 0xDFFF:
        return Fault(
            offset,
            f"the string contains the lone surrogate {written}",
            "expected whole characters: a surrogate is only valid in a pair",
            "write the character itself",
        )
    if _REFUSED_LITERAL.match(chr(code)) is None or code == ord("\t"):
        return None
    return Fault(
        offset,
        f"the string contains the {_name(code)} {written}",
        r"expected printable text, without control characters other than \n and \t",
        "delete it",
    )


def _name(code: int) -> str:
    if code in (0x2028, 0x2029):
        return "line separator"
    return "control character" if code < 0xA0 else "mark of text direction"


def _shown(piece: str) -> str:
    return piece if piece.isprintable() else "a backslash before a control character"
