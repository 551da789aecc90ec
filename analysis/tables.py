"""The table book: every item by every group of a plan, estimated, tested and marked, in one deterministic
batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis import breaks as breaks_room
from analysis import trends as trends_room
from analysis.breaks import Break, Fielding
from analysis.changes import Change, Equivalence, Point, change, equivalence, published
from analysis.columns import Column, Floats
from analysis.comparisons import adjust
from analysis.crosstab import Crosstab, Tabulator
from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.marks import choose
from analysis.plan import Finding, Outside, Plan, TrendRequest
from analysis.plan_checks import Catalogue
from localtext import LocalText

Texts = NDArray[np.str_]


class Cancelled(AnalysisError):
    """The batch was stopped by its owner; nothing was kept."""

    def __init__(self) -> None:
        super().__init__("cancelled", "the batch was stopped")


@dataclass(frozen=True)
class Item:
    """What can be tabulated.

    A single-choice item has one column; a multiple-choice item has one 0/1 column per option, and its
    categories are the options.  ``sensitive`` is the questionnaire's level (0 to 2).
    """

    name: str
    label: LocalText
    categories: tuple[str, ...]
    labels: Mapping[str, LocalText]
    columns: tuple[str, ...] = ()
    sensitive: int = 0
    ordered: bool = False
    missing_rule: str = ""
    section: LocalText = field(default_factory=dict)

    @property
    def multiple(self) -> bool:
        return len(self.columns) > 1


@dataclass(frozen=True, eq=False)
class WaveData:
    """A wave ready for tabulation: its weighted design, its items, how each item was asked."""

    key: str
    label: LocalText
    time: float
    design: SurveyDesign
    items: Mapping[str, Item]
    fieldings: Mapping[str, Fielding] = field(default_factory=dict)
    invited: int | None = None
    open_participation: bool = False

    @property
    def responses(self) -> int:
        return self.design.base


@dataclass(frozen=True, eq=False)
class BookTable:
    """One item by one group of one wave (``group`` empty: everybody).

    ``figures`` holds (levels, categories) arrays; ``marks`` the marks by the plan's rules,
    ``p_value``/``adjusted`` the test of each cell against all other groups.
    """

    wave: str
    item: str
    group: str
    levels: tuple[str, ...]
    categories: tuple[str, ...]
    figures: Crosstab
    marks: Texts
    p_value: Floats
    adjusted: Floats

    @property
    def key(self) -> str:
        return "/".join(part for part in (self.wave, self.item, self.group) if part)


@dataclass(frozen=True, eq=False)
class BookTrend:
    """A figure over waves.  ``changes`` only where no break lies between; ``runs`` are joined by a line."""

    request: TrendRequest
    points: tuple[Point, ...]
    runs: tuple[tuple[str, ...], ...]
    breaks: tuple[Break, ...]
    changes: tuple[Change, ...]
    unchanged: tuple[Equivalence, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Our figure beside a published one of another survey."""

    request: Outside
    ours: Point
    theirs: Point
    change: Change


@dataclass(frozen=True)
class Headline:
    """A finding with its figures: share, interval, base and mark."""

    finding: Finding
    wave: str
    share: float
    low: float
    high: float
    base: int
    mark: str


@dataclass(frozen=True, eq=False)
class Book:
    """All tables, trends, comparisons and headlines of a plan, in the plan's order."""

    plan: Plan
    waves: Mapping[str, WaveData]
    tables: tuple[BookTable, ...]
    trends: tuple[BookTrend, ...]
    comparisons: tuple[Comparison, ...]
    headlines: tuple[Headline, ...]
    notes: tuple[str, ...] = ()

    def table(self, wave: str, item: str, group: str = "") -> BookTable:
        """One table; raises KeyError when the plan has none."""
        for table in self.tables:
            if (table.wave, table.item, table.group) == (wave, item, group):
                return table
        raise KeyError(f"{wave}/{item}/{group}")


Progress = Callable[[float], bool | None]
"""Told how far the batch is (0 to 1); answering True stops it."""


def build(plan: Plan, waves: Mapping[str, WaveData], progress: Progress | None = None) -> Book:
    """The book of a plan.  The same plan and data give the same numbers to the last bit.

    ``waves`` must hold every wave of the plan.  Raises :class:`Cancelled` when ``progress`` answers True.
    """
    wanted = [(wave, item, group) for wave in plan.waves for item, group in _pairs(plan, waves[wave])]
    tables: list[BookTable] = []
    tabulators = {key: Tabulator.of(waves[key].design) for key in plan.waves}
    for number, (wave, item, group) in enumerate(wanted):
        data = waves[wave]
        tables.append(_table(plan, data, tabulators[wave], data.items[item], group))
        if progress and number % 16 == 0 and progress(0.9 * number / len(wanted)):
            raise Cancelled
    tables = adjusted(plan, tables)
    trends = tuple(_trend(plan, request, waves) for request in plan.trends)
    last = waves[plan.waves[-1]]
    book = Book(
        plan=plan,
        waves={key: waves[key] for key in plan.waves},
        tables=tuple(tables),
        trends=trends,
        comparisons=tuple(_comparison(plan, request, last) for request in plan.outside),
        headlines=tuple(_headline(plan, finding, last, tabulators[last.key]) for finding in plan.findings),
        notes=tuple(note for key in plan.waves for note in waves[key].design.notes),
    )
    if progress:
        progress(1.0)
    return book


