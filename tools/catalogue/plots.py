"""Scatter plots as SVG: plain text, the same bytes for the same data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 860, 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 56, 60
_COLOURS = {"dense": "#2563a8", "colbert": "#c2410c", "sparse": "#15803d"}
_LABEL_HEIGHT = 13
_LETTER_WIDTH = 6.1


@dataclass(frozen=True, slots=True)
class Point:
    """A model in a plot."""

    name: str
    kind: str
    x: float
    y: float


def scatter(
    points: Sequence[Point], *, title: str, across: str, up: str, ticks: Sequence[tuple[float, str]]
) -> str:
    """Return a plot with a logarithmic axis across.

    The models that nothing of the same size or smaller beats are joined, and named where there is
    room.

    Args:
        points: the models.
        title: what the plot shows.
        across: what the axis across means.
        up: what the axis upwards means.
        ticks: the marks of the axis across, each with its label.
    """
    low, high = ticks[0][0], ticks[-1][0]
    bottom = math.floor(min(point.y for point in points) / 5) * 5
    top = math.ceil(max(point.y for point in points) / 5) * 5

    def place(x: float, y: float) -> tuple[float, float]:
        share = math.log(x / low) / math.log(high / low)
        rise = (y - bottom) / (top - bottom)
        return (
            _LEFT + share * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - rise * (_HEIGHT - _TOP - _BOTTOM),
        )

    best = _frontier(points)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="24" font-size="16" fill="#111111">{escape(title)}</text>',
    ]
    for value, label in ticks:
        x, y = place(value, bottom)
        lines.append(_line(x, y, x, _TOP, "#e5e5e5"))
        lines.append(_text(x, y + 18, label, "middle"))
    for value in range(bottom, top + 1, 5):
        x, y = place(low, value)
        lines.append(_line(x, y, _WIDTH - _RIGHT, y, "#e5e5e5"))
        lines.append(_text(x - 8, y + 4, str(value), "end"))
    lines.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 14, across, "middle"))
    lines.append(
        f'<text transform="translate(18 {_HEIGHT / 2:.1f}) rotate(-90)" text-anchor="middle" '
        f'fill="#333333">{escape(up)}</text>'
    )
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(p.x, p.y) for p in best))
    lines.append(f'<polyline points="{joined}" fill="none" stroke="#999999" stroke-width="1"/>')
    for point in points:
        x, y = place(point.x, point.y)
        colour = _COLOURS.get(point.kind, "#555555")
        lines.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}" fill-opacity="0.65">'
            f"<title>{escape(point.name)}: {point.y:.1f}</title></circle>"
        )
    lines += _labels([(point.name, *place(point.x, point.y)) for point in best])
    lines += _legend(point.kind for point in points)
    return "\n".join((*lines, "</svg>")) + "\n"


def _frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no point further left, or as far left, lies above."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, -point.y, point.name)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best


def _labels(named: Sequence[tuple[str, float, float]]) -> list[str]:
    """Return names above their points, to the left; one that would cover another is left out."""
    boxes: list[tuple[float, float, float]] = []
    lines = []
    for name, x, y in reversed(named):
        width = len(name) * _LETTER_WIDTH
        right, base = max(x - 6, _LEFT + width), y - 5
        if any(
            abs(base - other) < _LABEL_HEIGHT and right > start and right - width < end
            for other, start, end in boxes
        ):
            continue
        boxes.append((base, right - width, right))
        lines.append(_text(right, base, name, "end", size=11))
    return lines


def _legend(kinds: Iterable[str]) -> list[str]:
    lines = []
    for position, kind in enumerate(sorted(set(kinds))):
        x = _WIDTH - _RIGHT - 90 * (position + 1)
        colour = _COLOURS.get(kind, "#555555")
        lines.append(f'<circle cx="{x}" cy="20" r="4" fill="{colour}"/>')
        lines.append(_text(x + 10, 24, kind, "start"))
    return lines


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="1"/>'
    )


def _text(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="#333333">{escape(text)}</text>'
    )
