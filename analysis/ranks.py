"""Rank tests in complex samples.

Source: Lumley and Scott (2013), Biometrika 100: ranks are estimated in the population by weighted mid-ranks,
the test is a design-based regression of the rank scores on the groups. R: ``svyranktest``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis.columns import Floats, Ints
from analysis.design import SurveyDesign
from analysis.diagnostics import refuse_negative_weights
from analysis.errors import EstimateError

SCORES: Mapping[str, Callable[[Floats], Floats]] = {
    "wilcoxon": lambda share: share,
    "van_der_waerden": lambda share: np.asarray(stats.norm.ppf(share)),
    "median": lambda share: np.asarray((share > 0.5) * 1.0, float),
}
"""Score of a rank given as its share of the population; with three groups and more ``wilcoxon`` is the test
of Kruskal and Wallis."""

TIES = ("midrank", "row_order")
"""How tied values share ranks. ``midrank``: the middle of the weight that they hold together. ``row_order``:
the plain mean of the ranks they would have in the order of the rows, which is what the reference computes;
with unequal weights it depends on that order."""


@dataclass(frozen=True, eq=False)
class RankTest:
    """``statistic`` is t with ``ddf`` degrees of freedom for two groups, a chi-square on ``df`` (p from F)
    for more.

    ``difference`` is the mean rank score of the second group minus the first, NaN for more than two groups.
    """

    method: str
    groups: tuple[str, ...]
    statistic: float
    df: int
    ddf: float
    p_value: float
    difference: float
    mean_scores: Floats
    base: int


def population_shares(values: Floats, weights: Floats, ties: str = "midrank") -> Floats:
    """(n,) rank of every row as a share of the population, in (0, 1).

    >>> population_shares(np.array([5.0, 1.0, 5.0]), np.array([1.0, 2.0, 1.0])).tolist()
    [0.75, 0.25, 0.75]
    """
    if ties not in TIES:
        raise EstimateError(
            "unknown_ties", f"{ties!r} is no rule for ties; use {' or '.join(TIES)}.", place=ties
        )
    distinct, code = np.unique(values, return_inverse=True)
    mass = np.bincount(code, weights, len(distinct))
    if ties == "midrank":
        shares = (np.cumsum(mass) - mass / 2) / mass.sum()
        # A group of ties whose middle is the median lies at it, whatever the sums were rounded to.
        return np.asarray(np.where(np.abs(shares - 0.5) < AT_MEDIAN, 0.5, shares)[code])
    return _in_row_order(values, weights, code)


AT_MEDIAN = 1e-12


def _in_row_order(values: Floats, weights: Floats, code: Ints) -> Floats:
    """The reference's shares, summed as it sums: running sums, the mean of a group and its correction in
    extended precision, for whether a group lies above the median may hang on the last bit."""
    order = np.argsort(values, kind="stable")
    middle = np.empty(len(values))
    middle[order] = np.cumsum(weights[order].astype(np.longdouble)).astype(float) - weights[order] / 2
    size = np.bincount(code)
    first = np.zeros(len(size), np.longdouble)
    np.add.at(first, code, middle.astype(np.longdouble))
    first /= size
    rest = np.zeros(len(size), np.longdouble)
    np.add.at(rest, code, middle - first[code])
    rank, total = (first + rest / size).astype(float), float(weights.astype(np.longdouble).sum())
    shares = rank / total
    return np.where((shares == 0.5) & (rank > total / 2), np.nextafter(0.5, 1), shares)[code]


def rank_test(
    design: SurveyDesign, outcome: Any, group: Any, scores: str = "wilcoxon", ties: str = "midrank"
) -> RankTest:
    """Test that groups have the same distribution of an ordered outcome. R: ``svyranktest``.

    Two groups: t of the difference of mean rank scores on df - 1. More: Wald test on (groups - 1, df -
    groups + 1). A category is ranked by the order of its levels. Raises :class:`EstimateError` for a
    constant outcome and fewer than two groups.
    """
    if scores not in SCORES:
        raise EstimateError(
            "unknown_scores", f"{scores!r} is no rank score; use {', '.join(SCORES)}.", place=scores
        )
    refuse_negative_weights(design.weights, "a rank test")
    column = design.column(outcome)
    values = column.values.astype(float) if column.kind == "category" else column.numeric()
    groups = design.column(group).category()
    rows = design.active & column.observed & (groups.values >= 0)
    inside = design.subset(rows)
    present, code = np.unique(groups.values[rows], return_inverse=True)
    if len(present) < 2:
        raise EstimateError(
            "one_group",
            f"{groups.name} has {len(present)} groups with an answer; a rank test needs two.",
            place=groups.name,
        )
    y, w = values[rows], design.weights[rows]
    if np.ptp(y) == 0:
        raise EstimateError(
            "constant_outcome", f"{column.name} is the same in every case.", place=column.name
        )
    score = SCORES[scores](population_shares(y, w, ties))
    mass = np.bincount(code, w)
    means = np.bincount(code, w * score) / mass
    influence = np.zeros((len(design), len(present)))
    influence[np.flatnonzero(rows), code] = w * (score - means[code]) / mass[code]
    covariance = design.covariance(influence)
    labels = tuple(groups.levels[i] for i in present)
    base = int(rows.sum())
    if len(present) == 2:
        difference = float(means[1] - means[0])
        se = float(np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
        ddf = inside.df - 1
        t = difference / se
        p = float(2 * stats.t.sf(abs(t), ddf))
        return RankTest(scores, labels, t, 1, ddf, p, difference, means, base)
    q = len(present) - 1
    contrast = np.column_stack([-np.ones(q), np.eye(q)])
    gaps = contrast @ means
    chi2 = float(gaps @ np.linalg.solve(contrast @ covariance @ contrast.T, gaps))
    ddf = inside.df - q
    p = float(stats.f.sf(chi2 / q, q, ddf))
    return RankTest(scores, labels, chi2, q, ddf, p, float("nan"), means, base)
