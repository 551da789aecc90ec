"""Proportions with intervals made for proportions.

With 30 respondents and 3 % the usual symmetric interval covers 59 % in place of 95 %, so the default is Wilson's on
the effective sample size. R: ``svyciprop``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from analysis.columns import Floats
from analysis.design import SurveyDesign
from analysis.diagnostics import kish_effective_n
from analysis.errors import EstimateError
from analysis.estimates import domain_df, mean
from analysis.responses import domains, responses
from analysis.results import Estimates, critical


@dataclass(frozen=True)
class Share:
    """What an interval needs: proportion, its standard error, rows ``n`` of the domain (missing answers counted, as
    in the reference), degrees of freedom, level, Kish's effective n."""

    p: float
    se: float
    n: int
    df: float
    level: float
    kish: float
    logit_se: float | None = None
    """Standard error on the logit scale where replicates give it directly."""

    @property
    def t(self) -> float:
        return critical(self.level, self.df)

    @property
    def effective_n(self) -> float:
        """p (1 - p) / v; where p is 0 or 1 the design shows no variance and Kish's effective n stands in."""
        if self.se > 0:
            return self.p * (1 - self.p) / self.se**2
        return self.kish


Interval = tuple[float, float]


def _mean(s: Share) -> Interval:
    return s.p - s.t * s.se, s.p + s.t * s.se


def _logit(s: Share) -> Interval:
    if not 0 < s.p < 1:
        return _beta(s)
    half = s.t * (s.logit_se or s.se / (s.p * (1 - s.p)))
    centre = special.logit(s.p)
    return float(special.expit(centre - half)), float(special.expit(centre + half))


def _xlogit(s: Share) -> Interval:
    return _logit(replace(s, logit_se=None))


def _asin(s: Share) -> Interval:
    if not 0 < s.p < 1:
        return _beta(s)
    half = s.t * s.se / (2 * np.sqrt(s.p * (1 - s.p)))
    centre = np.arcsin(np.sqrt(s.p))
    return float(np.sin(centre - half) ** 2), float(np.sin(centre + half) ** 2)


def _beta(s: Share) -> Interval:
    """Korn and Graubard (1998), Survey Methodology 24: Clopper-Pearson on the df-adjusted effective n."""
    tail = (1 - s.level) / 2
    n = s.effective_n
    if s.df > 0 and s.n > 1:
        n = n * float(stats.t.ppf(tail, s.n - 1) / stats.t.ppf(tail, s.df)) ** 2
    x = n * s.p
    low = 0.0 if s.p <= 0 else float(stats.beta.ppf(tail, x, n - x + 1))
    high = 1.0 if s.p >= 1 else float(stats.beta.ppf(1 - tail, x + 1, n - x))
    return low, high


def _wilson(s: Share) -> Interval:
    """Wilson (1927), JASA 22, with the effective n of the design and the t quantile."""
    n, z = s.effective_n, s.t
    if not n > 0:
        return np.nan, np.nan
    centre = (s.p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(s.p * (1 - s.p) / n + z**2 / (4 * n**2))
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def _likelihood(s: Share) -> Interval:
    """Rao-Scott scaled binomial likelihood ratio against F(1, df) (Rao and Scott 1984, Annals of Statistics 12).

    The deviance carries the binomial dispersion n/(n-1), as in the reference; the limits are exact roots, where R
    interpolates the profile with a spline.
    """
    n, bound = s.effective_n, s.t**2 * s.n / max(s.n - 1, 1)

    def excess(q: float) -> float:
        left = special.xlogy(s.p, s.p / q) + special.xlogy(1 - s.p, (1 - s.p) / (1 - q))
        return float(2 * n * left - bound)

    tiny = 1e-300
    low = (
        0.0 if s.p <= 0 else float(optimize.brentq(excess, tiny, s.p, xtol=1e-300, rtol=1e-14, maxiter=2000))
    )
    top = 1 - 1e-16
    high = (
        1.0
        if s.p >= 1 or excess(top) < 0
        else float(optimize.brentq(excess, s.p, top, xtol=1e-15, rtol=1e-14))
    )
    return low, high


def _profile(s: Share) -> Interval:
    """The likelihood interval read off a spline through the profile, to reproduce limits published from R.

    Signed roots of the deviance are taken at steps of a fifth of the range on the logit scale, joined by a cubic
    spline and read off linearly at the critical value, as R's ``confint`` does for ``method="likelihood"``.
    """
    if not 0 < s.p < 1 or not s.se > 0:
        return _likelihood(s)
    se, n, centre = s.se / (s.p * (1 - s.p)), max(s.n, 2), float(special.logit(s.p))
    cutoff = s.t * se * np.sqrt(n * s.p * (1 - s.p))
    reach = float(np.sqrt(stats.f.isf(stats.norm.cdf(-cutoff) / 2, 1, n - 1)))
    points = [(centre, 0.0)]
    for side in (-1.0, 1.0):
        for step in range(1, 10):
            at = centre + side * step * reach / 5 * se
            q = float(special.expit(at))
            left = special.xlogy(s.p, s.p / q) + special.xlogy(1 - s.p, (1 - s.p) / (1 - q))
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
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, m - 2)
    a, b, width = (x[i + 1] - at) / h[i], (at - x[i]) / h[i], h[i] ** 2 / 6
    return np.asarray(a * y[i] + b * y[i + 1] + width * ((a**3 - a) * bend[i] + (b**3 - b) * bend[i + 1]))


