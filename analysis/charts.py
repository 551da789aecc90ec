"""Figures as SVG with real text: dots with intervals, diverging bars, trend lines with breaks, ranks,
matrices.

The browser shapes the text, so Arabic joins and right-to-left lines run as they should; nothing is drawn
with inline styles (the pages' security policy forbids them).  Colours are those of Okabe & Ito (2008), told
apart by the colour blind; every figure has a title, a description, and a table of the same numbers beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from localtext import number_text

WIDTH = 360
PAD = 10
LINE = 18
#: Width of a letter and distance of two lines at the size of 12, as wide as scripts here come.
_LETTER, _SMALL_LINE = 6.8, 15.0
INK, GREY, PALE, BLUE, ORANGE = "#1a1a1a", "#595959", "#d9d9d9", "#0072B2", "#D55E00"
SCALES: Mapping[int, tuple[str, ...]] = {
    1: (BLUE,),
    2: ("#D55E00", "#0072B2"),
    3: ("#D55E00", "#BFBFBF", "#0072B2"),
    4: ("#D55E00", "#F0A66B", "#7FB8DA", "#0072B2"),
    5: ("#D55E00", "#F0A66B", "#BFBFBF", "#7FB8DA", "#0072B2"),
}


@dataclass(frozen=True)
class Dot:
    """One figure with its interval, in percent; a hidden one has only its mark."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Bars:
    """One row of a diverging chart: percentages of the answers from first to last, None when hidden."""

    label: str
    values: tuple[float | None, ...]
    mark: str = ""


@dataclass(frozen=True)
class TimePoint:
    """One wave of a trend: ``run`` numbers the waves that may be joined by a line."""

    label: str
    time: float
    value: float | None
    low: float | None
    high: float | None
    run: int


@dataclass
class _Canvas:
    """Collects elements; mirrors the horizontal direction for languages that run from right to left."""

    rtl: bool
    printed: bool = False
    width: float = WIDTH
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        return round(self.width - value if self.rtl else value, 2)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: str = INK, wide: float = 1.5, dash: str = ""
    ) -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{self.x(x1)}" y1="{y1:g}" x2="{self.x(x2)}" y2="{y2:g}" stroke="{colour}" '
            f'stroke-width="{wide:g}"{dashed}/>'
        )

    def dot(self, x: float, y: float, colour: str = BLUE, hollow: bool = False) -> None:
        fill = "#ffffff" if hollow else colour
        self.parts.append(
            f'<circle cx="{self.x(x)}" cy="{y:g}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        )

    def box(self, x: float, y: float, wide: float, high: float, colour: str) -> None:
        left = self.width - x - wide if self.rtl else x
        self.parts.append(
            f'<rect x="{left:.2f}" y="{y:g}" width="{max(wide, 0):.2f}" height="{high:g}" fill="{colour}"/>'
        )

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "start", size: int = 14, colour: str = INK
    ) -> None:
        # With direction="rtl" on the root, "start" is the right end: the anchor follows the mirrored axis.
        # The print renderer knows no direction, so there the anchor itself is turned.
        if self.rtl and self.printed:
            anchor = {"start": "end", "end": "start"}.get(anchor, anchor)
        self.parts.append(
            f'<text x="{self.x(x)}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
            f"{escape(words)}</text>"
        )

    def wrapped(self, x: float, y: float, words: str, letters: int = 46) -> float:
        """Text over as many lines as it needs; returns the height used."""
        lines = wrap(words, letters)
        for number, line in enumerate(lines):
            self.text(x, y + number * LINE, line)
        return len(lines) * LINE

    def finish(self, height: float, title: str, description: str, language: str, ident: str) -> str:
        way = ' direction="rtl"' if self.rtl and not self.printed else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {height:g}" role="img" '
            f'lang="{escape(language)}"{way} aria-labelledby="{ident}-t {ident}-d" font-family="sans-serif">'
            f'<title id="{ident}-t">{escape(title)}</title><desc id="{ident}-d">{escape(description)}</desc>'
            f'<rect width="{self.width:g}" height="{height:g}" fill="#ffffff"/>{"".join(self.parts)}</svg>'
        )


