"""Raking: iterative proportional fitting on the table of distinct cells, one ratio back per respondent.

The work per round grows with the cells, not with the rows. Nothing here returns weights that miss their
targets: :class:`CalibrationError` names the category and the gap. Source: Deming and Stephan (1940), Annals
of Mathematical Statistics 11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.columns import Array, Floats, Ints
from analysis.errors import CalibrationError

TOLERANCE = 1e-11
ROUNDING = 1e-9
BLOCK = 1 << 16
"""Rows per block of a pass; keys and weights of a block stay in the processor's cache."""
PATIENCE = 50
"""Rounds of raking without improvement: rounding when the gap is tiny, contradicting margins otherwise."""
SMALL_TABLE = 1 << 16
"""Up to this many possible cells are counted out however few the rows are."""
MAX_TABLE = 1 << 22
"""Above this many possible cells the occurring ones are listed in place of being counted out."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The crossing of several codings: ``key`` (n,) the cell of every row, ``sizes`` the categories.

    ``listed`` is None where all possible cells are counted out, in the order of a table of shape ``sizes``;
    else it holds the category per coding of the cells that occur.
    """

    key: Array
    sizes: tuple[int, ...]
    listed: tuple[Ints, ...] | None = None

    @classmethod
    def of(cls, codes: Sequence[Array], sizes: Sequence[int]) -> Cells:
        """All possible cells where there are not many more of them than rows, else the ones that occur."""
        possible = float(np.prod([float(s) for s in sizes]))
        if possible <= min(MAX_TABLE, max(SMALL_TABLE, 2 * len(codes[0]))):
            return cls(_keys(codes, sizes), tuple(sizes))
        key = codes[0].astype(np.int64)
        for code, size in zip(codes[1:], sizes[1:], strict=True):
            _, key = np.unique(key * size + code, return_inverse=True)
        _, first, key = np.unique(key, return_index=True, return_inverse=True)
        members = tuple(np.asarray(code[first], np.int64) for code in codes)
        return cls(key.astype(np.int64), tuple(sizes), members)

    @cached_property
    def members(self) -> tuple[Ints, ...]:
        """Every cell's category per coding, (c,) each."""
        if self.listed is not None:
            return self.listed
        return tuple(np.asarray(g, np.int64) for g in np.unravel_index(np.arange(len(self)), self.sizes))

    def __len__(self) -> int:
        return int(np.prod(self.sizes)) if self.listed is None else len(self.listed[0])

    def mass(self, weights: Array) -> Floats:
        """(c,) sums of weights."""
        out = np.zeros(len(self))
        for start in range(0, len(self.key), 2 * BLOCK):
            part = slice(start, start + 2 * BLOCK)
            out += np.bincount(self.key[part], weights[part], len(self))
        return out

    def margins(self, mass: Floats) -> list[Floats]:
        """Sums of cell masses per category, one array per coding."""
        return [self.sums(mass, m) for m in range(len(self.sizes))]

    def sums(self, mass: Floats, m: int) -> Floats:
        """Sums of cell masses per category of coding m."""
        if self.listed is None:
            others = tuple(i for i in range(len(self.sizes)) if i != m)
            return np.asarray(mass.reshape(self.sizes).sum(axis=others))
        return np.asarray(np.bincount(self.listed[m], mass, self.sizes[m]), float)

    def scale(self, mass: Floats, m: int, factor: Floats) -> None:
        """Multiply cell masses by a factor of their category of coding m, in place."""
        if self.listed is None:
            shape = [-1 if i == m else 1 for i in range(len(self.sizes))]
            table = mass.reshape(self.sizes)
            table *= factor.reshape(shape)
        else:
            mass *= factor[self.listed[m]]

    def spread(self, weights: Floats, factor: Floats) -> Floats:
        """(n,) weights times the factor of their cell."""
        out = np.empty_like(weights)
        for start in range(0, len(weights), BLOCK):
            part = slice(start, start + BLOCK)
            np.multiply(weights[part], factor[self.key[part]], out=out[part])
        return out


def _keys(codes: Sequence[Array], sizes: Sequence[int]) -> Array:
    """(n,) mixed-radix keys, in 32 bits because the table is small."""
    key = np.empty(len(codes[0]), np.int32)
    for start in range(0, len(key), BLOCK):
        part = slice(start, start + BLOCK)
        block = key[part]
        block[:] = codes[0][part]
        for code, size in zip(codes[1:], sizes[1:], strict=True):
            block *= size
            np.add(block, code[part], out=block, casting="unsafe")
    return key


def fit(
    mass: Floats,
    cells: Cells,
    targets: Sequence[Floats],
    label: Callable[[int, int], str],
    iterations: int = 1000,
    tolerance: float = TOLERANCE,
) -> tuple[Floats, int, float]:
    """Iterative proportional fitting of cell masses (c,) to targets, one array per coding.

    Returns the factor of every cell, the rounds and the largest relative gap. ``label(margin, category)``
    names a category in the error.
    """
    fitted = mass.copy()
    gap, worst, rounds = float("inf"), (0, 0), 0
    best, since = float("inf"), 0
    while rounds < iterations and gap > tolerance and since <= PATIENCE:
        rounds += 1
        gap, worst = _round(fitted, cells, targets)
        best, since = (gap, 0) if gap < 0.999 * best else (best, since + 1)
    if gap > ROUNDING:
        m, c = worst
        raise CalibrationError(
            "raking_failed",
            f"Raking did not meet the margins after {rounds} rounds: {label(m, c)} still misses its "
            f"{targets[m][c]:,.10g} by {gap:.2%}. The margins contradict each other in this sample (an empty "
            "combination forces them apart); merge categories or leave a margin out.",
            place=label(m, c),
            target=float(targets[m][c]),
            gap=gap,
        )
    factor = np.zeros_like(mass)
    np.divide(fitted, mass, out=factor, where=mass > 0)
    return factor, rounds, gap


def _round(fitted: Floats, cells: Cells, targets: Sequence[Floats]) -> tuple[float, tuple[int, int]]:
    """One sweep over the margins, in place; the largest relative gap met on the way and where it was."""
    gap, worst = 0.0, (0, 0)
    for m, target in enumerate(targets):
        sums = cells.sums(fitted, m)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(sums > 0, target / sums, 1.0)
            miss = np.where(target > 0, np.abs(sums / target - 1), 0.0)
        if miss.max() > gap:
            gap, worst = float(miss.max()), (m, int(miss.argmax()))
        cells.scale(fitted, m, factor)
    return gap, worst