INTERVALS: dict[str, Callable[[Share], Interval]] = {
    "wilson": _wilson,
    "beta": _beta,
    "logit": _logit,
    "xlogit": _xlogit,
    "likelihood": _likelihood,
    "profile": _profile,
    "asin": _asin,
    "mean": _mean,
}
"""By name. ``logit`` and ``xlogit`` are both Wald intervals on the logit scale; with replicate weights ``logit`` takes
the standard error from the replicates' logits, ``xlogit`` by the delta method."""


def proportion(
    design: SurveyDesign,
    variables: Any,
    by: Any = None,
    *,
    method: str = "wilson",
    level: float = 0.95,
    df: float | None = None,
    deff: str = "replace",
    missing: str = "each",
) -> Estimates:
    """Proportions of every category (or of a 0/1 variable) with intervals for proportions.

    ``method`` one of :data:`INTERVALS`; ``df`` None: PSUs minus strata with rows, in each domain of ``by``. Rows with
    a proportion of 0 or 1 use Kish's effective n and carry a note ``no_variance``. Raises :class:`EstimateError`
    for values outside 0 to 1.
    """
    if method not in INTERVALS:
        raise EstimateError("interval", f"{method!r} is no interval; use {', '.join(INTERVALS)}.")
    over = responses(design, variables, missing)
    for response in over:
        values = response.values[response.observed & design.active]
        if values.size and (values.min() < 0 or values.max() > 1):
            raise EstimateError(
                "not_a_share",
                f"{response.name} takes values from {values.min():g} to {values.max():g}; a proportion needs 0 and 1, "
                "or a category.",
                place=response.name,
            )
    out = mean(design, variables, by=by, deff=deff, missing=missing, level=level, keep_replicates=True)
    groups = domains(design, by)
    inside = np.stack(
        [(groups.codes == g) & r.observed & design.active for r in over for g in range(len(groups.names))],
        axis=1,
    )
    cells = np.stack([groups.codes == g for g in range(len(groups.names))], axis=1) & design.active[:, None]
    each = np.full(len(groups.names), df) if df is not None else domain_df(design, cells)
    dfs = np.tile(each, len(over))
    low, high = np.full(len(out), np.nan), np.full(len(out), np.nan)
    notes = list(out.notes)
    for i in np.flatnonzero(out.base > 0):
        share = Share(
            float(np.clip(out.estimate[i], 0.0, 1.0)),
            float(out.se[i]),
            int(cells[:, i % len(groups.names)].sum()),
            float(dfs[i]),
            level,
            kish_effective_n(design.weights[inside[:, i]]),
            _logit_se(design, out, i),
        )
        if share.se == 0 or not 0 < share.p < 1:
            share = replace(share, se=0.0)
            notes.append(f"no_variance: {out.names[i]}")
        if share.df > 0:
            low[i], high[i] = INTERVALS[method](share)
    return replace(
        out, statistic="proportion", low=low, high=high, interval=method, notes=tuple(notes), replicates=None
    )


def _logit_se(design: SurveyDesign, out: Estimates, i: int) -> float | None:
    if design.replicates is None or out.replicates is None or not 0 < out.estimate[i] < 1:
        return None
    logits = special.logit(np.clip(out.replicates[:, [i]], 0.0, 1.0))
    return float(np.sqrt(design.replicates.covariance(logits, special.logit(out.estimate[[i]]))[0, 0]))


def interval_from(p: float, n: float, level: float = 0.95, method: str = "wilson") -> Interval:
    """Interval of a published proportion from its effective n alone, for comparisons with published aggregates."""
    if not n > 0 or not 0 <= p <= 1:
        raise EstimateError("published_share", f"A proportion of {p:g} with n = {n:g} has no interval.")
    share = Share(p, float(np.sqrt(p * (1 - p) / n)), int(max(n, 2)), np.inf, level, n)
    return INTERVALS[method](share)


__all__ = ["INTERVALS", "Floats", "Share", "interval_from", "proportion"]