def wrap(words: str, letters: int) -> list[str]:
    """Lines of at most about ``letters`` letters; a word longer than a line is broken."""
    lines, now = [], ""
    for word in words.split():
        while len(word) > letters:
            lines += [now] if now else []
            lines.append(word[:letters])
            now, word = "", word[letters:]
        if now and len(now) + 1 + len(word) > letters:
            lines.append(now)
            now = word
        else:
            now = f"{now} {word}".strip()
    return [*lines, now] if now or not lines else lines


@dataclass(frozen=True)
class Frame:
    """What every figure needs: title, description for those who cannot see it, language, direction, an id.

    ``printed`` is for renderers that know no text direction (PDF, PNG).
    """

    title: str
    description: str
    language: str = "en"
    rtl: bool = False
    ident: str = "figure"
    printed: bool = False


def _percent_axis(canvas: _Canvas, top: float, bottom: float, start: float, wide: float) -> None:
    for percent in (0, 25, 50, 75, 100):
        x = start + wide * percent / 100
        canvas.line(x, top, x, bottom, PALE, 1)
        canvas.text(x, bottom + 14, str(percent), anchor="middle", size=12, colour=GREY)


def dots(frame: Frame, rows: Sequence[Dot]) -> str:
    """One row per group, in the given order: label, dot, interval; hidden ones show their mark."""
    canvas, y = _Canvas(frame.rtl, frame.printed), PAD + 14.0
    start, wide = float(PAD), WIDTH - 2 * PAD - 44.0
    heights = [len(wrap(row.label, 46)) * LINE + 22 for row in rows]
    _percent_axis(canvas, PAD, PAD + sum(heights), start, wide)
    for row, height in zip(rows, heights, strict=True):
        used = canvas.wrapped(PAD, y, row.label)
        middle = y + used - 2
        if row.value is None:
            canvas.text(start, middle + 5, row.mark or ".", colour=GREY)
        else:
            if row.low is not None and row.high is not None:
                ends = (start + wide * row.low / 100, start + wide * row.high / 100)
                canvas.line(ends[0], middle, ends[1], middle, BLUE, 3)
            canvas.dot(start + wide * row.value / 100, middle, hollow=row.mark == "()")
            shown = number_text(row.value, frame.language)
            shown = f"({shown})" if row.mark == "()" else shown
            canvas.text(WIDTH - PAD, middle + 5, shown, anchor="end")
        y += height
    return canvas.finish(PAD + sum(heights) + 24, frame.title, frame.description, frame.language, frame.ident)


def diverging(frame: Frame, answers: Sequence[str], rows: Sequence[Bars]) -> str:
    """Stacked bars around the middle of a scale: low answers to one side, high ones to the other.

    With an odd number of answers the middle one straddles the centre line.
    """
    canvas, y = _Canvas(frame.rtl, frame.printed), PAD + 14.0
    colours = _colours(len(answers))
    for colour, answer in zip(colours, answers, strict=True):
        canvas.box(PAD, y - 11, 12, 12, colour)
        y += canvas.wrapped(PAD + 20, y, answer, 42)
    y += 8
    top = y - 14
    middle, half = WIDTH / 2, WIDTH / 2 - PAD
    for row in rows:
        y += canvas.wrapped(PAD, y, row.label)
        if any(value is None for value in row.values):
            canvas.text(middle, y, row.mark or ".", anchor="middle", colour=GREY)
        else:
            values = [value or 0.0 for value in row.values]
            x = middle - half / 100 * _before(values)
            for value, colour in zip(values, colours, strict=True):
                canvas.box(x, y - 11, half / 100 * value, 16, colour)
                x += half / 100 * value
        y += 24
    canvas.line(middle, top, middle, y - 12, INK, 1)
    return canvas.finish(y, frame.title, frame.description, frame.language, frame.ident)


