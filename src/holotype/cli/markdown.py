"""Markdown: escaped text, code, tables and the anchors of headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_]))")
_BLOCK = re.compile(r"([-+=#]|[0-9]+(?=[.)]))")
_BACKTICKS = re.compile(r"`+")


def escape(text: str) -> str:
    """Return plain text that Markdown shows as it is, within a line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def paragraph(text: str) -> str:
    """Return plain text as a paragraph of its own, on one line."""
    line = escape(text)
    block = _BLOCK.match(line)
    if block is None:
        return line
    # At the start of a line, this would begin a heading, a rule or a list.
    end = block.end() if block[0].isdigit() else 0
    return f"{line[:end]}\\{line[end:]}"


def code(text: str) -> str:
    """Return text without line breaks as code for a table cell.

    Code in a cell cannot hold a backslash before a pipe; such text becomes plain text.
    """
    if "\\|" in text:
        return escape(text)
    fence = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", r"\|")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int]) -> str:
    """Return a table.

    Args:
        headings: the column headings.
        rows: the cells, as Markdown, one line each.
        right: the positions of right-aligned columns.
    """
    numeric = frozenset(right)
    marks = ["---:" if position in numeric else "---" for position in range(len(headings))]
    lines = [headings, marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Anchors:
    """Assigns anchors to the headings of a page, as GitHub and most renderers do."""

    def __init__(self) -> None:
        """Start a page without headings."""
        self._taken: set[str] = set()

    def add(self, heading: str) -> str:
        """Return the anchor of the next heading: lower case, no dots, ``-`` for spaces."""
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchor, n_before = plain, 0
        while anchor in self._taken:
            n_before += 1
            anchor = f"{plain}-{n_before}"
        self._taken.add(anchor)
        return anchor
