"""Families of generalised linear models: link, variance and deviance of a quasi-likelihood.

Source: McCullagh and Nelder (1989), *Generalized Linear Models*, chapters 2, 4, 6 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.columns import Floats


@dataclass(frozen=True)
class Family:
    """Link and variance of a quasi-likelihood: eta -> mu, dmu/deta, mu -> variance, unit deviance, start for
    mu."""

    name: str
    mean: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    variance: Callable[[Floats], Floats]
    deviance: Callable[[Floats, Floats], Floats]
    start: Callable[[Floats], Floats]
    allowed: tuple[float, float]


def _square(y: Floats, mu: Floats) -> Floats:
    gap: Floats = y - mu
    return gap * gap


def _binomial(y: Floats, mu: Floats) -> Floats:
    saturated = special.xlogy(y, y) + special.xlogy(1 - y, 1 - y)
    return np.asarray(2 * (saturated - special.xlogy(y, mu) - special.xlogy(1 - y, 1 - mu)), float)


def _poisson(y: Floats, mu: Floats) -> Floats:
    return np.asarray(2 * (special.xlogy(y, y) - special.xlogy(y, mu) - (y - mu)), float)


def _one(mu: Floats) -> Floats:
    return np.ones_like(mu)


FAMILIES: Mapping[str, Family] = {
    "gaussian": Family(
        "gaussian",
        mean=lambda eta: eta,
        slope=_one,
        variance=_one,
        deviance=_square,
        start=lambda y: y,
        allowed=(-np.inf, np.inf),
    ),
    "quasibinomial": Family(
        "quasibinomial",
        mean=lambda eta: special.expit(eta),
        slope=lambda eta: special.expit(eta) * special.expit(-eta),
        variance=lambda mu: mu * (1 - mu),
        deviance=_binomial,
        start=lambda y: special.logit((y + 0.5) / 2),
        allowed=(0.0, 1.0),
    ),
    "quasipoisson": Family(
        "quasipoisson",
        mean=np.exp,
        slope=np.exp,
        variance=lambda mu: mu,
        deviance=_poisson,
        start=lambda y: np.log(y + 0.1),
        allowed=(0.0, np.inf),
    ),
}  # fmt: skip
"""Linear, logistic and Poisson models; the dispersion is always estimated."""
