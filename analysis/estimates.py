"""Totals, means, ratios, variances and distribution functions, whole and by domain, with full covariance.

Every estimate here is a ratio of two weighted totals (a total has the denominator 1), linearised by Taylor's
theorem: the score of a row is w (y - r x) / X. Source: Särndal, Swensson, Wretman (1992), 5.5 to 5.8.
R: ``svymean``, ``svytotal``, ``svyratio``, ``svyvar``, ``svyby``, ``svycdf``, ``svytable``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.columns import Array, Column, Floats
from analysis.design import SurveyDesign
from analysis.diagnostics import kish_effective_n
from analysis.errors import DesignError, EstimateError
from analysis.responses import Domains, Response, columns_of, domains, responses, row_name
from analysis.results import Estimates, critical, from_covariance

DEFF_RULES = ("replace", "without", "none")
"""Simple random sampling that the design effect compares with: with replacement, without, or no
comparison."""


@dataclass(frozen=True, eq=False)
class Cells:
    """k ratios: numerator and denominator values (n, k), 0 outside the cell's domain, and the rows inside.

    ``sides`` (2, n, k): the two deviations from their means whose product a variance is the mean of; under
    replicate weights those means move.
    """

    names: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    numerators: Floats
    denominators: Floats | None
    inside: np.ndarray
    sides: Floats | None = None


def mean(
    design: SurveyDesign,
    variables: Any,
    by: Any = None,
    *,
    deff: str = "replace",
    missing: str = "each",
    level: float = 0.95,
    df: float | None = None,
    keep_replicates: bool = False,
) -> Estimates:
    """Means of numbers and proportions of categories, with symmetric t intervals.

    ``by`` names one or several grouping variables; the covariance spans all groups and variables. ``df``
    None: those of the design (of each domain under ``by``); ``inf``: normal intervals. A group in which
    everything is missing is returned as NaN with a note. Raises :class:`EstimateError` where nothing at all
    is observed.
    """
    cells = _cells(design, variables, by, missing)
    cells = replace(cells, denominators=cells.inside.astype(float))
    return _estimate(design, "mean", cells, deff, level, df, keep_replicates)


def total(
    design: SurveyDesign,
    variables: Any,
    by: Any = None,
    *,
    deff: str = "replace",
    missing: str = "each",
    level: float = 0.95,
    df: float | None = None,
    keep_replicates: bool = False,
) -> Estimates:
    """Totals of numbers and of categories (population counts); arguments as in :func:`mean`."""
    cells = _cells(design, variables, by, missing)
    return _estimate(design, "total", cells, deff, level, df, keep_replicates)


def ratio(
    design: SurveyDesign,
    numerators: Any,
    denominators: Any,
    by: Any = None,
    *,
    level: float = 0.95,
    df: float | None = None,
    keep_replicates: bool = False,
) -> Estimates:
    """Ratios of totals, every numerator over every denominator, on the rows where all of them are
    observed."""
    over = responses(design, numerators, "listwise")
    under = responses(design, denominators, "listwise")
    seen = np.logical_and.reduce([r.observed for r in (*over, *under)])
    groups = domains(design, by)
    pairs = [(a, b) for b in under for a in over]
    names, rows, top, bottom, inside = [], [], [], [], []
    for a, b in pairs:
        for g, label in enumerate(groups.names):
            here = (groups.codes == g) & seen & design.active
            names.append(row_name(label, f"{a.name}/{b.name}", len(pairs) == 1))
            rows.append({**groups.rows[g], "variable": a.name, "category": "", "denominator": b.name})
            top.append(np.where(here, a.values, 0.0))
            bottom.append(np.where(here, b.values, 0.0))
            inside.append(here)
    cells = Cells(tuple(names), tuple(rows), np.stack(top, 1), np.stack(bottom, 1), np.stack(inside, 1))
    return _estimate(design, "ratio", cells, "none", level, df, keep_replicates)


def variance(
    design: SurveyDesign,
    variables: Any,
    by: Any = None,
    *,
    level: float = 0.95,
    df: float | None = None,
    count: str = "answers",
) -> Estimates:
    """Population variances and covariances of numbers, n/(n-1) times the mean of squared deviations.

    All pairs of ``variables`` on complete rows, rows named ``a:b`` with the first running fastest. n counts
    the answers, or with ``count="rows"`` all rows of the domain, answered or not, as the reference does.
    """
    if count not in ("answers", "rows"):
        raise EstimateError("count_rule", f"{count!r} is no count; use answers or rows.")
    over = responses(design, variables, "listwise")
    groups = domains(design, by)
    seen = np.logical_and.reduce([r.observed for r in over])
    names, rows, top, inside, sides = [], [], [], [], []
    for b in over:
        for a in over:
            for g, label in enumerate(groups.names):
                here = (groups.codes == g) & seen & design.active
                counted = here if count == "answers" else (groups.codes == g) & design.active
                n, mass = int(np.count_nonzero(counted)), float(design.weights[here].sum())
                centre = [design.weights[here] @ r.values[here] / mass if mass else np.nan for r in (a, b)]
                scale = np.sqrt(n / max(n - 1, 1))
                left, right = ((r.values - c) * scale for r, c in zip((a, b), centre, strict=True))
                pair = f"{a.name}:{b.name}"
                names.append(row_name(label, pair, len(over) == 1) if label else pair)
                rows.append({**groups.rows[g], "variable": a.name, "category": "", "with": b.name})
                top.append(np.where(here, left * right, 0.0))
                sides.append((np.where(here, left, 0.0), np.where(here, right, 0.0)))
                inside.append(here)
    cells = Cells(
        tuple(names),
        tuple(rows),
        np.stack(top, 1),
        np.stack(inside, 1) * 1.0,
        np.stack(inside, 1),
        np.moveaxis(np.array(sides), 0, 2),
    )
    return _estimate(design, "variance", cells, "none", level, df, False)


def cdf(
    design: SurveyDesign,
    variable: Any,
    at: Sequence[float] | None = None,
    by: Any = None,
    **options: Any,
) -> Estimates:
    """The distribution function: the proportion at or below each value of ``at`` (None: every observed
    value)."""
    column = columns_of(design, variable)[0]
    if column.kind == "number":
        values = column.numeric()
    else:
        values = np.where(column.values < 0, np.nan, column.values)
    seen = values[design.active & ~np.isnan(values)]
    points = np.unique(seen) if at is None else np.asarray(at, float)
    below = {
        f"{column.name}<={_point(column, t)}": np.where(np.isnan(values), np.nan, (values <= t) * 1.0)
        for t in points
    }
    return replace(mean(design, below, by=by, **options), statistic="cdf")


def _point(column: Column, value: float) -> str:
    return column.levels[int(value)] if column.kind == "category" else f"{value:g}"


def table(
    design: SurveyDesign, rows: Any, columns: Any = None
) -> tuple[tuple[str, ...], tuple[str, ...], Floats]:
    """Weighted counts of a cross table: row levels, column levels, (r, c) sums of weights. R:
    ``svytable``."""
    a = columns_of(design, rows)[0].category()
    b = columns_of(design, columns)[0].category() if columns is not None else None
    codes_b = b.values if b is not None else np.zeros(len(design), np.int64)
    levels_b = b.levels if b is not None else ("",)
    seen = (a.values >= 0) & (codes_b >= 0)
    cell = a.values[seen] * len(levels_b) + codes_b[seen]
    counts = np.bincount(cell, design.weights[seen], len(a.levels) * len(levels_b))
    return a.levels, levels_b, np.asarray(counts, float).reshape(len(a.levels), len(levels_b))


def difference(first: Estimates, second: Estimates, level: float = 0.95) -> Estimates:
    """First minus second for two independent samples, row by row, with Satterthwaite's degrees of freedom.

    With several rows the smallest of their degrees of freedom is reported. Source: Satterthwaite (1946).
    """
    if first.names != second.names:
        raise EstimateError(
            "unlike_rows", "The two results have different rows, so their difference has no meaning."
        )
    variances = np.diag(first.covariance), np.diag(second.covariance)
    both = variances[0] + variances[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        dfs = both**2 / (variances[0] ** 2 / first.df + variances[1] ** 2 / second.df)
    return from_covariance(
        "difference",
        first.names,
        first.rows,
        first.estimate - second.estimate,
        first.covariance + second.covariance,
        first.base + second.base,
        float(np.nanmin(dfs)) if np.isfinite(dfs).any() else min(first.df, second.df),
        level,
    )


# -- the kernel


def _cells(design: SurveyDesign, variables: Any, by: Any, missing: str) -> Cells:
    over = responses(design, variables, missing)
    groups = domains(design, by)
    single = len(over) == 1
    k, n = len(over) * len(groups.names), len(design)
    numerators, inside = np.zeros((n, k)), np.zeros((n, k), bool)
    names, rows = [], []
    active = design.active
    for i, response in enumerate(over):
        for g, label in enumerate(groups.names):
            j = i * len(groups.names) + g
            here = active & response.observed
            if len(groups.names) > 1 or label:
                here = here & (groups.codes == g)
            inside[:, j] = here
            numerators[:, j] = np.where(here, response.values, 0.0)
            names.append(row_name(label, response.name, single))
            rows.append({**groups.rows[g], **response.row})
    return Cells(tuple(names), tuple(rows), numerators, None, inside)


def _estimate(
    design: SurveyDesign,
    statistic: str,
    cells: Cells,
    deff: str,
    level: float,
    df: float | None,
    keep_replicates: bool,
) -> Estimates:
    if deff not in DEFF_RULES:
        raise EstimateError("deff_rule", f"{deff!r} is no design effect; use {', '.join(DEFF_RULES)}.")
    w = design.weights
    base = cells.inside.sum(axis=0).astype(float)
    if not base.any():
        raise EstimateError(
            "all_missing",
            f"Nothing is observed for {cells.rows[0].get('variable', '')}: every value is missing or "
            "outside the "
            "domain.",
            place=cells.rows[0].get("variable", ""),
        )
    top = w @ cells.numerators
    below = np.ones(len(top)) if cells.denominators is None else w @ cells.denominators
    void = (base == 0) | (below == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(void, np.nan, top / below)
    if design.replicates is not None:
        covariance, values = _replicated(design, cells, estimate)
    else:
        scores = _scores(w, cells, estimate, below, void)
        covariance, values = design.covariance(scores), None
        if design.averages:
            covariance = _averaged_by_cell(design, cells, scores, covariance)
    covariance[void, :] = np.nan
    covariance[:, void] = np.nan
    notes = tuple(f"no_cases: {name}" for name, empty in zip(cells.names, void, strict=True) if empty)
    if statistic in ("mean", "variance"):
        notes += _constant(cells)
    dfs = np.full(len(top), df if df is not None else design.df)
    if df is None and cells.rows[0].keys() - {"variable", "category", "denominator", "with"}:
        dfs = domain_df(design, cells.inside)
    out = from_covariance(
        statistic,
        cells.names,
        cells.rows,
        estimate,
        covariance,
        base,
        design.df if df is None else df,
        level,
        deff=_deff(design, statistic, cells, estimate, np.diag(covariance), deff),
        notes=notes,
        replicates=values if keep_replicates else None,
    )
    half = np.array([critical(level, d) for d in dfs]) * out.se
    effective = np.array([kish_effective_n(w[here]) for here in cells.inside.T])
    known = np.isfinite(out.effective_n)
    return replace(
        out,
        low=out.estimate - half,
        high=out.estimate + half,
        effective_n=np.where(known, out.effective_n, effective),
    )


def _scores(w: Floats, cells: Cells, estimate: Floats, below: Floats, void: Array) -> Floats:
    if cells.denominators is None:
        return np.asarray(cells.numerators * w[:, None])
    centre = np.where(void, 0.0, estimate)
    out = cells.numerators - centre * cells.denominators
    out *= w[:, None]
    out /= np.where(void, 1.0, below)
    return out


def _constant(cells: Cells) -> tuple[str, ...]:
    """A note for every cell of several cases that all have the same value: an error of 0 is no precision."""
    low = np.where(cells.inside, cells.numerators, np.inf).min(axis=0)
    high = np.where(cells.inside, cells.numerators, -np.inf).max(axis=0)
    return tuple(f"no_variance: {name}" for name, same in zip(cells.names, low == high, strict=True) if same)


def _averaged_by_cell(design: SurveyDesign, cells: Cells, scores: Floats, covariance: Floats) -> Floats:
    """The covariance with the variances that each cell has as a subset of its own: the rule ``average`` for
    lonely PSUs averages over the strata that the subset touches. NaN where all of these have one PSU."""
    own = np.empty(scores.shape[1])
    for j, here in enumerate(cells.inside.T):
        try:
            own[j] = design.subset(here).covariance(scores[:, j])[0, 0]
        except DesignError:  # Every stratum that this cell touches has one PSU only.
            own[j] = np.nan
    joint = np.diag(covariance)
    factor = np.sqrt(np.divide(own, joint, out=np.where(np.isnan(own), np.nan, 1.0), where=joint > 0))
    return np.asarray(covariance * np.outer(factor, factor))


def _replicated(design: SurveyDesign, cells: Cells, estimate: Floats) -> tuple[Floats, Floats]:
    replicates = design.replicates
    assert replicates is not None
    top = replicates.totals(cells.numerators)
    below = 1.0 if cells.denominators is None else replicates.totals(cells.denominators)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = top / below
        if cells.sides is not None:
            values = values - np.prod([replicates.totals(side) / below for side in cells.sides], axis=0)
    usable = np.isfinite(estimate)
    covariance = np.full((len(estimate), len(estimate)), np.nan)
    index = np.flatnonzero(usable)
    covariance[np.ix_(index, index)] = replicates.covariance(values[:, index], estimate[index])
    return covariance, values


def domain_df(design: SurveyDesign, inside: Array) -> Floats:
    """(k,) degrees of freedom of each domain given as a column of ``inside`` (n, k): PSUs minus strata with
    data."""
    if design.replicates is not None:
        return np.full(inside.shape[1], design.df)
    first = design.plan[0]
    out = np.empty(inside.shape[1])
    for j, here in enumerate(inside.T):
        live = np.zeros(len(first.unit_stratum), bool)
        live[first.unit[here]] = True
        out[j] = live.sum() - len(np.unique(first.unit_stratum[live]))
    return out


def _deff(
    design: SurveyDesign, statistic: str, cells: Cells, estimate: Floats, variances: Floats, rule: str
) -> Floats:
    """Design variance over the variance under simple random sampling of the same size."""
    if rule == "none":
        return np.full(len(estimate), np.nan)
    w = design.weights
    n = cells.inside.sum(axis=0)
    mass = w @ cells.inside
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (w @ cells.numerators) / mass
        spread = np.array(
            [
                w[here] @ (column[here] - c) ** 2
                for here, column, c in zip(cells.inside.T, cells.numerators.T, centre, strict=True)
            ]
        )
        simple = spread / mass / (n - 1)
        if rule == "without":
            simple = np.where(mass < n, np.nan, simple * (mass - n) / mass)
        if statistic == "total":
            simple = simple * mass**2
        return np.where(simple > 0, variances / simple, np.nan)


__all__ = [
    "Domains",
    "Response",
    "cdf",
    "difference",
    "domain_df",
    "mean",
    "ratio",
    "table",
    "total",
    "variance",
]