def _colours(count: int) -> tuple[str, ...]:
    if count in SCALES:
        return SCALES[count]
    # Longer scales run evenly through the same colours, so that no two answers share one.
    places = [i * 4 / max(1, count - 1) for i in range(count)]
    return tuple(_between(SCALES[5][int(p)], SCALES[5][min(int(p) + 1, 4)], p % 1) for p in places)


def _between(first: str, second: str, part: float) -> str:
    """The colour at a part of the way from one to another."""
    sides = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (first, second)]
    mixed = [round(a + (b - a) * part) for a, b in zip(*sides, strict=True)]
    return f"#{mixed[0]:02X}{mixed[1]:02X}{mixed[2]:02X}"


def _before(values: Sequence[float]) -> float:
    """What of a bar lies before the centre line."""
    half, odd = divmod(len(values), 2)
    return sum(values[:half]) + (values[half] / 2 if odd else 0.0)


def trend(frame: Frame, points: Sequence[TimePoint]) -> str:
    """Points over time with intervals; a line only within a run, a broken vertical line where the series
    breaks; why it breaks is said beside the figure.
    """
    canvas = _Canvas(frame.rtl, frame.printed)
    left, right, top, bottom = 40.0, WIDTH - 24.0, PAD + 6.0, 190.0
    for percent in (0, 25, 50, 75, 100):
        y = bottom - (bottom - top) * percent / 100
        canvas.line(left, y, right, y, PALE, 1)
        canvas.text(left - 6, y + 4, str(percent), anchor="end", size=12, colour=GREY)
    times = [point.time for point in points]
    first, span = min(times), max(max(times) - min(times), 1.0)

    def place(point: TimePoint) -> tuple[float, float]:
        x = left + 20 + (right - left - 40) * (point.time - first) / span
        return x, bottom - (bottom - top) * (point.value or 0.0) / 100

    for one, two in pairwise(points):
        (x1, y1), (x2, y2) = place(one), place(two)
        if one.run != two.run:
            canvas.line((x1 + x2) / 2, top, (x1 + x2) / 2, bottom, ORANGE, 2, "6 4")
        elif one.value is not None and two.value is not None:
            canvas.line(x1, y1, x2, y2, BLUE, 2)
    # Names stand in as many lines as keep neighbours apart: none is wider than the narrowest gap.
    gaps = [place(two)[0] - place(one)[0] for one, two in pairwise(points)]
    room = min(gaps, default=right - left) / _LETTER
    lines = 1
    for point in points:
        x, y = place(point)
        # The outer labels end at the edges, so that a long name is not cut off.
        side = "start" if point is points[0] else "end" if point is points[-1] else "middle"
        edge = {"start": float(PAD), "end": WIDTH - float(PAD), "middle": x}[side]
        named = wrap(point.label, max(6, int(room) - 2))
        lines = max(lines, len(named))
        for number, line in enumerate(named):
            canvas.text(edge, bottom + 18 + number * _SMALL_LINE, line, anchor=side, size=12)
        if point.value is None:
            canvas.text(x, bottom - 6, ".", anchor="middle", colour=GREY)
            continue
        scale, above = (bottom - top) / 100, point.value
        if point.low is not None and point.high is not None:
            above = point.high
            canvas.line(x, bottom - scale * point.low, x, bottom - scale * point.high, BLUE, 3)
        canvas.dot(x, y)
        canvas.text(
            x, bottom - scale * above - 8, number_text(point.value, frame.language), anchor="middle", size=13
        )
    height = bottom + 34 + (lines - 1) * _SMALL_LINE
    return canvas.finish(height + 6, frame.title, frame.description, frame.language, frame.ident)


