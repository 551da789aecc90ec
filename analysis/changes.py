"""Change between two figures: intervals, the smallest change that could be seen, and "unchanged" as a
finding.

Source: Zou and Donner (2008), Statistics in Medicine 27 (MOVER: method of variance estimates recovery);
Newcombe (1998), Statistics in Medicine 17; Schuirmann (1987), Journal of Pharmacokinetics and
Biopharmaceutics 15 (equivalence).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analysis.errors import EstimateError
from analysis.intervals import INTERVALS, Shares
from analysis.results import Estimates, critical

KINDS = ("mean", "proportion", "total")


@dataclass(frozen=True)
class Point:
    """One figure of one wave: an estimate of our own, or a published aggregate with n and interval.

    ``time`` in the unit that a trend is wanted in (years). ``source`` is ``sample`` or ``published``. ``df``
    infinite where unknown. ``effective_n`` is what a proportion's interval rests on.
    """

    wave: str
    time: float
    estimate: float
    se: float
    base: float
    df: float = float("inf")
    kind: str = "mean"
    source: str = "sample"
    effective_n: float = float("nan")
    note: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise EstimateError(
                "unknown_kind",
                f"{self.kind!r} is no kind of figure; use {', '.join(KINDS)}.",
                place=self.wave,
            )
        if not (np.isfinite(self.estimate) and self.se >= 0):
            raise EstimateError(
                "no_estimate",
                f"The figure of {self.wave} is {self.estimate} with standard error {self.se}.",
                place=self.wave,
            )
        if self.kind == "proportion" and not 0 <= self.estimate <= 1:
            raise EstimateError(
                "not_a_proportion",
                f"The proportion of {self.wave} is {self.estimate:g}; give it as a number from 0 to 1, not "
                "in percent.",
                place=self.wave,
            )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Wilson on the effective n for a proportion, symmetric t for the rest."""
        if self.kind != "proportion":
            half = critical(level, self.df) * self.se
            return self.estimate - half, self.estimate + half
        one = np.ones(1)
        size = one * (self.effective_n if self.effective_n > 0 else self.base)
        error = np.sqrt(self.estimate * (1 - self.estimate) / size)
        share = Shares(one * self.estimate, error, one * self.base, one * self.df, size, level)
        low, high = INTERVALS["wilson"](share)
        return float(low[0]), float(high[0])


def effective_n(p: float, se: float, base: float) -> float:
    """p (1 - p) / se^2; the base where the proportion is 0 or 1 and so shows no variance."""
    return float(p * (1 - p) / se**2) if 0 < p < 1 and se > 0 else base


def point(found: Estimates, row: str | int, wave: str, time: float, kind: str = "mean") -> Point:
    """A row of an estimate as a point of a series."""
    i = found.position(row) if isinstance(row, str) else row
    estimate, se, base = (float(getattr(found, key)[i]) for key in ("estimate", "se", "base"))
    return Point(
        wave,
        time,
        estimate,
        se,
        base,
        found.df,
        kind,
        effective_n=effective_n(estimate, se, base) if kind == "proportion" else float("nan"),
    )


def published(
    wave: str,
    time: float,
    estimate: float,
    n: float,
    low: float | None = None,
    high: float | None = None,
    kind: str = "proportion",
    level: float = 0.95,
    sd: float | None = None,
    deff: float = 1.0,
    note: str = "",
) -> Point:
    """An aggregate that somebody else published: estimate, n, and its interval where it was printed.

    Without an interval a proportion's error follows from n and ``deff``, a mean's from ``sd``. Raises
    :class:`EstimateError` where neither is given, and where the interval does not hold the estimate.
    """
    if n <= 1:
        raise EstimateError("bad_n", f"The published figure of {wave} rests on n = {n:g}.", place=wave)
    if low is not None and high is not None:
        if not low <= estimate <= high or low == high:
            raise EstimateError(
                "bad_interval",
                f"The published interval of {wave} ({low:g} to {high:g}) does not hold its estimate "
                f"{estimate:g}.",
                place=wave,
            )
        se = (high - low) / (2 * critical(level, float("inf")))
    elif kind == "proportion":
        se = float(np.sqrt(deff * max(estimate * (1 - estimate), 0.0) / n))
    elif sd is not None:
        se = float(sd * np.sqrt(deff / n))
    else:
        raise EstimateError(
            "no_error",
            f"The published figure of {wave} has neither an interval nor a standard deviation; it can be "
            "shown, not compared.",
            place=wave,
        )
    size = effective_n(estimate, se, n) if kind == "proportion" else float("nan")
    return Point(wave, time, estimate, se, n, kind=kind, source="published", effective_n=size, note=note)


