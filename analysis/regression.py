"""Linear, logistic and Poisson models in complex samples, with linearised, replicated and small-sample
variances.

Source: Binder (1983), International Statistical Review 51: the estimating equations are weighted, the
variance is the design's covariance of their scores between two inverse Hessians. R: ``svyglm``,
``regTermTest``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, stats

from analysis import model_matrix, readout
from analysis.columns import Bools, Column, Floats, Ints
from analysis.design import SurveyDesign
from analysis.diagnostics import refuse_negative_weights
from analysis.errors import DesignError, EstimateError
from analysis.families import FAMILIES, Family
from analysis.model_matrix import ModelMatrix, Term
from analysis.results import critical

if TYPE_CHECKING:
    import polars

STEPS = 100
SMALLEST_STEP = 1e-6
LOOSELY_CONVERGED = 1e-8
CONVERGED = 1e-13
"""Largest relative change of the linear predictor at which iteration stops; R's default of 1e-8 on the
deviance leaves standard errors of logistic models wrong in the fifth digit."""


@dataclass(frozen=True, eq=False)
class Regression:
    """p coefficients. All arrays (p,) unless stated.

    ``covariance`` and ``naive`` (p, p): the design's covariance, and the inverse information under weights
    of mean 1. ``df_coefficient`` are the degrees of freedom of each coefficient (all ``df`` unless
    Bell-McCaffrey). ``fitted`` (n,) means of all rows, NaN where a variable is missing. ``deviance`` under
    weights of mean 1.
    """

    family: str
    outcome: str
    names: tuple[str, ...]
    estimate: Floats
    se: Floats
    t: Floats
    p_value: Floats
    low: Floats
    high: Floats
    covariance: Floats
    naive: Floats
    df: float
    df_coefficient: Floats
    dispersion: float
    deviance: float
    base: int
    fitted: Floats
    matrix: ModelMatrix
    response: Floats
    level: float = 0.95

    def to_dict(self) -> dict[str, list[object]]:
        """Columns as lists: coefficient, estimate, se, t, p_value, low, high."""
        out: dict[str, list[object]] = {"coefficient": list(self.names)}
        for key in ("estimate", "se", "t", "p_value", "low", "high"):
            out[key] = [float(v) for v in getattr(self, key)]
        return out

    def to_polars(self) -> polars.DataFrame:
        """The same as a polars frame."""
        return readout.to_polars(self)

    @property
    def odds_ratios(self) -> tuple[Floats, Floats, Floats]:
        """exp of the coefficients with their intervals: odds ratios (logistic) or rate ratios (Poisson)."""
        return np.exp(self.estimate), np.exp(self.low), np.exp(self.high)


def glm(
    design: SurveyDesign,
    outcome: str | Column,
    terms: Sequence[Term],
    family: str = "gaussian",
    *,
    intercept: bool = True,
    standard_errors: str = "linearized",
    small_sample_df: bool = True,
    collinear: str = "fail",
    level: float = 0.95,
) -> Regression:
    """A generalised linear model on the complete rows of the design. R: ``svyglm``.

    ``outcome`` is a number, or for ``quasibinomial`` a category with two levels of which the second is the
    event. The degrees of freedom are the design's plus 1 minus p. ``standard_errors="bell_mccaffrey"`` is for
    few PSUs; with ``small_sample_df`` every coefficient then has degrees of freedom of its own, and the model
    the smallest. ``collinear="drop"`` leaves out columns that repeat others, as the reference does.

    Raises :class:`EstimateError` for collinear terms, a constant outcome, values outside the family's range,
    and no convergence (a logistic model in which a group is all 0 or all 1), naming the term.
    """
    if family not in FAMILIES:
        raise EstimateError(
            "unknown_family", f"{family!r} is no family; use {', '.join(FAMILIES)}.", place=family
        )
    if standard_errors not in STANDARD_ERRORS:
        raise EstimateError(
            "unknown_standard_errors", f"{standard_errors!r} is none of {', '.join(STANDARD_ERRORS)}."
        )
    refuse_negative_weights(design.weights, "a model")
    name, y = response(design, outcome, FAMILIES[family])
    matrix = model_matrix.build(design, terms, intercept, ~np.isnan(y), collinear)
    rows = matrix.complete
    x, target = matrix.values[rows], y[rows]
    if np.ptp(target) == 0:
        raise EstimateError(
            "constant_outcome", f"{name} is {target[0]:g} in every case of the model.", place=name
        )
    # Weights have mean 1 over the whole design, before rows with missing values are left out.
    w = design.weights[rows] / design.weights[design.active].mean()
    kin = FAMILIES[family]
    beta = fit(x, target, w, kin, matrix.names)
    naive, scores = _linearise(x, target, w, beta, kin)
    covariance, df_each = _covariance(design, matrix, y, w, beta, kin, naive, scores @ naive, standard_errors)
    # Replicate weights keep their degrees of freedom; PSUs without a complete row count for nothing.
    df = (design if design.replicates is not None else design.subset(rows)).df + 1 - len(beta)
    if df_each is not None and small_sample_df:
        df = float(df_each.min())
    mu = kin.mean(x @ beta)
    empty = np.zeros(0)
    out = Regression(
        family=family,
        outcome=name,
        names=matrix.names,
        estimate=beta,
        se=empty,
        t=empty,
        p_value=empty,
        low=empty,
        high=empty,
        covariance=covariance,
        naive=naive,
        df=df,
        df_coefficient=df_each if df_each is not None and small_sample_df else np.full(len(beta), df),
        dispersion=_dispersion(design, rows, target, mu, kin),
        deviance=float(w @ kin.deviance(target, mu)),
        base=int(rows.sum()),
        fitted=_spread(mu, rows, np.nan),
        matrix=matrix,
        response=y,
    )
    return with_intervals(out, level)


def _spread(values: Floats, rows: Bools, elsewhere: float) -> Floats:
    """Values of some rows as values of all rows."""
    out = np.full((len(rows), *values.shape[1:]), elsewhere)
    out[rows] = values
    return out


def _covariance(
    design: SurveyDesign,
    matrix: ModelMatrix,
    y: Floats,
    w: Floats,
    beta: Floats,
    family: Family,
    naive: Floats,
    influence: Floats,
    standard_errors: str,
) -> tuple[Floats, Floats | None]:
    """Covariance of the coefficients, and their own degrees of freedom where the method gives them."""
    if design.replicates is not None:
        return _replicated(design, matrix, y, beta, family), None
    rows = matrix.complete
    if standard_errors == "linearized":
        return design.covariance(_spread(influence, rows, 0.0)), None
    x = matrix.values[rows]
    reduced, df = _bell_mccaffrey(x, y[rows], w, beta, family, design.psu[rows], naive)
    return design.covariance(_spread(reduced, rows, 0.0)), df


STANDARD_ERRORS = ("linearized", "bell_mccaffrey")


def with_intervals(model: Regression, level: float) -> Regression:
    """The model with t statistics, p-values and intervals at a level; p is NaN without degrees of freedom."""
    se = np.sqrt(np.maximum(np.diag(model.covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = model.estimate / se
    df = model.df_coefficient
    p = np.where(df > 0, 2 * stats.t.sf(np.abs(t), np.where(df > 0, df, 1.0)), np.nan)
    half = np.array([critical(level, d) for d in df]) * se
    return replace(
        model, se=se, t=t, p_value=p, low=model.estimate - half, high=model.estimate + half, level=level
    )


def response(design: SurveyDesign, outcome: str | Column, family: Family) -> tuple[str, Floats]:
    """The outcome as numbers, checked against the family's range."""
    column = design.column(outcome)
    if column.kind == "category" and family.name == "quasibinomial":
        if len(column.levels) < 2:
            raise EstimateError("constant_outcome", f"{column.name} has one category.", place=column.name)
        # As in R, the first level is failure and every other one success.
        y = np.where(column.values < 0, np.nan, (column.values > 0) * 1.0)
    else:
        y = column.numeric()
    low, high = family.allowed
    seen = y[design.active & ~np.isnan(y)]
    if ((seen < low) | (seen > high)).any():
        wrong = seen[(seen < low) | (seen > high)][0]
        raise EstimateError(
            "outside_family",
            f"{column.name} contains {wrong:g}; a {family.name} model needs values from {low:g} to {high:g}.",
            place=column.name,
        )
    return column.name, y


