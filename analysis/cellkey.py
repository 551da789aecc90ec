"""The cell-key method: counts changed a little, the same way wherever they appear.

Every response carries one random record key in [0, 1).  A cell's key is the fractional part of the sum of its
records' keys, so the same set of people gets the same noise in every table.  The noise is drawn from a
perturbation table by that key: unbiased, of fixed variance, a true zero stays zero, and small values can be
made never to occur.

Sources: Fraser & Wooton (2005), Thompson, Broadfoot & Elazar (2013) for the method; Giessing (2016),
doi:10.1007/978-3-319-45381-1_18 for the maximum entropy table; the Destatis implementation of the European
project for the census of 2021 (sdcTools/CensusProtection) for the lookup rule and the default table.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize, nnls

from analysis.errors import AnalysisError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class PerturbationError(AnalysisError):
    """Parameters for which no perturbation table exists, or keys that are not keys."""


@dataclass(frozen=True)
class PerturbationTable:
    """Transition probabilities of counts.

    ``rows[i]`` is the distribution of the noise for a count of ``i`` over ``-limit .. limit``; counts beyond
    the last row use the last row.  ``limit`` is D, ``variance`` V and ``blocked`` the largest small value
    that never occurs.
    """

    name: str
    source: str
    limit: int
    variance: float
    blocked: int
    rows: Floats

    @property
    def bounds(self) -> Floats:
        """Upper cumulative bounds of each row's noise values, shape (counts, 2 * limit + 1)."""
        cumulative = np.cumsum(self.rows, axis=1)
        # Sums of probabilities miss 1 by a rounding error; noise of probability zero must stay out of reach.
        cumulative[cumulative > 1 - 1e-9] = 1.0
        return cumulative

    def noise(self, counts: ArrayLike, keys: ArrayLike) -> Ints:
        """Noise for ``counts`` with cell ``keys`` in [0, 1); both of one shape."""
        n = np.asarray(counts, dtype=np.int64)
        key = np.asarray(keys, dtype=float)
        if np.any(n < 0):
            raise PerturbationError("perturbation", "counts must not be negative")
        if np.any((key < 0) | (key >= 1) | ~np.isfinite(key)):
            raise PerturbationError("perturbation", "cell keys must lie in [0, 1)")
        row = self.bounds[np.minimum(n, len(self.rows) - 1)]
        steps = np.sum(key[..., None] >= row, axis=-1)
        noise = steps - self.limit
        return np.where(n == 0, 0, noise).astype(np.int64)

    def perturb(self, counts: ArrayLike, keys: ArrayLike) -> Ints:
        """Counts after perturbation; never negative, and zero stays zero."""
        return np.asarray(counts, dtype=np.int64) + self.noise(counts, keys)


def _row(count: int, limit: int, blocked: int, cells: dict[int, float]) -> list[float]:
    return [cells.get(v, 0.0) for v in range(-limit, limit + 1)]


def _published() -> PerturbationTable:
    """The table published with the Destatis programs of the European census project, D = 2, V = 1.08, js =
    1.
    """
    rows = [
        _row(0, 2, 1, {0: 1.0}),
        _row(1, 2, 1, {-1: 0.513333333333333, 1: 0.459999999999997, 2: 0.0266666666666684}),
        _row(
            2,
            2,
            1,
            {-2: 0.165608346861048, 0: 0.546349918833711, 1: 0.244866774888386, 2: 0.043174959416855},
        ),
        _row(
            3,
            2,
            1,
            {-1: 0.420784681404797, 0: 0.277645955785609, 1: 0.182354044214391, 2: 0.119215318595203},
        ),
        _row(
            4,
            2,
            1,
            {
                -2: 0.0739466779323054,
                -1: 0.244213288270854,
                0: 0.363680067593605,
                1: 0.244213288271006,
                2: 0.0739466779322297,
            },
        ),
    ]
    return PerturbationTable(
        name="census-2021-d2-v108-js1",
        source="Destatis, European census project: sdcTools/CensusProtection, ptable_d2_v108_js1.csv",
        limit=2,
        variance=1.08,
        blocked=1,
        rows=np.array(rows, dtype=float),
    )


PUBLISHED = _published()


def generate(limit: int, variance: float, blocked: int = 0) -> PerturbationTable:
    """A perturbation table of maximum entropy: noise within ± ``limit``, mean 0, the given ``variance``.

    Rows are made for counts 0 .. ``limit + blocked + 1``, from where on the distribution is symmetric.
    Results of 1 .. ``blocked`` and below zero have probability zero.  For counts so small that the variance
    cannot be met within those limits (a count of 1 that must not stay 1), the nearest variance that can be
    met is used. Raises :class:`PerturbationError` when no unbiased noise exists.
    """
    if limit < 1 or variance <= 0 or blocked < 0:
        raise PerturbationError(
            "perturbation", "limit and variance must be positive and blocked must not be negative"
        )
    if variance > limit**2:
        raise PerturbationError(
            "perturbation", f"a variance of {variance} cannot be reached within ± {limit}"
        )
    rows = np.zeros((limit + blocked + 2, 2 * limit + 1))
    rows[0, limit] = 1.0
    for count in range(1, len(rows)):
        noise = np.arange(-limit, limit + 1)
        result = count + noise
        allowed = (result == 0) | (result > blocked)
        rows[count, allowed] = _entropy_row(noise[allowed].astype(float), variance, count)
    return PerturbationTable(
        name=f"maxent-d{limit}-v{variance:g}-js{blocked}",
        source="own generator: maximum entropy, Giessing (2016)",
        limit=limit,
        variance=variance,
        blocked=blocked,
        rows=rows,
    )


