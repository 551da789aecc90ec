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

from analysis.audit import AuditReport, Exposure, Released, Where, describe, hidden, rounded
from analysis.changes import Change
from analysis.columns import Column
from analysis.crosstab import Crosstab
from analysis.disclosure import DisclosurePolicy, audit_release
from analysis.marks import HIDDEN, Mark, choose, decimals, public_base, public_percent, round_half_away
from analysis.plan import Plan
from analysis.suppression import homogeneous
from analysis.tables import Book, BookTable, BookTrend, Headline, Item, WaveData, effective_base

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
    tables = []
    for table in book.tables:
        shown, learnt = _table(plan, book.waves[table.wave], table)
        tables.append(shown)
        statements[table.wave] += learnt
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
        "headlines": [_headline(plan, headline) for headline in book.headlines],
        "tables": tables,
        "trends": [_trend(plan, trend) for trend in book.trends],
        "comparisons": [_comparison(plan, found) for found in book.comparisons],
        "conferences": list(conferences),
    }
    return Publication(document, {wave: _distinct(found) for wave, found in statements.items()})


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
    for name in book.plan.groups:
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


def _sensitive(plan: Plan, item: Item) -> bool:
    return item.name in plan.policy.sensitive or item.sensitive >= 2


def _table(plan: Plan, data: WaveData, table: BookTable) -> tuple[dict[str, Any], list[Released]]:
    rules, item = plan.policy.rules, data.items[table.item]
    figures, marks = table.figures, table.marks.copy()
    if _sensitive(plan, item) and not item.multiple:
        marks[homogeneous(figures.count, plan.policy.homogeneity)] = Mark.TOO_FEW.value
        marks[figures.base == 0] = Mark.NOTHING.value
    bases = public_base(figures.base, rules)
    effective = public_base(effective_base(figures), rules)
    threshold = rules.sensitive_hide_below if _sensitive(plan, item) else rules.hide_below
    rows, learnt, printed = [], [], _printed(plan, figures)
    for number, level in enumerate(table.levels):
        base = int(figures.base[number])
        shown = base >= threshold or base == 0
        cells = _cells(plan, table, marks, printed, number)
        rows.append(
            {
                "level": level,
                "base": int(bases[number]) if shown else None,
                # Rounded like the base, and silent wherever the base is.
                "effective": int(effective[number]) if shown else None,
                "cells": cells,
            }
        )
        learnt += _learnt(plan, data, table, item, marks, number, threshold)
    document = {
        "wave": table.wave,
        "item": table.item,
        "group": table.group,
        "categories": list(table.categories),
        "rows": rows,
    }
    return document, learnt


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
        cell: dict[str, Any] = {
            "percent": value,
            "low": printed["low"][row][column],
            "high": printed["high"][row][column],
        }
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


def _learnt(
    plan: Plan, data: WaveData, table: BookTable, item: Item, marks: Any, row: int, threshold: int
) -> list[Released]:
    """What a reader learns from one row: the base, and for sensitive items the bounds of every answer's
    count.
    """
    columns, figures = data.design.data, table.figures
    names = item.columns or (item.name,)
    base = int(figures.base[row])
    group: dict[str, frozenset[str]] = {names[0]: frozenset(columns[names[0]].category().levels)}
    if table.group:
        group[table.group] = frozenset([table.levels[row]])
    where: Where = tuple(sorted(group.items()))
    if base == 0:
        return [Released(table.key, where, 0, 0)]
    if base < threshold:
        return [hidden(table.key, where, threshold)]
    unit = plan.policy.rules.base_unit
    learnt = [rounded(table.key, where, int(public_base(base, plan.policy.rules)), unit)]
    if not _sensitive(plan, item) or item.multiple:
        return learnt
    half = 0.5 * 10.0 ** -int(decimals(base, plan.policy.rules))
    for number, code in enumerate(table.categories):
        if Mark(str(marks[row, number])) in HIDDEN:
            continue
        share = 100 * figures.share[row, number]
        answer: Where = tuple(sorted({**group, names[0]: frozenset([code])}.items()))
        low, high = max(0.0, share - 2 * half) / 100, min(100.0, share + 2 * half) / 100
        learnt.append(Released(table.key, answer, low, high, of=where, spread=float(figures.spread[row])))
    return learnt


def _headline(plan: Plan, headline: Headline) -> dict[str, Any]:
    rules = plan.policy.rules
    shown: dict[str, Any] = {
        "item": headline.finding.item,
        "categories": list(headline.finding.categories),
        "group": headline.finding.group,
        "level": headline.finding.level,
        "text": dict(headline.finding.text),
        "wave": headline.wave,
        "mark": headline.mark,
    }
    if Mark(headline.mark) in HIDDEN:
        return shown
    percent = 100 * headline.share
    return {
        **shown,
        "in_ten": int(round_half_away(percent / 10)),
        "percent": int(round_half_away(percent)),
        "low": int(round_half_away(100 * headline.low)),
        "high": int(round_half_away(100 * headline.high)),
        "base": int(public_base(headline.base, rules)),
    }


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


def _trend(plan: Plan, trend: BookTrend) -> dict[str, Any]:
    rules = plan.policy.rules
    points = []
    sensitive = trend.request.item in plan.policy.sensitive
    marks: dict[str, Mark] = {}
    for point in trend.points:
        mark = Mark(str(choose(point.base, rules, sensitive=sensitive)))
        marks[point.wave] = mark
        value, mark = public_percent(100 * point.estimate, mark, point.base, rules)
        entry: dict[str, Any] = {
            "wave": point.wave,
            "time": point.time,
            "mark": mark.value,
            "source": point.source,
        }
        if value is not None:
            low, high = point.interval(plan.level)
            entry |= {"percent": value, "low": round(100 * low, 1), "high": round(100 * high, 1)}
            entry["base"] = int(public_base(point.base, rules))
        points.append(entry)

    def visible(found: Change) -> bool:
        return not {marks[found.first.wave], marks[found.second.wave]} & HIDDEN

    return {
        "item": trend.request.item,
        "categories": list(trend.request.categories),
        "points": points,
        "runs": [list(run) for run in trend.runs],
        "breaks": [{"first": b.first, "second": b.second, "kinds": list(b.kinds)} for b in trend.breaks],
        "changes": [_change(plan, found) for found in trend.changes if visible(found)],
        "verdicts": [
            {"first": e.change.first.wave, "second": e.change.second.wave, "finding": e.finding}
            for e in trend.unchanged
            if visible(e.change)
        ],
        "within": trend.request.unchanged_within,
        "notes": list(trend.notes),
    }


def _comparison(plan: Plan, found: Any) -> dict[str, Any]:
    rules = plan.policy.rules
    sensitive = found.request.item in plan.policy.sensitive
    mark = Mark(str(choose(found.ours.base, rules, sensitive=sensitive)))
    shown: dict[str, Any] = {
        "item": found.request.item,
        "categories": list(found.request.categories),
        "label": dict(found.request.label),
        "source": found.request.source,
        "population": dict(found.request.population),
        "theirs": {
            "percent": round(100 * found.theirs.estimate, 1),
            "n": int(found.theirs.base),
            "time": found.theirs.time,
        },
        "ours": {"mark": mark.value},
    }
    if mark in HIDDEN:
        return shown
    low, high = found.ours.interval(plan.level)
    value, _ = public_percent(100 * found.ours.estimate, mark, found.ours.base, rules)
    shown["ours"] |= {"percent": value, "low": round(100 * low, 1), "high": round(100 * high, 1)}
    shown["change"] = _change(plan, found.change)
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
