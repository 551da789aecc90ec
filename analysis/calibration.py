"""Weights that meet known totals, by Newton's method.

Nothing here returns weights that miss their targets: :class:`CalibrationError` names the target and the gap.
Sources: Deville and Särndal (1992), JASA 87; Deville, Särndal, Sautory (1993), JASA 88.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from analysis.columns import Floats
from analysis.errors import CalibrationError
from analysis.products import crossed, times

TOLERANCE = 1e-11
ROUNDING = 1e-9
BLOCK = 1 << 14
"""Rows per block: a block of thirty columns fits into the processor's cache, so each pass reads memory
once."""


@dataclass(frozen=True, eq=False)
class Solution:
    """``g`` (n,) the factor of every weight; iterations used; largest relative gap that is left."""

    g: Floats
    iterations: int
    gap: float


Distance = Callable[[Floats, float, float], tuple[Floats, Floats]]
"""Maps u = x'lambda (n,), lower and upper bound to g (n,) and its derivative dg/du (n,)."""


def _linear(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    g = 1.0 + u
    if np.isinf(low) and np.isinf(high):
        return g, np.ones_like(u)
    inside = (g > low) & (g < high)
    return np.clip(g, low, high), inside.astype(float)


def _raking(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    g = np.exp(np.minimum(u, 500.0))
    if low <= 0 and np.isinf(high):
        return g, g
    inside = (g > low) & (g < high)
    return np.clip(g, low, high), np.where(inside, g, 0.0)


def _logit(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    slope = (high - low) / ((1 - low) * (high - 1))
    e = np.exp(np.clip(slope * u, -500.0, 500.0))
    below, above = high - 1, (1 - low) * e
    whole = below + above
    g = (low * below + high * above) / whole
    return g, (high - low) * slope * below * above / whole**2


DISTANCES: dict[str, Distance] = {"linear": _linear, "raking": _raking, "logit": _logit}


@dataclass(frozen=True, eq=False)
class _State:
    """One point of the search: ``lam`` (q,), the totals it reaches (q,), their Jacobian (q, q), g (n,)."""

    lam: Floats
    totals: Floats
    gram: Floats
    g: Floats


@dataclass(frozen=True, eq=False)
class _Problem:
    """Calibration as data: rows, weights, distance, bounds and targets."""

    matrix: Floats
    weights: Floats
    targets: Floats
    scale: Floats
    distance: Distance
    low: float
    high: float
    variance: Floats | None

    @property
    def fixed_gram(self) -> bool:
        """The unbounded linear distance has the same Jacobian everywhere."""
        return self.distance is _linear and np.isinf(self.low) and np.isinf(self.high)

    def at(self, lam: Floats, gram: Floats | None, g: Floats) -> _State:
        """One pass over the rows, block by block; ``gram`` given is kept, ``g`` is filled."""
        q = len(lam)
        totals, jacobian = np.zeros(q), np.zeros((q, q))
        both = np.empty((min(BLOCK, len(g)), q + 1))
        for start in range(0, len(g), BLOCK):
            part = slice(start, start + BLOCK)
            x, w = self.matrix[part], self.weights[part]
            u = times(x, lam)
            if self.variance is not None:
                u = u / self.variance[part]
            value, slope = self.distance(u, self.low, self.high)
            g[part] = value
            if gram is not None:
                totals += crossed(x, (w * value)[:, None])[:, 0]
                continue
            # One product gives the Jacobian and the totals.
            pull = w * slope if self.variance is None else w * slope / self.variance[part]
            np.multiply(x, pull[:, None], out=both[: len(x), :q])
            both[: len(x), q] = w * value
            product = crossed(x, both[: len(x)])
            jacobian += product[:, :q]
            totals += product[:, q]
        return _State(lam, totals, jacobian if gram is None else gram, g)

    def miss(self, state: _State) -> Floats:
        """(q,) relative misses; infinite where a factor overflowed."""
        out = (self.targets - state.totals) / self.scale
        return np.where(np.isfinite(out), out, np.inf)


def solve(
    matrix: Floats,
    weights: Floats,
    targets: Floats,
    names: Sequence[str],
    method: str = "linear",
    bounds: tuple[float, float] = (-np.inf, np.inf),
    variance: Floats | None = None,
    iterations: int = 100,
    tolerance: float = TOLERANCE,
) -> Solution:
    """g-factors (n,) so that ``weights * g`` reach ``targets`` (q,) on ``matrix`` (n, q).

    ``method`` linear, raking (exponential) or logit; ``bounds`` on g (required for logit). ``variance`` (n,)
    are the 1/q_k of Deville and Särndal. Newton's method on the dual with halved steps. Raises
    :class:`CalibrationError` where no solution is found.
    """
    low, high = _checked_bounds(method, bounds)
    whole = _Problem(matrix, weights, targets, np.abs(targets), DISTANCES[method], low, high, variance)
    state = whole.at(np.zeros(matrix.shape[1]), None, np.empty(len(weights)))
    _check_complete(matrix, state.gram, names)
    # The size of a total whose target is near 0: at least the sum of w |x|, by Cauchy and Schwarz.
    size = np.sqrt(np.diag(state.gram) * float(np.abs(weights).sum()))
    scale = np.maximum(np.abs(targets), np.where(size > 0, size, 1.0))
    problem = replace(whole, scale=scale)
    _check_reachable(problem, state.totals, names)
    spare, used = np.empty(len(weights)), 0
    while used < iterations and np.abs(problem.miss(state)).max() > tolerance:
        found = _search(problem, state, spare)
        if found is None:
            break
        state, spare, used = found, state.g, used + 1
    gap = float(np.abs(problem.miss(state)).max())
    if not gap <= ROUNDING:
        _fail(names, targets, state.totals, scale, method, low, high, used)
    return Solution(state.g, used, gap)


def _search(problem: _Problem, state: _State, spare: Floats) -> _State | None:
    """The next point along Newton's direction, the step halved until the misses shrink; None where they do
    not."""
    now = float(np.linalg.norm(problem.miss(state)))
    step = _newton_step(state.gram, problem.targets - state.totals)
    for halving in range(20):
        gram = state.gram if problem.fixed_gram else None
        with np.errstate(over="ignore", invalid="ignore"):
            trial = problem.at(state.lam + step / 2**halving, gram, spare)
        if np.linalg.norm(problem.miss(trial)) < now:
            return trial
    return None


def _checked_bounds(method: str, bounds: tuple[float, float]) -> tuple[float, float]:
    if method not in DISTANCES:
        raise CalibrationError("method", f"{method!r} is no calibration; use {', '.join(DISTANCES)}.")
    low, high = float(bounds[0]), float(bounds[1])
    if not low < 1 < high:
        raise CalibrationError(
            "bounds", f"Bounds on the factors must lie on both sides of 1, not {low:g} and {high:g}."
        )
    if method == "logit" and (np.isinf(low) or np.isinf(high)):
        raise CalibrationError("bounds", "Logit calibration needs two finite bounds, for example (0.3, 3).")
    return low, high


def _check_complete(matrix: Floats, gram: Floats, names: Sequence[str]) -> None:
    gaps = np.flatnonzero(~np.isfinite(np.diag(gram)))
    if not gaps.size:
        return
    name = names[int(gaps[0])]
    count = int(np.count_nonzero(~np.isfinite(matrix[:, int(gaps[0])])))
    raise CalibrationError(
        "calibration_missing",
        f"{count} respondents have no value for the calibration variable {name}.",
        place=name,
        count=count,
    )


def _check_reachable(problem: _Problem, reached: Floats, names: Sequence[str]) -> None:
    """Each total alone must be reachable within the bounds; otherwise the limits are named."""
    low, high, targets, scale = problem.low, problem.high, problem.targets, problem.scale
    if np.isinf(low) and np.isinf(high):
        return
    absolute = np.zeros(len(targets))
    for start in range(0, len(problem.weights), BLOCK):
        part = slice(start, start + BLOCK)
        absolute += problem.weights[part] @ np.abs(problem.matrix[part])
    up, down = (absolute + reached) / 2, (reached - absolute) / 2
    with np.errstate(invalid="ignore"):
        most = np.where(up > 0, high * up, 0.0) + np.where(down < 0, low * down, 0.0)
        least = np.where(up > 0, low * up, 0.0) + np.where(down < 0, high * down, 0.0)
    beyond = np.maximum(targets - most, least - targets) / scale
    if np.nanmax(beyond) > ROUNDING:
        j = int(np.nanargmax(beyond))
        raise CalibrationError(
            "bounds_infeasible",
            f"{names[j]} = {targets[j]:,.10g} cannot be reached with factors between {low:g} and {high:g}: "
            "they allow "
            f"{least[j]:,.10g} to {most[j]:,.10g}. Widen the bounds or merge categories.",
            place=names[j],
            target=float(targets[j]),
            least=float(least[j]),
            most=float(most[j]),
        )


def _newton_step(gram: Floats, miss: Floats) -> Floats:
    size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram / np.outer(size, size)
    values, vectors = linalg.eigh(scaled)
    keep = values > 1e-13 * values[-1]
    inner = vectors[:, keep].T @ (miss / size)
    return np.asarray((vectors[:, keep] @ (inner / values[keep])) / size)


def _fail(
    names: Sequence[str],
    targets: Floats,
    reached: Floats,
    scale: Floats,
    method: str,
    low: float,
    high: float,
    used: int,
) -> None:
    j = int(np.argmax(np.abs(targets - reached) / scale))
    bounded = "" if np.isinf(low) and np.isinf(high) else f" with factors between {low:g} and {high:g}"
    raise CalibrationError(
        "calibration_failed",
        f"No {method} calibration{bounded} meets all totals (after {used} rounds): {names[j]} should be "
        f"{targets[j]:,.10g} and comes to {reached[j]:,.10g}. Widen the bounds, merge categories, or leave "
        "a total "
        "out.",
        place=names[j],
        target=float(targets[j]),
        reached=float(reached[j]),
        gap=float((reached[j] - targets[j]) / scale[j]),
    )