@dataclass(frozen=True)
class Change:
    """Second minus first. ``low`` and ``high`` at ``level`` by ``method`` (``mover`` or ``t``), ``p_value``
    from t on
    Satterthwaite's ``df``. ``correlation`` of the two figures is 0 for independent waves."""

    first: Point
    second: Point
    estimate: float
    se: float
    df: float
    p_value: float
    low: float
    high: float
    level: float
    method: str
    correlation: float = 0.0
    notes: tuple[str, ...] = ()


def satterthwaite(v1: float, df1: float, v2: float, df2: float) -> float:
    """Degrees of freedom of v1 + v2."""
    below = v1**2 / df1 + v2**2 / df2
    return (v1 + v2) ** 2 / below if below > 0 else float("inf")


def mover(first: Point, second: Point, level: float = 0.95, correlation: float = 0.0) -> tuple[float, float]:
    """Interval of second - first from the two single intervals, which may be lopsided."""
    (l1, u1), (l2, u2) = first.interval(level), second.interval(level)
    d = second.estimate - first.estimate
    a, b = second.estimate - l2, u1 - first.estimate
    c, e = u2 - second.estimate, first.estimate - l1
    low = d - np.sqrt(max(a**2 + b**2 - 2 * correlation * a * b, 0.0))
    high = d + np.sqrt(max(c**2 + e**2 - 2 * correlation * c * e, 0.0))
    return float(low), float(high)


def change(
    first: Point, second: Point, level: float = 0.95, correlation: float = 0.0, notes: tuple[str, ...] = ()
) -> Change:
    """Second minus first: MOVER for two proportions, t on Satterthwaite's degrees of freedom for the rest.

    Raises :class:`EstimateError` for figures of different kinds and where neither has a standard error.
    """
    if first.kind != second.kind:
        raise EstimateError(
            "unlike_kinds",
            f"{first.wave} holds a {first.kind}, {second.wave} a {second.kind}; their difference has no "
            "meaning.",
            place=second.wave,
        )
    d = second.estimate - first.estimate
    variance = first.se**2 + second.se**2 - 2 * correlation * first.se * second.se
    se = float(np.sqrt(max(variance, 0.0)))
    df = satterthwaite(first.se**2, first.df, second.se**2, second.df)
    if first.kind == "proportion":
        method, (low, high) = "mover", mover(first, second, level, correlation)
    elif se > 0:
        method, half = "t", critical(level, df) * se
        low, high = d - half, d + half
    else:
        raise EstimateError(
            "no_variance", f"Neither {first.wave} nor {second.wave} has a standard error.", place=first.wave
        )
    # Two proportions of exactly 0 (or 1) have no Wald error; the interval still speaks, the test does not.
    p = float(2 * stats.t.sf(abs(d) / se, df)) if se > 0 else float("nan")
    return Change(first, second, d, se, df, p, low, high, level, method, correlation, notes)


def smallest_detectable(
    se: float, df: float = float("inf"), power: float = 0.8, level: float = 0.95
) -> float:
    """The smallest true change that a test at ``level`` finds with the given power: (t_level + t_power) se.

    >>> round(smallest_detectable(1.0), 3)
    2.802
    """
    if not 0 < power < 1:
        raise EstimateError("bad_power", f"Power lies between 0 and 1, not at {power}.")
    return float((critical(level, df) + stats.t.ppf(power, df)) * se)


@dataclass(frozen=True)
class Equivalence:
    """Whether a change is shown to lie within +- ``bound``: ``unchanged``, ``changed`` (shown to lie outside
    0 and not
    shown inside), or ``undecided``. ``low``, ``high`` is the interval of level 1 - 2 alpha that decides."""

    finding: str
    bound: float
    low: float
    high: float
    p_value: float
    change: Change


def equivalence(found: Change, bound: float, alpha: float = 0.05) -> Equivalence:
    """Two one-sided tests: "unchanged within +- bound" is a finding, "not significant" is not.

    ``bound`` is in the unit of the figure (0.05 = 5 points). The p-value is the larger of the two one-sided
    ones.
    """
    if not bound > 0:
        raise EstimateError("bad_bound", f"The bound of an equivalence test must be above 0, not {bound:g}.")
    again = replace(found, level=1 - 2 * alpha)
    if found.method == "mover":
        low, high = mover(found.first, found.second, again.level, found.correlation)
    else:
        half = critical(again.level, found.df) * found.se
        low, high = found.estimate - half, found.estimate + half
    if found.se > 0:
        p = max(
            float(stats.t.sf((found.estimate + bound) / found.se, found.df)),
            float(stats.t.sf((bound - found.estimate) / found.se, found.df)),
        )
    else:
        p = float("nan")
    if -bound < low and high < bound:
        finding = "unchanged"
    elif found.low > 0 or found.high < 0:
        finding = "changed"
    else:
        finding = "undecided"
    return Equivalence(finding, bound, low, high, p, found)
