"""Quantiles of weighted data: rules, and intervals by inversion.

Rules after Hyndman and Fan (1996), The American Statistician 50, in the weighted form of R ``survey`` 4.2 and
later. Intervals: Woodruff (1952), JASA 47, on several scales; the score interval of Francisco and Fuller
(1991), Annals of Statistics 19; on replicates the interval from replicate quantiles. R: ``svyquantile``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.columns import Bools, Floats
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.estimates import mean
from analysis.intervals import INTERVALS, Shares
from analysis.responses import domains, responses, row_name
from analysis.results import Estimates, critical


@dataclass(frozen=True, eq=False)
class Sorted:
    """Values in ascending order (n,), their weights, and the running sum of weights.

    Sums run in extended precision: the rules ask whether a running sum equals a share of the total.
    """

    x: Floats
    w: Floats
    cumulated: Floats
    total: float
    below_first: str = "smallest"

    @classmethod
    def of(cls, x: Floats, w: Floats, below_first: str = "smallest") -> Sorted:
        live = w != 0
        x, w = x[live], w[live]
        order = np.argsort(x, kind="stable")
        running = np.cumsum(w[order].astype(np.longdouble)).astype(float)
        return cls(x[order], w[order], running, float(w.astype(np.longdouble).sum()), below_first)

    def merged(self) -> Sorted:
        """Equal values made one."""
        distinct, start = np.unique(self.x, return_index=True)
        sums = np.add.reduceat(self.w, start)
        running = np.cumsum(sums.astype(np.longdouble)).astype(float)
        return Sorted(distinct, sums, running, float(sums.astype(np.longdouble).sum()), self.below_first)


def _bracket(s: Sorted, p: float) -> tuple[int, int, float, float]:
    """Positions below and above p, and the distances of p from their cumulated shares."""
    below = int(np.searchsorted(s.cumulated, p * s.total, side="right"))
    low = max(below - 1, 0)
    high = min(low + 1, len(s.x) - 1)
    return low, high, p - s.cumulated[low] / s.total, s.cumulated[high] / s.total - p


def _math(s: Sorted, p: float) -> float:
    low, high, gap, _ = _bracket(s, p)
    return float(s.x[low] if gap == 0 or _first(s, p) else s.x[high])


BELOW_FIRST = ("smallest", "second")
"""The quantile where p lies below the first cumulated share: the smallest value, or as the reference has it
the second smallest (``hf4`` then extrapolates)."""


def _first(s: Sorted, p: float) -> bool:
    """True where p lies below the first cumulated share and the smallest value is the quantile."""
    return s.below_first == "smallest" and bool(p * s.total < s.cumulated[0])


def _school(s: Sorted, p: float) -> float:
    low, high, gap, _ = _bracket(s, p)
    return float((s.x[low] + s.x[high]) / 2) if gap == 0 else _math(s, p)


def _hf3(s: Sorted, p: float) -> float:
    s = s.merged()
    low, high, gap, _ = _bracket(s, p)
    if gap == 0 and (low + 1) % 2 == 0:
        return float(s.x[low])
    return float(s.x[low] if _first(s, p) else s.x[high])


def _hf4(s: Sorted, p: float) -> float:
    if _first(s, p):
        return float(s.x[0])
    low, high, gap, above = _bracket(s, p)
    share = gap / (above + gap) if above + gap else 0.0
    return float(s.x[low] * (1 - share) + s.x[high] * share)


def _interpolated(position: Callable[[Sorted], Floats]) -> Callable[[Sorted, float], float]:
    def rule(s: Sorted, p: float) -> float:
        if len(s.x) == 1:
            return float(s.x[0])
        return float(np.interp(p, position(s), s.x))

    return rule


def _before(s: Sorted) -> Floats:
    return np.concatenate([[0.0], s.cumulated[:-1]])


def _shahvaish(s: Sorted, p: float) -> float:
    """Shah and Vaish (2006): the largest value whose mid-rank share does not exceed p."""
    if len(s.x) == 1:
        return float(s.x[0])
    unit = s.w / s.w.mean()
    position = (np.cumsum(unit) + 0.5 - unit / 2) / (len(s.x) + 1)
    return float(s.x[max(int(np.searchsorted(position, p, side="right")) - 1, 0)])


RULES: dict[str, Callable[[Sorted, float], float]] = {
    "math": _math,
    "school": _school,
    "shahvaish": _shahvaish,
    "hf1": _math,
    "hf2": _school,
    "hf3": _hf3,
    "hf4": _hf4,
    "hf5": _interpolated(lambda s: (s.cumulated - s.w / 2) / s.cumulated[-1]),
    "hf6": _interpolated(lambda s: s.cumulated / (s.cumulated[-1] + s.w[-1])),
    "hf7": _interpolated(lambda s: _before(s) / s.cumulated[-2]),
    "hf8": _interpolated(lambda s: (_before(s) / 3 + s.cumulated * 2 / 3) / (s.cumulated[-1] + s.w[-1] / 3)),
    "hf9": _interpolated(
        lambda s: (_before(s) * 3 / 8 + s.cumulated * 5 / 8) / (s.cumulated[-1] + s.w[-1] / 4)
    ),
}
WOODRUFF = ("mean", "beta", "xlogit", "asin")
INTERVAL_TYPES = (*WOODRUFF, "score", "quantile")


def quantile(
    design: SurveyDesign,
    variables: Any,
    quantiles: float | Sequence[float] = (0.5,),
    by: Any = None,
    *,
    rule: str = "math",
    interval: str | None = None,
    level: float = 0.95,
    df: float | None = None,
    below_first: str = "smallest",
) -> Estimates:
    """Quantiles of numbers with their intervals; the standard error is the interval's width over twice t.

    ``rule`` one of :data:`RULES`; ``interval`` mean (Woodruff), beta, xlogit, asin, score, or for replicate
    designs quantile. None: mean. A limit beyond the data is NaN. ``df`` None: those of each domain.
    ``below_first`` one of :data:`BELOW_FIRST`. Rows are named ``domain:variable@q``. The covariance is
    diagonal: quantiles have no joint linearisation here. Negative weights are noted.
    """
    kind = interval or "mean"
    if below_first not in BELOW_FIRST:
        raise EstimateError(
            "quantile_edge", f"{below_first!r} is no rule for the first value; use smallest or second."
        )
    if rule not in RULES:
        raise EstimateError("quantile_rule", f"{rule!r} is no quantile rule; use {', '.join(RULES)}.")
    if kind not in INTERVAL_TYPES or (kind == "quantile") != (
        kind == "quantile" and design.replicates is not None
    ):
        raise EstimateError(
            "quantile_interval",
            f"{kind!r} is no interval for quantiles here; use {', '.join(INTERVAL_TYPES)} ('quantile' "
            "needs replicates).",
        )
    wanted = [float(quantiles)] if isinstance(quantiles, (int, float)) else [float(q) for q in quantiles]
    if not all(0 <= q <= 1 for q in wanted):
        raise EstimateError("quantile_range", "Quantiles lie between 0 and 1.")
    over, groups = responses(design, variables, "listwise"), domains(design, by)
    names, rows, figures, bases, notes = [], [], [], [], []
    for response in over:
        for q in wanted:
            for g, label in enumerate(groups.names):
                inside = (groups.codes == g) & response.observed & design.active
                single = len(over) == 1 and len(wanted) == 1
                names.append(row_name(label, f"{response.name}@{q:g}", single))
                rows.append({**groups.rows[g], **response.row, "quantile": f"{q:g}"})
                bases.append(int(inside.sum()))
                if not inside.any():
                    figures.append((np.nan,) * 4)
                    notes.append(f"no_cases: {names[-1]}")
                    continue
                part = design.subset(inside)
                used_df = part.df if df is None else df
                s = Sorted.of(response.values[inside], part.weights[inside], below_first)
                if s.w.min() < 0:
                    notes.append(f"negative_weights: {names[-1]}")
                figures.append(_one(part, response.values, inside, s, q, RULES[rule], kind, level, used_df))
    table = np.array(figures)
    return Estimates(
        statistic="quantile",
        names=tuple(names),
        rows=tuple(rows),
        estimate=table[:, 0],
        low=table[:, 1],
        high=table[:, 2],
        se=table[:, 3],
        deff=np.full(len(names), np.nan),
        base=np.array(bases, float),
        effective_n=np.full(len(names), np.nan),
        covariance=np.diag(table[:, 3] ** 2),
        df=design.df if df is None else df,
        level=level,
        interval=kind,
        notes=tuple(notes),
    )


Rule = Callable[[Sorted, float], float]


def _one(
    design: SurveyDesign,
    x: Floats,
    inside: Bools,
    s: Sorted,
    p: float,
    rule: Rule,
    kind: str,
    level: float,
    df: float,
) -> tuple[float, float, float, float]:
    """Quantile, lower and upper limit, standard error."""
    value = rule(s, p)
    t = critical(level, df)
    if kind == "quantile":
        low, high = _replicated(design, x, inside, value, s.below_first, p, rule, t)
    elif kind == "score":
        low, high = _score(design, x, inside, s, p, rule, t)
    else:
        low, high = _woodruff(design, x, inside, value, s, rule, kind, level, df)
    return value, low, high, (high - low) / (2 * t)


def _woodruff(
    design: SurveyDesign,
    x: Floats,
    inside: Bools,
    value: float,
    s: Sorted,
    rule: Rule,
    kind: str,
    level: float,
    df: float,
) -> tuple[float, float]:
    below = mean(design, {"below": np.where(inside, (x <= value) * 1.0, 0.0)}, deff="none")
    one = np.ones(1)
    n = one * inside.sum()
    shares = Shares(below.estimate, below.se, n, one * df, n, level)
    if kind in ("xlogit", "asin") and not shares.inner[0]:
        return np.nan, np.nan
    limits = [float(limit[0]) for limit in INTERVALS[kind](shares)]
    low = np.nan if not limits[0] >= 0 else rule(s, limits[0])
    high = np.nan if not limits[1] <= 1 else rule(s, limits[1])
    return low, high


def _score(
    design: SurveyDesign, x: Floats, inside: Bools, s: Sorted, p: float, rule: Rule, t: float
) -> tuple[float, float]:
    """Where the standardised score of "above theta" crosses plus and minus t.

    The score is a step function of theta with steps at the data, so the crossing is searched among them; of
    the two sides of the step the one nearer to the limit is taken, as a root finder that never meets zero
    would.
    """
    points = np.unique(s.x)
    spread = np.subtract(*np.percentile(s.x, [75, 25])) / 100
    points = points[(points > points[0] + spread) & (points < points[-1] - spread)]
    if not points.size:
        return np.nan, np.nan

    def score(theta: float) -> float:
        moved = mean(design, {"above": np.where(inside, (x > theta) - (1 - p), 0.0)}, deff="none")
        return float(moved.estimate[0] / moved.se[0]) if moved.se[0] > 0 else np.nan

    limits = []
    for limit in (t, -t):
        low, high = -1, len(points) - 1  # score falls with theta: above the limit at low, at or below at high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if score(points[middle]) > limit else (low, middle)
        near = [i for i in (low, high) if i >= 0]
        best = min(near, key=lambda i: abs(score(points[i]) - limit))
        limits.append(rule(s, float(np.mean(s.x <= points[best]))))
    return limits[0], limits[1]


def _replicated(
    design: SurveyDesign, x: Floats, inside: Bools, value: float, edge: str, p: float, rule: Rule, t: float
) -> tuple[float, float]:
    replicates = design.replicates
    assert replicates is not None
    values = np.array([[rule(Sorted.of(x[inside], w[inside], edge), p)] for w in replicates.each()])
    half = t * float(np.sqrt(replicates.covariance(values, np.array([value]))[0, 0]))
    return value - half, value + half
