"""What a table gives away beside what it prints, and what is done about that before it is printed.

Rounding a base protects only while nothing else tells it.  Where all weights of a row are equal, every
percentage is a fraction of two whole numbers, and a handful of them leave one base that fits.  Such rows, and
all rows of full counts (open participation), are drawn from counts perturbed by the cell-key method: an
attacker learns those, never the true ones.  Where weights differ a little, the bases that still fit the
printed percentages are what the auditor is told.  Rows whose hidden neighbours would follow from a total are
hidden with them (complementary suppression).

Sources: Fraser & Wooton (2005) for cell keys; Hundepool et al. (2012), ch. 4, for complements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from analysis import cellkey
from analysis.assemble import RECORD
from analysis.columns import Bools, Floats, Ints
from analysis.crosstab import Crosstab, critical_values, wilson
from analysis.marks import HIDDEN, Mark, decimals, public_base, round_half_away
from analysis.plan import Plan
from analysis.statements import perturbed, rounded
from analysis.suppression import SuppressionError, homogeneous, suppress, with_margins
from analysis.tables import BookTable, Item, WaveData, event_of

EQUAL = 1.001
"""Largest over smallest weight up to which percentages are fractions of whole numbers to every digit."""

GUESSABLE = 2.0
"""Spread of weights up to which printed percentages can narrow a rounded base."""


def counted(plan: Plan, data: WaveData) -> bool:
    """A full count: open participation, or declared by the plan.  It has no sampling error."""
    return data.open_participation or plan.policy.method == "full"


def record_keys(data: WaveData) -> Floats:
    """(n,) one secret random key per response.

    A wave that ran elsewhere has none; its keys are drawn from its own answers, which nobody outside knows.
    """
    column = data.design.data.get(RECORD)
    if column is not None:
        return np.asarray(column.values, dtype=float)
    digest = hashlib.sha256(data.key.encode())
    for name in sorted(data.design.data):
        digest.update(name.encode() + np.ascontiguousarray(data.design.data[name].values).tobytes())
    rng = np.random.default_rng(int.from_bytes(digest.digest()[:16], "big"))
    return rng.integers(0, 2**32, len(data.design)).astype(float) / 2**32


@dataclass(frozen=True, eq=False)
class Protected:
    """A table as it may be printed, beside the true one.

    ``noisy`` (D,) rows drawn from perturbed counts; ``complement`` some ``.`` of the table stand for rows
    that are not small; ``ranges`` (D, 2) what a reader knows of each base; ``small`` (D, C) answers hidden
    because few gave them or for the sake of such a one, ``few`` those that few gave.
    """

    table: BookTable
    true: BookTable
    noisy: Bools
    shown: Bools
    complement: bool
    ranges: Floats
    small: Bools
    few: Bools


def is_sensitive(plan: Plan, item: Item) -> bool:
    """Level 2 in the questionnaire, or declared by the plan."""
    return item.name in plan.policy.sensitive or item.sensitive >= 2


def tells_people(plan: Plan, item: Item) -> bool:
    """Whether the answers of an item are protected like groups: sensitive ones, and what others group by."""
    single = [one.group for one in plan.findings] + [one.group for one in plan.trends]
    groups = {*plan.groups, *filter(None, single)}
    return is_sensitive(plan, item) or bool(groups & {item.name, *item.columns})


def threshold(plan: Plan, item: Item) -> int:
    """Answers under which a row of the item is hidden."""
    rules = plan.policy.rules
    return rules.sensitive_hide_below if is_sensitive(plan, item) else rules.hide_below


def base_unit(plan: Plan) -> int:
    """Bases are printed in multiples of this: exact ones stay in the sealed office."""
    return 1 if plan.policy.method == "exact" else plan.policy.rules.base_unit


def protect(plan: Plan, data: WaveData, table: BookTable, total: tuple[float, float] | None) -> Protected:
    """One table made fit to print. ``total`` is what a reader knows of the base of all its rows together."""
    item = data.items[table.item]
    true = table.figures
    marks = table.marks.copy()
    if is_sensitive(plan, item):
        marks = np.where(_homogeneous(plan, item, true), Mark.TOO_FEW.value, marks)
        marks[true.base == 0] = Mark.NOTHING.value
    noisy = np.full(len(true.base), True) if counted(plan, data) else true.spread <= EQUAL
    noisy = noisy & (true.base > 0) & (plan.policy.method != "exact")
    figures, p_value = true, table.p_value
    if noisy.any():
        figures = _perturbed(plan, data, item, table, noisy)
        p_value = np.where(noisy[:, None], _tests(table, figures, data), p_value)
    if counted(plan, data):
        figures = replace(figures, low=figures.low * np.nan, high=figures.high * np.nan)
        p_value = p_value * np.nan
    least = threshold(plan, item)
    shown = (true.base >= least) | (true.base == 0)
    ranges = _ranges(plan, item, figures, true.base, noisy, marks, shown, least)
    complement = _complement(true.base, ranges, shown, total, least, plan.policy.width)
    if complement.any():
        marks[complement] = Mark.TOO_FEW.value
        shown = shown & ~complement
        ranges[complement] = (0, np.inf)
    small = few = np.zeros(marks.shape, dtype=bool)
    if tells_people(plan, item):
        visible = shown[:, None] & ~np.isin(marks, [mark.value for mark in HIDDEN])
        few = visible & _few(plan, item, figures, true, noisy, ranges)
        small = few | _companions(few, visible, true.count, item)
        marks[small] = Mark.TOO_FEW.value
    p_value = np.where(np.isin(marks, [mark.value for mark in HIDDEN]), np.nan, p_value)
    printed = replace(table, figures=figures, marks=marks, p_value=p_value)
    return Protected(printed, table, noisy, shown, bool(complement.any()), ranges, small, few)


def _few(plan: Plan, item: Item, figures: Crosstab, true: Crosstab, noisy: Bools, ranges: Floats) -> Bools:
    """(D, C) answers of few people whose number the printed share would tell too narrowly."""
    found = np.zeros(true.count.shape, dtype=bool)
    rules, width = plan.policy.rules, plan.policy.audit.width
    for row, base in enumerate(true.base.tolist()):
        half = 10.0 ** -int(decimals(base, rules)) / 100
        spread = float(figures.spread[row])
        for column, count in enumerate(true.count[row].tolist()):
            sides = (count, base - count) if item.multiple else (count,)
            if not any(0 < side < rules.hide_below for side in sides):
                continue
            p, q = min(1.0, figures.share[row, column] + half), max(0.0, figures.share[row, column] - half)
            least, most = _fewest(ranges[row, 0], q, spread), _most(ranges[row, 1], p, spread)
            open_still = 2.0 * plan.policy.perturbation.limit if noisy[row] else most - least
            found[row, column] = open_still < width
    return found


def _companions(few: Bools, visible: Bools, count: Ints, item: Item) -> Bools:
    """(D, C) a second answer to hide where only one is hidden and would follow from the others."""
    found = np.zeros(few.shape, dtype=bool)
    if item.multiple:
        return found
    for row in np.flatnonzero(few.sum(axis=1) == 1):
        others = np.where(visible[row] & ~few[row] & (count[row] > 0), count[row], np.iinfo(np.int64).max)
        if others.min() < np.iinfo(np.int64).max:
            found[row, int(np.argmin(others))] = True
    return found


def known_base(
    plan: Plan, base: int, noisy: int | None, spread: float, sensitive: bool
) -> tuple[float, float]:
    """What a reader knows of a base that is shown: rounded or (``noisy``) perturbed.

    Marks, thresholds and decimals tell on which side of their limits it lies.  Where the weights, at most
    ``spread`` apart, can change the effective number of answers by less than the rounding does, intervals and
    tests tell the base: it is taken as known.
    """
    rules, unit = plan.policy.rules, base_unit(plan)
    cuts = [rules.sensitive_hide_below if sensitive else rules.hide_below]
    cuts.append(rules.sensitive_bracket_below if sensitive else rules.bracket_below)
    if noisy is not None:
        learnt = perturbed("", (), noisy, plan.policy.perturbation.limit)
    elif base * ((1 + spread) ** 2 / (4 * spread) - 1) < unit:
        return float(base), float(base)
    else:
        learnt = rounded("", (), int(round_half_away(base, unit)), unit)
        cuts.append(rules.whole_percent_below)
    low = max([learnt.low, *(cut for cut in cuts if base >= cut)])
    return float(low), float(min([learnt.high, *(cut - 1 for cut in cuts if base < cut)]))


def _homogeneous(plan: Plan, item: Item, figures: Crosstab) -> Bools:
    """(D, C) cells that would tell what nearly every member of a group answered."""
    if not item.multiple:
        rows = homogeneous(figures.count, plan.policy.homogeneity)
        return np.broadcast_to(rows[:, None], figures.count.shape)
    base = figures.base[:, None]
    left = base - figures.count
    return (base > 0) & ((figures.count >= plan.policy.homogeneity * base) | ((left <= 1) & (base > 1)))


def _perturbed(plan: Plan, data: WaveData, item: Item, table: BookTable, noisy: Bools) -> Crosstab:
    """The figures with perturbed counts in the given rows: base, shares, intervals, effective n."""
    true, columns = table.figures, data.design.data
    live = data.design.weights != 0
    keys, noise = record_keys(data), plan.policy.perturbation
    group = columns[table.group].category().values if table.group else np.zeros(len(keys), np.int64)
    rows = len(true.base)

    def cells(values: Ints, size: int) -> Ints:
        axes: list[ArrayLike] = [np.where(live, group, -1), np.where(live, values, -1)]
        return cellkey.perturbed_table(keys, axes, (rows, size), noise)[:rows]

    if item.multiple:
        found = [cells(columns[n].values, 2) for n in item.columns]
        places = [columns[n].levels.index("1") for n in item.columns]
        count = np.column_stack([part[:, place] for part, place in zip(found, places, strict=True)])
        base = found[0][:, -1]
    else:
        column = columns[item.columns[0] if item.columns else item.name].category()
        part = cells(column.values, len(column.levels))
        count, base = part[:, :-1], part[:, -1]
    base = np.maximum(base, 1)
    share = np.minimum(count / base[:, None], 1.0)
    effective = true.effective * (base / np.maximum(true.base, 1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wilson(share, effective, critical_values(true.df, plan.level)[:, None])

    chosen = noisy[:, None]
    return replace(
        true,
        share=np.where(chosen, share, true.share),
        effective=np.where(chosen, effective, true.effective),
        low=np.where(chosen, low, true.low),
        high=np.where(chosen, high, true.high),
        count=np.where(chosen, count, true.count),
        base=np.where(noisy, base, true.base),
    )


def _tests(table: BookTable, figures: Crosstab, data: WaveData) -> Floats:
    """(D, C) each group against the rest, from the perturbed figures alone: exact p-values tell counts."""
    if not table.group:
        return np.full(table.p_value.shape, np.nan)
    count, base = figures.count.astype(float), figures.base.astype(float)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.clip((count.sum(axis=0) - count) / (base.sum() - base), 0, 1)
        others = np.nansum(figures.effective, axis=0) - figures.effective
        variance = figures.share * (1 - figures.share) / figures.effective + rest * (1 - rest) / others
        t = np.abs(figures.share - rest) / np.sqrt(variance)
    value = 2 * stats.t.sf(t, max(data.design.df - 1, 1.0))
    return np.where(np.isfinite(table.p_value) & np.isfinite(value), value, np.nan)


def _ranges(
    plan: Plan,
    item: Item,
    figures: Crosstab,
    true_base: Ints,
    noisy: Bools,
    marks: np.ndarray,
    shown: Bools,
    least: int,
) -> Floats:
    """(D, 2) what the printed row tells of its base."""
    ranges = np.zeros((len(true_base), 2))
    for row, base in enumerate(true_base.tolist()):
        if base == 0:
            continue
        if not shown[row]:
            ranges[row] = (1, least - 1)
            continue
        spread = float(figures.spread[row])
        told = int(figures.base[row]) if noisy[row] else None
        ranges[row] = known_base(plan, base, told, spread, is_sensitive(plan, item))
        if told is None and spread < GUESSABLE:
            visible = ~np.isin(marks[row], [mark.value for mark in HIDDEN])
            percent = np.where(visible, 100 * figures.share[row], np.nan)
            ranges[row] = fitting(ranges[row], percent, spread, plan, item.multiple)
    return ranges


ShareT = TypeVar("ShareT", float, Floats)


def _fewest(base: float, share: ShareT, spread: float) -> ShareT:
    """The fewest of ``base`` people who can be that weighted share, see `fitting`."""
    return base * share / (spread - share * spread + share)


def _most(base: float, share: ShareT, spread: float) -> ShareT:
    """The most of ``base`` people who can be that weighted share, see `fitting`."""
    return base * share * spread / (1 - share + share * spread)


def fitting(
    between: ArrayLike, percent: Floats, spread: float, plan: Plan, multiple: bool
) -> tuple[float, float]:
    """The bases within ``between`` that fit a row's printed percentages (NaN: not printed).

    With weights up to ``spread`` apart, ``k`` of ``n`` people may be a share of p where
    ``n p / (s - p s + p) <= k <= n p s / (1 - p + p s)`` (`_fewest`, `_most`).
    """
    low, high = np.asarray(between, dtype=float)
    fits = []
    for base in range(int(low), int(high) + 1):
        half = 0.5 * 10.0 ** -int(decimals(base, plan.policy.rules))
        shown = round_half_away(percent, 2 * half)
        p, q = np.clip((shown + half) / 100, 0, 1), np.clip((shown - half) / 100, 0, 1)
        least = np.ceil(_fewest(base, q, spread) - 1e-9)
        most = np.floor(_most(base, p, spread) + 1e-9)
        least, most = np.where(np.isnan(shown), 0, least), np.where(np.isnan(shown), base, most)
        if np.all(least <= most) and (multiple or least.sum() <= base <= most.sum()):
            fits.append(base)
    return (float(fits[0]), float(fits[-1])) if fits else (float(low), float(high))


def _complement(
    base: Ints, ranges: Floats, shown: Bools, total: tuple[float, float] | None, least: int, width: int
) -> Bools:
    """(D,) further rows to hide, so that no hidden row follows from the total and the others."""
    none = np.zeros(len(base), dtype=bool)
    hidden_rows = ~shown & (base > 0)
    if total is None or not hidden_rows.any() or not _pinned(ranges, hidden_rows, total, width):
        return none
    kept = np.append(none, True)
    try:
        chosen = suppress(with_margins(base), least, width=width, keep=kept).hidden[:-1]
    except SuppressionError:
        chosen = base > 0
    return np.asarray(chosen & ~hidden_rows & (base > 0))


def _pinned(ranges: Floats, hidden_rows: Bools, total: tuple[float, float], width: int) -> bool:
    """Whether some hidden row is known to fewer than ``width`` counts, were nobody's group missing."""
    seen = ranges[~hidden_rows]
    left = (total[0] - seen[:, 1].sum(), total[1] - seen[:, 0].sum())
    own = ranges[hidden_rows]
    for number, (low, high) in enumerate(own):
        others = np.delete(own, number, axis=0)
        least = max(low, left[0] - others[:, 1].sum())
        most = min(high, left[1] - others[:, 0].sum())
        if most - least < min(width, high - low):
            return True
    return False


