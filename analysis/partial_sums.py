"""Weighted totals once per PSU x domain x category: the only pass over the rows that a table book needs.

Partial sums add up: a chunk, a core or a machine makes its own and :meth:`PartialSums.merge` joins them, so
that ten million rows pass in the memory of one chunk and the same code runs on a cluster. Afterwards every
standard error, covariance and replicate is small matrix work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.columns import Array, Floats, Ints
from analysis.errors import DataError

BLOCK = 1 << 17
"""Rows per block inside :meth:`PartialSums.add`; its keys stay in the processor's cache."""


@dataclass(frozen=True)
class Frame:
    """What is tabulated: number of units, domains, and categories per question.

    ``elements``: every row is its own unit. Then ``unit`` codes are strata, and sums of squared weights are
    kept in place of one total per unit, so that memory does not grow with the rows.
    """

    units: int
    domains: int
    categories: tuple[int, ...]
    elements: bool = False


@dataclass(eq=False)
class PartialSums:
    """Sums over the rows seen so far.

    ``totals`` one array (units, domains, categories) per question; ``squares`` the same of squared weights,
    for elements; ``counts`` unweighted answers (domains,) per question; ``rows`` (units, domains) rows per
    unit and domain, whatever their answers; ``size`` (units,) all rows per unit, in a domain or not.
    """

    frame: Frame
    totals: list[Floats] = field(default_factory=list)
    squares: list[Floats] = field(default_factory=list)
    counts: list[Ints] = field(default_factory=list)
    rows: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    size: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def empty(cls, frame: Frame) -> PartialSums:
        """Sums over no rows."""
        shape = [(frame.units, frame.domains, c) for c in frame.categories]
        return cls(
            frame,
            [np.zeros(s) for s in shape],
            [np.zeros(s) for s in shape] if frame.elements else [],
            [np.zeros(frame.domains, np.int64) for _ in shape],
            np.zeros((frame.units, frame.domains), np.int64),
            np.zeros(frame.units, np.int64),
        )

    def add(self, unit: Array, weights: Floats, domain: Array, answers: Sequence[Array]) -> None:
        """Count in (n,) rows: unit codes, weights, domain codes (-1 in none) and per question codes (-1
        missing)."""
        if len(answers) != len(self.frame.categories):
            raise DataError(
                "question_count",
                f"The chunk has {len(answers)} questions, the table {len(self.frame.categories)}.",
            )
        for start in range(0, len(weights), BLOCK):
            part = slice(start, start + BLOCK)
            self._add_block(unit[part], weights[part], domain[part], [a[part] for a in answers])

    def _add_block(self, unit: Array, weights: Floats, domain: Array, answers: Sequence[Array]) -> None:
        frame = self.frame
        # One bin more per dimension takes what is missing, which is cheaper than leaving rows out.
        place = unit.astype(np.int64) * (frame.domains + 1) + (domain + 1)
        places = frame.units * (frame.domains + 1)
        live = np.bincount(place, weights != 0, places).reshape(frame.units, -1)
        self.rows += live[:, 1:].astype(np.int64)
        self.size += np.bincount(unit, minlength=frame.units)
        square = weights * weights if frame.elements else weights
        keys = {c: place * (c + 1) + 1 for c in set(frame.categories)}
        key = np.empty_like(place)
        inside = np.bincount(domain + 1, weights != 0, frame.domains + 1)[1:].astype(np.int64)
        for j, answer in enumerate(answers):
            c = frame.categories[j]
            np.add(keys[c], answer, out=key)
            shape = (frame.units, frame.domains + 1, c + 1)
            self.totals[j] += np.bincount(key, weights, places * (c + 1)).reshape(shape)[:, 1:, 1:]
            if frame.elements:
                self.squares[j] += np.bincount(key, square, places * (c + 1)).reshape(shape)[:, 1:, 1:]
            self.counts[j] += inside
            if answer.min(initial=0) < 0:
                silent = (answer < 0) & (weights != 0)
                self.counts[j] -= np.bincount(domain[silent] + 1, minlength=frame.domains + 1)[1:]

    def merge(self, other: PartialSums) -> PartialSums:
        """Both together."""
        if other.frame != self.frame:
            raise DataError("unlike_tables", "Partial sums of different tables cannot be joined.")
        return replace(
            self,
            totals=[a + b for a, b in zip(self.totals, other.totals, strict=True)],
            squares=[a + b for a, b in zip(self.squares, other.squares, strict=True)],
            counts=[a + b for a, b in zip(self.counts, other.counts, strict=True)],
            rows=self.rows + other.rows,
            size=self.size + other.size,
        )
