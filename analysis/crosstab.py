"""Shares of every answer in every group, with design-based errors, from one pass over the rows per table.

For designs in which every row is its own unit (people drawn within strata) with at most one raking or
post-stratification, all scores of a row depend only on its stratum, its calibration cell, its group and its
answer. So weights, squared weights and cases are summed once per combination of these, and variances are
small matrix work on the sums - exactly the linearised variance of :func:`analysis.estimates.mean`, which
stands in for every other design. Source: Deville & Särndal (1992) for the residuals of raking; Wilson (1927)
for the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse, stats

from analysis.columns import Column, Floats, Ints
from analysis.design import SurveyDesign
from analysis.projection import SWEEPS, PostStrata, Raked, group_sums
from analysis.sampling import stage_factors


@dataclass(frozen=True, eq=False)
class Crosstab:
    """Shares of C answers in D groups.

    ``share``, ``se``, ``low``, ``high``, ``effective`` have shape (D, C) and are NaN in empty groups;
    ``base`` (D,) and ``count`` (D, C) are unweighted; ``df`` (D,); ``weight`` (D,) sums of weights;
    ``spread`` (D,) the largest over the smallest weight of a group.
    """

    share: Floats
    se: Floats
    low: Floats
    high: Floats
    effective: Floats
    base: Ints
    count: Ints
    df: Floats
    weight: Floats
    spread: Floats
    difference: Floats
    difference_se: Floats


@dataclass(frozen=True, eq=False)
class Tabulator:
    """A design prepared for many tables: combinations ``place`` (n,) of stratum and calibration cell."""

    design: SurveyDesign
    place: Ints
    stratum: Ints
    cell: Ints
    sizes: Floats
    factors: Floats
    masses: Floats
    squares: Floats
    raked: Raked | PostStrata | None
    fast: bool

    @cached_property
    def in_stratum(self) -> Any:
        """(strata, places) 1 where a place lies in a stratum."""
        return _indicator(self.stratum, len(self.sizes))

    @cached_property
    def in_cell(self) -> Any:
        """(cells, places) 1 where a place lies in a calibration cell."""
        cells = len(self.raked.cells) if isinstance(self.raked, Raked) else int(self.cell.max()) + 1
        return _indicator(self.cell, cells)

    @cached_property
    def sweeps(self) -> Floats:
        """(cells, cells) what the sweeps over the raked margins take out, as a matrix: they are linear."""
        assert isinstance(self.raked, Raked)
        cells = self.raked.cells
        rows = np.bincount(cells.key, self.raked.weights != 0, len(cells))
        live = np.flatnonzero(rows)
        counts = rows[live].astype(float)
        left = np.eye(len(cells))[live]
        taken = np.zeros((len(cells), len(cells)))
        margins = [
            _indicator(np.asarray(m)[live], size) for m, size in zip(cells.members, cells.sizes, strict=True)
        ]
        for _ in range(SWEEPS):
            for margin in margins:
                mass = np.asarray(margin @ counts)[:, None]
                sums = margin @ left
                step = margin.T @ np.divide(sums, mass, out=np.zeros_like(sums), where=mass != 0)
                left -= counts[:, None] * step
                taken[live] += step
        return taken

    @classmethod
    def of(cls, design: SurveyDesign) -> Tabulator:
        """Prepares a design; designs that the sums cannot represent are estimated the general way, table by
        table.
        """
        first, step = design.plan[0], design.calibrations
        fast = (
            design.replicates is None
            and len(design.plan) == 1
            and first.single_rows
            and first.population is None
            and len(step) <= 1
            and bool(first.size.min() > 1)
        )
        raked: Raked | PostStrata | None = None
        cell, after = np.zeros(len(design), np.int64), design.weights
        if fast and step:
            only = step[0]
            if isinstance(only, Raked) and only.uncertainty is None:
                raked, cell, after = only, np.asarray(only.cells.key, np.int64), only.weights
            elif isinstance(only, PostStrata) and only.uncertainty is None:
                raked, cell, after = only, only.codes, only.after
            else:
                fast = False
            inside = design.weights != 0
            fast = fast and bool(np.array_equal(after[inside], design.weights[inside]))
        if not fast:
            empty, none = np.zeros(0), np.zeros(0, np.int64)
            return cls(design, none, none, none, empty, empty, empty, empty, None, False)
        width = int(cell.max()) + 1 if len(cell) else 1
        distinct, place = np.unique(design.stratum * width + cell, return_inverse=True)
        factors, _ = stage_factors(
            first, design.lonely, None if design.domain is None else first.touched(design.active)
        )
        # Rows outside a domain have no score, but calibration still takes its share out of their weight.
        outer = design.weights if raked is None else after
        return cls(
            design,
            place.astype(np.int64),
            distinct // width,
            distinct % width,
            first.size.astype(float),
            np.asarray(factors, dtype=float),
            np.asarray(np.bincount(place, outer, len(distinct)), dtype=float),
            np.asarray(np.bincount(place, outer**2, len(distinct)), dtype=float),
            raked,
            True,
        )

    def table(self, item: Column, group: Column | None = None, level: float = 0.95) -> Crosstab:
        """The table of one item by one group (None: everybody)."""
        item = item.category()
        answers = item.values
        groups = np.zeros(len(answers), np.int64) if group is None else group.category().values
        shape = (1 if group is None else len(group.category().levels), len(item.levels))
        weights = self.design.weights
        live = (answers >= 0) & (groups >= 0) & (weights != 0)
        flat = groups[live] * shape[1] + answers[live]
        count = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        if self.fast:
            share, variance, rest, rest_variance = self._fast(item, groups, live, shape)
        else:
            share, variance, rest, rest_variance = self._general(item, groups, live, shape)
        found = self._finish(share, variance, count, groups, live, level)
        return replace(found, difference=share - rest, difference_se=np.sqrt(rest_variance))

    def _fast(
        self, item: Column, groups: Ints, live: np.ndarray, shape: tuple[int, int]
    ) -> tuple[Floats, Floats, Floats, Floats]:
        places, (d, c) = len(self.stratum), shape
        w = self.design.weights[live]
        key = (self.place[live] * d + groups[live]) * c + item.values[live]
        size = places * d * c

        def sums_of(values: Floats | None) -> Floats:
            return np.asarray(np.bincount(key, values, size), dtype=float).reshape(places, d, c)

        sums = _Sums(sums_of(None), sums_of(w), sums_of(w * w))
        total = sums.mass.sum(axis=0)
        share, hit, miss = _scores(total)
        rest, rest_hit, rest_miss = _scores(total.sum(axis=0, keepdims=True) - total)
        own = _Scores(hit, miss, np.zeros_like(hit), np.zeros_like(hit))
        variance = self._variance(sums, own)
        against = variance * 0
        if d > 1:
            # The contrast's score: that of the group for its members, minus that of the rest for all others.
            against = self._variance(sums, _Scores(hit, miss, -rest_hit, -rest_miss))
        return share, variance, rest, against

    def _variance(self, sums: _Sums, scores: _Scores) -> Floats:
        """(D, C) variance of the total of the given scores after calibration."""
        _, d, c = sums.mass.shape
        taken = self._taken(scores.spread(sums.cases), scores.spread(sums.mass), d * c)
        squares = scores.squared(sums.square) - 2 * taken * scores.spread(sums.square)
        squares += self.squares[:, None] * taken**2
        left = scores.spread(sums.mass) - self.masses[:, None] * taken
        by_stratum = self.in_stratum @ squares - (self.in_stratum @ left) ** 2 / self.sizes[:, None]
        variance = (self.factors[:, None] * by_stratum).sum(axis=0).reshape(d, c)
        return np.asarray(np.maximum(variance, 0.0), dtype=float)

    def _taken(self, cases: Floats, mass: Floats, width: int) -> Floats:
        """(places, width) what calibration takes out of the scores, per unit of weight."""
        if self.raked is None:
            return np.zeros((len(self.stratum), width))
        if isinstance(self.raked, PostStrata):
            return self._post_taken(self.raked, mass)
        return np.asarray((self.sweeps @ (self.in_cell @ cases))[self.cell])

    def _post_taken(self, step: PostStrata, mass: Floats) -> Floats:
        # Within a post-stratum all weights moved by one factor, so means weighted before and after agree.
        sums = group_sums(mass, self.cell, step.count)
        rows = np.bincount(step.codes, step.after, step.count)[:, None]
        means = np.divide(sums, rows, out=np.zeros_like(sums), where=rows != 0)
        return np.asarray(means[self.cell])

    def _general(
        self, item: Column, groups: Ints, live: np.ndarray, shape: tuple[int, int]
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """The same through the engine's covariance, group by group, for any design."""
        d, c = shape
        weights = np.where(live, self.design.weights, 0.0)
        answers = np.where(live, item.values, 0)
        flat = np.bincount(np.where(live, groups, 0) * c + answers, weights, d * c)
        total = np.asarray(flat, dtype=float).reshape(d, c)
        share, hit, miss = _scores(total)
        rest, rest_hit, rest_miss = _scores(total.sum(axis=0, keepdims=True) - total)
        variance, against = np.zeros(shape), np.zeros(shape)
        for g in range(d):
            inside = (live & (groups == g))[:, None]
            yes = answers[:, None] == np.arange(c)
            own = np.where(inside, np.where(yes, hit[g], miss[g]), 0.0)
            other = np.where(live[:, None] & ~inside, np.where(yes, rest_hit[g], rest_miss[g]), 0.0)
            variance[g] = np.diag(self.design.covariance(own * weights[:, None]))
            if d > 1:
                against[g] = np.diag(self.design.covariance((own - other) * weights[:, None]))
        return share, np.maximum(variance, 0.0), rest, np.maximum(against, 0.0)

    def _finish(
        self, share: Floats, variance: Floats, count: Ints, groups: Ints, live: np.ndarray, level: float
    ) -> Crosstab:
        d = len(share)
        weights = self.design.weights
        inside = groups[live]
        mass = np.bincount(inside, weights[live], d)
        mass2 = np.bincount(inside, weights[live] ** 2, d)
        kish = np.divide(mass**2, mass2, out=np.zeros(d), where=mass2 > 0)
        top, low = np.zeros(d), np.full(d, np.inf)
        np.maximum.at(top, inside, weights[live])
        np.minimum.at(low, inside, weights[live])
        df = self._degrees(groups, d)
        with np.errstate(divide="ignore", invalid="ignore"):
            # Sums cancel to about 1e-32 where everybody answers alike: that is no variance, not a large n.
            certain = variance <= 1e-24
            effective = np.where(certain, kish[:, None], share * (1 - share) / variance)
            lower, upper = wilson(share, effective, critical_values(df, level)[:, None])
        return Crosstab(
            share=share,
            se=np.where(np.isnan(share), np.nan, np.sqrt(variance)),
            low=lower,
            high=upper,
            effective=effective,
            base=count.sum(axis=1),
            count=count,
            df=df,
            weight=np.asarray(mass, dtype=float),
            spread=np.divide(top, low, out=np.ones(d), where=np.isfinite(low) & (low > 0)),
            difference=np.zeros_like(share),
            difference_se=np.zeros_like(share),
        )

    def _degrees(self, groups: Ints, d: int) -> Floats:
        """(D,) units minus strata of each group, missing answers counted, as in the reference."""
        design = self.design
        if design.replicates is not None:
            return np.full(d, design.df)
        first = design.plan[0]
        inside = (groups >= 0) & (design.weights != 0)
        units, strata = first.unit[inside], len(first.size)
        if first.single_rows:
            count = np.bincount(groups[inside], minlength=d)
        else:
            pairs = np.unique(groups[inside] * len(first.unit_stratum) + units)
            count = np.bincount(pairs // len(first.unit_stratum), minlength=d)
        cells = np.bincount(groups[inside] * strata + first.unit_stratum[units], minlength=d * strata)
        return np.asarray(count - (cells.reshape(d, strata) > 0).sum(axis=1), dtype=float)


@dataclass(frozen=True, eq=False)
class _Sums:
    """(places, D, C) cases, sums of weights and of squared weights."""

    cases: Floats
    mass: Floats
    square: Floats


@dataclass(frozen=True, eq=False)
class _Scores:
    """(D, C) a row's score per weight: ``hit``/``miss`` inside the group, ``rest_hit``/``rest_miss`` in
    others.
    """

    hit: Floats
    miss: Floats
    rest_hit: Floats
    rest_miss: Floats

    def _through(
        self, part: Floats, hit: Floats, miss: Floats, rest_hit: Floats, rest_miss: Floats
    ) -> Floats:
        other = part.sum(axis=1, keepdims=True) - part
        here, there = part.sum(axis=2, keepdims=True), other.sum(axis=2, keepdims=True)
        result = part * hit + (here - part) * miss + other * rest_hit + (there - other) * rest_miss
        return np.asarray(result.reshape(len(part), -1))

    def spread(self, part: Floats) -> Floats:
        """(places, D * C) sums of the scores, ``part`` holding the sums of what they are multiplied by."""
        return self._through(part, self.hit, self.miss, self.rest_hit, self.rest_miss)

    def squared(self, part: Floats) -> Floats:
        """The same for the squares of the scores."""
        return self._through(part, self.hit**2, self.miss**2, self.rest_hit**2, self.rest_miss**2)


def _scores(total: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares (NaN without weight) and the scores of a row that gave an answer or gave another one."""
    below = total.sum(axis=1, keepdims=True)
    safe = np.where(below > 0, below, 1.0)
    share = total / safe
    # An empty group has no members, so its scores are never used; they must only be finite.
    return np.where(below > 0, share, np.nan), (1 - share) / safe, -share / safe


def _indicator(codes: Ints, count: int) -> Any:
    """(count, n) sparse matrix of ones that sums rows by their code."""
    n = len(codes)
    return sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(count, n))


def critical_values(df: Floats, level: float) -> Floats:
    """Two-sided t quantiles; NaN without degrees of freedom."""
    return np.where(df > 0, stats.t.ppf(0.5 + level / 2, np.maximum(df, 1)), np.nan)


def wilson(share: Floats, n: Floats, quantile: Floats) -> tuple[Floats, Floats]:
    """Wilson's interval on an effective n, for arrays; clipped to 0 .. 1."""
    z2 = quantile**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = quantile / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
