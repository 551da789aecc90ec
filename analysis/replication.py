"""Replicate designs made from a sampling design: jackknife, balanced half samples, bootstraps.

The factors are kept per first-stage unit. Sources: Wolter (2007), chapters 3 and 4; McCarthy (1969); Judkins
(1990) for Fay's method; Canty and Davison (1999); Rao and Wu (1988); Preston (2009) for several stages. R:
``as.svrepdesign``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from analysis.columns import Floats, Ints
from analysis.errors import DesignError
from analysis.replicates import Replicates

if TYPE_CHECKING:
    from analysis.design import SurveyDesign


def _made(
    design: SurveyDesign,
    factors: Floats,
    scale: float,
    rscales: Floats,
    kind: str,
    mse: bool,
    df: float | None = None,
) -> SurveyDesign:
    if design.calibrations:
        raise DesignError(
            "calibrated_first",
            "Make the replicates from the design before calibration and calibrate the replicate design: "
            "then every "
            "replicate is calibrated again.",
        )
    first = design.plan[0]
    by_row = len(factors) != len(first.unit_stratum)
    unit = None if by_row else first.unit
    if df is None and not by_row:
        # The rank of these factors minus one, known without taking it.
        df = float(min(len(first.unit_stratum) - len(first.size), factors.shape[1] - 1))
    if design.domain is not None:
        df = None
    made = Replicates(design.weights, factors, unit, scale, rscales, mse, kind, df)
    return replace(design, replicates=made)


def _order_of_appearance(design: SurveyDesign) -> Ints:
    """Units stratum by stratum as they first appear in the data: the order in which the reference lists
    replicates."""
    first = design.plan[0]
    seen = np.full(len(first.unit_stratum), len(first.unit))
    np.minimum.at(seen, first.unit, np.arange(len(first.unit)))
    stratum = np.full(len(first.size), len(first.unit))
    np.minimum.at(stratum, first.unit_stratum, seen)
    return np.lexsort((seen, stratum[first.unit_stratum])).astype(np.int64)


def jackknife(design: SurveyDesign, *, mse: bool = False) -> SurveyDesign:
    """JK1: each unit left out once, for unstratified designs."""
    first = design.plan[0]
    if len(first.size) > 1:
        raise DesignError(
            "jk1_stratified", "JK1 is for designs without strata; use stratified_jackknife (JKn)."
        )
    n = int(first.size[0])
    if n < 2:
        raise DesignError("jk1_one", "The jackknife needs at least two PSUs.")
    order = _order_of_appearance(design)
    factors = np.full((n, n), n / (n - 1))
    factors[order, np.arange(n)] = 0.0
    return _made(design, factors, float(first.fpc[0]) * (n - 1) / n, np.ones(n), "JK1", mse)


def stratified_jackknife(design: SurveyDesign, *, mse: bool = False) -> SurveyDesign:
    """JKn: each unit left out once, the others of its stratum scaled up.

    Lonely PSUs follow the design's rule as in :func:`analysis.sampling.stage_factors`: ``fail`` raises,
    ``remove`` and ``certainty`` leave them out, ``average`` scales the others up, ``adjust`` moves their
    weight to the others.
    """
    first = design.plan[0]
    f = first.fpc
    units, strata = len(first.unit_stratum), first.unit_stratum
    columns, rscales, lonely = [], [], 0
    for u in _order_of_appearance(design):
        h = int(strata[u])
        n = int(first.size[h])
        column = np.ones(units)
        if n == 1:
            if f[h] > 0 and design.lonely == "fail":
                raise DesignError(
                    "lonely_psu",
                    f"Stratum {first.names[h]} has one PSU only; choose a rule for lonely PSUs or merge it.",
                    place=first.names[h],
                )
            lonely += 1
            if design.lonely != "adjust" or f[h] == 0:
                continue
            count = len(first.size)
            column[:] = count / (count - 1)
            column[u] = 0.0
            rscales.append((count - 1) / count)
        else:
            column[strata == h] = n / (n - 1)
            column[u] = 0.0
            rscales.append(f[h] * (n - 1) / n)
        columns.append(column)
    if not columns:
        raise DesignError(
            "no_replicates_left", "Every stratum was taken completely; nothing can be replicated."
        )
    scale = units / (units - lonely) if design.lonely == "average" and lonely else 1.0
    return _made(design, np.stack(columns, axis=1), scale, np.array(rscales), "JKn", mse)


def hadamard(order: int) -> Floats:
    """A Hadamard matrix (m, m) of 1 and -1 with m the smallest available order of at least ``order``.

    Paley's first construction where it is smaller than Sylvester's doubling.
    """
    sizes = []
    for doublings in range(12):
        step = 2**doublings
        base = 4
        while base * step < order or not _is_prime(base - 1):
            base += 4
            if base > 4000:  # pragma: no cover - a prime that is 3 modulo 4 is never that far
                break
        sizes.append((base * step, base, doublings))
    sylvester = 1 << max(1, int(np.ceil(np.log2(max(order, 2)))))
    best, base, doublings = min(sizes)
    if sylvester <= best:
        return np.asarray(linalg.hadamard(sylvester), float)
    out = _paley(base - 1)
    for _ in range(doublings):
        out = np.block([[out, out], [out, -out]])
    return out


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def _paley(q: int) -> Floats:
    """Order q + 1 for a prime q that is 3 modulo 4 (Paley 1933), first row and column ones."""
    squares = {(i * i) % q for i in range(1, q)}
    chi = np.array([0] + [1 if i in squares else -1 for i in range(1, q)])
    jacobsthal = chi[(np.arange(q)[:, None] - np.arange(q)[None, :]) % q]
    out = np.ones((q + 1, q + 1))
    out[1:, 1:] = jacobsthal - np.eye(q)
    return out


def balanced(design: SurveyDesign, *, fay: float = 0.0, mse: bool = False) -> SurveyDesign:
    """BRR for strata with two PSUs each; ``fay`` in (0, 1) keeps that share of the weight (Fay's method).

    Strata with an even number of PSUs are split into pairs in order of appearance. The finite population
    correction is not used. Raises :class:`DesignError` for an odd number of PSUs.
    """
    if not 0 <= fay < 1:
        raise DesignError("fay_rho", f"Fay's factor lies between 0 and 1, not at {fay:g}.")
    first = design.plan[0]
    pair, side = np.zeros(len(first.unit_stratum), np.int64), np.zeros(len(first.unit_stratum), np.int64)
    order, count = _order_of_appearance(design), 0
    live = np.ones(len(first.unit_stratum), bool)
    if design.domain is not None:
        # Of a domain only the units in it can be paired; the others have no weight to move.
        live = np.bincount(first.unit[design.active], minlength=len(live)) > 0
    for h in range(len(first.size)):
        members = order[(first.unit_stratum[order] == h) & live[order]]
        if len(members) % 2:
            raise DesignError(
                "odd_psus",
                f"Stratum {first.names[h]} has {len(members)} PSUs; balanced half samples need pairs. "
                "Merge a PSU or "
                "use stratified_jackknife.",
                place=first.names[h],
            )
        for i, unit in enumerate(members):
            pair[unit], side[unit] = count + i // 2, i % 2
        count += len(members) // 2
    signs = hadamard(count + 1)
    chosen = (signs[1 + pair] > 0) == (side == 0)[:, None]
    factors = np.where(chosen, 2.0 - fay, fay)
    total = factors.shape[1]
    scale = 1.0 / (total * (1 - fay) ** 2)
    return _made(design, factors, scale, np.ones(total), "Fay" if fay else "BRR", mse, float(count))


def bootstrap(
    design: SurveyDesign, replicates: int = 500, *, seed: int, kind: str = "rao-wu", mse: bool = False
) -> SurveyDesign:
    """Bootstrap replicates from a seed; the same seed gives the same weights.

    ``rao-wu``: n-1 units drawn with replacement per stratum (R ``subbootstrap``); ``canty-davison``: n units,
    with the population size copied where there is one (R ``bootstrap``); ``preston``: rescaling half samples
    without replacement over all stages, for large sampling fractions (R ``mrbbootstrap``).
    """
    kinds = {"rao-wu": _rao_wu, "canty-davison": _canty_davison, "preston": _preston}
    if kind not in kinds:
        raise DesignError("bootstrap_kind", f"{kind!r} is no bootstrap; use {', '.join(kinds)}.")
    if replicates < 2:
        raise DesignError("bootstrap_count", "A bootstrap needs at least two replicates.")
    return kinds[kind](design, replicates, np.random.default_rng(seed), mse)


def rao_wu_factors(strata: Ints, replicates: int, rng: np.random.Generator) -> Floats:
    """(U, R) factors of the n-1 bootstrap for units in ``strata`` (U,)."""
    out = np.zeros((len(strata), replicates))
    sizes = np.bincount(strata)
    for h in np.flatnonzero(sizes):
        n = int(sizes[h])
        if n < 2:
            raise DesignError(
                "lonely_psu", "A stratum with one PSU cannot be bootstrapped; merge it.", place=str(h)
            )
        drawn = rng.multinomial(n - 1, np.full(n, 1.0 / n), replicates)
        out[strata == h] = drawn.T * (n / (n - 1))
    return out


def _rao_wu(design: SurveyDesign, count: int, rng: np.random.Generator, mse: bool) -> SurveyDesign:
    factors = rao_wu_factors(design.plan[0].unit_stratum, count, rng)
    return _made(design, factors, 1.0 / (count - 1), np.ones(count), "subbootstrap", mse)


def _canty_davison(design: SurveyDesign, count: int, rng: np.random.Generator, mse: bool) -> SurveyDesign:
    first = design.plan[0]
    factors = np.zeros((len(first.unit_stratum), count))
    for h, n in enumerate(first.size.tolist()):
        members = np.flatnonzero(first.unit_stratum == h)
        population = np.inf if first.population is None else float(first.population[h])
        if population > 100 * n:
            drawn = rng.multinomial(n, np.full(n, 1.0 / n), count)
        else:
            drawn = np.stack([_copied(n, round(population), rng) for _ in range(count)])
        factors[members] = drawn.T
    harmonic = 1.0 / float(np.mean(1.0 / first.size))
    scale = harmonic / ((harmonic - 1) * (count - 1)) if harmonic > 1 else 1.0 / (count - 1)
    return _made(design, factors, scale, np.ones(count), "bootstrap", mse)


def _copied(n: int, population: int, rng: np.random.Generator) -> Ints:
    """How often each of n units is drawn without replacement from a population of copies of them."""
    whole, rest = divmod(population, n)
    copies = np.full(n, whole)
    copies[rng.choice(n, rest, replace=False)] += 1
    return np.asarray(rng.multivariate_hypergeometric(copies, n))


def _preston(design: SurveyDesign, count: int, rng: np.random.Generator, mse: bool) -> SurveyDesign:
    """Multistage rescaling bootstrap: Preston (2009), Survey Methodology 35, equation 3.5."""
    rows = len(design)
    out = np.empty((rows, count))
    for r in range(count):
        total, running = np.ones(rows), np.ones(rows)
        kept = np.ones(rows, bool)
        for stage in design.plan:
            half = stage.size // 2
            f = 1.0 - stage.fpc
            taken = _half_sample(stage.unit_stratum, half, rng)[stage.unit]
            stratum = stage.unit_stratum[stage.unit]
            n, m = stage.size[stratum].astype(float), half[stratum].astype(float)
            with np.errstate(divide="ignore", invalid="ignore"):
                spread = np.sqrt(stage.share[stratum] * m * (1 - f[stratum]) / (n - m))
                move = np.where(m > 0, -spread + spread * np.where(taken, n / m, 0.0), 0.0)
                onward = np.where(m > 0, np.sqrt(n / np.maximum(m, 1)) * taken, 0.0)
            total = total + running * move
            running = running * onward
            kept &= taken
        out[:, r] = total
    return _made(design, out, 1.0, np.full(count, 1.0 / (count - 1)), "mrbbootstrap", mse)


def _half_sample(strata: Ints, half: Ints, rng: np.random.Generator) -> np.ndarray:
    """(U,) True for the units drawn: ``half[h]`` of every stratum, without replacement."""
    key = rng.random(len(strata))
    order = np.lexsort((key, strata))
    start = np.zeros(len(half) + 1, np.int64)
    np.cumsum(np.bincount(strata, minlength=len(half)), out=start[1:])
    rank = np.empty(len(strata), np.int64)
    rank[order] = np.arange(len(strata)) - start[strata[order]]
    return np.asarray(rank < half[strata])
