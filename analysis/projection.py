"""What calibration leaves of an estimate's variance: residuals of scores from the calibration variables.

Calibrated totals do not vary along the known margins, so the variance of an estimate is that of the residuals
of its scores. Source: Deville and Särndal (1992), JASA 87, section 3; Särndal, Swensson, Wretman (1992), 7.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.columns import Floats, Ints

SWEEPS = 10
"""Alternating sweeps over raked margins; the reference stops after ten as well."""


class Projection(Protocol):
    """Maps weighted scores (n, p) to their residuals (n, p)."""

    def residuals(self, scores: Floats) -> Floats: ...  # pragma: no cover


def group_means(values: Floats, codes: Ints, weights: Floats | None, count: int) -> Floats:
    """(count, p) weighted means of (n, p) values by group; 0 for a group without weight."""
    mass = np.bincount(codes, weights, count)
    columns = values if weights is None else values * weights[:, None]
    sums = np.stack([np.bincount(codes, column, count) for column in columns.T], axis=1)
    return np.asarray(np.divide(sums, mass[:, None], out=np.zeros_like(sums), where=mass[:, None] != 0))


def _ratio(scores: Floats, scale: Floats) -> Floats:
    return np.asarray(np.divide(scores, scale[:, None], out=np.zeros_like(scores), where=scale[:, None] != 0))


@dataclass(frozen=True, eq=False)
class PostStrata:
    """Post-stratification: deviations from post-stratum means, weighted by the weights ``before`` (n,)."""

    codes: Ints
    before: Floats
    after: Floats

    def residuals(self, scores: Floats) -> Floats:
        z = _ratio(scores, self.after)
        means = group_means(z, self.codes, self.before, int(self.codes.max()) + 1)
        return np.asarray((z - means[self.codes]) * self.after[:, None])


@dataclass(frozen=True, eq=False)
class Raked:
    """Raking to margins: ``codes`` one (n,) array per margin, ``weights`` (n,) after raking."""

    codes: tuple[Ints, ...]
    weights: Floats

    def residuals(self, scores: Floats) -> Floats:
        z = _ratio(scores, self.weights)
        live = self.weights != 0
        unit = live.astype(float)
        for _ in range(SWEEPS):
            for codes in self.codes:
                z = z - group_means(z, codes, unit, int(codes.max()) + 1)[codes]
        return np.asarray(z * self.weights[:, None])


@dataclass(frozen=True, eq=False)
class Regression:
    """Calibration to totals of ``matrix`` (n, q): residuals of the weighted regression on it.

    ``before`` (n,) are the weights that were calibrated and ``after`` (n,) the result. The root of the Gram
    matrix is kept, not the (n, q) orthogonal basis, so that memory does not grow with replicated calibrations.
    """

    matrix: Floats
    before: Floats
    after: Floats
    variance: Floats | None = None

    def residuals(self, scores: Floats) -> Floats:
        half = np.sqrt(self.before if self.variance is None else self.before / self.variance)
        z = _ratio(scores, self.after) * half[:, None]
        basis = self.matrix * half[:, None]
        coefficients, *_ = np.linalg.lstsq(basis, z, rcond=1e-11)
        out = z - basis @ coefficients
        return np.asarray(_ratio(out, half) * self.after[:, None])


def residuals(scores: Floats, steps: Sequence[Projection]) -> Floats:
    """(n, p) scores after every calibration step, first to last."""
    for step in steps:
        scores = step.residuals(scores)
    return scores
