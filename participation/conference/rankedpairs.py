"""Ranked Pairs (Tideman), following every order of equal majorities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: States visited before the count of results is given up. Deciding who can win at all is NP-hard
#: (Brill and Fischer 2012), so with many equal majorities somewhere a limit must stand.
LIMIT = 20_000
#: A state costs about the square of the options; with hundreds of them fewer states are visited.
_WORK = 80_000_000

#: For each option the options it reaches, as bits.
Closure = tuple[int, ...]


class TooManyOrdersError(ArithmeticError):
    """So many majorities are equal that not every order can be followed."""


@dataclass(frozen=True)
class RankedPairs:
    """``before``: above in every result.

    ``possible_winners``: first in at least one. ``graphs``: number of results.
    """

    before: NDArray[np.bool_]
    possible_winners: NDArray[np.bool_]
    graphs: int


def ranked_pairs(wins: NDArray[Any], *, winning_votes: bool = False, limit: int = LIMIT) -> RankedPairs:
    """Majorities by falling margin (or winning votes) are locked unless they close a cycle.

    Exact head-to-head ties are never locked. Every order of equal majorities is followed.

    Source: T. N. Tideman, Independence of clones as a criterion for voting rules (1987).

    Raises:
        TooManyOrdersError: more than ``limit`` different states, or fewer where there are many options.
    """
    size = len(wins)
    limit = min(limit, _WORK // max(size, 1) ** 2)
    levels: dict[Any, list[tuple[int, int]]] = {}
    for x, y in zip(*np.nonzero(wins > wins.T), strict=True):
        strength = wins[x, y] if winning_votes else wins[x, y] - wins[y, x]
        levels.setdefault(strength, []).append((int(x), int(y)))
    states: set[Closure] = {(0,) * size}
    for strength in sorted(levels, reverse=True):
        states = {result for state in states for result in _lock_level(state, levels[strength], limit)}
        if len(states) > limit:
            raise TooManyOrdersError(len(states))
    always = [reduce(and_, rows) for rows in zip(*states, strict=True)]
    before = np.array([[row >> y & 1 for y in range(size)] for row in always], dtype=bool)
    behind = reduce(and_, (reduce(or_, state, 0) for state in states))
    winners = np.array([not behind >> y & 1 for y in range(size)], dtype=bool)
    return RankedPairs(before.reshape(size, size), winners, len(states))


def _lock(closure: Closure, x: int, y: int) -> Closure:
    """The closure after x -> y is locked."""
    gained = closure[y] | 1 << y
    return tuple(row | gained if i == x or row >> x & 1 else row for i, row in enumerate(closure))


def _lock_level(start: Closure, edges: Iterable[tuple[int, int]], limit: int) -> set[Closure]:
    """All results of locking equally strong majorities, in any order."""
    results: set[Closure] = set()
    seen = {start}
    waiting = [start]
    while waiting:
        closure = waiting.pop()
        # What is implied is locked anyway; what would close a cycle is skipped for good.
        open_edges = [(x, y) for x, y in edges if not closure[x] >> y & 1 and not closure[y] >> x & 1]
        harmless = _outside_cycles(closure, open_edges)
        if harmless:
            for x, y in harmless:
                closure = _lock(closure, x, y)
            open_edges = [edge for edge in open_edges if edge not in harmless]
        if not open_edges:
            results.add(closure)
            continue
        for x, y in open_edges:
            following = _lock(closure, x, y)
            if following not in seen:
                seen.add(following)
                waiting.append(following)
        if len(seen) > limit:
            raise TooManyOrdersError(len(seen))
    return results


def _outside_cycles(closure: Closure, edges: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """The edges that lie on no cycle even if all were locked: their order cannot matter."""
    rows = list(closure)
    for x, y in edges:
        rows[x] |= 1 << y
    for middle in range(len(rows)):
        for i, row in enumerate(rows):
            if row >> middle & 1:
                rows[i] = row | rows[middle]
    return {(x, y) for x, y in edges if not rows[y] >> x & 1}