def _pairs(plan: Plan, data: WaveData) -> list[tuple[str, str]]:
    """Item and group of every table of one wave; each item first for everybody, no item by itself."""
    found: dict[tuple[str, str], None] = {}
    for request in plan.tables:
        for item in request.items or tuple(data.items):
            if item not in data.items:
                continue
            found[item, ""] = None
            for group in request.groups:
                if group != item and group in data.design.data:
                    found[item, group] = None
    return list(found)


def item_table(
    tabulator: Tabulator, data: WaveData, item: Item, group: Column | None, level: float
) -> Crosstab:
    """The figures of one item by one group; a multiple-choice item is put together from its options."""
    columns = data.design.data
    if not item.multiple:
        return tabulator.table(columns[item.columns[0] if item.columns else item.name], group, level)
    parts = [_yes(tabulator.table(columns[name], group, level), columns[name]) for name in item.columns]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts], axis=1)
        for name in ("share", "se", "low", "high", "effective", "count", "difference", "difference_se")
    }
    return replace(parts[0], **joined)


def _yes(table: Crosstab, column: Column) -> Crosstab:
    place = column.levels.index("1")
    parts = ("share", "se", "low", "high", "effective", "count", "difference", "difference_se")
    return replace(table, **{name: getattr(table, name)[:, place : place + 1] for name in parts})


