"""What a reader learns from a publication: every number that it prints, as statements for the auditor.

Whatever is uncertain is told to the auditor in the reader's favour: a base is taken as known exactly where
the weights are so alike that intervals and tests would tell it, and a mark tells on which side of its
threshold a base lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.columns import Bools
from analysis.disclosure import answered, counter
from analysis.marks import HIDDEN, Mark, decimals, public_base
from analysis.plan import Plan
from analysis.protection import (
    Protected,
    is_sensitive,
    known_base,
    noisy_share,
    tells_people,
    threshold,
)
from analysis.statements import Released, Where, hidden, perturbed, rounded
from analysis.tables import Item, WaveData, event_of


@dataclass(frozen=True)
class Share:
    """A share printed outside the tables: headline, point of a trend, our side of a comparison.

    ``shown`` is whether its number is printed, ``half`` half a unit of its last digit in percent, ``printed``
    whether its base stands beside it.
    """

    key: str
    item: str
    categories: tuple[str, ...]
    group: str
    level: str
    shown: bool
    half: float
    printed: bool = True


def harmless(plan: Plan, data: WaveData) -> frozenset[str]:
    """The columns whose answers need no protection: neither sensitive nor what this plan groups by."""
    items = [item for item in data.items.values() if not tells_people(plan, item)]
    return frozenset(name for item in items for name in item.columns or (item.name,))


def from_wave(plan: Plan, data: WaveData) -> list[Released]:
    """The number of responses, as the page says it."""
    if data.responses != len(data.design):
        return []
    rules = plan.policy.rules
    value = int(public_base(data.responses, rules))
    return [rounded(f"{data.key}/responses", (), value, rules.base_unit)]


def from_table(plan: Plan, data: WaveData, done: Protected) -> list[Released]:
    """Every base of a table, and the bounds of every answer."""
    item, key = data.items[done.table.item], done.table.key
    columns = data.design.data
    names = item.columns or (item.name,)
    least, found = threshold(plan, item), []
    for row, level in enumerate(done.table.levels):
        own: dict[str, frozenset[str]] = {}
        if done.table.group:
            own[done.table.group] = frozenset([level])
        low, high = done.ranges[row]
        for name in names:
            where: Where = tuple(sorted({**own, name: answered(columns[name])}.items()))
            if not done.shown[row]:
                statement = hidden(key, where, least)
                found.append(replace(statement, low=0.0, high=math.inf) if done.complement else statement)
                continue
            found.append(Released(key, where, float(low), float(high)))
            if high > 0:
                found += _answers(plan, item, name, done, row, own, where)
    return found


def _answers(
    plan: Plan,
    item: Item,
    name: str,
    done: Protected,
    row: int,
    own: dict[str, frozenset[str]],
    where: Where,
) -> Iterator[Released]:
    """What the printed answers of one row tell of their counts."""
    figures = done.table.figures
    half = 0.5 * 10.0 ** -int(decimals(done.true.figures.base[row], plan.policy.rules))
    for number, code in enumerate(done.table.categories):
        if item.multiple and item.columns[number] != name:
            continue
        group: Where = tuple(sorted({**own, name: frozenset(["1" if item.multiple else code])}.items()))
        if done.small[row, number]:
            # Where another answer was hidden for its sake, a "." may stand for any number.
            if not (done.small[row] & ~done.few[row]).any():
                yield hidden(done.table.key, group, plan.policy.rules.hide_below)
            continue
        if Mark(str(done.table.marks[row, number])) in HIDDEN:
            continue
        if done.noisy[row]:
            count = int(figures.count[row, number])
            yield perturbed(done.table.key, group, count, plan.policy.perturbation.limit)
            continue
        yield _of(done.table.key, group, where, figures.share[row, number], half, figures.spread[row])


def _of(key: str, group: Where, where: Where, share: float, half: float, spread: float) -> Released:
    low, high = max(0.0, 100 * share - 2 * half) / 100, min(100.0, 100 * share + 2 * half) / 100
    return Released(key, group, low, high, of=where, spread=float(spread))


def from_share(plan: Plan, data: WaveData, share: Share) -> list[Released]:
    """The base under a single share, and what the share tells."""
    item = data.items[share.item]
    event, inside = _people(data, share)
    base, least = int(np.count_nonzero(inside)), threshold(plan, item)
    where, exact = _base_group(data, item, share, inside)
    if base == 0:
        return [Released(share.key, where, 0, 0)] if exact else []
    if not share.shown:
        # A figure may be hidden for another's sake; only a small base is told by its "." alone.
        return [hidden(share.key, where, least)] if base < least and exact else []
    if not exact:
        first = counter(data.design.data)(where)
        return [Released(share.key, where, first, first)]
    weights = data.design.weights[inside]
    spread = float(weights.max() / weights.min())
    noisy = noisy_share(plan, data, share.item, share.categories, share.group, share.level)
    sensitive = is_sensitive(plan, item)
    low, high = known_base(plan, base, None if noisy is None else noisy[1], spread, sensitive)
    if not share.printed and low < high:
        low, high = float(least), math.inf
    found = [Released(share.key, where, low, high)]
    group, chosen = _answered_group(data, item, share, event == 1, inside)
    limit = plan.policy.perturbation.limit
    if noisy is not None:
        counted = round(noisy[0] * noisy[1])
        if np.array_equal(chosen, inside & (event == 1)):
            return [*found, perturbed(share.key, group, counted, limit)]
        rest = noisy[1] - counted
        return [*found, Released(share.key, group, max(0, rest - 2 * limit), rest + 2 * limit)]
    part = float(weights[chosen[inside]].sum() / weights.sum())
    return [*found, _of(share.key, group, where, part, share.half, spread)]


def _people(data: WaveData, share: Share) -> tuple[NDArray[np.float64], Bools]:
    event = event_of(data, share.item, share.categories).values
    inside = (data.design.weights != 0) & np.isfinite(event)
    if share.group:
        column = data.design.data[share.group].category()
        inside = inside & (column.values == column.levels.index(share.level))
    return event, inside


def _own(share: Share) -> dict[str, frozenset[str]]:
    return {share.group: frozenset([share.level])} if share.group else {}


def _base_group(data: WaveData, item: Item, share: Share, inside: Bools) -> tuple[Where, bool]:
    """The people under a share in words of the auditor, and whether those are exactly they."""
    name = (item.columns or (item.name,))[0]
    where: Where = tuple(sorted({name: answered(data.design.data[name]), **_own(share)}.items()))
    return where, counter(data.design.data)(where) == int(np.count_nonzero(inside))


def _answered_group(
    data: WaveData, item: Item, share: Share, hit: Bools, inside: Bools
) -> tuple[Where, Bools]:
    """Who gave one of the answers, or, for several options of a multiple choice, who ticked none of them."""
    if not item.multiple:
        name = (item.columns or (item.name,))[0]
        return tuple(sorted({name: frozenset(share.categories), **_own(share)}.items())), inside & hit
    names = [item.columns[item.categories.index(code)] for code in share.categories]
    if len(names) == 1:
        return tuple(sorted({names[0]: frozenset(["1"]), **_own(share)}.items())), inside & hit
    none = {name: frozenset(["0"]) for name in names}
    return tuple(sorted({**none, **_own(share)}.items())), inside & ~hit