def fit(
    x: Floats, y: Floats, w: Floats, family: Family, names: Sequence[str], start: Floats | None = None
) -> Floats:
    """(p,) coefficients by iteratively reweighted least squares with step halving.

    Source: McCullagh and Nelder (1989), *Generalized Linear Models*, 2.5. Raises :class:`EstimateError` where
    a coefficient grows without bound.
    """
    live = w > 0
    x, y, w = x[live], y[live], w[live]
    if family.name == "gaussian":
        return _solved(_solve(x, y, w), np.zeros(x.shape[1]), x, names)
    eta = family.start(y) if start is None else x @ start
    beta = np.zeros(x.shape[1]) if start is None else start
    deviance = np.inf if start is None else float(w @ family.deviance(y, family.mean(eta)))
    change = np.inf
    for _ in range(STEPS):
        mu, slope = family.mean(eta), family.slope(eta)
        with np.errstate(divide="ignore", invalid="ignore"):
            working = np.nan_to_num(np.where(slope > 0, w * slope**2 / family.variance(mu), 0.0))
            target = eta + np.where(slope > 0, (y - mu) / slope, 0.0)
        step = _solved(_solve(x, target, working), beta, x, names) - beta
        before = eta
        beta, eta, deviance = _halved(x, y, w, family, beta, step, deviance)
        change = float(np.max(np.abs(eta - before))) / max(1.0, float(np.max(np.abs(eta))))
        if change <= CONVERGED:
            return beta
    return _solved(beta if change < LOOSELY_CONVERGED else None, beta, x, names)


