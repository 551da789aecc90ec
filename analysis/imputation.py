"""Estimates from several imputed data sets combined by Rubin's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from scipy import stats

from analysis.columns import Floats
from analysis.errors import EstimateError

D = TypeVar("D")


class Estimated(Protocol):
    """What can be pooled: named estimates with their covariance (Estimates, Regression, ...)."""

    @property
    def names(self) -> tuple[str, ...]: ...  # pragma: no cover
    @property
    def estimate(self) -> Floats: ...  # pragma: no cover
    @property
    def covariance(self) -> Floats: ...  # pragma: no cover


@dataclass(frozen=True, eq=False)
class Pooled:
    """k estimates from m imputations. All arrays (k,) except ``covariance`` (k, k).

    ``within`` and ``between`` are the variances inside and between imputations, ``missing_information`` the
    share of the variance that is owed to missing answers, ``df`` the degrees of freedom of every estimate.
    """

    names: tuple[str, ...]
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    df: Floats
    missing_information: Floats
    covariance: Floats
    within: Floats
    between: Floats
    imputations: int
    level: float = 0.95


def pool(results: Sequence[Estimated], df_complete: float = np.inf, level: float = 0.95) -> Pooled:
    """Rubin's rules: the mean estimate; variance within plus (1 + 1/m) times the variance between
    imputations.

    ``df_complete`` are the degrees of freedom that complete data would give; where finite, the degrees of
    freedom are combined after Barnard and Rubin (1999), in the form of R ``mitools::MIcombine``. Source:
    Rubin (1987),
    *Multiple Imputation for Nonresponse in Surveys*, section 3.1.

    Raises :class:`EstimateError` for fewer than two imputations and for results that name different
    estimates.
    """
    m = len(results)
    if m < 2:
        raise EstimateError(
            "few_imputations", f"Rubin's rules need at least two imputations, there are {m}.", count=m
        )
    names = results[0].names
    for i, result in enumerate(results):
        if result.names != names:
            raise EstimateError(
                "different_estimates",
                f"Imputation {i + 1} estimates {', '.join(result.names)}, the first {', '.join(names)}.",
                place=str(i + 1),
            )
    values = np.stack([np.asarray(r.estimate, float) for r in results])
    within = np.mean([np.atleast_2d(r.covariance) for r in results], axis=0)
    between = np.atleast_2d(np.cov(values, rowvar=False, ddof=1))
    covariance = within + between * (m + 1) / m
    inside, outside = np.diag(within), np.diag(between)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (1 + 1 / m) * outside / inside
        df = (m - 1) * (1 + 1 / r) ** 2
        if np.isfinite(df_complete):
            observed = (df_complete + 1) / (df_complete + 3) * df_complete * inside / (inside + outside)
            df = 1 / (1 / observed + 1 / df)
        missing = (r + 2 / (df + 3)) / (r + 1)
    estimate = values.mean(axis=0)
    se = np.sqrt(np.diag(covariance))
    critical = np.where(np.isinf(df), stats.norm.ppf(0.5 + level / 2), stats.t.ppf(0.5 + level / 2, df))
    return Pooled(
        names=names,
        estimate=estimate,
        se=se,
        low=estimate - critical * se,
        high=estimate + critical * se,
        df=df,
        missing_information=missing,
        covariance=covariance,
        within=inside,
        between=outside,
        imputations=m,
        level=level,
    )


def over(
    designs: Sequence[D],
    estimator: Callable[[D], Estimated],
    df_complete: float = np.inf,
    level: float = 0.95,
) -> Pooled:
    """The estimator on every imputed design, pooled."""
    return pool([estimator(design) for design in designs], df_complete, level)
