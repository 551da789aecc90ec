"""The sampling structure: stages of strata and units, finite populations, and the variance of a total.

Source: Särndal, Swensson, Wretman (1992), *Model Assisted Survey Sampling*, sections 2.9, 4.3; the recursion
over stages is the one of R ``survey::svyrecvar``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from analysis.columns import Bools, Floats, Ints
from analysis.errors import DesignError
from analysis.products import crossed

LONELY_RULES = ("fail", "remove", "certainty", "adjust", "average")
"""What to do with a stratum that has one PSU: raise; count it as no variance (two names); centre it at the
mean of all PSU totals; give it the average variance of the other strata."""

SELF_REPRESENTING = 1e-7
"""A finite population correction below this is a stratum that was taken completely: no variance."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of selection, in codes.

    ``unit`` (n,) the unit of every row; ``unit_stratum`` (U,) the stratum of every unit; ``size`` (H,) units
    in the sample per stratum; ``population`` (H,) units in the population, or None (with replacement);
    ``share`` (H,) product of the sampling fractions of the earlier stages; ``names`` (H,) for messages.
    """

    unit: Ints
    unit_stratum: Ints
    size: Ints
    population: Floats | None
    share: Floats
    names: tuple[str, ...]

    @property
    def fpc(self) -> Floats:
        """(H,) finite population correction 1 - n/N, 1 without a population size."""
        if self.population is None:
            return np.ones(len(self.size))
        with np.errstate(invalid="ignore"):
            out = 1.0 - self.size / self.population
        return np.where(np.isinf(self.population), 1.0, out)

    @cached_property
    def starts(self) -> Ints:
        """(H,) the first unit of every stratum: units are numbered stratum by stratum."""
        return np.searchsorted(self.unit_stratum, np.arange(len(self.size))).astype(np.int64)

    def means(self, totals: Floats) -> Floats:
        """(H, p) means of unit totals (U, p) by stratum."""
        return np.asarray(np.add.reduceat(totals, self.starts, axis=0) / self.size[:, None])

    @property
    def single_rows(self) -> bool:
        """True where every unit is one row, so that nothing has to be summed."""
        return len(self.unit_stratum) == len(self.unit)

    def touched(self, active: Bools) -> Bools:
        """(H,) strata with a row of ``active`` (n,)."""
        out = np.zeros(len(self.size), bool)
        out[self.unit_stratum[self.unit[active]]] = True
        return out

    def totals(self, scores: Floats) -> Floats:
        """(U, p) sums of (n, p) scores over units."""
        n = len(self.unit)
        if self.single_rows:
            out = np.empty_like(scores)
            out[self.unit] = scores
            return out
        if scores.shape[1] <= 2:
            return np.stack(
                [np.bincount(self.unit, column, len(self.unit_stratum)) for column in scores.T], axis=1
            )
        pick = sparse.csr_array((np.ones(n), self.unit, np.arange(n + 1)), shape=(n, len(self.unit_stratum)))
        return np.asarray(pick.T @ scores)


def stages(
    units: Sequence[Ints],
    strata: Sequence[Ints],
    populations: Sequence[Floats] | None,
    names: Sequence[str] = (),
) -> tuple[Stage, ...]:
    """Stages from row codes; units are nested in the strata and units before them.

    ``populations`` (stages, n) are numbers of units in the population, or sampling fractions where all are at
    most 1. Raises :class:`DesignError` where a population is smaller than the sample or varies within a
    stratum.
    """
    out: list[Stage] = []
    parent = np.zeros(len(units[0]), np.int64)
    share_of_row = np.ones(len(units[0]))
    for k, unit in enumerate(units):
        if k and populations is None:
            break  # Without population sizes the first stage carries the whole variance (ultimate clusters).
        stratum, first = _pair(parent, strata[k] if k < len(strata) else np.zeros_like(unit))
        code, first_row = _pair(stratum, unit)
        unit_stratum = stratum[first_row]
        size = np.bincount(unit_stratum)
        labels = tuple(str(names[s]) if names and not k else str(s) for s in _level_of(strata, k, first))
        population = None
        if populations is not None and k < len(populations):
            population = _population(np.asarray(populations[k], float), stratum, size, labels, k + 1)
        stage = Stage(code, unit_stratum, size, population, share_of_row[first], labels)
        out.append(stage)
        if population is not None:
            share_of_row = share_of_row * (size / population)[stratum]
        parent = code
    return tuple(out)


def simple(n: int, populations: Sequence[Floats] | None) -> tuple[Stage, ...]:
    """One stage without strata, every row its own unit: nothing to sort."""
    none = np.zeros(n, np.int64)
    size = np.array([n])
    population = None
    if populations is not None:
        population = _population(np.asarray(populations[0], float), none, size, ("all",), 1)
    return (Stage(np.arange(n), none, size, population, np.ones(1), ("all",)),)


def _pair(outer: Ints, inner: Ints) -> tuple[Ints, Ints]:
    """Codes of the pairs that occur and the first row of each."""
    width = int(inner.max()) + 1 if len(inner) else 1
    key = outer * width + inner if outer.any() else inner
    span = int(key.max()) + 1 if len(key) else 0
    if span <= 4 * len(key):
        # Few possible pairs are counted in place of being sorted.
        present = np.bincount(key, minlength=span) > 0
        code = (np.cumsum(present) - 1)[key]
        first = np.empty(int(present.sum()), np.int64)
        first[code[::-1]] = np.arange(len(key) - 1, -1, -1)
        return code.astype(np.int64), first
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    return code.astype(np.int64), first.astype(np.int64)


def _level_of(strata: Sequence[Ints], k: int, first: Ints) -> Ints:
    return strata[k][first] if k < len(strata) else np.arange(len(first))


def _population(values: Floats, stratum: Ints, size: Ints, names: tuple[str, ...], stage: int) -> Floats:
    if np.isnan(values).any() or (values <= 0).any():
        raise DesignError("bad_fpc", f"A population size of stage {stage} is missing or not positive.")
    above, below = bool((values > 1).any()), bool((values < 1).any())
    if above and below:
        raise DesignError(
            "mixed_fpc",
            f"Stage {stage} mixes population sizes (above 1) with sampling fractions (below 1); give one "
            "of them.",
        )
    low = np.full(len(size), np.inf)
    np.minimum.at(low, stratum, values)
    high = np.zeros(len(size))
    np.maximum.at(high, stratum, values)
    uneven = np.flatnonzero(high - low > 1e-9 * np.maximum(high, 1))
    if uneven.size:
        name = names[uneven[0]]
        raise DesignError(
            "uneven_fpc",
            f"The population size varies within stratum {name} ({low[uneven[0]]:g} to {high[uneven[0]]:g}); "
            "it must be one number per stratum.",
            place=name,
        )
    population = size / low if below else low
    short = np.flatnonzero(population < size * (1 - 1e-9))
    if short.size:
        h = short[0]
        raise DesignError(
            "oversampled",
            f"Stratum {names[h]} has {size[h]} sampled units but only {population[h]:g} in the population.",
            place=names[h],
        )
    return np.asarray(population)


def covariance(scores: Floats, plan: Sequence[Stage], lonely: str, active: Bools | None = None) -> Floats:
    """(p, p) covariance of the column totals of ``scores`` (n, p), weighted influence values with 0 off
    domain.

    ``active`` (n,) are the rows of the domain: the rule ``average`` averages over strata that they touch.
    """
    out = np.zeros((scores.shape[1], scores.shape[1]))
    for stage in plan:
        live = None if active is None else stage.touched(active)
        out += stage_covariance(stage.totals(scores), stage, lonely, live)
    return out


def stage_covariance(totals: Floats, stage: Stage, lonely: str, live: Bools | None = None) -> Floats:
    """(p, p) contribution of one stage from unit totals (U, p)."""
    factor, alone = stage_factors(stage, lonely, live)
    centred = centred_totals(totals, stage, lonely, alone)
    out = crossed(centred, centred * factor[stage.unit_stratum][:, None])
    return (out + out.T) / 2


def centred_totals(totals: Floats, stage: Stage, lonely: str, alone: Bools) -> Floats:
    """(U, p) unit totals minus their stratum's mean; lonely units minus the grand mean under ``adjust``."""
    # Measured from the stratum's first unit, so that units that are all alike differ by exactly nothing.
    first = totals[stage.starts]
    out = totals - first[stage.unit_stratum]
    means = stage.means(out)
    if lonely == "adjust" and alone.any():
        means[alone] = totals.mean(axis=0) - first[alone]
    out -= means[stage.unit_stratum]
    return np.asarray(out)