def _halved(
    x: Floats, y: Floats, w: Floats, family: Family, beta: Floats, step: Floats, deviance: float
) -> tuple[Floats, Floats, float]:
    """The step, halved until the deviance does not grow: coefficients, linear predictor, deviance."""
    size = 1.0
    while True:
        proposal = beta + size * step
        eta = x @ proposal
        with np.errstate(over="ignore", invalid="ignore"):
            new = float(w @ family.deviance(y, family.mean(eta)))
        if new <= deviance * (1 + 1e-10) + 1e-300 or size < SMALLEST_STEP:
            return proposal, eta, new
        size /= 2


def _solved(found: Floats | None, beta: Floats, x: Floats, names: Sequence[str]) -> Floats:
    """The coefficients, or an error that names the one that has run away."""
    if found is not None:
        return found
    # In units of each column's spread, so that a coefficient per euro and one per category compare.
    worst = names[int(np.argmax(np.abs(beta) * x.std(axis=0)))]
    raise EstimateError(
        "no_convergence",
        f"The model does not converge: the coefficient of {worst} grows without bound. A group in which the "
        "outcome is always 0 or always 1 does this; merge the category or leave the term out.",
        place=worst,
    )


def _solve(x: Floats, target: Floats, w: Floats) -> Floats | None:
    """Weighted least squares by QR on columns of unit length; None where the weights leave no full rank."""
    root = np.sqrt(w)
    weighted = x * root[:, None]
    scale = np.sqrt(np.einsum("ij,ij->j", weighted, weighted))
    if not (scale > 0).all():
        return None
    q, r = np.linalg.qr(weighted / scale)
    if r.shape[0] < x.shape[1] or (np.abs(np.diag(r)) < 1e-11).any():
        return None
    return np.asarray(linalg.solve_triangular(r, q.T @ (target * root)) / scale)


def _linearise(x: Floats, y: Floats, w: Floats, beta: Floats, family: Family) -> tuple[Floats, Floats]:
    """Inverse information (p, p) and score contributions (m, p) of the weighted estimating equations."""
    eta = x @ beta
    mu, slope = family.mean(eta), family.slope(eta)
    variance = family.variance(mu)
    information = x.T @ (x * (w * slope**2 / variance)[:, None])
    scores = x * (w * (y - mu) * slope / variance)[:, None]
    return np.asarray(_inverse(information), float), scores


