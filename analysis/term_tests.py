"""Tests that whole terms of a model are zero: Wald, working Wald, working likelihood ratio. R:
``regTermTest``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from analysis import quadratic_forms
from analysis.columns import Floats, Ints
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.families import FAMILIES
from analysis.model_matrix import Term
from analysis.regression import Regression, fit


@dataclass(frozen=True, eq=False)
class TermTest:
    """A test that all coefficients of some terms are 0; ``weights`` are the eigenvalues of a working test."""

    method: str
    terms: tuple[str, ...]
    statistic: float
    df: int
    ddf: float
    p_value: float
    weights: Floats


def term_test(
    design: SurveyDesign,
    model: Regression,
    terms: Sequence[Term] | Term,
    method: str = "wald",
    approximation: str = "saddlepoint",
    df: float | None = None,
) -> TermTest:
    """Test of whole terms. R: ``regTermTest``.

    ``wald``: F = b' V^-1 b / q on (q, df). ``working_wald`` and ``lrt``: the statistic of the working model,
    whose reference distribution is a sum of chi-squares weighted by the eigenvalues of V0^-1 V over a
    chi-square of df (Rao and Scott 1984; Lumley and Scott 2014, Australian & New Zealand Journal of
    Statistics 56). ``df`` None: those of the model; ``inf``: a chi-square.

    Raises :class:`EstimateError` for terms that the model does not hold.
    """
    wanted = _term_labels(terms)
    held = {frozenset(label.split(":")): t for t, label in enumerate(model.matrix.terms)}
    for label in wanted:
        if frozenset(label.split(":")) not in held:
            raise EstimateError(
                "no_such_term",
                f"The model has no term {label}; its terms are {', '.join(model.matrix.terms)}.",
                place=label,
            )
    index = np.flatnonzero(np.isin(model.matrix.assign, [held[frozenset(w.split(":"))] for w in wanted]))
    beta = model.estimate[index]
    v = model.covariance[np.ix_(index, index)]
    q, ddf = len(index), model.df if df is None else df
    if method == "wald":
        f = float(beta @ np.linalg.solve(v, beta)) / q
        p = float(stats.chi2.sf(q * f, q) if np.isinf(ddf) else stats.f.sf(f, q, ddf))
        return TermTest(method, wanted, f, q, ddf, p, np.zeros(0))
    if method not in ("working_wald", "lrt"):
        raise EstimateError("unknown_test", f"{method!r} is no test of terms; use wald, working_wald or lrt.")
    v0 = model.naive[np.ix_(index, index)]
    if method == "working_wald":
        chi2 = float(beta @ np.linalg.solve(v0, beta))
    else:
        chi2 = _null_deviance(design, model, index) - model.deviance
    weights = linalg.eigh(v, v0, eigvals_only=True)[::-1]
    p = quadratic_forms.tail(chi2, weights, ddf, approximation)
    return TermTest(method, wanted, chi2, q, ddf, p, weights)


def _term_labels(terms: Sequence[Term] | Term) -> tuple[str, ...]:
    if isinstance(terms, str) or not isinstance(terms, Sequence):
        terms = [terms]
    return tuple(
        ":".join(v if isinstance(v, str) else v.name for v in (t if isinstance(t, tuple) else (t,)))
        for t in terms
    )


def _null_deviance(design: SurveyDesign, model: Regression, index: Ints) -> float:
    """Deviance without the columns, on the rows of the full model."""
    family = FAMILIES[model.family]
    rows = model.matrix.complete
    kept = np.setdiff1d(np.arange(len(model.names)), index)
    x, y = model.matrix.values[rows][:, kept], model.response[rows]
    w = design.weights[rows] / design.weights[design.active].mean()
    if not kept.size:
        return float(w @ family.deviance(y, family.mean(np.zeros(len(y)))))
    beta = fit(x, y, w, family, [model.names[j] for j in kept])
    return float(w @ family.deviance(y, family.mean(x @ beta)))
