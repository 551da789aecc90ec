"""From the book to what the public may see: rounded, marked, and stated for the auditor.

A publication is a plain document (JSON): it is what two people decide on, what is stored among the published
results and what pages, charts and downloads are drawn from.  Nothing exact is in it: bases are multiples of
five, shares are whole percent under 100 cases, hidden cells hold no number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from analysis.audit import AuditReport, Exposure, Released, Where, describe, hidden, perturbed, rounded
from analysis.changes import Change, Point, change, equivalence
from analysis.columns import Column, Floats
from analysis.crosstab import Crosstab, wilson
from analysis.disclosure import DisclosurePolicy, audit_release
from analysis.marks import HIDDEN, Mark, choose, decimals, public_base, public_percent, round_half_away
from analysis.plan import Plan
from analysis.protection import Protected, counted, learnt, noisy_share, printed_bases, protect
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
    """What may be published (``document``) and what a reader learns from it (``statements`` per wave)."""

    document: Mapping[str, Any]
    statements: Mapping[str, tuple[Released, ...]]

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
    statements: dict[str, list[Released]] = {wave: [] for wave in plan.waves}
    done = _protected(book)
    printed = adjusted(plan, [one.table for one in done])
    tables = []
    for one, table in zip(done, printed, strict=True):
        data = book.waves[table.wave]
        statements[table.wave] += learnt(plan, data, one)
        tables.append(_table(plan, data, replace(one, table=table)))
    for trend in book.trends:
        for wave, learnt_of_it in _learnt_of_trend(book, trend):
            statements[wave].append(learnt_of_it)
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
    return Publication(document, {wave: _distinct(found) for wave, found in statements.items()})


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
    trended = (trend.request.group for trend in book.trends if trend.request.group)
    for name in dict.fromkeys((*book.plan.groups, *trended)):
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
    mark = Mark(headline.mark)
    if finding.group and _row_hidden(headline, done):
        mark = Mark.TOO_FEW
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
    shown |= {"in_ten": int(round_half_away(10 * share)), "percent": int(round_half_away(100 * share))}
    if not counted(plan, data):
        shown |= {"low": int(round_half_away(100 * low)), "high": int(round_half_away(100 * high))}
    return {**shown, "base": int(public_base(base, plan.policy.rules))}


def _normal(plan: Plan) -> Floats:
    return np.asarray(stats.norm.ppf(0.5 + plan.level / 2), dtype=float)


def _row_hidden(headline: Headline, done: Sequence[Protected]) -> bool:
    """Whether the table of a finding hides the group it speaks of, or one of its answers."""
    finding = headline.finding
    for one in done:
        if (one.table.wave, one.table.item, one.table.group) == (headline.wave, finding.item, finding.group):
            row = one.table.levels.index(finding.level)
            places = [one.table.categories.index(code) for code in finding.categories]
            return any(Mark(str(one.table.marks[row, place])) in HIDDEN for place in places)
    return False


def _change(plan: Plan, found: Change) -> dict[str, Any]:
    return {
        "first": found.first.wave,
        "second": found.second.wave,
        "points": round(100 * found.estimate, 1),
        "low": round(100 * found.low, 1),
        "high": round(100 * found.high, 1),
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


def _point_mark(plan: Plan, trend: BookTrend, point: Point) -> Mark:
    """A sensitive item of a group is hidden as it would be by district: no table stands behind the figure."""
    sensitive, group = trend.request.item in plan.policy.sensitive, trend.request.group
    crossed = group in plan.policy.places or (sensitive and bool(group))
    return Mark(str(choose(point.base, plan.policy.rules, sensitive=sensitive, crossed_by_place=crossed)))


def _learnt_of_trend(book: Book, trend: BookTrend) -> list[tuple[str, Released]]:
    """What the bases under a trend of a group tell the auditor; those of everybody stand in the tables."""
    if not trend.request.group:
        return []
    found = [(point.wave, _learnt_of_point(book, trend, point)) for point in trend.points]
    return [(wave, statement) for wave, statement in found if statement is not None]


def _learnt_of_point(book: Book, trend: BookTrend, point: Point) -> Released | None:
    plan, request = book.plan, trend.request
    data, rules = book.waves[point.wave], plan.policy.rules
    column = (data.items[request.item].columns or (request.item,))[0]
    asked = {column: frozenset(data.design.data[column].category().levels)}
    where = tuple(sorted({**asked, request.group: frozenset([request.level])}.items()))
    name = f"{point.wave}/{request.item}/{request.group}"
    if point.base == 0:
        return Released(name, where, 0, 0)
    if _point_mark(plan, trend, point) in HIDDEN:
        least = rules.hide_below if point.base < rules.hide_below else rules.sensitive_hide_below
        return hidden(name, where, least) if point.base < least else None
    noisy = _noised(book, point, request.item, request.categories, request.group, request.level)
    if noisy is not point:
        return perturbed(name, where, int(noisy.base), plan.policy.perturbation.limit)
    return rounded(name, where, int(public_base(point.base, rules)), rules.base_unit)


def _trend(book: Book, trend: BookTrend) -> dict[str, Any]:
    plan, request = book.plan, trend.request
    marks = {point.wave: _point_mark(plan, trend, point) for point in trend.points}
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
        "changes": [_change(plan, found) for found in moved],
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
        entry |= {"low": round(100 * low, 1), "high": round(100 * high, 1)}
    return entry


def _comparison(book: Book, found: Comparison) -> dict[str, Any]:
    plan, request = book.plan, found.request
    mark = Mark(
        str(choose(found.ours.base, plan.policy.rules, sensitive=request.item in plan.policy.sensitive))
    )
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
        shown["ours"] |= {"low": round(100 * low, 1), "high": round(100 * high, 1)}
        shown["change"] = _change(plan, change(ours, found.theirs, plan.level))
    return shown


def audit(
    publication: Publication,
    waves: Mapping[str, WaveData],
    policy: DisclosurePolicy,
    *,
    earlier: Mapping[str, Sequence[Released]] | None = None,
    layers: Mapping[str, Column] | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, AuditReport]:
    """The auditor's report per wave, over this publication and everything released of the wave before.

    ``earlier`` are older statements tied to their releases, ``layers`` the column telling since when each
    response has been counted.  The new statements are tied to the current release when there are older ones.
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

        reports[wave] = audit_release(columns, statements, policy, earlier=old, progress=tell)
    return reports


def explain(exposure: Exposure) -> dict[str, Any]:
    """An exposure as plain data for the release desk: whom it shows, how narrowly, by which tables."""
    return {
        "group": describe(exposure.group),
        "minus": None if exposure.minus is None else describe(exposure.minus),
        "low": exposure.low,
        "high": exposure.high,
        "tables": list(exposure.tables),
    }
