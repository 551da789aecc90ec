"""The table book: proportions of many questions by many groups, from one pass over the rows.

Equal to :func:`analysis.proportions.proportion` cell by cell, and two orders of magnitude faster: totals are
taken once per PSU x domain x category (:mod:`analysis.partial_sums`), the rest is small matrix work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis import proportions
from analysis.columns import Column, Floats, Ints
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.intervals import INTERVALS, Shares
from analysis.partial_sums import Frame, PartialSums
from analysis.replicates import Replicates
from analysis.responses import Domains, domains
from analysis.results import FIGURES, Estimates
from analysis.sampling import Stage, centred_totals, stage_covariance, stage_factors

PRODUCT = 1 << 24
"""Numbers in one product of replicates and cells: 128 MB."""


@dataclass(frozen=True, eq=False)
class Question:
    """One question of a book: its name and categories."""

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Book:
    """K cells: all categories of all questions in all domains, question by question, domain by domain.

    ``estimate`` to ``effective_n`` are (K,); ``base`` is the unweighted number of answers to the question in
    the domain. ``covariance(j)`` computes the matrix of all cells of question j, when it is asked for.
    """

    questions: tuple[Question, ...]
    domains: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    deff: Floats
    base: Floats
    effective_n: Floats
    covariance: Callable[[int], Floats]
    df: float
    level: float
    interval: str

    def table(self, question: str) -> Estimates:
        """One question as :class:`Estimates`, with the full covariance of its cells."""
        start = 0
        for j, asked in enumerate(self.questions):
            size = len(self.domains) * len(asked.levels)
            if asked.name == question:
                part = slice(start, start + size)
                figures = {key: getattr(self, key)[part] for key in FIGURES}
                names, rows = [], []
                for domain, fields in zip(self.domains, self.rows, strict=True):
                    for level in asked.levels:
                        names.append(f"{domain}:{question}={level}" if domain else f"{question}={level}")
                        rows.append({**fields, "variable": question, "category": level})
                return Estimates(
                    statistic="proportion",
                    names=tuple(names),
                    rows=tuple(rows),
                    covariance=self.covariance(j),
                    df=self.df,
                    level=self.level,
                    interval=self.interval,
                    **figures,
                )
            start += size
        raise EstimateError("no_such_question", f"The book has no question {question!r}.", place=question)

    def to_dict(self) -> dict[str, list[Any]]:
        """All cells as columns."""
        tables = [self.table(q.name).to_dict() for q in self.questions]
        return {key: [value for table in tables for value in table[key]] for key in tables[0]}


def tabulate(
    design: SurveyDesign,
    questions: Sequence[str],
    by: Any = None,
    *,
    interval: str = "wilson",
    level: float = 0.95,
) -> Book:
    """Proportions of every category of every question in every group of ``by``.

    Single-stage and replicate designs take the fast way; several stages with population sizes, calibrated
    weights and averages over strata need the rows and are estimated question by question. R:
    ``svyby(~question, ~by, design, svymean)``.
    """
    if interval not in INTERVALS:
        raise EstimateError("interval", f"{interval!r} is no interval; use {', '.join(INTERVALS)}.")
    columns = [design.column(q).category() for q in questions]
    groups = domains(design, by)
    asked = tuple(Question(c.name, c.levels) for c in columns)
    by_rows = design.replicates is not None and design.replicates.unit is None
    rows_needed = len(design.plan) > 1 or design.calibrations or design.averages
    if by_rows or (design.replicates is None and rows_needed):
        return _one_by_one(design, asked, columns, groups, by, interval, level)
    stage = design.plan[0]
    elements = stage.single_rows and design.replicates is None
    unit = design.stratum if elements else stage.unit
    if design.replicates is not None and design.replicates.unit is not None:
        unit = design.replicates.unit
    count = len(stage.size) if elements else int(unit.max()) + 1
    frame = Frame(count, len(groups.names), tuple(len(c.levels) for c in columns), elements)
    sums = PartialSums.empty(frame)
    sums.add(unit, design.weights, groups.codes, [c.values for c in columns])
    return book(sums, stage, asked, groups, design.lonely, design.replicates, interval, level)


def book(
    sums: PartialSums,
    stage: Stage,
    asked: Sequence[Question],
    groups: Domains,
    lonely: str = "fail",
    replicates: Replicates | None = None,
    interval: str = "wilson",
    level: float = 0.95,
) -> Book:
    """A book from finished partial sums; ``stage`` is the sampling structure that their units belong to."""
    df, whole = _degrees(sums, stage, replicates)
    work = _Work(sums, stage, lonely, replicates)
    cells = work.replicated() if replicates is not None else [work.variances(j) for j in range(len(asked))]
    sizes = [len(one.levels) for one in asked]
    p = np.concatenate([shares.ravel() for shares, _ in cells])
    se = np.sqrt(np.maximum(np.concatenate([variances for _, variances in cells]), 0.0))
    base = np.concatenate([np.repeat(n, c) for n, c in zip(sums.counts, sizes, strict=True)]).astype(float)
    dfs = np.concatenate([np.repeat(df, c) for c in sizes])
    rows = np.concatenate([np.repeat(sums.rows.sum(axis=0), c) for c in sizes]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = p * (1 - p) / (base - 1)
        deff = np.where(simple > 0, se**2 / simple, np.nan)
        n_effective = np.where(deff > 0, base / deff, base)
    low, high = INTERVALS[interval](Shares(np.nan_to_num(p), np.nan_to_num(se), rows, dfs, base, level))
    void = base == 0
    return Book(
        questions=tuple(asked),
        domains=groups.names,
        rows=groups.rows,
        estimate=np.where(void, np.nan, p),
        se=np.where(void, np.nan, se),
        low=np.where(void, np.nan, low),
        high=np.where(void, np.nan, high),
        deff=deff,
        base=base,
        effective_n=n_effective,
        covariance=work.covariance,
        df=whole,
        level=level,
        interval=interval,
    )


def _degrees(sums: PartialSums, stage: Stage, replicates: Replicates | None) -> tuple[Floats, float]:
    """(domains,) degrees of freedom of every domain, and those of all rows together."""
    if replicates is not None:
        whole = replicates.degrees()
        return np.full(sums.frame.domains, whole), whole
    if sums.frame.elements:
        units, strata = sums.rows.astype(float), sums.rows > 0
        touched = float(units.sum())
    else:
        units = (sums.rows > 0).astype(float)
        strata = _by_stratum(units, stage.unit_stratum, len(stage.size)) > 0
        touched = float(units.any(axis=1).sum())
    df = units.sum(axis=0) - strata.sum(axis=0)
    return np.asarray(df), touched - float(strata.any(axis=1).sum())


def _by_stratum(values: Floats, strata: Ints, count: int) -> Floats:
    out = np.zeros((count, *values.shape[1:]))
    np.add.at(out, strata, values)
    return out


@dataclass(frozen=True, eq=False)
class _Work:
    """Variances for all cells at once; covariances of one question when they are asked for."""

    sums: PartialSums
    stage: Stage
    lonely: str
    replicates: Replicates | None

    def shares(self, j: int) -> tuple[Floats, Floats]:
        """Proportions (domains, categories) and weighted answers (domains,) of question j."""
        whole = self.sums.totals[j].sum(axis=0)
        mass = whole.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return whole / mass[:, None], mass

    def scores(self, j: int, p: Floats, mass: Floats) -> Floats:
        """(U, domains x categories) linearised unit totals."""
        totals = self.sums.totals[j]
        flat = totals - np.nan_to_num(p) * totals.sum(axis=2)[:, :, None]
        flat /= np.where(mass > 0, mass, 1.0)[:, None]
        return np.asarray(flat.reshape(len(flat), -1))

    def variances(self, j: int) -> tuple[Floats, Floats]:
        """Proportions (domains, categories) and the variances of its cells (k,)."""
        p, mass = self.shares(j)
        flat = self.scores(j, p, mass)
        if self.sums.frame.elements:
            return p, np.diag(self._elements(j, p, mass, flat))
        factor, alone = stage_factors(self.stage, self.lonely)
        centred = centred_totals(flat, self.stage, self.lonely, alone)
        return p, np.einsum("u,uk,uk->k", factor[self.stage.unit_stratum], centred, centred)

    def replicated(self) -> list[tuple[Floats, Floats]]:
        """The same from replicates: one matrix product for as many questions as fit into memory together."""
        assert self.replicates is not None
        replicates, totals, out = self.replicates, self.sums.totals, []
        widths = [t.shape[1] * t.shape[2] for t in totals]
        step = max(1, PRODUCT // (replicates.count * max(widths)))
        for start in range(0, len(totals), step):
            part = totals[start : start + step]
            values = replicates.factors.T @ np.concatenate([t.reshape(len(t), -1) for t in part], axis=1)
            for j, t in enumerate(part, start):
                own = values[:, : t.shape[1] * t.shape[2]]
                values = values[:, t.shape[1] * t.shape[2] :]
                p, _ = self.shares(j)
                moved = _shares_of(own, t.shape)
                moved -= p.ravel() if replicates.mse else moved[replicates.rscales > 0].mean(axis=0)
                variances = np.einsum("r,rk,rk->k", replicates.rscales, moved, moved)
                out.append((p, replicates.scale * variances))
        return out

    def covariance(self, j: int) -> Floats:
        """(k, k) of all cells of question j."""
        p, mass = self.shares(j)
        if self.replicates is not None:
            return _replicated(self.sums.totals[j], self.replicates, p)
        flat = self.scores(j, p, mass)
        if self.sums.frame.elements:
            return self._elements(j, p, mass, flat)
        return stage_covariance(flat, self.stage, self.lonely)

    def _elements(self, j: int, p: Floats, mass: Floats, flat: Floats) -> Floats:
        safe = np.where(mass > 0, mass, 1.0)
        return _element_covariance(
            self.sums.squares[j], np.nan_to_num(p), safe, flat, self.sums.size, self.stage, self.lonely
        )


def _element_covariance(
    squares: Floats, p: Floats, mass: Floats, flat: Floats, size: Ints, stage: Stage, lonely: str
) -> Floats:
    """Every row its own unit: sums of squared scores follow from sums of squared weights by stratum and
    category.

    ``squares`` (H, d, c), ``p`` (d, c), ``mass`` (d,), ``flat`` (H, d c) sums of scores, ``size`` (H,) rows.
    """
    factor, alone = stage_factors(stage, lonely)
    d, c = p.shape
    q = np.tensordot(factor, squares, axes=1)
    out = np.zeros((d, c, d, c))
    for i in range(d):
        cross = p[i][:, None] * q[i][None, :]
        block = np.diag(q[i]) - cross - cross.T + q[i].sum() * np.outer(p[i], p[i])
        out[i, :, i, :] = block / mass[i] ** 2
    mean_part = flat * np.sqrt(factor / np.maximum(size, 1))[:, None]
    covariance = out.reshape(d * c, d * c) - mean_part.T @ mean_part
    if lonely == "adjust" and alone.any():
        # A lonely row's square was cancelled by its own mean; it is counted from the grand mean instead.
        moved = flat[alone] - flat.sum(axis=0) / size.sum()
        covariance += moved.T @ moved
    return np.asarray(covariance)


def _shares_of(values: Floats, shape: tuple[int, ...]) -> Floats:
    """(R, d c) proportions from replicated totals (R, d c)."""
    again = values.reshape(-1, shape[1], shape[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((again / again.sum(axis=2, keepdims=True)).reshape(len(again), -1))


def _replicated(totals: Floats, replicates: Replicates, p: Floats) -> Floats:
    """(d c, d c) covariance from R replicates."""
    values = _shares_of(replicates.factors.T @ totals.reshape(len(totals), -1), totals.shape)
    full = p.ravel()
    index = np.flatnonzero(np.isfinite(full) & np.isfinite(values).all(axis=0))
    out = np.full((len(full), len(full)), np.nan)
    if index.size:
        out[np.ix_(index, index)] = replicates.covariance(values[:, index], full[index])
    return out


def _one_by_one(
    design: SurveyDesign,
    asked: tuple[Question, ...],
    columns: Sequence[Column],
    groups: Domains,
    by: Any,
    interval: str,
    level: float,
) -> Book:
    """The same book where the variance needs the rows: one question after the other."""
    parts: dict[str, list[Floats]] = {key: [] for key in FIGURES}
    covariances = []
    for column in columns:
        single = proportions.proportion(design, [column.name], by=by, method=interval, level=level)
        order = np.arange(len(single)).reshape(len(column.levels), len(groups.names)).T.ravel()
        for key in FIGURES:
            parts[key].append(getattr(single, key)[order])
        covariances.append(single.covariance[np.ix_(order, order)])
    figures = {key: np.concatenate(values) for key, values in parts.items()}
    return Book(
        questions=asked,
        domains=groups.names,
        rows=groups.rows,
        covariance=covariances.__getitem__,
        df=design.df,
        level=level,
        interval=interval,
        **figures,
    )
