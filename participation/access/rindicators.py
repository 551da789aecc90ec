"""How representative the response is: R-indicators, partial R-indicators, response propensities, classes.

Inside the register they are computed from counts of invitations and returns by class, so that an anonymous
wave has them without a link between person and answer; imported gross samples have them at unit level.

Source: Schouten, Cobben and Bethlehem (2009), Survey Methodology 35; Schouten, Shlomo and Skinner (2011),
Journal of Official Statistics 27; Shlomo, Skinner and Schouten (2012), Journal of Statistical Planning and
Inference 142.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = 100
BOUNDARY = 30.0
"""A linear predictor beyond this is a group in which everyone or no one answered."""


class ResponseError(ValueError):
    """Invitations and returns that do not fit together; ``code``, ``place`` and ``params`` for a translated
    sentence."""

    def __init__(self, code: str, message: str, place: str = "", **params: Any) -> None:
        super().__init__(message)
        self.code = code
        self.place = place
        self.params = params


@dataclass(frozen=True)
class RIndicator:
    """``r`` = 1 - 2 sd: 1 where everyone is equally likely to answer. ``variation`` is sd over mean, and at
    the same time the largest possible bias of a mean in units of its standard deviation (``largest_bias``).

    ``se`` and ``adjusted`` (r without the chance variation of response rates) are NaN where sampling errors
    of the propensities are not known.
    """

    r: float
    mean: float
    sd: float
    largest_bias: float
    se: float = float("nan")
    adjusted: float = float("nan")

    @property
    def variation(self) -> float:
        return self.largest_bias


@dataclass(frozen=True, eq=False)
class PartialR:
    """Partial R-indicator of one variable: ``overall`` >= 0, and per category (negative:
    under-represented)."""

    overall: float
    categories: tuple[str, ...]
    by_category: Floats


def _checked(rho: Floats, weights: Floats) -> tuple[Floats, Floats]:
    rho, weights = np.asarray(rho, float), np.asarray(weights, float)
    if rho.shape != weights.shape or not rho.size:
        raise ResponseError("lengths", f"There are {rho.size} propensities and {weights.size} weights.")
    bad = np.flatnonzero(~((rho >= 0) & (rho <= 1)))
    if bad.size:
        raise ResponseError(
            "not_a_propensity",
            f"Row {bad[0] + 1} has the propensity {rho[bad[0]]:g}; it must lie between 0 and 1.",
            place=str(bad[0] + 1),
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 1):
        raise ResponseError("bad_weights", "Weights must be finite, not negative, and sum to the population.")
    return rho, weights


def r_indicator(rho: Floats, weights: Floats) -> RIndicator:
    """R = 1 - 2 S with S^2 = sum w (rho - mean)^2 / (N - 1), N = sum w, for propensities (n,) of the gross
    sample."""
    rho, w = _checked(rho, weights)
    total = w.sum()
    mean = float(w @ rho / total)
    if mean == 0:
        raise ResponseError("no_response", "Nobody answered; representativeness has no meaning.")
    sd = float(np.sqrt(w @ (rho - mean) ** 2 / (total - 1)))
    return RIndicator(1 - 2 * sd, mean, sd, sd / mean)


def partial(rho: Floats, weights: Floats, codes: Ints, categories: Sequence[str]) -> PartialR:
    """Unconditional partial R-indicator: the share of the variation that lies between the categories of a
    variable.

    ``codes`` (n,) are positions in ``categories``. By category sqrt(N_k / N) (mean_k - mean).
    """
    rho, w = _checked(rho, weights)
    codes = _coded(codes, categories, len(rho))
    total = w.sum()
    mass = np.bincount(codes, w, len(categories))
    means = np.divide(
        np.bincount(codes, w * rho, len(categories)), mass, out=np.zeros_like(mass), where=mass > 0
    )
    mean = w @ rho / total
    gaps = np.where(mass > 0, means - mean, 0.0)
    overall = float(np.sqrt(mass @ gaps**2 / total))
    return PartialR(overall, tuple(categories), np.asarray(np.sqrt(mass / total) * gaps))


def partial_conditional(
    rho: Floats, weights: Floats, codes: Ints, categories: Sequence[str], others: Ints
) -> PartialR:
    """Conditional partial R-indicator: the variation that a variable adds inside the cells of the other
    variables.

    ``others`` (n,) numbers the cells of all other variables. By category the root of that category's share.
    """
    rho, w = _checked(rho, weights)
    codes = _coded(codes, categories, len(rho))
    others = np.asarray(others, np.int64)
    mass = np.bincount(others, w)
    means = np.divide(np.bincount(others, w * rho), mass, out=np.zeros_like(mass), where=mass > 0)
    squares = w * (rho - means[others]) ** 2 / (w.sum() - 1)
    parts = np.bincount(codes, squares, len(categories))
    return PartialR(float(np.sqrt(parts.sum())), tuple(categories), np.sqrt(parts))


def _coded(codes: Ints, categories: Sequence[str], n: int) -> Ints:
    out = np.asarray(codes, np.int64)
    if out.shape != (n,) or (out < 0).any() or (out >= len(categories)).any():
        raise ResponseError(
            "bad_codes", f"Every one of the {n} rows needs a category out of {len(categories)}."
        )
    return out


def propensities(matrix: Floats, responded: NDArray[np.bool_], weights: Floats) -> Floats:
    """(n,) response propensities by weighted logistic regression on ``matrix`` (n, p), intercept included by
    the caller.

    Raises :class:`ResponseError` where all or none answered, and where a column separates those who did.
    """
    x, w = np.asarray(matrix, float), np.asarray(weights, float)
    y = np.asarray(responded, float)
    if y.min() == y.max():
        raise ResponseError("no_variation", "Everybody or nobody answered; there is no propensity to model.")
    w = w / w.mean()
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        eta = x @ beta
        rho = 1 / (1 + np.exp(-eta))
        information = x.T @ (x * (w * rho * (1 - rho))[:, None])
        step, _, rank, _ = np.linalg.lstsq(information, x.T @ (w * (y - rho)), rcond=1e-12)
        if rank < x.shape[1]:
            raise ResponseError(
                "collinear", "A column of the propensity model repeats the others; leave it out."
            )
        beta = beta + step
        if np.max(np.abs(x @ beta)) > BOUNDARY:
            column = int(np.argmax(np.abs(beta)))
            raise ResponseError(
                "separation",
                f"Column {column + 1} separates those who answered from those who did not; "
                "merge its categories.",
                place=str(column + 1),
            )
        if np.max(np.abs(step)) < 1e-12 * max(1.0, float(np.max(np.abs(beta)))):
            return np.asarray(1 / (1 + np.exp(-(x @ beta))))
    raise ResponseError("no_convergence", "The propensity model does not converge.")  # pragma: no cover


@dataclass(frozen=True, eq=False)
class Classes:
    """Nonresponse classes: per class invitations, returns, response rate, weighting factor and population."""

    names: tuple[str, ...]
    invited: Ints
    returned: Ints
    rate: Floats
    factor: Floats
    population: Floats

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns as lists."""
        keys = ("invited", "returned", "rate", "factor", "population")
        return {"class": list(self.names), **{key: getattr(self, key).tolist() for key in keys}}