def ranks(frame: Frame, rows: Sequence[tuple[str, int, int]]) -> str:
    """Rank intervals: label, best and worst rank that the votes allow; overlapping ones are not told
    apart.
    """
    canvas, y = _Canvas(frame.rtl, frame.printed), PAD + 14.0
    worst = max((high for _, _, high in rows), default=1)
    start, wide = float(PAD + 8), WIDTH - 2.0 * PAD - 16

    def place(rank: int) -> float:
        return start + wide * (rank - 1) / max(1, worst - 1)

    for label, low, high in rows:
        y += canvas.wrapped(PAD, y, label)
        canvas.line(place(low), y - 6, place(high), y - 6, BLUE, 8)
        canvas.dot(place(low), y - 6)
        canvas.dot(place(high), y - 6)
        y += 22
    for rank in range(1, worst + 1):
        canvas.text(place(rank), y, str(rank), anchor="middle", size=12, colour=GREY)
    return canvas.finish(y + 10, frame.title, frame.description, frame.language, frame.ident)


def matrix(frame: Frame, labels: Sequence[str], wins: Sequence[Sequence[int]]) -> str:
    """Pairwise matrix: how many preferred the row to the column; winners are set off by colour and by a
    ring.
    """
    canvas, y = _Canvas(frame.rtl, frame.printed), PAD + 14.0
    for number, label in enumerate(labels, start=1):
        y += canvas.wrapped(PAD, y, f"{number} {label}")
    size = min(44.0, (WIDTH - 2 * PAD - 24) / max(1, len(labels)))
    top = y + 4
    for number in range(len(labels)):
        canvas.text(PAD + 24 + size * (number + 0.5), top + 6, str(number + 1), anchor="middle", size=12)
        canvas.text(PAD + 4, top + 14 + size * (number + 0.6), str(number + 1), size=12)
    for r, row in enumerate(wins):
        for c, value in enumerate(row):
            x, cell = PAD + 24 + size * c, top + 12 + size * r
            if r == c:
                canvas.box(x, cell, size - 2, size - 2, PALE)
                continue
            ahead = value > wins[c][r]
            canvas.box(x, cell, size - 2, size - 2, "#CCE5F2" if ahead else "#F5F5F5")
            words = f"{value}●" if ahead else str(value)
            canvas.text(x + size / 2 - 1, cell + size / 2 + 4, words, anchor="middle", size=12)
    return canvas.finish(
        top + 18 + size * len(labels), frame.title, frame.description, frame.language, frame.ident
    )


def small_multiples(frame: Frame, panels: Sequence[tuple[str, Sequence[Dot]]]) -> str:
    """The same dots for several places, one panel under the other, on one scale."""
    canvas, y = _Canvas(frame.rtl, frame.printed), PAD + 14.0
    start, wide = float(PAD), WIDTH - 2 * PAD - 44.0
    for name, rows in panels:
        canvas.text(PAD, y, name, size=15, colour=GREY)
        y += LINE
        top, behind = y - 12, len(canvas.parts)
        for row in rows:
            y += canvas.wrapped(PAD, y, row.label)
            if row.value is None:
                canvas.text(start, y, row.mark or ".", colour=GREY)
            else:
                if row.low is not None and row.high is not None:
                    ends = (start + wide * row.low / 100, start + wide * row.high / 100)
                    canvas.line(ends[0], y - 4, ends[1], y - 4, BLUE, 3)
                canvas.dot(start + wide * row.value / 100, y - 4)
                canvas.text(WIDTH - PAD, y, number_text(row.value, frame.language), anchor="end")
            y += LINE
        drawn = canvas.parts[behind:]
        del canvas.parts[behind:]
        _percent_axis(canvas, top, y - 10, start, wide)
        canvas.parts += drawn
        y += 26
    return canvas.finish(y, frame.title, frame.description, frame.language, frame.ident)
