"""Hiding small counts so that they cannot be computed back.

Primary suppression hides cells of fewer people than the threshold.  Complementary suppression hides further
cells so that no hidden one follows from totals: which ones is a mixed integer program (Fischetti & Salazar
2001), solved with ``scipy.optimize.milp``; its result is checked by bounding every hidden cell, and where
the program did not finish in time cells are added one by one until that check passes.  Controlled rounding
gives a table of multiples of a base that adds up, each cell next to its true value (Cox 1987), by the same
solver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, identity, kron

from analysis.errors import AnalysisError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class SuppressionError(AnalysisError):
    """A table that cannot be protected within the given rules; the message says what to change."""


@dataclass(frozen=True)
class Suppressed:
    """Which cells of a table with margins stay visible.

    ``primary`` and ``complementary`` have the table's shape (totals included, in the last index of each
    dimension); ``exact`` tells whether the choice is proven to hide the fewest people.
    """

    primary: Bools
    complementary: Bools
    exact: bool

    @property
    def hidden(self) -> Bools:
        return self.primary | self.complementary


def with_margins(counts: ArrayLike) -> Ints:
    """A table with its totals appended as the last index of every dimension."""
    table = np.asarray(counts, dtype=np.int64)
    for axis in range(table.ndim):
        table = np.concatenate([table, table.sum(axis=axis, keepdims=True)], axis=axis)
    return table


def additivity(shape: tuple[int, ...]) -> csr_array:
    """Rows that are zero for every table of ``shape`` (totals included) whose parts add up."""
    total = int(np.prod(shape))
    index = np.arange(total).reshape(shape)
    rows, columns, values = [], [], []
    row = 0
    for axis in range(len(shape)):
        lines = np.moveaxis(index, axis, -1).reshape(-1, shape[axis])
        for line in lines:
            rows += [row] * len(line)
            columns += line.tolist()
            values += [1.0] * (len(line) - 1) + [-1.0]
            row += 1
    return csr_array((values, (rows, columns)), shape=(row, total))


def feasible(
    counts: ArrayLike, hidden: ArrayLike, cell: tuple[int, ...], *, below: int | None = None
) -> tuple[int, int]:
    """What a reader can work out of one hidden cell: smallest and largest count that fits the visible ones.

    ``counts`` with margins.  ``below``: the reader knows that hidden counts are smaller than this (only true
    for primary ones; leave it out when complementary cells of any size are hidden under the same mark).
    """
    table = np.asarray(counts, dtype=float)
    mask = np.asarray(hidden, dtype=bool)
    equations: Any = additivity(table.shape)
    flat, open_ = table.reshape(-1), mask.reshape(-1)
    low = np.where(open_, 0.0, flat)
    high = np.where(open_, np.inf if below is None else below - 1.0, flat)
    target = np.zeros(table.size)
    target[np.ravel_multi_index(cell, table.shape)] = 1.0
    limits: Any = np.column_stack([low, high])
    ends = []
    for sign in (1.0, -1.0):
        found: Any = linprog(
            sign * target,
            A_eq=equations,
            b_eq=np.zeros(equations.shape[0]),
            bounds=limits,
            method="highs",
        )
        if found.status == 2:
            raise SuppressionError(
                "not_additive", "the table does not add up, so its cells cannot be bounded"
            )
        ends.append(np.inf if found.status == 3 else sign * found.fun)
    largest = 2**31 if not np.isfinite(ends[1]) else int(np.floor(ends[1] + 1e-7))
    return int(np.ceil(ends[0] - 1e-7)), largest


def suppress(
    counts: ArrayLike,
    threshold: int,
    *,
    width: int = 5,
    keep: ArrayLike | None = None,
    seconds: float = 5.0,
) -> Suppressed:
    """Primary and complementary suppression of a table of counts with margins.

    Every cell of 1 .. ``threshold``-1 people is hidden, and so many more that each of them could be anything
    in a range at least ``width`` wide.  ``keep`` marks cells that must stay visible (a total known
    elsewhere).  Raises :class:`SuppressionError` when that is impossible.
    """
    table = np.asarray(counts, dtype=np.int64)
    primary = (table > 0) & (table < threshold)
    fixed = np.zeros(table.shape, bool) if keep is None else np.asarray(keep, dtype=bool)
    if np.any(primary & fixed):
        raise SuppressionError(
            "small_kept", "a cell that must stay visible holds too few people; merge groups"
        )
    if not primary.any():
        return Suppressed(primary, np.zeros_like(primary), True)
    chosen, exact = _program(table, primary, fixed, width, seconds)
    chosen = _mend(table, primary, fixed, chosen, width)
    return Suppressed(primary, chosen & ~primary, exact)


def _program(table: Ints, primary: Bools, fixed: Bools, width: int, seconds: float) -> tuple[Bools, bool]:
    """Fischetti & Salazar's model: two alternative tables per hidden cell, at least ``width`` apart at that
    cell.
    """
    equations = additivity(table.shape)
    size = table.size
    flat = table.reshape(-1).astype(float)
    targets = np.flatnonzero(primary.reshape(-1))
    if len(targets) * size > 60_000:
        return primary.copy(), False
    # A hidden cell may be moved down to zero or up by the width: larger moves are never needed by one target.
    blocks = 2 * len(targets)
    columns = size + blocks * size
    identity_ = identity(size, format="csr")
    balance = hstack([csr_array((blocks * equations.shape[0], size)), kron(identity(blocks), equations)])
    upper = hstack([kron(np.ones((blocks, 1)), -identity_ * float(width)), identity(blocks * size)])
    lower = hstack([kron(np.ones((blocks, 1)), csr_array(np.diag(flat))), identity(blocks * size)])
    apart = np.zeros((len(targets), columns))
    for number, target in enumerate(targets):
        apart[number, size + (2 * number) * size + target] = 1.0
        apart[number, size + (2 * number + 1) * size + target] = -1.0
    rows = [
        LinearConstraint(csr_array(balance), 0, 0),
        LinearConstraint(csr_array(upper), -np.inf, 0),
        LinearConstraint(csr_array(lower), 0, np.inf),
        LinearConstraint(csr_array(apart), width, np.inf),
    ]
    cost = np.concatenate([np.log1p(flat) + 1.0, np.zeros(blocks * size)])
    low = np.concatenate([primary.reshape(-1).astype(float), np.full(blocks * size, -np.inf)])
    high = np.concatenate([1.0 - (fixed & ~primary).reshape(-1), np.full(blocks * size, np.inf)])
    kind = np.concatenate([np.ones(size, dtype=np.int64), np.zeros(blocks * size, dtype=np.int64)])
    answer = milp(
        cost,
        constraints=rows,
        bounds=Bounds(low, high),
        integrality=kind,
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    if answer.status == 2:
        raise SuppressionError(
            "cannot_protect", "too few cells may be hidden; merge groups or drop the total"
        )
    if answer.x is None:
        return primary.copy(), False
    return (answer.x[:size] > 0.5).reshape(table.shape), answer.status == 0


def _mend(table: Ints, primary: Bools, fixed: Bools, chosen: Bools, width: int) -> Bools:
    """Adds the smallest visible neighbour of any cell that is still exposed, until none is."""
    hidden = chosen | primary
    for _ in range(table.size):
        exposed = None
        for cell in np.argwhere(primary):
            ends = feasible(table, hidden, tuple(int(i) for i in cell))
            if ends[1] - ends[0] < width:
                exposed = cell
                break
        if exposed is None:
            return hidden
        free = ~hidden & ~fixed & (table > 0)
        lines = np.zeros(table.shape, bool)
        for axis in range(table.ndim):
            place = tuple(slice(None) if a == axis else int(exposed[a]) for a in range(table.ndim))
            lines[place] = True
        candidates = np.argwhere(free & lines) if (free & lines).any() else np.argwhere(free)
        if not len(candidates):
            break
        best = min(candidates.tolist(), key=lambda c: (int(table[tuple(c)]), c))
        hidden[tuple(best)] = True
    raise SuppressionError("cannot_protect", "too few cells may be hidden; merge groups or drop the total")


def controlled_rounding(counts: ArrayLike, base: int, seconds: float = 5.0) -> Ints:
    """A table with margins, every cell a multiple of ``base`` next to its true value, parts adding to totals.

    Zero-restricted (a multiple stays as it is) and as near as possible in sum of absolute changes.  For
    tables of more than two dimensions none may exist: :class:`SuppressionError`.
    """
    table = np.asarray(counts, dtype=np.int64)
    equations = additivity(table.shape)
    flat = table.reshape(-1)
    floor = flat // base
    free = (flat % base != 0).astype(float)
    # x = floor + step, step 0 or 1; going up costs base - rest, staying down costs the rest.
    cost = (base - 2.0 * (flat % base)) * free
    answer = milp(
        cost,
        constraints=LinearConstraint(equations, -equations @ floor, -equations @ floor),
        bounds=Bounds(np.zeros(table.size), free),
        integrality=np.ones(table.size, dtype=np.int64),
        options={"time_limit": seconds},
    )
    if answer.x is None:
        raise SuppressionError("no_rounding", "no rounding of this table adds up; round its cells one by one")
    return ((floor + np.round(answer.x).astype(np.int64)) * base).reshape(table.shape)


def homogeneous(counts: ArrayLike, share: float = 0.95, least: int = 1) -> Bools:
    """Groups that give themselves away: nearly everybody gave one answer (or all but ``least`` people did).

    ``counts`` has shape (groups, answers), without margins.  True where publishing the group would tell what
    each member answered.  Source: *group disclosure*, Hundepool et al. (2012), 5.2.
    """
    table = np.asarray(counts, dtype=float)
    total = table.sum(axis=-1)
    top = table.max(axis=-1)
    return np.asarray((total > 0) & ((top >= share * total) | (total - top <= least) & (total > 1)))