def _inverse(information: Floats) -> Floats:
    """The inverse on columns of unit length, so that units of measurement (euros, shares) do not matter."""
    scale = 1 / np.sqrt(np.diag(information))
    return np.asarray(np.linalg.inv(information * np.outer(scale, scale)) * np.outer(scale, scale))


def _dispersion(design: SurveyDesign, rows: Bools, y: Floats, mu: Floats, family: Family) -> float:
    """The variance of Pearson residuals: about their mean in linearised designs, about 0 in replicate
    designs.

    The reference scales weights to mean 1 before rows with missing values leave, and again after; the rows of
    a calibrated design never leave, so that its second mean is over all of them.
    """
    w = design.weights[rows]
    n = len(w)
    left = design.base if design.calibrations and design.replicates is None else n
    residual = (y - mu) / np.sqrt(family.variance(mu))
    residual = residual * np.sqrt(w.sum() / left / design.weights[design.active].mean())
    if design.replicates is not None:
        return float(w @ residual**2 / w.sum())
    centre = w @ residual / w.sum()
    return float(w @ (residual - centre) ** 2 / w.sum() * n / (n - 1))


def _replicated(design: SurveyDesign, matrix: ModelMatrix, y: Floats, beta: Floats, family: Family) -> Floats:
    if design.replicates is None:  # pragma: no cover - the caller has looked
        raise DesignError("no_replicates", "This design has no replicate weights.")
    rows = matrix.complete
    x, target = matrix.values[rows], y[rows]
    values = np.array(
        [
            fit(x, target, w[rows] / w[rows].mean(), family, matrix.names, beta)
            for w in design.replicates.each()
        ]
    )
    return design.replicates.covariance(values, beta)


def _bell_mccaffrey(
    x: Floats, y: Floats, w: Floats, beta: Floats, family: Family, psu: Ints, naive: Floats
) -> tuple[Floats, Floats]:
    """Influence values (m, p) from bias-reduced residuals, and Satterthwaite degrees of freedom (p,).

    Residuals of a PSU are multiplied by (I - H)^(-1/2) of its block of the unweighted hat matrix (Bell and
    McCaffrey 2002, Survey Methodology 28, theorem 4, unit working covariance); R survey 4.5,
    ``std.errors="Bell-McCaffrey"``.
    """
    eta = x @ beta
    mu, slope = family.mean(eta), family.slope(eta)
    residual = (y - mu) / slope
    gram = _inverse(x.T @ x)
    adjusted = np.empty_like(residual)
    order = np.argsort(psu, kind="stable")
    edges = np.flatnonzero(np.diff(psu[order])) + 1
    pulled, squares = [], []
    for here in np.split(order, edges):
        block = x[here]
        root = _inverse_root(np.eye(len(here)) - block @ gram @ block.T)
        adjusted[here] = root @ residual[here]
        part = gram @ block.T @ root
        pulled.append(part @ block)
        squares.append(np.einsum("ij,ij->i", part, part))
    scores = x * (w * slope**2 / family.variance(mu) * adjusted)[:, None]
    return scores @ naive, _satterthwaite_df(np.array(pulled), np.array(squares), gram)


def _satterthwaite_df(pulled: Floats, squares: Floats, gram: Floats) -> Floats:
    """(p,) tr(B)^2 / tr(B^2) of B = D - P gram P' per coefficient, D (g,) and P (g, p) of the g PSUs.

    I - H is a projection, so the vectors of Bell and McCaffrey have these products and B (g, g) need not be
    formed.
    """
    out = np.empty(squares.shape[1])
    for j in range(len(out)):
        d, p = squares[:, j], pulled[:, j, :]
        inner = gram @ (p.T @ p)
        crossed = np.einsum("ij,jk,ik->i", p, gram, p)
        trace = d.sum() - np.trace(inner)
        out[j] = trace**2 / (d @ d - 2 * d @ crossed + np.sum(inner * inner.T))
    return out


def _inverse_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    root = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
    return np.asarray((vectors * root) @ vectors.T)
