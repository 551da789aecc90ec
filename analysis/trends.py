"""Change over time: independent and overlapping waves, groups, composition, trends, breaks in series.

Nothing here draws a line or runs a test across a break (:mod:`analysis.breaks`) unless an analyst has stated
a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from analysis import readout
from analysis import waves as sides
from analysis.breaks import (
    Break,
    BreakInSeries,
    Bridge,
    Fielding,
    breaks,
    compare,
    digest,
    listed,
    printed,
    require,
    segments,
    unbridged,
)
from analysis.changes import (
    Change,
    Equivalence,
    Point,
    change,
    effective_n,
    equivalence,
    mover,
    point,
    published,
    satterthwaite,
    smallest_detectable,
)
from analysis.columns import Floats
from analysis.comparisons import HEADLINES, Comparisons, Family, pairwise
from analysis.composition import Composition, GroupChanges, change_by_group, composition
from analysis.errors import EstimateError
from analysis.overlap import OverlapChange, overlapping_change
from analysis.results import critical
from analysis.waves import Waves, independent, together, within

if TYPE_CHECKING:
    import polars

__all__ = [
    "Break",
    "BreakInSeries",
    "Bridge",
    "Change",
    "Composition",
    "Equivalence",
    "Fielding",
    "GroupChanges",
    "OverlapChange",
    "Point",
    "Series",
    "Trend",
    "Waves",
    "breaks",
    "change",
    "change_by_group",
    "compare",
    "composition",
    "digest",
    "equivalence",
    "independent",
    "mover",
    "overlapping_change",
    "point",
    "published",
    "require",
    "satterthwaite",
    "segments",
    "series",
    "smallest_detectable",
    "together",
    "trend",
    "unbridged",
    "within",
]


# -- a series and its trend ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Series:
    """k points over time with their ``covariance`` (k, k); ``runs`` are the waves that may be joined by a
    line."""

    points: tuple[Point, ...]
    covariance: Floats
    df: float
    runs: tuple[tuple[str, ...], ...]
    breaks: tuple[Break, ...] = ()
    open_breaks: tuple[Break, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def waves(self) -> tuple[str, ...]:
        return tuple(p.wave for p in self.points)

    @property
    def estimate(self) -> Floats:
        return np.array([p.estimate for p in self.points])

    def to_dict(self, level: float = 0.95) -> dict[str, list[Any]]:
        """Columns as lists: wave, time, estimate, se, low, high, base, source, run."""
        run = {wave: i for i, names in enumerate(self.runs) for wave in names}
        bounds = [p.interval(level) for p in self.points]
        return {
            "wave": list(self.waves),
            "time": [p.time for p in self.points],
            "estimate": [p.estimate for p in self.points],
            "se": [p.se for p in self.points],
            "low": [low for low, _ in bounds],
            "high": [high for _, high in bounds],
            "base": [p.base for p in self.points],
            "source": [p.source for p in self.points],
            "run": [run[wave] for wave in self.waves],
        }

    def to_polars(self) -> polars.DataFrame:
        """The same as a polars frame."""
        return readout.to_polars(self)


def series(
    waves: Waves,
    variable: Any,
    event: str | None = None,
    *,
    fieldings: Sequence[Fielding] = (),
    bridges: Sequence[Bridge] = (),
    also: Sequence[Point] = (),
) -> Series:
    """The mean of a variable (or the proportion of ``event``) in every wave.

    ``also`` are published aggregates, independent of our waves. ``fieldings`` say how each wave asked;
    without them nothing is known to have stayed the same, so a series of more than one wave needs them for
    any test, and :func:`trend` refuses. The points themselves can always be shown.
    """
    cells = sides.means(waves, variable, event)
    covariance = waves.covariance(cells.scores)
    kind = "proportion" if event is not None or _binary(waves, variable) else "mean"
    points = []
    for t, label in enumerate(waves.labels):
        p, se, base = float(cells.estimate[t]), float(np.sqrt(covariance[t, t])), float(cells.base[t])
        size = effective_n(p, se, base) if kind == "proportion" else float("nan")
        points.append(Point(label, waves.times[t], p, se, base, waves.designs[t].df, kind, "sample", size))
    count = len(points)
    every = [*points, *also]
    full = np.zeros((len(every), len(every)))
    full[:count, :count] = covariance
    full[range(count, len(every)), range(count, len(every))] = [p.se**2 for p in also]
    order = np.argsort([p.time for p in every], kind="stable")
    ordered = tuple(every[i] for i in order)
    if len({p.kind for p in ordered}) > 1:
        raise EstimateError(
            "unlike_kinds",
            "The series mixes " + " and ".join(sorted({f"{p.kind} ({p.wave})" for p in ordered})) + ".",
        )
    labels = [p.wave for p in ordered]
    found = breaks(listed(labels, fieldings))
    left = unbridged(found, bridges)
    notes = printed(tuple(b for b in found if b not in left), bridges)
    return Series(ordered, full[np.ix_(order, order)], waves.df, segments(labels, left), found, left, notes)


def _binary(waves: Waves, variable: Any) -> bool:
    """Only 0 and 1: a proportion."""
    for design in waves.designs:
        values, seen = sides.numbers(design, variable)
        if not np.isin(values[seen], (0.0, 1.0)).all():
            return False
    return True


@dataclass(frozen=True, eq=False)
class Trend:
    """Pairwise changes and the line through the points.

    ``slope`` per unit of time by generalised least squares with its interval; ``departure`` tests that the
    points lie on the line: F on (k - 2, df), NaN for two points.
    """

    series: Series
    pairs: Comparisons
    slope: float
    slope_se: float
    slope_low: float
    slope_high: float
    slope_p: float
    departure: float
    departure_df: int
    departure_p: float
    df: float
    notes: tuple[str, ...] = ()


def trend(found: Series, family: Family = HEADLINES, level: float = 0.95) -> Trend:
    """Pairwise changes within a family, the linear trend and its departure.

    Raises :class:`BreakInSeries` across a break without a stated reason, and :class:`EstimateError` where a
    point has no error.
    """
    if found.open_breaks:
        told = "; ".join(f"{b.first} - {b.second}: {', '.join(b.kinds)}" for b in found.open_breaks)
        raise BreakInSeries(
            f"No trend is tested across a break in the series ({told}). Test the waves of one run, or "
            "state a "
            "reason.",
            found.open_breaks,
        )
    estimate, v = found.estimate, found.covariance
    flat = [p.wave for p in found.points if p.se == 0]
    if flat:
        raise EstimateError(
            "no_variance",
            f"The figure of wave {flat[0]} has no standard error (everybody gave the same answer), so it "
            "cannot enter a "
            "trend.",
            place=flat[0],
        )
    pairs = pairwise(found.waves, -estimate, v, found.df, family)
    x = np.column_stack([np.ones(len(estimate)), [p.time for p in found.points]])
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ estimate)
    se = float(np.sqrt(np.linalg.inv(information)[1, 1]))
    half = critical(level, found.df) * se
    rest = estimate - x @ beta
    k = len(estimate) - 2
    q = float(rest @ inverse @ rest) / k if k else float("nan")
    return Trend(
        series=found,
        pairs=pairs,
        slope=float(beta[1]),
        slope_se=se,
        slope_low=float(beta[1]) - half,
        slope_high=float(beta[1]) + half,
        slope_p=float(2 * stats.t.sf(abs(beta[1]) / se, found.df)),
        departure=q,
        departure_df=k,
        departure_p=float(stats.f.sf(q, k, found.df)) if k else float("nan"),
        df=found.df,
        notes=found.notes,
    )
