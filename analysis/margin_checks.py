"""Margins beside the waves they weight: which ones a wave uses, and what would stop the weighting.

``age@WAVE`` is the margin ``age`` as counted for that wave, and takes the place of the common one there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.assemble import WEIGHT
from analysis.margins import AGREEMENT, Margin
from analysis.plan import Plan
from analysis.tables import WaveData
from surveys.faults import Fault

Outside = Mapping[str, Mapping[str, str]]


def of_wave(name: str, wave: str, margins: Mapping[str, Margin]) -> Margin | None:
    """The margin that a wave uses under a name: its own where there is one."""
    return margins.get(f"{name}@{wave}") or margins.get(name)


def names(margins: Mapping[str, Margin], waves: Sequence[str]) -> list[str]:
    """Margins that a plan of these waves may name: one of its own for each wave, or a common one."""
    bases = sorted({name.partition("@")[0] for name in margins})
    return [base for base in bases if all(of_wave(base, wave, margins) for wave in waves)]


def weighted(waves: Mapping[str, WaveData]) -> dict[str, WaveData]:
    """The waves that the chain of a plan weights: imported and open ones keep the weights they have."""
    return {
        key: data for key, data in waves.items() if WEIGHT in data.design.data and not data.open_participation
    }


def check(plan: Plan, waves: Mapping[str, WaveData], margins: Mapping[str, Margin]) -> tuple[Fault, ...]:
    """What would stop the weighting of a plan; margins that nobody knows are left to the plan's own check."""
    found: dict[tuple[str, str], Fault] = {}
    for number, step in enumerate(plan.weighting, start=1):
        place = f"weighting/{number}/margins"
        rules = step.options.get("outside")
        outside: Outside = rules if isinstance(rules, dict) else {}
        for key, data in weighted(waves).items():
            chosen = [
                (name, one) for name in step.margins if (one := of_wave(name, key, margins)) is not None
            ]
            for fault in (*_together(chosen, place), *_with_answers(chosen, place, data, outside)):
                found.setdefault((fault.kind, str(fault.params.get("name", place))), fault)
    return tuple(found.values())


def _together(chosen: Sequence[tuple[str, Margin]], place: str) -> list[Fault]:
    """Margins of one variable, and margins that count different numbers of people."""
    found: list[Fault] = []
    seen: dict[str, str] = {}
    for name, margin in chosen:
        if margin.name in seen:
            params = {"name": name, "first": seen[margin.name], "variable": margin.name}
            found.append(Fault("margin-repeated", place, params))
        seen.setdefault(margin.name, name)
        first, total = chosen[0][0], chosen[0][1].total
        if abs(margin.total - total) > AGREEMENT * max(margin.total, total):
            totals = {"a": round(total), "b": round(margin.total)}
            found.append(
                Fault("margins-disagree", place, {"name": name, "first": first, "second": name, **totals})
            )
    return found


def _with_answers(
    chosen: Sequence[tuple[str, Margin]], place: str, data: WaveData, outside: Outside
) -> list[Fault]:
    found = []
    for name, margin in chosen:
        lacking = [one for one in margin.variables if one not in data.design.data]
        if lacking:
            found.append(Fault("margin-no-variable", place, {"name": name, "variable": lacking[0]}))
        elif len(margin.variables) == 1:
            found += _categories(name, margin, place, data, _rule(outside, margin.variables[0]))
    return found


def _rule(outside: Outside, variable: str) -> Mapping[str, str]:
    found = outside.get(variable)
    return found if isinstance(found, Mapping) else {}


def _categories(
    name: str, margin: Margin, place: str, data: WaveData, rule: Mapping[str, str]
) -> list[Fault]:
    """Categories that nobody answered, and answers that the margin does not count."""
    answered = _answered(margin, data)
    known, found = ", ".join(answered), []
    empty = [c for c, n in zip(margin.categories, margin.counts, strict=True) if n and c not in answered]
    if empty:
        params = {"name": name, "categories": ", ".join(empty), "known": known}
        found.append(Fault("margin-without-answers", place, params))
    nobody = [c for c, n in zip(margin.categories, margin.counts, strict=True) if not n and c in answered]
    if nobody:
        found.append(Fault("margin-of-nobody", place, {"name": name, "categories": ", ".join(nobody)}))
    uncounted = [c for c in answered if c not in margin.categories and c not in rule]
    if uncounted:
        params = {"name": name, "categories": ", ".join(uncounted), "variable": margin.variables[0]}
        found.append(Fault("margin-lacks-answer", place, {**params, "answer": uncounted[0]}))
    wrong = [c for c in answered if rule.get(c, "random") not in ("random", *margin.categories)]
    if wrong:
        params = {"name": name, "categories": ", ".join(wrong), "known": ", ".join(margin.categories)}
        found.append(Fault("margin-rule", place, params))
    return found


def _answered(margin: Margin, data: WaveData) -> list[str]:
    """The answers that somebody gave, in the order of the questionnaire."""
    column = data.design.column(margin.variables[0]).category()
    values = column.values[data.design.active & (column.values >= 0)]
    counts = np.bincount(values, minlength=len(column.levels))
    return [level for level, count in zip(column.levels, counts, strict=True) if count]


@dataclass(frozen=True)
class Suited:
    """The margins that a new plan of one wave can rake to, with rules for answers that they do not count,
    and those that do not fit the answers or the other margins.
    """

    margins: tuple[str, ...] = ()
    outside: Outside = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def suited(data: WaveData, margins: Mapping[str, Margin]) -> Suited:
    """Margins for a new plan: one per variable, the wave's own before common ones.

    People whose answer a margin does not count are spread at random for weighting; their answers stay.
    """
    if data.key not in weighted({data.key: data}):
        return Suited()
    bases = names(margins, [data.key])
    own = sorted(bases, key=lambda name: (f"{name}@{data.key}" not in margins, name))
    chosen: list[tuple[str, Margin]] = []
    outside: dict[str, dict[str, str]] = {}
    left = []
    for name in own:
        margin = of_wave(name, data.key, margins)
        if margin is None or any(one not in data.design.data for one in margin.variables):
            continue
        if any(fault.params["name"] == name for fault in _together([*chosen, (name, margin)], "")):
            left.append(name)
            continue
        faults = _with_answers([(name, margin)], "", data, {})
        if any(fault.kind != "margin-lacks-answer" for fault in faults):
            left.append(name)
            continue
        chosen.append((name, margin))
        if faults:
            lacking = [one for one in _answered(margin, data) if one not in margin.categories]
            outside[margin.variables[0]] = dict.fromkeys(lacking, "random")
    return Suited(tuple(sorted(name for name, _ in chosen)), outside, tuple(left))
