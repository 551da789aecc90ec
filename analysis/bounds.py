"""Bounds of groups of people under linear statements: programs for scipy's HiGHS, relaxed and in whole
people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from analysis.errors import AnalysisError

Floats = NDArray[np.float64]


class AuditError(AnalysisError):
    """Statements that cannot be audited: unknown codes, or figures that contradict each other."""


UNBOUNDED = 2**31
PATIENCE = 10.0
"""Seconds for the exact range of one group in whole people."""


@dataclass(frozen=True)
class Program:
    """The statements as a program, prepared once for many targets."""

    matrix: Any
    low: Floats
    high: Floats
    stacked: Any
    limit: Floats

    @classmethod
    def of(cls, matrix: csr_array, low: Floats, high: Floats) -> Program:
        upper, lower = np.flatnonzero(np.isfinite(high)), np.flatnonzero(np.isfinite(low))
        stacked = csr_array(vstack([matrix[upper], -matrix[lower]]))
        return cls(matrix, low, high, stacked, np.concatenate([high[upper], -low[lower]]))

    def only(self, rows: NDArray[np.bool_]) -> Program:
        """The program of some of the statements."""
        index = np.flatnonzero(rows)
        return Program.of(csr_array(self.matrix[index]), self.low[index], self.high[index])

    def bound(
        self, target: NDArray[np.bool_], witness: Callable[[Floats], None] | None = None
    ) -> tuple[int, int]:
        """Smallest and largest number of people in ``target`` that fits, by the linear relaxation."""
        ends, _ = self._relaxed(target, witness)
        return ends

    def exactly(self, target: NDArray[np.bool_]) -> tuple[int, int] | None:
        """The same in whole people; None when that was not found in time."""
        (smallest, largest), integral = self._relaxed(target, None)
        if largest >= UNBOUNDED:
            return smallest, largest
        cost = target.astype(float)
        if not integral[0]:
            least = self._whole(cost)
            if least is None:
                return None
            smallest = int(least)
        if not integral[1]:
            most = self._whole(-cost)
            if most is None:
                return None
            largest = int(-most)
        return smallest, largest

    def _relaxed(
        self, target: NDArray[np.bool_], witness: Callable[[Floats], None] | None
    ) -> tuple[tuple[int, int], list[bool]]:
        """Both ends, and whether each is one of whole numbers already."""
        cost = target.astype(float)
        ends, integral = [], []
        for sign in (1.0, -1.0):
            answer: Any = linprog(
                sign * cost, A_ub=self.stacked, b_ub=self.limit, bounds=(0, None), method="highs"
            )
            if answer.status == 2:
                raise AuditError("figures_contradict", "the released figures contradict each other")
            ends.append(np.inf if answer.status == 3 else sign * answer.fun)
            # A whole-number solution of the relaxation is the best whole-number solution.
            done = answer.status == 3 or bool(np.all(np.abs(answer.x - np.round(answer.x)) < 1e-9))
            integral.append(done)
            if witness is not None and done and answer.status == 0:
                witness(np.round(answer.x))
        return (int(np.ceil(ends[0] - 1e-7)), _floor(ends[1])), integral

    def some(self, target: NDArray[np.bool_], floor: float, ceiling: float) -> Floats | None:
        """Any table of whole numbers that fits and has ``floor`` .. ``ceiling`` people in ``target``."""
        matrix = csr_array(vstack([self.matrix, csr_array(target.astype(float)[None, :])]))
        answer = milp(
            np.zeros(len(target)),
            constraints=LinearConstraint(matrix, np.append(self.low, floor), np.append(self.high, ceiling)),
            integrality=np.ones(len(target), dtype=np.int64),
            options={"time_limit": 2.0},
        )
        return None if answer.x is None else np.asarray(np.round(answer.x), dtype=float)

    def _whole(self, cost: Floats) -> float | None:
        """Optimum over whole numbers, or None when not found in time."""
        answer = milp(
            cost,
            constraints=LinearConstraint(self.matrix, self.low, self.high),
            integrality=np.ones(len(cost), dtype=np.int64),
            options={"time_limit": PATIENCE},
        )
        return float(np.round(answer.fun)) if answer.status == 0 else None


def _floor(value: float) -> int:
    return UNBOUNDED if not np.isfinite(value) else int(np.floor(value + 1e-7))
