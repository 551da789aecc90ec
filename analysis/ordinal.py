"""Ordered outcomes: the proportional-odds model and its kin.

Source: McCullagh (1980), JRSS B 42; variance after Binder (1983). R: ``svyolr``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import special, stats

from analysis import model_matrix
from analysis.columns import Floats, Ints
from analysis.design import SurveyDesign
from analysis.diagnostics import refuse_negative_weights
from analysis.errors import EstimateError
from analysis.model_matrix import Term
from analysis.results import critical

STEPS = 100
SMALLEST_STEP = 1e-10
RUN_AWAY = 30.0
"""A coefficient beyond this on the scale of the link is a group that gives only one extreme answer."""


def _logistic_density(z: Floats) -> Floats:
    return np.asarray(special.expit(z) * special.expit(-z))


def _logistic_slope(z: Floats) -> Floats:
    return np.asarray(_logistic_density(z) * (special.expit(-z) - special.expit(z)))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(stats.norm.pdf(z))


@dataclass(frozen=True)
class Link:
    """Distribution function, density and slope of the density of the latent error."""

    cumulative: Callable[[Floats], Floats]
    density: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]


LINKS: Mapping[str, Link] = {
    "logistic": Link(special.expit, _logistic_density, _logistic_slope),
    "probit": Link(special.ndtr, _normal_density, lambda z: -z * _normal_density(z)),
}


@dataclass(frozen=True, eq=False)
class OrdinalModel:
    """Coefficients, then cut points between neighbouring levels; arrays (p + q,), ``covariance`` square.

    A positive coefficient moves answers up: P(y <= k) = F(cut_k - x b).
    """

    names: tuple[str, ...]
    coefficients: int
    estimate: Floats
    se: Floats
    t: Floats
    p_value: Floats
    low: Floats
    high: Floats
    covariance: Floats
    df: float
    levels: tuple[str, ...]
    deviance: float
    base: int
    matrix: model_matrix.ModelMatrix


def ordinal(
    design: SurveyDesign, outcome: Any, terms: Sequence[Term], link: str = "logistic", level: float = 0.95
) -> OrdinalModel:
    """A cumulative-link model by weighted maximum likelihood (Newton steps). R: ``svyolr``.

    Raises :class:`EstimateError` for fewer than three levels, terms without a spread, and no convergence.
    """
    if link not in LINKS:
        raise EstimateError("unknown_link", f"{link!r} is no link; use {', '.join(LINKS)}.", place=link)
    refuse_negative_weights(design.weights, "a model")
    column = design.column(outcome).category()
    matrix = model_matrix.build(design, terms, True, column.values >= 0)
    rows = matrix.complete
    present, y = np.unique(column.values[rows], return_inverse=True)
    levels = tuple(column.levels[i] for i in present)
    if len(levels) < 3:
        raise EstimateError(
            "few_levels",
            f"{column.name} has {len(levels)} levels among the cases; an ordinal model needs three. Use a "
            "logistic model.",
            place=column.name,
        )
    x, back = _standardised(matrix.values[rows][:, 1:], len(levels) - 1)
    w = design.weights[rows] / design.weights[rows].mean()
    theta, information, deviance = _fit(x, y, w, len(levels), LINKS[link], column.name)
    if design.replicates is not None:
        values = [
            _fit(x, y, r[rows] / r[rows].mean(), len(levels), LINKS[link], column.name, theta)[0]
            for r in design.replicates.each()
        ]
        covariance = design.replicates.covariance(np.array(values), theta)
    else:
        _, gradient, _ = _derivatives(theta, x, y, len(levels), LINKS[link])
        scores = np.zeros((len(design), len(theta)))
        scores[rows] = gradient * w[:, None]
        covariance = design.covariance(scores @ np.linalg.inv(information))
    theta, covariance = back @ theta, back @ covariance @ back.T
    se = np.sqrt(np.diag(covariance))
    df = design.subset(rows).df + 1 - len(theta)
    half = critical(level, df) * se
    cuts = tuple(f"{a}|{b}" for a, b in pairwise(levels))
    return OrdinalModel(
        names=matrix.names[1:] + cuts,
        coefficients=x.shape[1],
        estimate=theta,
        se=se,
        t=theta / se,
        p_value=np.asarray(2 * stats.t.sf(np.abs(theta / se), df)),
        low=theta - half,
        high=theta + half,
        covariance=covariance,
        df=df,
        levels=levels,
        deviance=deviance,
        base=int(rows.sum()),
        matrix=matrix,
    )


def _standardised(x: Floats, cuts: int) -> tuple[Floats, Floats]:
    """Columns of mean 0 and length 1, and the matrix that leads their coefficients and cut points back.

    Years or euros as they stand would put cut points in the thousands, where nothing converges.
    """
    mean, spread = x.mean(axis=0), x.std(axis=0)
    p = len(mean)
    back = np.eye(p + cuts)
    back[range(p), range(p)] = 1 / spread
    back[p:, :p] = mean / spread
    return (x - mean) / spread, back


def _fit(
    x: Floats, y: Ints, w: Floats, levels: int, link: Link, name: str, start: Floats | None = None
) -> tuple[Floats, Floats, float]:
    """Estimate, information matrix and deviance."""
    p = x.shape[1]
    if start is None:
        shares = np.cumsum(np.bincount(y, w, levels))[:-1] / w.sum()
        start = np.concatenate([np.zeros(p), special.logit(shares)])
    theta = start
    likelihood, gradient, information = _weighted(theta, x, y, w, levels, link)
    for _ in range(STEPS):
        step, *_ = np.linalg.lstsq(information, gradient, rcond=1e-14)
        moved = _ascended(theta, np.asarray(step, float), likelihood, x, y, w, levels, link)
        if moved is None or np.max(np.abs(moved[0])) > RUN_AWAY:
            break
        shift = float(np.max(np.abs(moved[0] - theta)))
        theta, (likelihood, gradient, information) = moved
        if shift < 1e-10 * max(1.0, float(np.max(np.abs(theta)))):
            return theta, information, -2 * likelihood
    raise EstimateError(
        "no_convergence",
        f"The ordinal model of {name} does not converge: a group gives only the lowest or the highest "
        "answer. "
        "Merge its category or leave the term out.",
        place=name,
    )


def _ascended(
    theta: Floats, step: Floats, likelihood: float, x: Floats, y: Ints, w: Floats, levels: int, link: Link
) -> tuple[Floats, tuple[float, Floats, Floats]] | None:
    """The step, halved until cut points are in order and the likelihood does not fall; None where it never
    rises."""
    size = 1.0
    while size > SMALLEST_STEP:
        proposal = theta + size * step
        if (np.diff(proposal[x.shape[1] :]) > 0).all():
            new = _weighted(proposal, x, y, w, levels, link)
            if new[0] >= likelihood - 1e-12 * abs(likelihood):
                return proposal, new
        size /= 2
    return None


def _weighted(
    theta: Floats, x: Floats, y: Ints, w: Floats, levels: int, link: Link
) -> tuple[float, Floats, Floats]:
    log_p, gradient, information = _derivatives(theta, x, y, levels, link, w)
    return float(w @ log_p), w @ gradient, information


def _derivatives(
    theta: Floats, x: Floats, y: Ints, levels: int, link: Link, w: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """log P (m,), its gradient (m, p + q), and the weighted negative Hessian (empty without weights)."""
    p, q = x.shape[1], levels - 1
    eta = x @ theta[:p]
    cuts = theta[p:]
    upper = np.where(y < q, cuts[np.minimum(y, q - 1)] - eta, np.inf)
    lower = np.where(y > 0, cuts[np.maximum(y - 1, 0)] - eta, -np.inf)
    probability = np.maximum(link.cumulative(upper) - link.cumulative(lower), 1e-300)
    finite_u, finite_l = np.where(y < q, upper, 0.0), np.where(y > 0, lower, 0.0)
    du, dl = link.density(finite_u) * (y < q), link.density(finite_l) * (y > 0)
    # The rows of A and B are the gradients of the two cut distances.
    a = np.hstack([-x, (y[:, None] == np.arange(q)) * 1.0])
    b = np.hstack([-x, (y[:, None] == np.arange(1, q + 1)) * 1.0])
    gradient = (a * du[:, None] - b * dl[:, None]) / probability[:, None]
    if w is None:
        return np.log(probability), gradient, np.zeros((0, 0))
    su, sl = link.slope(finite_u) * (y < q), link.slope(finite_l) * (y > 0)
    information = gradient.T @ (gradient * w[:, None])
    information -= a.T @ (a * (w * su / probability)[:, None]) - b.T @ (b * (w * sl / probability)[:, None])
    return np.log(probability), gradient, information
