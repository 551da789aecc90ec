"""Many tests at once: adjusted p-values and declared families.

A family is declared before the data: Holm for the headlines that must not contain one false claim,
Benjamini-Hochberg for a table book in which a small share of false marks can be borne. Both p-values, single
and adjusted, are always shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis import readout
from analysis.columns import Floats
from analysis.errors import EstimateError

if TYPE_CHECKING:
    import polars


def _holm(p: Floats) -> Floats:
    n = len(p)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((n - np.arange(n)) * p[order])
    return _restore(np.minimum(stepped, 1.0), order)


def _step_up(p: Floats, factors: Floats) -> Floats:
    """Cumulative minimum from the largest p-value down; ``factors`` (n,) belong to ranks n .. 1."""
    order = np.argsort(p, kind="stable")[::-1]
    stepped = np.minimum.accumulate(factors * p[order])
    return _restore(np.minimum(stepped, 1.0), order)


def _hochberg(p: Floats) -> Floats:
    return _step_up(p, np.arange(1, len(p) + 1, dtype=float))


def _bh(p: Floats) -> Floats:
    n = len(p)
    return _step_up(p, n / np.arange(n, 0, -1))


def _by(p: Floats) -> Floats:
    n = len(p)
    harmonic = float(np.sum(1.0 / np.arange(1, n + 1)))
    return _step_up(p, harmonic * n / np.arange(n, 0, -1))


def _hommel(p: Floats) -> Floats:
    """Closed Simes tests in O(n^2), after the algorithm of Wright (1992), Biometrics 48, appendix."""
    n = len(p)
    order = np.argsort(p, kind="stable")
    ordered = p[order]
    best = np.full(n, np.min(n * ordered / np.arange(1, n + 1)))
    adjusted = best.copy()
    for size in range(n - 1, 1, -1):
        low = np.arange(n - size + 1)
        high = np.arange(n - size + 1, n)
        floor = np.min(size * ordered[high] / np.arange(2, size + 1))
        best[low] = np.minimum(size * ordered[low], floor)
        best[high] = best[n - size]
        adjusted = np.maximum(adjusted, best)
    return _restore(np.maximum(adjusted, ordered), order)


def _bonferroni(p: Floats) -> Floats:
    return np.minimum(len(p) * p, 1.0)


def _none(p: Floats) -> Floats:
    return p


def _restore(values: Floats, order: np.ndarray) -> Floats:
    out = np.empty_like(values)
    out[order] = values
    return out


METHODS: Mapping[str, Callable[[Floats], Floats]] = {
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "bonferroni": _bonferroni,
    "bh": _bh,
    "by": _by,
    "none": _none,
}
"""Holm (1979), Hochberg (1988), Hommel (1988) and Bonferroni keep the chance of one false claim in the
family; Benjamini and Hochberg (1995) and Benjamini and Yekutieli (2001, under any dependence) the share of
false claims."""


def adjust(p_values: Sequence[float] | Floats, method: str = "holm") -> Floats:
    """(k,) adjusted p-values; missing ones stay missing and do not count. R: ``p.adjust``.

    Raises :class:`EstimateError` for an unknown method and for numbers outside 0..1.
    """
    p = np.asarray(p_values, float)
    if method.lower() not in METHODS:
        raise EstimateError(
            "unknown_adjustment",
            f"{method!r} is no method of adjustment; use one of {', '.join(METHODS)}.",
            place=method,
        )
    known = ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        place = int(np.flatnonzero(known & ~((p >= 0) & (p <= 1)))[0])
        raise EstimateError(
            "not_a_p_value",
            f"Test {place + 1} has the p-value {p[place]:g}; it must lie between 0 and 1.",
            place=str(place + 1),
        )
    out = np.full(p.shape, np.nan)
    if known.any():
        out[known] = METHODS[method.lower()](p[known])
    return out


@dataclass(frozen=True)
class Family:
    """Tests that are judged together: a name that is printed, and how their p-values are adjusted."""

    name: str
    method: str = "holm"


HEADLINES = Family("headlines", "holm")
BOOK = Family("table book", "bh")


@dataclass(frozen=True, eq=False)
class Comparisons:
    """k tests of one family: ``statistic``, ``df``, single and adjusted p-values (k,)."""

    family: Family
    names: tuple[str, ...]
    estimate: Floats
    se: Floats
    statistic: Floats
    df: float
    p_value: Floats
    adjusted: Floats

    def to_dict(self) -> dict[str, list[object]]:
        """Columns as lists."""
        out: dict[str, list[object]] = {"comparison": list(self.names)}
        for key in ("estimate", "se", "statistic", "p_value", "adjusted"):
            out[key] = [None if np.isnan(v) else float(v) for v in getattr(self, key)]
        return out

    def to_polars(self) -> polars.DataFrame:
        """The same as a polars frame."""
        return readout.to_polars(self)


def judge(
    family: Family,
    names: Sequence[str],
    estimate: Floats,
    se: Floats,
    df: float,
    p_value: Floats | None = None,
) -> Comparisons:
    """t tests of k differences against 0, adjusted within their family; ``p_value`` overrides the t tests."""
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, estimate / se, np.nan)
    single = 2.0 * stats.t.sf(np.abs(t), df) if p_value is None else np.asarray(p_value, float)
    return Comparisons(family, tuple(names), estimate, se, t, df, single, adjust(single, family.method))


def pairwise(
    names: Sequence[str], estimate: Floats, covariance: Floats, df: float, family: Family = HEADLINES
) -> Comparisons:
    """All k(k-1)/2 differences between estimates, with their covariance; named ``first-second``."""
    k = len(names)
    left, right = np.triu_indices(k, 1)
    difference = estimate[left] - estimate[right]
    variance = covariance[left, left] + covariance[right, right] - 2 * covariance[left, right]
    labels = [f"{names[i]}-{names[j]}" for i, j in zip(left.tolist(), right.tolist(), strict=True)]
    return judge(family, labels, difference, np.sqrt(np.maximum(variance, 0.0)), df)