def _table(plan: Plan, data: WaveData, tabulator: Tabulator, item: Item, group: str) -> BookTable:
    column = data.design.data[group].category() if group else None
    figures = item_table(tabulator, data, item, column, plan.level)
    sensitive = item.name in plan.policy.sensitive or item.sensitive >= 2
    kish = effective_base(figures)
    marks = choose(
        np.repeat(figures.base[:, None], len(item.categories), axis=1),
        plan.policy.rules,
        effective=np.repeat(kish[:, None], len(item.categories), axis=1),
        width=100 * (figures.high - figures.low),
        degrees=data.design.df,
        sensitive=sensitive,
        crossed_by_place=group in plan.policy.places,
    )
    p_value = np.full(marks.shape, np.nan)
    if group:
        shown = ~np.isin(marks, [".", "-", "x"]) & (figures.difference_se > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(figures.difference) / figures.difference_se
        degrees = max(data.design.df - 1, 1.0)
        p_value = np.where(shown, 2 * stats.t.sf(t, degrees), np.nan)
    return BookTable(
        wave=data.key,
        item=item.name,
        group=group,
        levels=column.levels if column is not None else ("",),
        categories=item.categories,
        figures=figures,
        marks=marks,
        p_value=p_value,
        adjusted=p_value,
    )


def effective_base(figures: Crosstab) -> Floats:
    """(D,) how many answers of a simple random sample would say as much: the base over the design effect."""
    return np.asarray(figures.base / np.maximum(1.0, _design_effect(figures)), dtype=float)


def _design_effect(figures: Crosstab) -> Floats:
    """(D,) median over the answers of how much the design inflates the variance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = figures.base[:, None] / figures.effective
    effect = np.where(np.isfinite(effect), effect, 1.0)
    return np.asarray(np.median(effect, axis=1), dtype=float)


def adjusted(plan: Plan, tables: Sequence[BookTable]) -> list[BookTable]:
    """The tests of each wave's book are one family; they are adjusted together."""
    result = list(tables)
    for wave in plan.waves:
        places = [i for i, table in enumerate(tables) if table.wave == wave]
        single = np.concatenate([tables[i].p_value.reshape(-1) for i in places]) if places else np.zeros(0)
        joint = adjust(single, plan.book_adjustment) if single.size else single
        start = 0
        for i in places:
            shape = tables[i].p_value.shape
            size = int(np.prod(shape))
            result[i] = replace(tables[i], adjusted=joint[start : start + size].reshape(shape))
            start += size
    return result


def event_of(data: WaveData, item: str, categories: Sequence[str]) -> Column:
    """A 0/1 column: gave one of the categories; missing stays missing."""
    spec = data.items[item]
    unknown = next((c for c in categories if c not in spec.categories), None)
    if unknown is not None:
        raise AnalysisError(
            "answer_not_in_wave", f"{item} has no answer {unknown} in wave {data.key}", data.key, name=unknown
        )
    if spec.multiple:
        names = [spec.columns[spec.categories.index(c)] for c in categories]
        columns = [data.design.data[name] for name in names]
        hit = np.logical_or.reduce([c.values == c.levels.index("1") for c in columns])
        seen = np.logical_or.reduce([c.values >= 0 for c in columns])
    else:
        column = data.design.data[spec.columns[0] if spec.columns else item].category()
        wanted = [column.levels.index(c) for c in categories]
        hit, seen = np.isin(column.values, wanted), column.values >= 0
    return Column(f"{item}:{'+'.join(categories)}", "number", np.where(seen, hit.astype(float), np.nan))


def _trend(plan: Plan, request: TrendRequest, waves: Mapping[str, WaveData]) -> BookTrend:
    chosen = [waves[key] for key in request.waves if request.item in waves[key].items]
    if len(chosen) < 2:
        raise AnalysisError("trend_one_wave", f"{request.item} was asked in one wave only", request.item)
    designs = {
        data.key: data.design.with_columns(
            event__=_within(data, request, event_of(data, request.item, request.categories))
        )
        for data in chosen
    }
    many = trends_room.independent(designs, [data.time for data in chosen])
    fieldings = [data.fieldings[request.item] for data in chosen if request.item in data.fieldings]
    series = trends_room.series(many, "event__", fieldings=fieldings, bridges=request.bridges)
    runs = {wave: number for number, run in enumerate(series.runs) for wave in run}
    changes, unchanged = [], []
    for first, second in zip(series.points, series.points[1:], strict=False):
        if runs[first.wave] != runs[second.wave]:
            continue
        moved = change(first, second, plan.level)
        changes.append(moved)
        if request.unchanged_within is not None:
            unchanged.append(equivalence(moved, request.unchanged_within / 100))
    open_breaks = breaks_room.unbridged(series.breaks, request.bridges)
    return BookTrend(
        request, series.points, series.runs, open_breaks, tuple(changes), tuple(unchanged), series.notes
    )


def _within(data: WaveData, request: TrendRequest, event: Column) -> Column:
    """The event among the people of the request's group; whoever is outside has no answer to count."""
    if not request.group:
        return event
    group = data.design.data.get(request.group)
    column = group.category() if group is not None else None
    if column is None or request.level not in column.levels:
        raise AnalysisError(
            "group_not_in_wave",
            f"{request.group} has no {request.level} in wave {data.key}",
            data.key,
            name=request.level,
        )
    inside = column.values == column.levels.index(request.level)
    return replace(event, values=np.where(inside, event.values, np.nan))


def _comparison(plan: Plan, request: Outside, data: WaveData) -> Comparison:
    theirs = published(
        next(iter(request.label.values()), request.source),
        request.time,
        request.estimate,
        request.n,
        request.low,
        request.high,
        level=plan.level,
        note=request.source,
    )
    ours = _point(request.item, request.categories, data)
    return Comparison(request, ours, theirs, change(ours, theirs, plan.level))


def _point(item: str, categories: Sequence[str], data: WaveData) -> Point:
    design = data.design.with_columns(event__=event_of(data, item, categories))
    return trends_room.point(design.mean("event__"), 0, data.key, data.time, kind="proportion")


def _headline(plan: Plan, finding: Finding, data: WaveData, tabulator: Tabulator) -> Headline:
    event = event_of(data, finding.item, finding.categories)
    codes = np.where(np.isnan(event.values), -1, event.values).astype(np.int64)
    yes = Column(event.name, "category", codes, ("0", "1"))
    group = data.design.data[finding.group].category() if finding.group else None
    figures = tabulator.table(yes, group, plan.level)
    row = group.levels.index(finding.level) if group is not None else 0
    sensitive = finding.item in plan.policy.sensitive or data.items[finding.item].sensitive >= 2
    mark = choose(
        figures.base[row],
        plan.policy.rules,
        sensitive=sensitive,
        crossed_by_place=finding.group in plan.policy.places,
    )
    share, low, high = (float(getattr(figures, name)[row, 1]) for name in ("share", "low", "high"))
    return Headline(finding, data.key, share, low, high, int(figures.base[row]), str(mark))


def catalogue(
    waves: Mapping[str, WaveData],
    *,
    margins: Iterable[str] = (),
    conferences: Iterable[str] = (),
) -> Catalogue:
    """What a plan may name, from the waves at hand: items of the last wave, groups with their cases."""
    last = list(waves.values())[-1]
    groups: dict[str, dict[str, int]] = {}
    for name, column in last.design.data.items():
        part = column if column.kind == "category" else None
        if part is None or len(part.levels) > 40:
            continue
        counts = np.bincount(part.values[part.values >= 0], minlength=len(part.levels))
        groups[name] = {level: int(n) for level, n in zip(part.levels, counts, strict=True)}

    def broken(item: str, first: str, second: str) -> tuple[str, ...]:
        sides = [waves[key].fieldings.get(item) for key in (first, second) if key in waves]
        if len(sides) < 2 or sides[0] is None or sides[1] is None:
            return breaks_room.KINDS
        found = breaks_room.compare(sides[0], sides[1])
        return () if found is None else found.kinds

    return Catalogue(
        items={name: item.categories for name, item in last.items.items()},
        groups=groups,
        waves=frozenset(waves),
        margins=frozenset(margins),
        conferences=frozenset(conferences),
        breaks=broken,
        sensitive=frozenset(name for name, item in last.items.items() if item.sensitive >= 2),
        weighted=frozenset(key for key, wave in waves.items() if not wave.open_participation),
    )
