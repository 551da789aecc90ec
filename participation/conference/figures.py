"""Figures of an outcome as SVG: places with intervals, groups beside each other, pairs, shift between rounds.

Plain shapes with presentation attributes, so that no style rule is needed; colours keep their contrast on a
weak projector and for colour-blind people (Okabe and Ito 2008), and never carry meaning alone. Text is passed
in, already in the reader's language; ``rtl`` mirrors the figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

INK, SOFT, PAPER, ACCENT, SECOND = "#111111", "#4a4a4a", "#ffffff", "#00507a", "#b34700"
_PALETTE = (ACCENT, SECOND, "#007a5a", "#7a2d7a", "#8a6a00", "#333333")
_ROW = 34
_LABEL = 300
_WIDTH = 900


@dataclass(frozen=True)
class Bar:
    """One option: label, its place, and the interval of its place (None where there is none)."""

    label: str
    place: float
    low: float | None = None
    high: float | None = None


class _Canvas:
    def __init__(self, width: float, height: float, title: str, rtl: bool) -> None:
        self.width, self.height, self.title, self.rtl = width, height, title, rtl
        self.parts: list[str] = []

    def _x(self, x: float) -> float:
        return self.width - x if self.rtl else x

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = INK, width: float = 1) -> None:
        self.parts.append(
            f'<line x1="{self._x(x1):.1f}" y1="{y1:.1f}" x2="{self._x(x2):.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"/>'
        )

    def dot(self, x: float, y: float, colour: str = ACCENT, radius: float = 7) -> None:
        self.parts.append(f'<circle cx="{self._x(x):.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def box(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        left = self._x(x) - (width if self.rtl else 0)
        self.parts.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'
        )

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "start", size: int = 16, colour: str = INK
    ) -> None:
        # In SVG "start" follows the text's direction, so mirroring the place is enough.
        self.parts.append(
            f'<text x="{self._x(x):.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}">'
            f"{escape(words)}</text>"
        )

    def svg(self) -> str:
        side = "rtl" if self.rtl else "ltr"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'role="img" aria-label={quoteattr(self.title)} direction="{side}" '
            'font-family="system-ui, Noto Sans, Noto Sans Arabic, sans-serif">'
        )
        background = f'<rect width="{self.width:g}" height="{self.height:g}" fill="{PAPER}"/>'
        return head + f"<title>{escape(self.title)}</title>" + background + "".join(self.parts) + "</svg>"


def shorten(text: str, most: int = 34) -> str:
    """A label that fits its column."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _scale(places: int) -> float:
    return (_WIDTH - _LABEL - 60) / max(places - 1, 1)


def intervals(bars: Sequence[Bar], *, title: str, rtl: bool = False) -> str:
    """Places with their intervals, best at the top; the line is the interval, the dot the place."""
    canvas = _Canvas(_WIDTH, 70 + _ROW * len(bars), title, rtl)
    step = _scale(len(bars))
    for place in range(1, len(bars) + 1):
        x = _LABEL + 30 + (place - 1) * step
        canvas.line(x, 40, x, 50 + _ROW * len(bars), "#cccccc")
        canvas.text(x, 30, str(place), anchor="middle", colour=SOFT)
    for row, bar in enumerate(bars):
        y = 62 + row * _ROW
        canvas.text(10, y + 5, shorten(bar.label))
        if bar.low is not None and bar.high is not None:
            left, right = (_LABEL + 30 + (v - 1) * step for v in (bar.low, bar.high))
            canvas.line(left, y, right, y, ACCENT, 5)
            for end in (left, right):
                canvas.line(end, y - 8, end, y + 8, ACCENT, 3)
        canvas.dot(_LABEL + 30 + (bar.place - 1) * step, y, INK)
    return canvas.svg()


