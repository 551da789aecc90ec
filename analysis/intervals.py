"""Intervals for proportions, for many cells at once.

R: ``svyciprop``. All inputs and results are arrays (k,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special, stats

from analysis.columns import Floats
from analysis.errors import EstimateError


@dataclass(frozen=True, eq=False)
class Shares:
    """What intervals need, all (k,): proportions ``p``, standard errors ``se``, rows ``n`` of the domain
    (missing answers counted, as in the reference), degrees of freedom ``df``, Kish's effective n ``kish``,
    one ``level``.

    ``logit_se`` (k,) are standard errors on the logit scale where replicates give them directly.
    """

    p: Floats
    se: Floats
    n: Floats
    df: Floats
    kish: Floats
    level: float = 0.95
    logit_se: Floats | None = None

    @property
    def t(self) -> Floats:
        """(k,) critical values; NaN without degrees of freedom."""
        if not 0 < self.level < 1:
            raise EstimateError("bad_level", f"A confidence level lies between 0 and 1, not at {self.level}.")
        tail = 0.5 + self.level / 2
        df = np.where(self.df > 0, self.df, np.nan)
        return np.where(np.isinf(df), stats.norm.ppf(tail), stats.t.ppf(tail, df))

    @property
    def inner(self) -> np.ndarray:
        """(k,) proportions strictly between 0 and 1 with a variance."""
        return np.asarray((self.p > 0) & (self.p < 1) & (self.se > 0))

    @property
    def effective_n(self) -> Floats:
        """p (1 - p) / v; where the design shows no variance Kish's effective n stands in."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.inner, self.p * (1 - self.p) / self.se**2, self.kish)

    def at(self, i: int) -> Shares:
        """One cell."""
        part = [i]
        return Shares(self.p[part], self.se[part], self.n[part], self.df[part], self.kish[part], self.level)


Interval = tuple[Floats, Floats]


def _mean(s: Shares) -> Interval:
    return s.p - s.t * s.se, s.p + s.t * s.se


def _logit(s: Shares) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore"):
        half = s.t * (s.se / (s.p * (1 - s.p)) if s.logit_se is None else s.logit_se)
        centre = special.logit(s.p)
        return _edges(s, special.expit(centre - half), special.expit(centre + half))


def _xlogit(s: Shares) -> Interval:
    return _logit(replace(s, logit_se=None))


def _asin(s: Shares) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore"):
        half = s.t * s.se / (2 * np.sqrt(s.p * (1 - s.p)))
        centre = np.arcsin(np.sqrt(s.p))
        return _edges(s, np.sin(centre - half) ** 2, np.sin(centre + half) ** 2)


def _edges(s: Shares, low: Floats, high: Floats) -> Interval:
    """Transformed intervals do not exist at 0 and 1; there the exact binomial one on the effective n is
    given."""
    if s.inner.all():
        return low, high
    exact = _beta(s)
    return np.where(s.inner, low, exact[0]), np.where(s.inner, high, exact[1])


