"""Change between waves that share some of their units.

Source: Berger and Priam (2016), A simple variance estimator of change for rotating repeated surveys, JRSS A
179.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis import waves as sides
from analysis.changes import satterthwaite
from analysis.columns import Bools, Floats, Ints
from analysis.design import SurveyDesign
from analysis.diagnostics import refuse_negative_weights
from analysis.errors import DataError, DesignError, EstimateError
from analysis.results import critical


@dataclass(frozen=True)
class OverlapChange:
    """Change between two waves that share units. ``correlation`` is that of the two estimates (not of
    answers)."""

    first: float
    second: float
    change: float
    se_first: float
    se_second: float
    common_units: int
    correlation: float
    se: float
    se_if_independent: float
    df: float
    low: float
    high: float
    p_value: float
    level: float = 0.95


def overlapping_change(
    design: SurveyDesign,
    variable: Any,
    wave: Any,
    pair: tuple[Any, Any],
    unit: Any,
    event: str | None = None,
    statistic: str = "mean",
    level: float = 0.95,
) -> OverlapChange:
    """Change of a mean or total between two waves of one design in which some units answered twice.

    The correlation of the two estimates is the residual correlation of the units' scores in a regression on
    stratum indicators of each wave and their products, so that each wave's sample size in a stratum is held
    fixed (Berger and Priam 2016, JRSS A 179). One person as one PSU over all waves would treat the sizes as
    random and inflate the error of totals. Variances per wave are those of the stratified sample of units.

    Raises :class:`DataError` for rows without a unit, :class:`DesignError` for a stratum with one unit in a
    wave and units in two strata of one wave, :class:`EstimateError` for unknown waves.
    """
    if statistic not in ("mean", "total"):
        raise EstimateError("unknown_statistic", f"{statistic!r} is none of mean, total.", place=statistic)
    both = sides.within(design, wave, pair, times=(0.0, 1.0))
    cells = sides.means(both, variable, event, statistic)
    units = design.column(unit).category()
    column = design.column(wave).category()
    halves = [
        _per_unit(design, column.values == column.levels.index(label), units.values, scores[:, 0], label)
        for label, scores in zip(both.labels, cells.scores, strict=True)
    ]
    v1, v2 = (h.variance for h in halves)
    correlation = _correlation(halves)
    variance = v1 + v2 - 2 * correlation * np.sqrt(v1 * v2)
    estimate = float(cells.estimate[1] - cells.estimate[0])
    se = float(np.sqrt(max(variance, 0.0)))
    df = satterthwaite(v1, halves[0].df, v2, halves[1].df)
    half = critical(level, df) * se
    return OverlapChange(
        first=float(cells.estimate[0]),
        second=float(cells.estimate[1]),
        change=estimate,
        se_first=float(np.sqrt(v1)),
        se_second=float(np.sqrt(v2)),
        common_units=int(np.sum(halves[0].held & halves[1].held)),
        correlation=correlation,
        se=se,
        se_if_independent=float(np.sqrt(v1 + v2)),
        df=df,
        low=estimate - half,
        high=estimate + half,
        p_value=float(2 * stats.t.sf(abs(estimate) / se, df)) if se > 0 else float("nan"),
        level=level,
    )


def _correlation(halves: Sequence[_Half]) -> float:
    """Residual correlation of the two waves' unit scores given the strata of either wave and their
    products."""
    present = np.flatnonzero(halves[0].held | halves[1].held)
    first, second = (_indicators(h, present, len(h.names)) for h in halves)
    matrix = np.hstack([first, second, first * second])
    z = np.column_stack([h.totals[present] for h in halves])
    coefficients, *_ = np.linalg.lstsq(matrix, z, rcond=1e-11)
    rest = z - matrix @ coefficients
    scale = float(np.sqrt((rest[:, 0] @ rest[:, 0]) * (rest[:, 1] @ rest[:, 1])))
    return float(rest[:, 0] @ rest[:, 1]) / scale if scale > 0 else 0.0


@dataclass(frozen=True, eq=False)
class _Half:
    """Scores of one wave summed to units: ``totals``, ``held`` and ``stratum`` over all units of the
    design."""

    totals: Floats
    held: Bools
    stratum: Ints
    names: tuple[str, ...]
    variance: float
    df: float


def _per_unit(design: SurveyDesign, inside: Bools, units: Ints, scores: Floats, label: str) -> _Half:
    refuse_negative_weights(design.weights, "change between overlapping waves")
    rows = inside & design.active
    if (units[rows] < 0).any():
        row = int(np.flatnonzero(rows & (units < 0))[0])
        raise DataError(
            "missing_unit",
            f"Row {row + 1} of wave {label} names no unit, so nobody knows whether it answered in the "
            "other wave.",
            place=label,
            row=row + 1,
        )
    count = int(units.max()) + 1
    totals = np.bincount(units[rows], scores[rows], count)
    held = np.bincount(units[rows], minlength=count) > 0
    stratum = np.full(count, -1, np.int64)
    stratum[units[rows]] = design.stratum[rows]
    names = design.plan[0].names
    torn = np.flatnonzero(rows & (stratum[units] != design.stratum))
    if torn.size:
        raise DesignError(
            "not_nested",
            f"The unit of row {torn[0] + 1} lies in more than one stratum of wave {label}, in "
            f"{names[design.stratum[torn[0]]]} and {names[stratum[units[torn[0]]]]}.",
            place=names[design.stratum[torn[0]]],
        )
    size = np.bincount(stratum[held], minlength=len(names))
    alone = np.flatnonzero(size == 1)
    if alone.size:
        raise DesignError(
            "lonely_psu",
            f"Stratum {names[alone[0]]} has one unit only in wave {label}; merge it with a similar stratum.",
            place=names[alone[0]],
        )
    means = np.bincount(stratum[held], totals[held], len(names)) / np.maximum(size, 1)
    squares = np.bincount(stratum[held], (totals[held] - means[stratum[held]]) ** 2, len(names))
    factor = np.divide(size, size - 1, out=np.zeros(len(names)), where=size > 1)
    df = float(size.sum() - np.count_nonzero(size))
    return _Half(np.asarray(totals, float), held, stratum, names, float(factor @ squares), df)


def _indicators(half: _Half, present: Ints, strata: int) -> Floats:
    out = np.zeros((len(present), strata))
    stratum = half.stratum[present]
    inside = stratum >= 0
    out[np.flatnonzero(inside), stratum[inside]] = 1.0
    return out