def groups(
    labels: Sequence[str], places: Mapping[str, Sequence[float]], *, title: str, rtl: bool = False
) -> str:
    """Place of each option in each group: one row per option, one mark (letter and colour) per group."""
    canvas = _Canvas(_WIDTH, 80 + _ROW * len(labels) + 26 * len(places), title, rtl)
    step = _scale(len(labels))
    for place in range(1, len(labels) + 1):
        x = _LABEL + 30 + (place - 1) * step
        canvas.line(x, 40, x, 50 + _ROW * len(labels), "#cccccc")
        canvas.text(x, 30, str(place), anchor="middle", colour=SOFT)
    for row, label in enumerate(labels):
        y = 62 + row * _ROW
        canvas.text(10, y + 5, shorten(label))
        spots = [_LABEL + 30 + (values[row] - 1) * step for values in places.values()]
        if spots:
            canvas.line(min(spots), y, max(spots), y, "#999999", 2)
        for number, x in enumerate(_side_by_side(spots, 21)):
            canvas.dot(x, y, _PALETTE[number % len(_PALETTE)], 10)
            canvas.text(x, y + 5, chr(65 + number), anchor="middle", size=13, colour=PAPER)
    for number, name in enumerate(places):
        y = 74 + _ROW * len(labels) + 26 * number
        canvas.dot(20, y, _PALETTE[number % len(_PALETTE)], 10)
        canvas.text(20, y + 5, chr(65 + number), anchor="middle", size=13, colour=PAPER)
        canvas.text(40, y + 5, name)
    return canvas.svg()


def _side_by_side(spots: Sequence[float], room: float) -> list[float]:
    """The spots in their order, each pushed on until it has ``room`` after the one before it."""
    found, last = list(spots), float("-inf")
    for number in sorted(range(len(spots)), key=lambda n: spots[n]):
        found[number] = last = max(found[number], last + room)
    return found


def pairs(labels: Sequence[str], wins: Sequence[Sequence[float]], *, title: str, rtl: bool = False) -> str:
    """Head-to-head: row against column, the number of ballots that put the row above; won cells are dark."""
    cell = 54
    canvas = _Canvas(_LABEL + cell * len(labels) + 20, 60 + cell * len(labels), title, rtl)
    for x in range(len(labels)):
        canvas.text(_LABEL + x * cell + cell / 2, 36, str(x + 1), anchor="middle", colour=SOFT)
        canvas.text(10, 50 + x * cell + cell / 2 + 5, f"{x + 1}  {shorten(labels[x], 30)}")
        for y in range(len(labels)):
            if x == y:
                continue
            won = wins[x][y] > wins[y][x]
            tied = wins[x][y] == wins[y][x]
            fill = ACCENT if won else "#dddddd" if tied else "#f3f3f3"
            canvas.box(_LABEL + y * cell + 1, 50 + x * cell + 1, cell - 2, cell - 2, fill)
            canvas.text(
                _LABEL + y * cell + cell / 2,
                50 + x * cell + cell / 2 + 5,
                f"{wins[x][y]:g}",
                anchor="middle",
                size=15,
                colour=PAPER if won else INK,
            )
    return canvas.svg()


def shift(
    rows: Sequence[tuple[str, float, float, bool]], *, before: str, after: str, title: str, rtl: bool = False
) -> str:
    """Places before and after, one line per option; options that clearly moved are dark and thick.

    Tied options have a mean place; each has a row of its own and says all the places it shares.
    """
    canvas = _Canvas(_WIDTH, 70 + _ROW * len(rows), title, rtl)
    left, right = 300, _WIDTH - 300
    canvas.text(left, 24, before, anchor="end", colour=SOFT)
    canvas.text(right, 24, after, anchor="start", colour=SOFT)
    before_rows = _rows_of([old for _label, old, _new, _clear in rows])
    after_rows = _rows_of([new for _label, _old, new, _clear in rows])
    for (label, _old, _new, clear), (old, was), (new, now) in zip(rows, before_rows, after_rows, strict=True):
        start, end = 50 + old * _ROW, 50 + new * _ROW
        colour = SECOND if clear else "#777777"
        canvas.line(left + 10, start, right - 10, end, colour, 4 if clear else 2)
        canvas.dot(left + 10, start, colour, 6)
        canvas.dot(right - 10, end, colour, 6)
        canvas.text(left, start + 5, f"{shorten(label, 28)}  {was}", anchor="end")
        canvas.text(right, end + 5, f"{now}  {shorten(label, 28)}")
    return canvas.svg()


def _rows_of(places: Sequence[float]) -> list[tuple[int, str]]:
    """For each mean place a row of its own, and the places it stands for: ``6–7`` where two are tied."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    rows = {number: row for row, number in enumerate(order)}
    found = []
    for number, place in enumerate(places):
        width = (sum(other == place for other in places) - 1) / 2
        low, high = math.floor(place - width), math.ceil(place + width)
        found.append((rows[number], str(low) if low == high else f"{low}–{high}"))
    return found