def _beta(s: Shares) -> Interval:
    """Korn and Graubard (1998), Survey Methodology 24: Clopper-Pearson on the df-adjusted effective n."""
    tail = (1 - s.level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ok = (s.df > 0) & (s.n > 1)
        own = stats.t.ppf(tail, np.where(ok, s.n - 1, 1))
        adjust = np.where(ok, own / stats.t.ppf(tail, np.where(ok, s.df, 1)), 1.0)
        adjust = np.where(np.isinf(s.df), 1.0, adjust)
        n = s.effective_n * adjust**2
        x = n * s.p
        low = np.where(s.p <= 0, 0.0, stats.beta.ppf(tail, x, n - x + 1))
        high = np.where(s.p >= 1, 1.0, stats.beta.ppf(1 - tail, x + 1, n - x))
    return low, high


def _wilson(s: Shares) -> Interval:
    """Wilson (1927), JASA 22, with the effective n of the design and the t quantile."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n, z = s.effective_n, s.t
        n = np.where(n > 0, n, np.nan)
        centre = (s.p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(s.p * (1 - s.p) / n + z**2 / (4 * n**2))
        low = np.where(s.p <= 0, 0.0, np.maximum(centre - half, 0.0))
        high = np.where(s.p >= 1, 1.0, np.minimum(centre + half, 1.0))
        return np.where(np.isnan(half), np.nan, low), np.where(np.isnan(half), np.nan, high)


def _likelihood(s: Shares, i: int) -> tuple[float, float]:
    """Rao-Scott scaled binomial likelihood ratio against F(1, df) (Rao and Scott 1984, Annals of Statistics
    12).

    The deviance carries the binomial dispersion n/(n-1), as in the reference; the limits are exact roots,
    where R interpolates the profile with a spline.
    """
    p, n = float(s.p[i]), float(s.effective_n[i])
    bound = float(s.t[i] ** 2 * s.n[i] / max(s.n[i] - 1, 1))

    if p <= 0:
        return 0.0, float(-np.expm1(-bound / (2 * n)))
    if p >= 1:
        return float(np.exp(-bound / (2 * n))), 1.0

    def excess(q: float) -> float:
        left = special.xlogy(p, p / q) + special.xlogy(1 - p, (1 - p) / (1 - q))
        return float(2 * n * left - bound)

    top = 1 - 1e-16
    low = float(optimize.brentq(excess, 1e-300, p, xtol=1e-300, rtol=1e-14, maxiter=2000))
    high = float(optimize.brentq(excess, p, top, xtol=1e-15, rtol=1e-14)) if excess(top) > 0 else 1.0
    return low, high


def _profile(s: Shares, i: int) -> tuple[float, float]:
    """The likelihood interval read off a spline through the profile, to reproduce limits published from R.

    Signed roots of the deviance are taken at steps of a fifth of the range on the logit scale, joined by a
    cubic spline and read off linearly at the critical value, as R's ``confint`` does for
    ``method="likelihood"``.
    """
    if not s.inner[i]:
        return _likelihood(s, i)
    p, n = float(s.p[i]), max(float(s.n[i]), 2.0)
    se, centre = float(s.se[i]) / (p * (1 - p)), float(special.logit(p))
    cutoff = float(s.t[i]) * se * np.sqrt(n * p * (1 - p))
    reach = float(np.sqrt(stats.f.isf(stats.norm.cdf(-cutoff) / 2, 1, n - 1)))
    points = [(centre, 0.0)]
    for side in (-1.0, 1.0):
        for step in range(1, 10):
            at = centre + side * step * reach / 5 * se
            q = float(special.expit(at))
            left = special.xlogy(p, p / q) + special.xlogy(1 - p, (1 - p) / (1 - q))
            points.append((at, side * float(np.sqrt(max(2 * (n - 1) * left, 0.0)))))
            if abs(points[-1][1]) >= reach:
                break
    x, z = np.array(sorted(points)).T
    grid = np.linspace(x[0], x[-1], 3 * len(x))
    low, high = np.interp([-cutoff, cutoff], _spline(x, z, grid), grid)
    return float(special.expit(low)), float(special.expit(high))


def _spline(x: Floats, y: Floats, at: Floats) -> Floats:
    """Cubic spline whose third derivatives at the ends are those of the cubic through the four end points.

    Forsythe, Malcolm and Moler (1977), *Computer Methods for Mathematical Computations*, chapter 4.
    """
    m, h = len(x), np.diff(x)
    slope = np.diff(y) / h
    second = np.diff(slope) / (x[2:] - x[:-2])
    third = np.diff(second) / (x[3:] - x[:-3])
    system, right = np.zeros((m, m)), np.zeros(m)
    for i in range(1, m - 1):
        system[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        right[i] = 6 * (slope[i] - slope[i - 1])
    system[0, :2], right[0] = (-1.0, 1.0), 6 * h[0] * third[0]
    system[-1, -2:], right[-1] = (-1.0, 1.0), 6 * h[-1] * third[-1]
    bend = np.linalg.solve(system, right)
    j = np.clip(np.searchsorted(x, at, side="right") - 1, 0, m - 2)
    a, b, width = (x[j + 1] - at) / h[j], (at - x[j]) / h[j], h[j] ** 2 / 6
    return np.asarray(a * y[j] + b * y[j + 1] + width * ((a**3 - a) * bend[j] + (b**3 - b) * bend[j + 1]))


def _each(one: Callable[[Shares, int], tuple[float, float]]) -> Callable[[Shares], Interval]:
    def many(s: Shares) -> Interval:
        usable = (s.df > 0) & (s.effective_n > 0)
        rows = [one(s, i) if usable[i] else (np.nan, np.nan) for i in range(len(s.p))]
        low, high = np.array(rows, float).reshape(-1, 2).T
        return low, high

    return many


INTERVALS: dict[str, Callable[[Shares], Interval]] = {
    "wilson": _wilson,
    "beta": _beta,
    "logit": _logit,
    "xlogit": _xlogit,
    "likelihood": _each(_likelihood),
    "profile": _each(_profile),
    "asin": _asin,
    "mean": _mean,
}
"""By name. ``logit`` and ``xlogit`` are both Wald intervals on the logit scale; with replicate weights
``logit`` takes the standard error from the replicates' logits, ``xlogit`` by the delta method."""


def interval_from(p: float, n: float, level: float = 0.95, method: str = "wilson") -> tuple[float, float]:
    """Interval of a published proportion from its effective n alone, for comparisons with published
    aggregates."""
    if not n > 0 or not 0 <= p <= 1:
        raise EstimateError("published_share", f"A proportion of {p:g} with n = {n:g} has no interval.")
    one = np.ones(1)
    share = Shares(one * p, one * np.sqrt(p * (1 - p) / n), one * max(n, 2), one * np.inf, one * n, level)
    low, high = INTERVALS[method](share)
    return float(low[0]), float(high[0])
