"""Tests of association in two-way tables, and agreement of two codings.

Source: Rao and Scott (1984), Annals of Statistics 12; Thomas and Rao (1987), JASA 82; Koch, Freeman and
Freeman (1975) for the Wald test. R: ``svychisq``, ``svykappa``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg, stats

from analysis import estimates, quadratic_forms
from analysis.columns import Column, Floats, interaction
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.results import Estimates


@dataclass(frozen=True, eq=False)
class TableTest:
    """A test of independence of two categories.

    ``statistic`` is F or X2 as ``method`` says, ``df`` and ``ddf`` its degrees of freedom (NaN where none
    apply), ``proportions`` (r, c) the weighted cell proportions, ``delta`` the eigenvalues of the
    generalised design effects.
    """

    method: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    statistic: float
    df: float
    ddf: float
    p_value: float
    proportions: Floats
    delta: Floats
    base: int


@dataclass(frozen=True, eq=False)
class _Table:
    design: SurveyDesign
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    codes: tuple[np.ndarray, np.ndarray]
    proportions: Floats
    covariance: Floats
    count: int

    @property
    def q(self) -> int:
        return (len(self.rows) - 1) * (len(self.columns) - 1)

    @property
    def expected(self) -> Floats:
        return np.outer(self.proportions.sum(axis=1), self.proportions.sum(axis=0))

    @property
    def pearson(self) -> float:
        return self.count * float(np.sum((self.proportions - self.expected) ** 2 / self.expected))

    def delta(self) -> Floats:
        """Eigenvalues of the matrix of generalised design effects, largest first."""
        r, c = self.proportions.shape
        p = self.proportions.ravel()
        inverse = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
        contrast = np.kron(linalg.helmert(r), linalg.helmert(c)).T
        simple = contrast.T @ (contrast * (inverse / self.count)[:, None])
        scaled = contrast * inverse[:, None]
        return np.asarray(linalg.eigh(scaled.T @ self.covariance @ scaled, simple, eigvals_only=True)[::-1])


STATISTICS = ("F", "chisq", "wald", "adjusted_wald", "exact", "saddlepoint")
"""Rao-Scott with second-order correction (the default), first order, Wald, Wald with Thomas-Rao's
correction, and the exact or approximate distribution of the weighted sum of chi-squares."""


def association(design: SurveyDesign, rows: Any, columns: Any, statistic: str = "F") -> TableTest:
    """Test that two categories are independent, in the cases where both are observed. R: ``svychisq``.

    Raises :class:`EstimateError` where a variable has one category, where a margin is empty, and where a
    Wald test has fewer degrees of freedom than it tests.
    """
    if statistic not in STATISTICS:
        raise EstimateError(
            "unknown_statistic",
            f"{statistic!r} is no statistic of a table; use {', '.join(STATISTICS)}.",
            place=statistic,
        )
    table = _tabulate(design, rows, columns)
    return _TESTS[statistic](table)


def _tabulate(design: SurveyDesign, rows: Any, columns: Any) -> _Table:
    a, b = (_used(design, v) for v in (rows, columns))
    seen = (a.values >= 0) & (b.values >= 0) & design.active
    for column in (a, b):
        present = np.bincount(column.values[seen], minlength=len(column.levels))
        empty = [level for level, k in zip(column.levels, present, strict=True) if not k]
        if empty:
            raise EstimateError(
                "empty_margin",
                f"{column.name}: {', '.join(empty[:5])} has no case in which the other variable is observed; "
                "merge or "
                "leave out the category.",
                place=column.name,
                categories=empty,
            )
    cells = interaction([b, a], drop=False)
    found = estimates.mean(design, Column("cell", "category", cells.values, cells.levels), deff="none")
    shape = (len(a.levels), len(b.levels))
    return _Table(
        design=design,
        rows=a.levels,
        columns=b.levels,
        codes=(a.values, b.values),
        proportions=found.estimate.reshape(shape),
        covariance=found.covariance,
        count=design.base,
    )


def _used(design: SurveyDesign, variable: Any) -> Column:
    """The category without the levels that no active case has."""
    column = design.column(variable).category()
    present = np.zeros(len(column.levels) + 1, bool)
    present[column.values[design.active]] = True
    kept = np.flatnonzero(present[:-1])
    if len(kept) < 2:
        raise EstimateError(
            "constant_variable",
            f"{column.name} has {len(kept)} categories among the cases; a test of association needs two.",
            place=column.name,
        )
    position = np.full(len(present), -1, np.int64)
    position[kept] = np.arange(len(kept))
    return replace(
        column, values=position[column.values], levels=tuple(column.levels[i] for i in kept), missing=None
    )


def _result(
    table: _Table, method: str, statistic: float, df: float, ddf: float, p: float, delta: Floats
) -> TableTest:
    return TableTest(
        method,
        table.rows,
        table.columns,
        statistic,
        df,
        ddf,
        p,
        table.proportions,
        delta,
        base=int(np.count_nonzero(table.design.active & (table.codes[0] >= 0) & (table.codes[1] >= 0))),
    )


def _second_order(table: _Table) -> TableTest:
    delta = table.delta()
    df = delta.sum() ** 2 / np.sum(delta**2)
    ddf = df * table.design.df
    f = table.pearson / delta.sum()
    return _result(table, "F", f, df, ddf, float(stats.f.sf(f, df, ddf)), delta)


def _first_order(table: _Table) -> TableTest:
    delta = table.delta()
    p = float(stats.chi2.sf(table.pearson / delta.mean(), table.q))
    return _result(table, "chisq", table.pearson, float(table.q), np.nan, p, delta)


def _distribution(method: str) -> Callable[[_Table], TableTest]:
    def run(table: _Table) -> TableTest:
        delta = table.delta()
        df = delta.sum() ** 2 / np.sum(delta**2)
        # Replicate designs are referred to infinite degrees of freedom, as in the reference.
        ddf = df * table.design.df if table.design.replicates is None else np.inf
        p = quadratic_forms.tail(table.pearson, delta, ddf, method)
        return _result(table, method, table.pearson, np.nan, np.nan, p, delta)

    return run


def _wald(adjusted: bool) -> Callable[[_Table], TableTest]:
    def run(table: _Table) -> TableTest:
        nu, q = table.design.df, table.q
        ddf = nu - q + 1 if adjusted else nu
        if nu < q:
            raise EstimateError(
                "few_degrees",
                f"A Wald test of {q} contrasts needs at least {q} degrees of freedom, the design has {nu:g}; "
                "use the "
                "statistic F.",
                df=nu,
            )
        difference, covariance = _departures(table)
        quadratic = float(difference @ np.linalg.solve(covariance, difference))
        f = quadratic * ddf / (q * nu) if adjusted else quadratic / q
        method = "adjusted_wald" if adjusted else "wald"
        return _result(table, method, f, float(q), ddf, float(stats.f.sf(f, q, ddf)), np.zeros(0))

    return run


def _departures(table: _Table) -> tuple[Floats, Floats]:
    """Cell proportions minus products of margins without the first row and column, and their covariance."""
    p, (a, b) = table.proportions, table.codes
    row, column = p.sum(axis=1), p.sum(axis=0)
    w = table.design.weights
    seen = (a >= 0) & (b >= 0) & table.design.active
    mass = w[seen].sum()
    scores = np.zeros((len(w), table.q))
    values = np.empty(table.q)
    pairs = [(i, j) for i in range(1, len(row)) for j in range(1, len(column))]
    for k, (i, j) in enumerate(pairs):
        in_row, in_column = (a == i)[seen] * 1.0, (b == j)[seen] * 1.0
        values[k] = p[i, j] - row[i] * column[j]
        z = in_row * in_column - in_row * column[j] - in_column * row[i] + row[i] * column[j]
        scores[seen, k] = w[seen] * z / mass
    return values, table.design.covariance(scores)


_TESTS: Mapping[str, Callable[[_Table], TableTest]] = {
    "F": _second_order,
    "chisq": _first_order,
    "wald": _wald(False),
    "adjusted_wald": _wald(True),
    "exact": _distribution("exact"),
    "saddlepoint": _distribution("saddlepoint"),
}


def kappa(design: SurveyDesign, rows: Any, columns: Any, level: float = 0.95) -> Estimates:
    """Cohen's kappa of two codings with the same categories: agreement beyond chance. R: ``svykappa``.

    Raises :class:`EstimateError` where the categories differ in number.
    """
    a, b = (_used(design, v) for v in (rows, columns))
    if len(a.levels) != len(b.levels):
        raise EstimateError(
            "unlike_categories",
            f"{a.name} has the categories {', '.join(a.levels)}, {b.name} {', '.join(b.levels)}; agreement "
            "needs the same.",
            place=b.name,
        )
    k = len(a.levels)
    cells = interaction([b, a], drop=False)
    codes = np.where(cells.values >= 0, cells.values, -1)
    names = tuple(f"{i},{j}" for i in range(k) for j in range(k))
    found = estimates.mean(design, Column("", "category", codes, names), deff="none", level=level)

    def statistic(p: Mapping[str, Any]) -> Any:
        cell = np.array([p[f"={name}"] for name in names]).reshape(k, k)
        observed, chance = np.trace(cell), cell.sum(axis=1) @ cell.sum(axis=0)
        return (observed - chance) / (1 - chance)

    return found.contrast({"kappa": statistic})