def classes(
    invited: Mapping[str, int], returned: Mapping[str, int], population: Mapping[str, float] | None = None
) -> Classes:
    """Response rates and factors invited / returned by class, as booked in the register.

    Raises :class:`ResponseError` for returns of an unknown class, more returns than invitations, and classes
    in which nobody answered: no one can stand for them, so they must be merged.
    """
    strange = sorted(set(returned) - set(invited))
    if strange:
        raise ResponseError(
            "unknown_class",
            f"Returns are booked for {strange[0]}, where nobody was invited.",
            place=strange[0],
        )
    names = tuple(invited)
    n = np.array([invited[k] for k in names], np.int64)
    r = np.array([returned.get(k, 0) for k in names], np.int64)
    for name, a, b in zip(names, n.tolist(), r.tolist(), strict=True):
        if b > a:
            raise ResponseError(
                "more_returns", f"{name}: {b} returns for {a} invitations.", place=name, invited=a, returned=b
            )
        if a <= 0 or b == 0:
            raise ResponseError(
                "silent_class",
                f"{name}: {b} returns for {a} invitations. Merge it with a similar class.",
                place=name,
                invited=a,
            )
    size = n.astype(float) if population is None else np.array([float(population[k]) for k in names])
    return Classes(names, n, r, r / n, n / r, size)


def from_classes(found: Classes) -> RIndicator:
    """R-indicator of response rates by class, with its standard error and without the bias of small classes.

    Rates vary by chance even if all are equally likely to answer; their variance adds sum q (1 - q) v to
    S^2, with q the class's share of the population and v = rate (1 - rate) / (invited - 1), which
    ``adjusted`` takes off.
    """
    share = found.population / found.population.sum()
    mean = float(share @ found.rate)
    total = max(float(found.population.sum()), 2.0)
    variance = float(share @ (found.rate - mean) ** 2) * total / (total - 1)
    sd = float(np.sqrt(variance))
    chance = found.rate * (1 - found.rate) / np.maximum(found.invited - 1, 1)
    less = max(variance - float(share * (1 - share) @ chance), 0.0)
    spread = float(np.sum(4 * share**2 * (found.rate - mean) ** 2 * chance))
    se = float(np.sqrt(spread)) / sd if sd > 0 else float("nan")
    return RIndicator(1 - 2 * sd, mean, sd, sd / mean, se, 1 - 2 * float(np.sqrt(less)))


def partial_of_classes(found: Classes, groups: Mapping[str, str]) -> PartialR:
    """Unconditional partial R-indicator of a variable that the classes are grouped by: ``groups[class] =
    category``."""
    categories = tuple(dict.fromkeys(groups[name] for name in found.names))
    codes = np.array([categories.index(groups[name]) for name in found.names], np.int64)
    return partial(found.rate, found.population, codes, categories)
