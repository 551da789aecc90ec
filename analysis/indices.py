"""Several items to one index: reliability with intervals, the rule for missing items, top-two boxes, need
items.

Source: Cronbach (1951), Psychometrika 16; McDonald (1999), *Test Theory*, chapter 6 (omega); Harman and Jones
(1966), Psychometrika 31 (minimum residuals). Standard errors are those of the design: alpha and omega are
functions of weighted covariances, whose scores go through :meth:`SurveyDesign.covariance`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.columns import Column, Floats
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.results import critical

NEEDED_STATES = ("received", "needed", "not_needed")
"""The three states of a need item: got it; needed it and did not get it; did not need it."""


@dataclass(frozen=True, eq=False)
class Items:
    """k items of one index over n rows: ``values`` (n, k), NaN where missing, turned so that more is more."""

    names: tuple[str, ...]
    values: Floats
    low: float
    high: float


def items(
    design: SurveyDesign,
    names: Sequence[Any],
    reverse: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
) -> Items:
    """Items of an index as numbers; those in ``reverse`` are turned round (low + high - value).

    Categories are numbered by their levels from 1 unless the levels are numbers. ``scale`` are the ends of
    the answer scale; by default the lowest and highest value of all items. Raises :class:`EstimateError` for
    fewer than two items, unknown items to reverse, values outside the scale and items without a spread.
    """
    columns = [design.column(name) for name in names]
    if len(columns) < 2:
        raise EstimateError("few_items", f"An index needs at least two items, there are {len(columns)}.")
    labels = tuple(c.name for c in columns)
    strange = [r for r in reverse if r not in labels]
    if strange:
        raise EstimateError(
            "no_such_item",
            f"{strange[0]} is to be reversed but is no item of the index ({', '.join(labels)}).",
            place=strange[0],
        )
    values = np.column_stack([_numbered(c) for c in columns])
    values[~design.active] = np.nan
    seen = values[~np.isnan(values)]
    if not seen.size:
        raise EstimateError("all_missing", f"No case answered any of {', '.join(labels)}.", place=labels[0])
    low, high = scale if scale is not None else (float(seen.min()), float(seen.max()))
    for j, label in enumerate(labels):
        own = values[~np.isnan(values[:, j]), j]
        if ((own < low) | (own > high)).any():
            raise EstimateError(
                "outside_scale",
                f"{label} contains {own[(own < low) | (own > high)][0]:g}, outside {low:g} to {high:g}.",
                place=label,
            )
        if not own.size or np.ptp(own) == 0:
            raise EstimateError(
                "constant_item",
                f"{label} has the same answer in every case and says nothing; leave it out.",
                place=label,
            )
    for j, label in enumerate(labels):
        if label in reverse:
            values[:, j] = low + high - values[:, j]
    return Items(labels, values, low, high)


def _numbered(column: Column) -> Floats:
    if column.kind == "number":
        return column.values.astype(float)
    try:
        return column.numeric()
    except ValueError:
        return np.where(column.values < 0, np.nan, column.values + 1.0)


def score(
    found: Items, at_least: float = 0.5, method: str = "mean", rescale: tuple[float, float] | None = None
) -> Floats:
    """(n,) the index: the mean (or sum) of the answered items where at least that share of items is answered,
    else NaN.

    A sum is the mean times the number of items, so that a missing item counts as the person's mean.
    ``rescale`` maps the scale of the items to another, such as (0, 100).
    """
    if not 0 < at_least <= 1:
        raise EstimateError(
            "bad_share", f"The share of answered items lies above 0 and up to 1, not at {at_least:g}."
        )
    if method not in ("mean", "sum"):
        raise EstimateError("unknown_method", f"{method!r} is none of mean, sum.", place=method)
    known = ~np.isnan(found.values)
    count = known.sum(axis=1)
    total = np.where(known, found.values, 0.0).sum(axis=1)
    k = len(found.names)
    out = np.full(len(total), np.nan)
    enough = (count > 0) & (count >= at_least * k - 1e-9)
    out[enough] = total[enough] / count[enough]
    if rescale is not None:
        low, high = rescale
        out = low + (out - found.low) / (found.high - found.low) * (high - low)
    return out * k if method == "sum" else out


@dataclass(frozen=True, eq=False)
class Reliability:
    """Alpha and omega with standard errors and intervals, and per item what happens without it.

    ``loadings`` of the one-factor model (standardised), ``item_rest`` correlations of each item with the mean
    of the others, ``alpha_without`` each item.
    """

    names: tuple[str, ...]
    alpha: float
    alpha_se: float
    alpha_low: float
    alpha_high: float
    omega: float
    omega_se: float
    omega_low: float
    omega_high: float
    loadings: Floats
    item_rest: Floats
    alpha_without: Floats
    base: int
    level: float = 0.95


def reliability(design: SurveyDesign, found: Items, level: float = 0.95) -> Reliability:
    """Cronbach's alpha and McDonald's omega on the cases with all items, by weighted covariances.

    Intervals are symmetric on log(1 - reliability) (Bonett 2002), with the design's standard error and
    degrees of freedom. Raises :class:`EstimateError` for fewer than k + 1 complete cases; omega is NaN where
    two items only identify no factor, or where the one-factor model does not fit admissibly.
    """
    complete = ~np.isnan(found.values).any(axis=1) & design.active
    k = len(found.names)
    if complete.sum() <= k:
        raise EstimateError(
            "few_complete",
            f"{int(complete.sum())} cases answered all of {', '.join(found.names)}; too few for an index.",
            count=int(complete.sum()),
        )
    x, w = found.values[complete], design.weights[complete]
    mass = w.sum()
    centred = x - w @ x / mass
    sigma = (centred * w[:, None]).T @ centred / mass
    if (np.diag(sigma) <= 0).any():
        name = found.names[int(np.argmin(np.diag(sigma)))]
        raise EstimateError(
            "constant_item", f"{name} has the same answer in every complete case.", place=name
        )
    products = (centred[:, :, None] * centred[:, None, :]).reshape(len(x), k * k)
    scores = np.zeros((len(design), k * k))
    scores[complete] = w[:, None] * (products - sigma.ravel()) / mass
    df = design.subset(complete).df
    alpha, alpha_se = _with_error(design, scores, sigma, _alpha)
    loadings = one_factor(sigma) if k > 2 else None
    omega = omega_se = float("nan")
    if loadings is not None:
        omega, omega_se = _with_error(design, scores, sigma, _omega)
    standard = np.full(k, np.nan) if loadings is None else loadings / np.sqrt(np.diag(sigma))
    return Reliability(
        found.names,
        alpha,
        alpha_se,
        *_bounds(alpha, alpha_se, level, df),
        omega,
        omega_se,
        *_bounds(omega, omega_se, level, df),
        loadings=standard,
        item_rest=_item_rest(sigma),
        alpha_without=np.array(
            [_alpha(np.delete(np.delete(sigma, j, 0), j, 1)) if k > 2 else np.nan for j in range(k)]
        ),
        base=int(complete.sum()),
        level=level,
    )


def _alpha(sigma: Floats) -> float:
    k = len(sigma)
    return float(k / (k - 1) * (1 - np.trace(sigma) / sigma.sum()))


def _omega(sigma: Floats) -> float:
    loadings = one_factor(sigma)
    return float("nan") if loadings is None else float(loadings.sum() ** 2 / sigma.sum())


def _item_rest(sigma: Floats) -> Floats:
    total = sigma.sum(axis=1)
    own = np.diag(sigma)
    return np.asarray((total - own) / np.sqrt(own * (sigma.sum() - 2 * total + own)))


def one_factor(sigma: Floats) -> Floats | None:
    """(k,) loadings of one factor by minimum residuals of the covariances, all signs turned to a positive
    sum.

    Each loading in turn is the least-squares solution given the others (Harman and Jones 1966); None where a
    uniqueness is negative (a Heywood case).
    """
    d = np.sqrt(np.diag(sigma))
    r = sigma / np.outer(d, d)
    values, vectors = np.linalg.eigh(r)
    loading = vectors[:, -1] * np.sqrt(max(values[-1] - 1.0, 0.05))
    off = r - np.diag(np.diag(r))
    for _ in range(5000):
        before = loading.copy()
        for j in range(len(loading)):
            below = loading @ loading - loading[j] ** 2
            loading[j] = off[j] @ loading / below if below > 0 else 0.0
        if np.max(np.abs(loading - before)) < 1e-13:
            break
    if (np.abs(loading) > 1).any() or not np.isfinite(loading).all():
        return None
    return np.asarray(loading * np.sign(loading.sum() or 1.0) * d)


def _with_error(
    design: SurveyDesign, scores: Floats, sigma: Floats, statistic: Callable[[Floats], float]
) -> tuple[float, float]:
    """A function of the covariances and its standard error by the delta method, gradient by central
    differences."""
    value = statistic(sigma)
    k = len(sigma)
    gradient = np.zeros((k, k))
    for i in range(k):
        for j in range(i, k):
            step = 1e-5 * np.sqrt(sigma[i, i] * sigma[j, j])
            moved = np.zeros((k, k))
            moved[i, j] = moved[j, i] = step
            slope = (statistic(sigma + moved) - statistic(sigma - moved)) / (2 * step)
            # Both entries of a pair moved together, so each carries half of the slope.
            gradient[i, j] = gradient[j, i] = slope if i == j else slope / 2
    influence = scores @ gradient.ravel()
    if not np.isfinite(influence).all():
        return value, float("nan")
    return value, float(np.sqrt(design.covariance(influence)[0, 0]))


def _bounds(value: float, se: float, level: float, df: float) -> tuple[float, float]:
    if not (np.isfinite(value) and np.isfinite(se)) or value >= 1:
        return float("nan"), float("nan")
    half = critical(level, df) * se / (1 - value)
    return 1 - (1 - value) * float(np.exp(half)), 1 - (1 - value) * float(np.exp(-half))


def boxes(column: Column, levels: Sequence[str] | int = 2, name: str | None = None) -> Column:
    """1 where the answer is among the top boxes, 0 elsewhere, NaN where missing.

    ``levels`` are the categories that count, or how many of the last ones (2: top two; -2: bottom two).
    """
    category = column.category()
    if isinstance(levels, int):
        if levels == 0 or abs(levels) >= len(category.levels):
            raise EstimateError(
                "bad_boxes",
                f"{column.name} has {len(category.levels)} categories; {abs(levels)} boxes leave nothing "
                "to compare.",
                place=column.name,
            )
        chosen = category.levels[-levels:] if levels > 0 else category.levels[:-levels]
    else:
        chosen = tuple(levels)
    unknown = [level for level in chosen if level not in category.levels]
    if unknown:
        raise EstimateError(
            "unknown_level",
            f"{column.name} has no category {unknown[0]!r}; its categories are {', '.join(category.levels)}.",
            place=column.name,
        )
    inside = np.isin(category.values, [category.levels.index(level) for level in chosen])
    values = np.where(category.values < 0, np.nan, inside * 1.0)
    return Column(name or f"{column.name}: {', '.join(chosen)}", "number", values)


@dataclass(frozen=True, eq=False)
class Need:
    """A need item as three 0/1 columns over all who answered, and ``met`` over those who needed it (NaN
    elsewhere)."""

    received: Column
    needed: Column
    not_needed: Column
    met: Column


def need(column: Column, received: str, needed: str, not_needed: str) -> Need:
    """A three-state need item: got it / needed it / not needed.

    The need is everyone who got it or needed it, ``met`` the share of the need that was met; those who did
    not need it are no failures and no successes. Raises :class:`EstimateError` for categories that are
    missing or stand for two states.
    """
    category = column.category()
    states = {"received": received, "needed": needed, "not_needed": not_needed}
    if len(set(states.values())) < 3:
        raise EstimateError(
            "same_state", f"{column.name}: the three states need three categories.", place=column.name
        )
    for level in states.values():
        if level not in category.levels:
            raise EstimateError(
                "unknown_level",
                f"{column.name} has no category {level!r}; its categories are {', '.join(category.levels)}.",
                place=column.name,
            )
    position = {state: category.levels.index(level) for state, level in states.items()}
    known = np.isin(category.values, list(position.values()))
    columns = {
        state: Column(
            f"{column.name}: {state}", "number", np.where(known, (category.values == i) * 1.0, np.nan)
        )
        for state, i in position.items()
    }
    asked = known & (category.values != position["not_needed"])
    met = np.where(asked, (category.values == position["received"]) * 1.0, np.nan)
    return Need(
        columns["received"],
        columns["needed"],
        columns["not_needed"],
        Column(f"{column.name}: met", "number", met),
    )
