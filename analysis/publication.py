"""From the book to what the public may see: rounded, marked, and stated for the auditor.

A publication is a plain document (JSON): it is what two people decide on, what is stored among the published
results and what pages, charts and downloads are drawn from.  Nothing exact is in it: bases are multiples of
five, shares are whole percent under 100 cases, hidden cells hold no number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import stats

from analysis.audit import AuditReport, Exposure
from analysis.changes import Change, Point, change, equivalence
from analysis.columns import Column, Floats
from analysis.crosstab import Crosstab, wilson
from analysis.disclosure import DisclosurePolicy, audit_release
from analysis.learnt import Share, from_share, from_table, from_wave, harmless
from analysis.marks import HIDDEN, Mark, choose, decimals, public_base, public_percent, round_half_away
from analysis.plan import Plan
from analysis.protection import Protected, counted, is_sensitive, noisy_share, printed_bases, protect
from analysis.statements import Released, Where, describe
from analysis.tables import (
    Book,
    BookTable,
    BookTrend,
    Comparison,
    Headline,
    Item,
    WaveData,
    adjusted,
    effective_base,
)

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Publication:
    """What may be published (``document``) and what a reader learns from it (``statements`` per wave).

    ``harmless`` are the columns of each wave whose answers need no protection.
    """

    document: Mapping[str, Any]
    statements: Mapping[str, tuple[Released, ...]]
    harmless: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Identifies the content that two people decided on."""
        plain = json.dumps(self.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()


def publish(book: Book, conferences: Sequence[Mapping[str, Any]] = ()) -> Publication:
    """The public form of a book; every figure rounded and marked by the plan's rules.

    ``conferences`` stand beside the items (:func:`analysis.priorities.linked`).
    """
    plan = book.plan
    statements = {wave: from_wave(plan, book.waves[wave]) for wave in plan.waves}
    done = _protected(book)
    printed = adjusted(plan, [one.table for one in done])
    tables = []
    for one, table in zip(done, printed, strict=True):
        data = book.waves[table.wave]
        statements[table.wave] += from_table(plan, data, one)
        tables.append(_table(plan, data, replace(one, table=table)))
    for wave, share in _single_shares(book, done):
        statements[wave] += from_share(plan, book.waves[wave], share)
    document = {
        "schema": SCHEMA,
        "name": plan.name,
        "plan": plan.digest,
        "title": dict(plan.title),
        "languages": list(plan.languages),
        "level": plan.level,
        "method": plan.policy.method,
        "about": {key: dict(text) for key, text in plan.about.items()},
        "rules": {name: getattr(plan.policy.rules, name) for name in plan.policy.rules.__dataclass_fields__},
        "waves": [_wave(plan, book.waves[key]) for key in plan.waves],
        "items": _items(book),
        "groups": _groups(book),
        "headlines": [_headline(book, headline, done) for headline in book.headlines],
        "tables": tables,
        "trends": [_trend(book, trend) for trend in book.trends],
        "comparisons": [_comparison(book, found) for found in book.comparisons],
        "conferences": list(conferences),
    }
    return Publication(
        document,
        {wave: _distinct(found) for wave, found in statements.items()},
        {wave: harmless(plan, book.waves[wave]) for wave in statements},
    )


def _protected(book: Book) -> list[Protected]:
    """Every table made fit to print, with what a reader knows of its total from the table of everybody."""
    totals: dict[tuple[str, str], tuple[float, float]] = {}
    found = []
    for table in book.tables:
        total = totals.get((table.wave, table.item))
        one = protect(book.plan, book.waves[table.wave], table, total)
        if not table.group:
            totals[table.wave, table.item] = (float(one.ranges[0, 0]), float(one.ranges[0, 1]))
        found.append(one)
    return found


def _distinct(statements: Sequence[Released]) -> tuple[Released, ...]:
    """Statements without repetitions: the same base stands under many tables."""
    seen: dict[tuple[Where, Where | None], Released] = {}
    for statement in statements:
        known = seen.get((statement.group, statement.of))
        if known is None:
            seen[statement.group, statement.of] = statement
        else:
            low, high = max(known.low, statement.low), min(known.high, statement.high)
            seen[statement.group, statement.of] = replace(known, low=low, high=high)
    return tuple(seen.values())


def _wave(plan: Plan, data: WaveData) -> dict[str, Any]:
    rules = plan.policy.rules
    return {
        "key": data.key,
        "label": dict(data.label),
        "time": data.time,
        "responses": int(public_base(data.responses, rules)),
        "invited": None if data.invited is None else int(public_base(data.invited, rules)),
        "open": data.open_participation,
    }


def _items(book: Book) -> dict[str, Any]:
    items: dict[str, Item] = {}
    for key in book.plan.waves:
        items.update(
            {table.item: book.waves[key].items[table.item] for table in book.tables if table.wave == key}
        )
    return {
        name: {
            "label": dict(item.label),
            "categories": [
                {"code": c, "label": dict(item.labels.get(c, {"en": c}))} for c in item.categories
            ],
            "ordered": item.ordered,
            "multiple": item.multiple,
        }
        for name, item in items.items()
    }


def _groups(book: Book) -> dict[str, Any]:
    last = book.waves[book.plan.waves[-1]]
    result = {}
    single = [one.finding.group for one in book.headlines] + [trend.request.group for trend in book.trends]
    for name in dict.fromkeys((*book.plan.groups, *filter(None, single))):
        item = last.items.get(name)
        column = last.design.data.get(name)
        label = (
            item.label if item else (column.label if column is not None and column.label else {"en": name})
        )
        labels = item.labels if item else {}
        levels = column.category().levels if column is not None else ()
        # Groups keep the order of the questionnaire; they are never sorted by a result.
        result[name] = {"label": dict(label), "levels": {c: dict(labels.get(c, {"en": c})) for c in levels}}
    return result


def _table(plan: Plan, data: WaveData, done: Protected) -> dict[str, Any]:
    table = done.table
    bases = printed_bases(plan, table.figures)
    effective = public_base(effective_base(table.figures), plan.policy.rules)
    printed, rows = _printed(plan, table.figures), []
    for number, level in enumerate(table.levels):
        shown = bool(done.shown[number])
        row: dict[str, Any] = {"level": level, "base": int(bases[number]) if shown else None}
        if not counted(plan, data):
            # Rounded like the base, and silent wherever the base is; full counts have no sampling error.
            row["effective"] = int(effective[number]) if shown else None
        rows.append({**row, "cells": _cells(plan, table, table.marks, printed, number)})
    return {
        "wave": table.wave,
        "item": table.item,
        "group": table.group,
        "categories": list(table.categories),
        "rows": rows,
    }


def _printed(plan: Plan, figures: Crosstab) -> dict[str, Any]:
    """Shares and bounds of a whole table in percent as printed: rounded by the base of each row."""
    places = decimals(figures.base, plan.policy.rules)[:, None]
    result = {}
    for name in ("share", "low", "high"):
        percent = 100 * getattr(figures, name)
        result[name] = np.where(
            places == 0, round_half_away(percent), np.round(round_half_away(percent, 0.1), 1)
        )
    return {name: values.tolist() for name, values in result.items()}


def _cells(
    plan: Plan, table: BookTable, marks: Any, printed: Mapping[str, Any], row: int
) -> list[dict[str, Any]]:
    figures = table.figures
    single, adjusted = table.p_value[row].tolist(), table.adjusted[row].tolist()
    cells = []
    for column in range(len(table.categories)):
        mark = Mark(str(marks[row, column]))
        value = printed["share"][row][column]
        if mark in HIDDEN or value != value:
            cells.append({"mark": (mark if mark in HIDDEN else Mark.NOT_MEANINGFUL).value})
            continue
        cell: dict[str, Any] = {"percent": value}
        low, high = printed["low"][row][column], printed["high"][row][column]
        if low == low:
            cell |= {"low": low, "high": high}
        if value == 0 and mark is Mark.PLAIN:
            mark = Mark.ZERO
        if mark is not Mark.PLAIN:
            cell["mark"] = mark.value
        if adjusted[column] == adjusted[column]:
            cell["p"], cell["p_adjusted"] = round(single[column], 4), round(adjusted[column], 4)
            if adjusted[column] < 1 - plan.level:
                cell["differs"] = 1 if figures.difference[row, column] > 0 else -1
        cells.append(cell)
    return cells


def _headline(book: Book, headline: Headline, done: Sequence[Protected]) -> dict[str, Any]:
    plan, finding, data = book.plan, headline.finding, book.waves[headline.wave]
    mark = _headline_mark(headline, done)
    shown: dict[str, Any] = {
        "item": finding.item,
        "categories": list(finding.categories),
        "group": finding.group,
        "level": finding.level,
        "text": dict(finding.text),
        "wave": headline.wave,
        "mark": mark.value,
    }
    if mark in HIDDEN:
        return shown
    share, low, high, base = headline.share, headline.low, headline.high, headline.base
    noisy = noisy_share(plan, data, finding.item, finding.categories, finding.group, finding.level)
    if noisy is not None:
        share, base = noisy
        low, high = (float(x) for x in wilson(np.array(share), np.array(base), _normal(plan)))
    percent = int(round_half_away(100 * share))
    # Tenths come from the percentage that is printed, so that 45 % and "about 5 in 10" stand together, and
    # nothing is told of the share behind it.
    shown |= {"in_ten": int(round_half_away(percent / 10)), "percent": percent}
    if not counted(plan, data):
        shown |= {"low": int(round_half_away(100 * low)), "high": int(round_half_away(100 * high))}
    return {**shown, "base": int(public_base(base, plan.policy.rules))}


def _normal(plan: Plan) -> Floats:
    return np.asarray(stats.norm.ppf(0.5 + plan.level / 2), dtype=float)


def _headline_mark(headline: Headline, done: Sequence[Protected]) -> Mark:
    return Mark.TOO_FEW if _row_hidden(headline, done) else Mark(headline.mark)


def _row_hidden(headline: Headline, done: Sequence[Protected]) -> bool:
    """Whether the table of a finding hides the group it speaks of, or one of its answers."""
    finding = headline.finding
    for one in done:
        if (one.table.wave, one.table.item, one.table.group) == (headline.wave, finding.item, finding.group):
            row = one.table.levels.index(finding.level)
            places = [one.table.categories.index(code) for code in finding.categories]
            return any(Mark(str(one.table.marks[row, place])) in HIDDEN for place in places)
    return False


def _change(plan: Plan, found: Change, places: int) -> dict[str, Any]:
    return {
        "first": found.first.wave,
        "second": found.second.wave,
        "points": _rounded(found.estimate, places),
        "low": _rounded(found.low, places),
        "high": _rounded(found.high, places),
        "p": round(found.p_value, 4) if np.isfinite(found.p_value) else None,
        "changed": bool(np.isfinite(found.p_value) and found.p_value < 1 - plan.level),
    }


def _noised(
    book: Book, point: Point, item: str, categories: Sequence[str], group: str = "", level: str = ""
) -> Point:
    """A point of a wave whose exact share would tell counts, from perturbed ones."""
    noisy = noisy_share(book.plan, book.waves[point.wave], item, categories, group, level)
    if noisy is None:
        return point
    share, base = noisy
    error = float(np.sqrt(share * (1 - share) / base))
    return replace(point, estimate=share, se=error, base=float(base), effective_n=float(base))


def _point_mark(book: Book, trend: BookTrend, point: Point) -> Mark:
    """A sensitive item of a group is hidden as it would be by district: no table stands behind the figure."""
    plan, group = book.plan, trend.request.group
    sensitive = is_sensitive(plan, book.waves[point.wave].items[trend.request.item])
    crossed = group in plan.policy.places or (sensitive and bool(group))
    return Mark(str(choose(point.base, plan.policy.rules, sensitive=sensitive, crossed_by_place=crossed)))


def _single_shares(book: Book, done: Sequence[Protected]) -> Iterator[tuple[str, Share]]:
    """Every share that is printed outside the tables."""
    plan = book.plan
    for number, headline in enumerate(book.headlines, start=1):
        f = headline.finding
        shown = _headline_mark(headline, done) not in HIDDEN
        key = f"{headline.wave}/findings/{number}"
        yield headline.wave, Share(key, f.item, f.categories, f.group, f.level, shown, 0.5)
    for number, trend in enumerate(book.trends, start=1):
        r = trend.request
        for point in trend.points:
            shown = _point_mark(book, trend, point) not in HIDDEN
            half = 0.5 * 10.0 ** -_places(plan, point)
            key = f"{point.wave}/trends/{number}"
            yield point.wave, Share(key, r.item, r.categories, r.group, r.level, shown, half)
    for number, found in enumerate(book.comparisons, start=1):
        wave, item, codes = found.ours.wave, found.request.item, found.request.categories
        shown, half = _our_mark(book, found) not in HIDDEN, 0.5 * 10.0 ** -_places(plan, found.ours)
        yield wave, Share(f"{wave}/outside/{number}", item, codes, "", "", shown, half, printed=False)


def _places(plan: Plan, *points: Point) -> int:
    """Decimals of a percentage that rests on these points: those of the smallest base."""
    return int(decimals(min(point.base for point in points), plan.policy.rules))


def _trend(book: Book, trend: BookTrend) -> dict[str, Any]:
    plan, request = book.plan, trend.request
    marks = {point.wave: _point_mark(book, trend, point) for point in trend.points}
    full = {wave for wave in marks if counted(plan, book.waves[wave])}
    whom = request.item, request.categories, request.group, request.level
    points = {p.wave: _noised(book, p, *whom) for p in trend.points}
    moved = [
        change(points[c.first.wave], points[c.second.wave], plan.level)
        for c in trend.changes
        if not {marks[c.first.wave], marks[c.second.wave]} & HIDDEN
        and not {c.first.wave, c.second.wave} & full
    ]
    within = request.unchanged_within
    verdicts = [] if within is None else [equivalence(found, within / 100) for found in moved]
    return {
        "item": request.item,
        "categories": list(request.categories),
        "points": [_point(plan, point, marks[wave], wave in full) for wave, point in points.items()],
        "runs": [list(run) for run in trend.runs],
        "breaks": [{"first": b.first, "second": b.second, "kinds": list(b.kinds)} for b in trend.breaks],
        "changes": [_change(plan, found, _places(plan, found.first, found.second)) for found in moved],
        "verdicts": [
            {"first": e.change.first.wave, "second": e.change.second.wave, "finding": e.finding}
            for e in verdicts
        ],
        "within": within,
        "group": request.group,
        "level": request.level,
        "notes": list(trend.notes),
    }


def _point(plan: Plan, point: Point, mark: Mark, full: bool) -> dict[str, Any]:
    value, mark = public_percent(100 * point.estimate, mark, point.base, plan.policy.rules)
    entry = {"wave": point.wave, "time": point.time, "mark": mark.value, "source": point.source}
    if value is None:
        return entry
    entry |= {"percent": value, "base": int(public_base(point.base, plan.policy.rules))}
    if not full:
        low, high = point.interval(plan.level)
        places = _places(plan, point)
        entry |= {"low": _rounded(low, places), "high": _rounded(high, places)}
    return entry


def _our_mark(book: Book, found: Comparison) -> Mark:
    sensitive = is_sensitive(book.plan, book.waves[found.ours.wave].items[found.request.item])
    return Mark(str(choose(found.ours.base, book.plan.policy.rules, sensitive=sensitive)))


def _rounded(share: float, places: int) -> float:
    """A share in percent, with no more decimals than the figures it rests on."""
    return round(100 * share, places)


def _comparison(book: Book, found: Comparison) -> dict[str, Any]:
    plan, request = book.plan, found.request
    mark = _our_mark(book, found)
    shown: dict[str, Any] = {
        "item": request.item,
        "categories": list(request.categories),
        "label": dict(request.label),
        "source": request.source,
        "population": dict(request.population),
        "theirs": {
            "percent": round(100 * found.theirs.estimate, 1),
            "n": int(found.theirs.base),
            "time": found.theirs.time,
        },
        "ours": {"mark": mark.value},
    }
    if mark in HIDDEN:
        return shown
    ours = _noised(book, found.ours, request.item, request.categories)
    full = counted(plan, book.waves[ours.wave])
    value, _ = public_percent(100 * ours.estimate, mark, ours.base, plan.policy.rules)
    shown["ours"]["percent"] = value
    if not full:
        low, high = ours.interval(plan.level)
        places = _places(plan, ours)
        shown["ours"] |= {"low": _rounded(low, places), "high": _rounded(high, places)}
        shown["change"] = _change(plan, change(ours, found.theirs, plan.level), places)
    return shown


def audit(
    publication: Publication,
    waves: Mapping[str, WaveData],
    policy: DisclosurePolicy,
    *,
    earlier: Mapping[str, Sequence[Released]] | None = None,
    layers: Mapping[str, Column] | None = None,
    grouped: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
) -> dict[str, AuditReport]:
    """The auditor's report per wave, over this publication and everything released of the wave before.

    ``earlier`` are older statements tied to their releases, ``layers`` the column telling since when each
    response has been counted.  The new statements are tied to the current release when there are older ones.
    ``grouped`` are the variables that older publications group by: their codes are protected here as well.
    """
    reports = {}
    for number, (wave, statements) in enumerate(publication.statements.items()):
        columns = dict(waves[wave].design.data)
        old = tuple((earlier or {}).get(wave, ()))
        if layers and wave in layers:
            columns["release"] = layers[wave]

        def tell(part: float, done: int = number) -> None:
            if progress:
                progress((done + part) / len(publication.statements))

        free = publication.harmless.get(wave, frozenset()) - frozenset(grouped)
        reports[wave] = audit_release(columns, statements, policy, earlier=old, harmless=free, progress=tell)
    return reports


def group_words(group: Where, minus: Where | None) -> str:
    """A group, or the difference of two, in words of the plan."""
    return describe(group) if minus is None else f"{describe(group)} − {describe(minus)}"


def explain(exposure: Exposure) -> dict[str, Any]:
    """An exposure as plain data for the release desk: whom it shows, how narrowly, by which tables."""
    return {
        "group": describe(exposure.group),
        "minus": None if exposure.minus is None else describe(exposure.minus),
        "low": exposure.low,
        "high": exposure.high,
        "tables": list(exposure.tables),
    }