def stage_factors(stage: Stage, lonely: str, live: Bools | None = None) -> tuple[Floats, Bools]:
    """(H,) factor of every stratum's sum of squares, and which strata have one unit only.

    Raises :class:`DesignError` for a lonely PSU under the rule ``fail``.
    """
    if lonely not in LONELY_RULES:
        raise DesignError(
            "lonely_rule", f"{lonely!r} is no rule for lonely PSUs; use one of {', '.join(LONELY_RULES)}."
        )
    f = stage.fpc
    complete = f < SELF_REPRESENTING
    alone = (stage.size == 1) & ~complete
    if lonely == "fail" and alone.any():
        named = [stage.names[h] for h in np.flatnonzero(alone)]
        raise DesignError(
            "lonely_psu",
            f"Stratum {', '.join(named[:5])} has one PSU only, so its variance cannot be estimated. Merge "
            "it with "
            "a similar stratum, or choose a rule: lonely='adjust', 'average', 'remove' or 'certainty'.",
            place=named[0],
            strata=named,
        )
    factor = stage.share * f * np.where(stage.size > 1, stage.size / np.maximum(stage.size - 1, 1), 1.0)
    factor[complete] = 0.0
    if lonely == "average" and alone.any():
        counted = np.ones(len(alone), bool) if live is None else live
        good = ~alone & counted
        if not good.any():
            raise DesignError(
                "all_lonely", "Every stratum has one PSU only; there is nothing to average over."
            )
        factor[alone] = 0.0
        factor *= counted.sum() / good.sum()
    return factor, alone
