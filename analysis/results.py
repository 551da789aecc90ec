"""Results: frozen tables of estimates with their covariance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from analysis import readout
from analysis.columns import Array, Floats
from analysis.errors import EstimateError

if TYPE_CHECKING:
    import polars

Contrast = Sequence[float] | Mapping[str, float] | Callable[[Mapping[str, Any]], Any]
"""Coefficients in row order, coefficients by row name, or a function of the estimates by name."""


@dataclass(frozen=True, eq=False)
class Estimates:
    """k estimates of one statistic. All arrays are (k,) except ``covariance`` (k, k).

    ``names`` identify rows (``"E:api00"``: domain, then variable or category); ``rows`` hold the same as
    fields (variable, category, and one field per grouping). ``base`` is the unweighted number of cases.
    ``low`` and ``high`` bound the interval of ``level``; ``df`` are its degrees of freedom. ``replicates``
    (R, k) are kept by replicate designs. ``scores`` are kept on request only.
    """

    statistic: str
    names: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    deff: Floats
    base: Floats
    effective_n: Floats
    covariance: Floats
    df: float
    level: float = 0.95
    interval: str = "t"
    notes: tuple[str, ...] = ()
    replicates: Floats | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Mapping[str, float]:
        i = self.position(name)
        return {key: float(getattr(self, key)[i]) for key in FIGURES}

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __repr__(self) -> str:
        return readout.as_text(self)

    def position(self, name: str) -> int:
        """The row called ``name``."""
        try:
            return self.names.index(name)
        except ValueError:
            raise EstimateError(
                "no_such_row", f"There is no row {name!r}; rows are {', '.join(self.names[:8])}.", place=name
            ) from None

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns as lists: the row fields, then estimate, se, low, high, deff, base, effective_n."""
        fields = dict.fromkeys(key for row in self.rows for key in row)
        out: dict[str, list[Any]] = {key: [row.get(key) for row in self.rows] for key in fields}
        for key in FIGURES:
            out[key] = [None if np.isnan(v) else float(v) for v in getattr(self, key)]
        return out

    def to_polars(self) -> polars.DataFrame:
        """The same as a polars frame."""
        import polars as pl

        return pl.DataFrame(self.to_dict())

    def take(self, rows: Array) -> Estimates:
        """The rows selected by positions or a mask, with their covariance."""
        index = np.arange(len(self))[rows]
        arrays = {key: getattr(self, key)[index] for key in FIGURES}
        return replace(
            self,
            names=tuple(self.names[i] for i in index),
            rows=tuple(self.rows[i] for i in index),
            covariance=self.covariance[np.ix_(index, index)],
            replicates=None if self.replicates is None else self.replicates[:, index],
            **arrays,
        )

    def interval_at(self, level: float, df: float | None = None) -> tuple[Floats, Floats]:
        """Symmetric t interval at another level (``df=inf``: normal)."""
        quantile = critical(level, self.df if df is None else df)
        return self.estimate - quantile * self.se, self.estimate + quantile * self.se

    def contrast(self, contrasts: Mapping[str, Contrast], level: float | None = None) -> Estimates:
        """Linear or nonlinear functions of the estimates, by the delta method.

        Each value of ``contrasts`` is a list of coefficients in row order, a mapping ``{row name:
        coefficient}``, or a function of the mapping ``{row name: estimate}`` built from numpy operations; its
        gradient is taken by a complex step (Squire and Trapp 1998), exact to rounding. R: ``svycontrast``.
        """
        gradients, values = [], []
        for name, rule in contrasts.items():
            gradient, value = _gradient(self, name, rule)
            gradients.append(gradient)
            values.append(value)
        jacobian = np.array(gradients)
        estimate = np.array(values)
        return from_covariance(
            "contrast",
            tuple(contrasts),
            tuple({"contrast": name} for name in contrasts),
            estimate,
            # A missing estimate that a contrast does not use must not spoil it.
            sandwich(jacobian, self.covariance),
            np.array([self.base[np.flatnonzero(g)].sum() for g in jacobian]),
            self.df,
            self.level if level is None else level,
        )


FIGURES = ("estimate", "se", "low", "high", "deff", "base", "effective_n")


def critical(level: float, df: float) -> float:
    """Two-sided critical value of t; normal where df is infinite, NaN where df is not positive."""
    if not 0 < level < 1:
        raise EstimateError("bad_level", f"A confidence level lies between 0 and 1, not at {level}.")
    if df <= 0:
        return float("nan")
    return float(stats.norm.ppf(0.5 + level / 2) if np.isinf(df) else stats.t.ppf(0.5 + level / 2, df))


def sandwich(jacobian: Floats, covariance: Floats) -> Floats:
    """J V J', in which rows of V that J does not use may be NaN."""
    used = np.flatnonzero(np.any(jacobian != 0, axis=0))
    part = jacobian[:, used]
    return np.asarray(part @ covariance[np.ix_(used, used)] @ part.T)


def from_covariance(
    statistic: str,
    names: tuple[str, ...],
    rows: tuple[Mapping[str, str], ...],
    estimate: Floats,
    covariance: Floats,
    base: Floats,
    df: float,
    level: float = 0.95,
    deff: Floats | None = None,
    notes: tuple[str, ...] = (),
    replicates: Floats | None = None,
) -> Estimates:
    """Estimates with symmetric t intervals from a covariance matrix."""
    covariance = np.atleast_2d(covariance)
    se = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    half = critical(level, df) * se
    effect = np.full(len(names), np.nan) if deff is None else deff
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(effect > 0, base / effect, np.nan)
    return Estimates(
        statistic=statistic,
        names=names,
        rows=rows,
        estimate=np.asarray(estimate, float),
        se=se,
        low=estimate - half,
        high=estimate + half,
        deff=effect,
        base=np.asarray(base, float),
        effective_n=effective,
        covariance=covariance,
        df=df,
        level=level,
        notes=notes,
        replicates=replicates,
    )


def _gradient(source: Estimates, name: str, rule: Contrast) -> tuple[Floats, float]:
    k = len(source)
    if callable(rule):
        plain = dict(zip(source.names, source.estimate.tolist(), strict=True))
        gradient = np.zeros(k)
        for i, key in enumerate(source.names):
            stepped: dict[str, Any] = dict(plain)
            stepped[key] = complex(plain[key], STEP)
            gradient[i] = np.imag(rule(stepped)) / STEP
        return gradient, float(np.real(rule(plain)))
    if isinstance(rule, Mapping):
        gradient = np.zeros(k)
        for key, coefficient in rule.items():
            gradient[source.position(key)] += coefficient
    else:
        gradient = np.asarray(rule, float)
        if gradient.shape != (k,):
            raise EstimateError(
                "contrast_length",
                f"Contrast {name} has {gradient.size} coefficients for {k} estimates.",
                place=name,
            )
    used = gradient != 0
    return gradient, float(gradient[used] @ source.estimate[used])


STEP = 1e-30
