"""What calibration leaves of an estimate's variance: residuals of scores from the calibration variables.

Calibrated totals do not vary along the known margins, so the variance of an estimate is that of the residuals
of its scores, plus the variance of the margins themselves where they are estimates. Source: Deville and
Särndal (1992), JASA 87, section 3; Särndal, Swensson, Wretman (1992), 7.9; for margins with errors Dever and
Valliant (2010), Survey Methodology 36.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import linalg

from analysis.columns import Floats, Ints
from analysis.products import crossed, spread
from analysis.raking import Cells

SWEEPS = 10
"""Alternating sweeps over raked margins; the reference stops after ten as well."""


class Projection(Protocol):
    """One calibration step. ``uncertainty`` (q,) are variances of its q totals, or None where they are
    exact."""

    @property
    def uncertainty(self) -> Floats | None: ...  # pragma: no cover

    def split(self, scores: Floats) -> tuple[Floats, Floats]:
        """Residuals (n, p) of weighted scores (n, p), and their coefficients (q, p) on the q totals."""
        ...  # pragma: no cover

    def margin_totals(self, weights: Floats) -> Floats:
        """(q,) the totals that these weights reach."""
        ...  # pragma: no cover


def group_sums(values: Floats, codes: Ints, count: int) -> Floats:
    """(count, p) sums of (n, p) values by group."""
    return np.stack([np.bincount(codes, column, count) for column in values.T], axis=1)


def group_means(values: Floats, codes: Ints, weights: Floats | None, count: int) -> Floats:
    """(count, p) weighted means of (n, p) values by group; 0 for a group without weight."""
    mass = np.bincount(codes, weights, count)
    sums = group_sums(values if weights is None else values * weights[:, None], codes, count)
    return np.asarray(np.divide(sums, mass[:, None], out=np.zeros_like(sums), where=mass[:, None] != 0))


def _ratio(scores: Floats, scale: Floats) -> Floats:
    return np.asarray(np.divide(scores, scale[:, None], out=np.zeros_like(scores), where=scale[:, None] != 0))


@dataclass(frozen=True, eq=False)
class PostStrata:
    """Post-stratification: deviations from post-stratum means, weighted by the weights ``before`` (n,)."""

    codes: Ints
    before: Floats
    after: Floats
    uncertainty: Floats | None = None
    count: int = 0

    def split(self, scores: Floats) -> tuple[Floats, Floats]:
        z = _ratio(scores, self.after)
        means = group_means(z, self.codes, self.before, self.count)
        return np.asarray((z - means[self.codes]) * self.after[:, None]), means

    def margin_totals(self, weights: Floats) -> Floats:
        return np.asarray(np.bincount(self.codes, weights, self.count), float)


@dataclass(frozen=True, eq=False)
class Raked:
    """Raking. The sweeps run on cell sums, so that their cost does not grow with the rows."""

    cells: Cells
    weights: Floats
    uncertainty: Floats | None = None

    def split(self, scores: Floats) -> tuple[Floats, Floats]:
        cells, key = len(self.cells), self.cells.key
        z = _ratio(scores, self.weights)
        counts = np.bincount(key, self.weights != 0, cells)
        live = np.flatnonzero(counts)
        left, counts = group_sums(z, key, cells)[live], counts[live]
        taken = np.zeros((cells, z.shape[1]))
        coefficients = [np.zeros((size, z.shape[1])) for size in self.cells.sizes]
        for _ in range(SWEEPS):
            for m, size in enumerate(self.cells.sizes):
                member = self.cells.members[m][live]
                mass = np.bincount(member, counts, size)[:, None]
                sums = group_sums(left, member, size)
                means = np.divide(sums, mass, out=np.zeros_like(sums), where=mass != 0)
                left -= counts[:, None] * means[member]
                taken[live] += means[member]
                coefficients[m] += means
        residual = (z - taken[key]) * self.weights[:, None]
        return np.asarray(residual), np.concatenate(coefficients)

    def margin_totals(self, weights: Floats) -> Floats:
        return np.concatenate(self.cells.margins(self.cells.mass(weights)))


@dataclass(frozen=True, eq=False)
class Regression:
    """Calibration to totals of ``matrix`` (n, q): residuals of the weighted regression on it.

    ``before`` (n,) are the weights that were calibrated and ``after`` (n,) the result. Only the triangular
    root of the Gram matrix is kept beside the columns, so that a covariance costs one pass.
    """

    matrix: Floats
    before: Floats
    after: Floats
    variance: Floats | None = None
    uncertainty: Floats | None = None

    @cached_property
    def half(self) -> Floats:
        """(n,) square root of the regression weights."""
        return np.asarray(np.sqrt(self.before if self.variance is None else self.before / self.variance))

    @cached_property
    def basis(self) -> tuple[Floats, Ints]:
        """Triangular root of the weighted Gram matrix, and the columns that are not combinations of
        others."""
        weighted = self.matrix * self.half[:, None]
        root = np.asarray(np.linalg.qr(weighted, mode="r"))
        size = np.maximum(np.linalg.norm(root, axis=0), 1e-300)
        _, pivoted, order = linalg.qr(root / size, mode="economic", pivoting=True)
        diagonal = np.abs(np.diag(pivoted))
        kept = np.sort(order[: int(np.count_nonzero(diagonal > 1e-9 * diagonal[0]))])
        if len(kept) < root.shape[1]:
            root = np.asarray(np.linalg.qr(weighted[:, kept], mode="r"))
        return root, np.asarray(kept, np.int64)

    def split(self, scores: Floats) -> tuple[Floats, Floats]:
        root, kept = self.basis
        z = _ratio(scores, self.after) * self.half[:, None]
        x = self.matrix[:, kept] if len(kept) < self.matrix.shape[1] else self.matrix
        coefficients = np.zeros((self.matrix.shape[1], z.shape[1]))
        for _ in range(2):  # The second round mends what the squared condition number cost (Björck 1987).
            inner = linalg.solve_triangular(root, crossed(x, z * self.half[:, None]), trans="T")
            step = linalg.solve_triangular(root, inner)
            z = z - spread(x, step) * self.half[:, None]
            coefficients[kept] += step
        return np.asarray(_ratio(z, self.half) * self.after[:, None]), coefficients

    def margin_totals(self, weights: Floats) -> Floats:
        return np.asarray(weights @ self.matrix)


def residuals(scores: Floats, steps: Sequence[Projection]) -> tuple[Floats, Floats]:
    """(n, p) scores after every step, first to last, and (p, p) the covariance that uncertain margins add."""
    p = scores.shape[1]
    added = np.zeros((p, p))
    for step in steps:
        scores, coefficients = step.split(scores)
        if step.uncertainty is not None:
            added += coefficients.T @ (coefficients * step.uncertainty[:, None])
    return scores, added