def printed_bases(plan: Plan, figures: Crosstab) -> Ints:
    """(D,) bases as they are printed."""
    unit = base_unit(plan)
    return figures.base if unit == 1 else public_base(figures.base, plan.policy.rules)


def noisy_share(
    plan: Plan, data: WaveData, name: str, categories: Sequence[str], group: str = "", level: str = ""
) -> tuple[float, int] | None:
    """Share of some answers and its base from perturbed counts; None where the exact ones give nothing away.

    The perturbation is that of the tables: the same people have the same noise wherever they are counted.
    """
    event = event_of(data, name, categories).values
    inside = (data.design.weights != 0) & np.isfinite(event)
    if group:
        column = data.design.data[group].category()
        inside &= column.values == column.levels.index(level)
    weights = data.design.weights[inside]
    even = bool(inside.any()) and float(weights.max()) <= EQUAL * float(weights.min())
    if plan.policy.method == "exact" or not (counted(plan, data) or even) or not inside.any():
        return None
    codes: list[ArrayLike] = [np.where(inside, np.nan_to_num(event), -1).astype(np.int64)]
    table = cellkey.perturbed_table(record_keys(data), codes, (2,), plan.policy.perturbation)
    base = max(int(table[-1]), 1)
    return min(float(table[1]) / base, 1.0), base
