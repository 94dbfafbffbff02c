"""Text as Markdown: cells of tables, code, links, and the anchors of headings."""

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
    # What would begin a heading, a rule or a list at the beginning of a line.
    end = block.end() if block[0].isdigit() else 0
    return f"{line[:end]}\\{line[end:]}"


def code(text: str) -> str:
    """Return text as code for a cell of a table; `text` has no line breaks.

    A backslash before a pipe, which code in a cell cannot hold, makes it plain text.
    """
    if "\\|" in text:
        return escape(text)
    fence = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", r"\|")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int]) -> str:
    """Return a table.

    Args:
        headings: what stands above the columns.
        rows: the cells, as Markdown, on one line each.
        right: the positions of the columns that are aligned to the right.

    """
    numeric = frozenset(right)
    marks = ["---:" if position in numeric else "---" for position in range(len(headings))]
    lines = [headings, marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Anchors:
    """Gives each heading of a page its anchor, as GitHub and most renderers make it."""

    def __init__(self) -> None:
        """Begin with a page without headings."""
        self._taken: set[str] = set()

    def add(self, heading: str) -> str:
        """Return the anchor of the page's next heading: lower case, dots gone, spaces to ``-``."""
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchor, n_before = plain, 0
        while anchor in self._taken:
            n_before += 1
            anchor = f"{plain}-{n_before}"
        self._taken.add(anchor)
        return anchor