def _entropy_row(noise: Floats, variance: float, count: int) -> Floats:
    """Maximum entropy distribution on ``noise`` with mean 0 and the given variance, by its convex dual."""
    if noise.min() > 0 or noise.max() < 0:
        raise PerturbationError(
            "perturbation", f"no unbiased noise exists for a count of {count}; lower the blocked value"
        )
    low, high = _variance_range(noise)
    target = min(max(variance, low), high)
    if np.isclose(target, low) or np.isclose(target, high) or len(noise) <= 3:
        return _extreme_row(noise, target)
    features = np.column_stack([noise, noise**2 - target])

    def dual(multipliers: Floats) -> tuple[float, Floats]:
        exponent = features @ multipliers
        top = exponent.max()
        weight = np.exp(exponent - top)
        return float(top + np.log(weight.sum())), features.T @ (weight / weight.sum())

    found = minimize(dual, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-12})
    weight = np.exp(features @ found.x - (features @ found.x).max())
    row = weight / weight.sum()
    if np.abs(features.T @ row).max() > 1e-6:
        raise PerturbationError("perturbation", f"no distribution found for a count of {count}")
    return np.asarray(row, dtype=float)


def _variance_range(noise: Floats) -> tuple[float, float]:
    """Smallest and largest variance of a mean-zero distribution on the given points."""
    below, above = noise[noise <= 0], noise[noise >= 0]
    largest = float(-noise.min() * noise.max())
    if 0 in noise:
        return 0.0, largest
    return float(-below.max() * above.min()), largest


def _extreme_row(noise: Floats, variance: float) -> Floats:
    """The distribution where the moments leave no freedom: exact non-negative solution of the moment
    equations.
    """
    moments = np.vstack([np.ones_like(noise), noise, noise**2])
    row, gap = nnls(moments, np.array([1.0, 0.0, variance]))
    if gap > 1e-9:
        raise PerturbationError("perturbation", "the moments cannot be met")
    return np.asarray(row / row.sum(), dtype=float)


def cell_keys(record_keys: ArrayLike, cells: ArrayLike, size: int) -> tuple[Ints, Floats]:
    """Counts and cell keys of ``size`` cells; ``cells`` holds each record's cell number (negative: in none).

    The keys are summed as integers of 2**-32, so the order of the records cannot change a key.
    """
    keys = np.asarray(record_keys, dtype=float)
    where = np.asarray(cells, dtype=np.int64)
    if keys.shape != where.shape:
        raise PerturbationError("perturbation", "one record key per record is needed")
    if np.any((keys < 0) | (keys >= 1) | ~np.isfinite(keys)):
        raise PerturbationError("perturbation", "record keys must lie in [0, 1)")
    inside = where >= 0
    counts = np.bincount(where[inside], minlength=size).astype(np.int64)
    whole = (keys[inside] * 2**32).astype(np.uint64)
    sums = np.zeros(size, dtype=np.uint64)
    np.add.at(sums, where[inside], whole)
    return counts, (sums % np.uint64(2**32)).astype(float) / 2**32


def perturbed_table(
    record_keys: ArrayLike,
    axes: list[ArrayLike],
    shape: tuple[int, ...],
    table: PerturbationTable = PUBLISHED,
) -> Ints:
    """A perturbed contingency table with its margins.

    ``axes`` holds one array of codes 0 .. size-1 per dimension (negative: missing, left out of the table).
    The result has shape ``size + 1`` in every dimension; the last index is the total.  Each cell and each
    margin is perturbed by its own key, so parts need not add up to totals - and the page that prints them
    says so.
    """
    keys = np.asarray(record_keys, dtype=float)
    codes = [np.asarray(axis, dtype=np.int64) for axis in axes]
    for code, size in zip(codes, shape, strict=True):
        if np.any(code >= size):
            raise PerturbationError("perturbation", "a code lies outside its dimension")
    usable = np.logical_and.reduce([code >= 0 for code in codes]) if codes else np.ones(len(keys), bool)
    full = tuple(size + 1 for size in shape)
    result = np.zeros(full, dtype=np.int64)
    for pattern in np.ndindex(*(2 for _ in shape)):
        kept = [size if not total else 1 for size, total in zip(shape, pattern, strict=True)]
        flat = np.zeros(len(keys), dtype=np.int64)
        for code, total, size in zip(codes, pattern, kept, strict=True):
            flat = flat * size + (0 if total else code)
        counts, cell_key = cell_keys(keys, np.where(usable, flat, -1), int(np.prod(kept, dtype=np.int64)))
        place = tuple(slice(-1, None) if total else slice(0, -1) for total in pattern)
        result[place] = table.perturb(counts, cell_key).reshape(kept)
    return result


def record_key(bits: bytes) -> float:
    """A record key from 4 random bytes drawn when a response is stored."""
    if len(bits) != 4:
        raise PerturbationError("perturbation", "a record key is made of 4 random bytes")
    return float(Fraction(int.from_bytes(bits, "big"), 2**32))
