"""Replicate weights and the variance of any statistic computed with each of them.

Source: Wolter (2007), *Introduction to Variance Estimation*, chapters 3 to 5; R ``svrVar``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from analysis.columns import Bools, Floats, Ints
from analysis.errors import DataError, DesignError

RANK_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Replicates:
    """R sets of weights: ``base`` (n,) times ``factors`` (U, R) of the row's ``unit`` (n,) (None: U = n).

    Kept as factors per unit, R x PSUs in place of R x rows. ``scale`` and ``rscales`` (R,) multiply the
    squares; ``mse`` measures them from the full-sample value in place of the replicates' mean. ``df`` None:
    rank minus 1.
    """

    base: Floats
    factors: Floats
    unit: Ints | None
    scale: float
    rscales: Floats
    mse: bool
    kind: str
    df: float | None = None

    @classmethod
    def given(
        cls,
        weights: Floats,
        replicate_weights: Floats,
        scale: float,
        rscales: Floats | float,
        mse: bool,
        combined: bool,
        kind: str,
        df: float | None,
    ) -> Replicates:
        """Replicates from a table of weights (n, R) that came with the data."""
        table = np.asarray(replicate_weights, float)
        if table.ndim != 2 or table.shape[0] != len(weights):
            raise DataError(
                "replicate_shape",
                f"Replicate weights have shape {table.shape}; expected {len(weights)} rows and one column "
                "each.",
            )
        if not np.isfinite(table).all():
            raise DataError("replicate_missing", "Replicate weights contain missing values.")
        scales = np.broadcast_to(np.asarray(rscales, float), (table.shape[1],)).copy()
        base = np.ones(len(weights)) if combined else weights
        return cls(base, table, None, float(scale), scales, mse, kind, df)

    @property
    def count(self) -> int:
        """Number of replicates."""
        return int(self.factors.shape[1])

    def masked(self, inside: Bools) -> Replicates:
        """Replicates of a domain: weight 0 outside; degrees of freedom are taken anew."""
        return replace(self, base=np.where(inside, self.base, 0.0), df=None)

    def weights_of(self, r: int) -> Floats:
        """(n,) weights of replicate r."""
        column = self.factors[:, r]
        return np.asarray(self.base * (column if self.unit is None else column[self.unit]))

    def each(self, _weights: Floats | None = None) -> Iterator[Floats]:
        """The replicates' weights one after the other; never all in memory at once."""
        for r in range(self.count):
            yield self.weights_of(r)

    def matrix(self) -> Floats:
        """(n, R) all weights."""
        rows = self.factors if self.unit is None else self.factors[self.unit]
        return np.asarray(self.base[:, None] * rows)

    def totals(self, values: Floats) -> Floats:
        """(R, p) totals of unweighted ``values`` (n, p) under every replicate: one matrix product."""
        weighted = values * self.base[:, None]
        if self.unit is None:
            return np.asarray(self.factors.T @ weighted)
        units = len(self.factors)
        sums = np.stack([np.bincount(self.unit, column, units) for column in weighted.T], axis=1)
        return np.asarray(self.factors.T @ sums)

    def score_totals(self, scores: Floats, weights: Floats) -> Floats:
        """(R, p) totals of weighted scores (n, p) under every replicate, for linearised statistics."""
        plain = np.divide(scores, weights[:, None], out=np.zeros_like(scores), where=weights[:, None] != 0)
        return self.totals(plain)

    def covariance(self, values: Floats, full: Floats | None = None) -> Floats:
        """(p, p) from the replicates' values (R, p); ``full`` (p,) is the full-sample value for ``mse``."""
        used = np.isfinite(values).all(axis=1)
        if not used.any():
            raise DesignError("no_replicate_value", "The statistic is missing in every replicate.")
        centre = full if self.mse and full is not None else values[used & (self.rscales > 0)].mean(axis=0)
        deviations = (values[used] - centre) * np.sqrt(self.rscales[used])[:, None]
        return np.asarray(self.scale * (deviations.T @ deviations))

    def degrees(self, weights: Floats | None = None) -> float:
        """Degrees of freedom: as declared, else the rank of the replicate weights minus 1."""
        if self.df is not None and weights is None:
            return self.df
        if self.unit is None:
            table = self.factors * np.where(self.base != 0, self.base, 0.0)[:, None]
        else:
            mass = np.sqrt(np.bincount(self.unit, self.base**2, len(self.factors)))
            table = self.factors * mass[:, None]
        return float(column_rank(table) - 1)


def column_rank(table: Floats, tolerance: float = RANK_TOLERANCE) -> int:
    """Number of columns that keep more than ``tolerance`` of their length beside the columns before them.

    The tolerance of R's ``qr``, so that degrees of freedom agree with it.
    """
    norms = np.linalg.norm(table, axis=0)
    unit = table[:, norms > 0] / norms[norms > 0]
    if not unit.size:
        return 0
    root = np.asarray(np.linalg.qr(unit, mode="r")) if unit.shape[0] > unit.shape[1] else unit
    _, pivoted, _ = linalg.qr(root, mode="economic", pivoting=True)
    return int(np.count_nonzero(np.abs(np.diag(pivoted)) > tolerance))
