"""Kemeny's rule, exact, by dynamic programming over subsets, with the number of equally good orders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Largest block of options that is solved: 2^18 subsets take about a second.
LARGEST = 18
#: Orders are listed up to this number.
LISTED = 24


class TooManyOptionsError(ArithmeticError):
    """A block of options that beat each other in cycles is too large for the exact solution."""


@dataclass(frozen=True)
class Kemeny:
    """``agreement``: largest sum of n(x above y), in units of 1/scale. ``optimal_orders``: how many orders
    reach it.

    ``orders``: the orders themselves (option indices) where there are at most 24, else empty. ``before``:
    above in every optimal order.
    """

    agreement: Any
    optimal_orders: int
    orders: tuple[tuple[int, ...], ...]
    before: NDArray[np.bool_]


def kemeny(wins: NDArray[Any], *, largest: int = LARGEST) -> Kemeny:
    """Strict orders with the largest agreement with the ballots.

    The options are first cut into blocks of which each strictly beats all that follow (extended Condorcet
    criterion: every optimal order keeps the blocks apart); each block is solved over its subsets
    (Held and Karp; for Kemeny: Davenport and Kalagnanam 2004).

    Raises:
        TooManyOptionsError: a block has more than ``largest`` options.
    """
    before = np.zeros(wins.shape, dtype=bool)
    agreement: Any = 0
    count = 1
    parts: list[list[tuple[int, ...]]] = []
    done: list[int] = []
    for block in blocks(wins):
        if len(block) > largest:
            raise TooManyOptionsError(len(block))
        inner = _Block(wins[np.ix_(block, block)])
        agreement += inner.best[-1] + (wins[np.ix_(done, block)].sum() if done else 0)
        count *= inner.count()
        before[np.ix_(block, block)] = inner.before()
        before[np.ix_(done, block)] = True
        parts.append([tuple(block[i] for i in order) for order in inner.orders()] if count <= LISTED else [])
        done += block
    orders = tuple(sum(parts_chosen, ()) for parts_chosen in product(*parts)) if count <= LISTED else ()
    return Kemeny(agreement, count, orders, before)


def blocks(wins: NDArray[Any]) -> list[list[int]]:
    """Options in the finest ordered blocks of which each strictly beats all later ones."""
    beats = np.asarray(wins > wins.T)
    remaining = sorted(range(len(wins)), key=lambda i: -int(beats[i].sum()))
    found: list[list[int]] = []
    while remaining:
        block = [remaining[0]]
        rest = remaining[1:]
        while True:
            joins = [x for x in rest if not beats[block, x].all()]
            if not joins:
                break
            block += joins
            rest = [x for x in rest if x not in joins]
        found.append(sorted(block))
        remaining = rest
    return found


class _Block:
    """Best agreement of every subset placed on top, and the ways that reach the optimum."""

    def __init__(self, wins: NDArray[Any]) -> None:
        self.size = len(wins)
        # Agreement of an order = sum over options of n(options above it, it).
        gain = np.zeros((self.size, 2**self.size), dtype=wins.dtype)
        for y in range(self.size):
            gain[:, 1 << y : 2 << y] = gain[:, : 1 << y] + wins[y][:, None]
        self.gain = gain
        masks = np.arange(2**self.size)
        self.layers = [masks[np.bitwise_count(masks) == n] for n in range(self.size + 1)]
        self.best = np.zeros(2**self.size, dtype=wins.dtype)
        for layer in self.layers[1:]:
            self.best[layer] = self._ends(layer).max(axis=0)
        self._optimal()

    def _ends(self, layer: NDArray[np.int64]) -> NDArray[Any]:
        """Agreement of each subset (columns) when each option (rows) is its last one; -1 where it is no
        member."""
        members = (layer[None, :] >> np.arange(self.size)[:, None]) & 1 == 1
        without = layer[None, :] & ~(1 << np.arange(self.size))[:, None]
        value = self.best[without] + np.take_along_axis(self.gain, without, axis=1)
        return np.where(members, value, -1)

    def _optimal(self) -> None:
        """Walk back from the whole set along optimal choices; ``over[x]``: options found above x
        somewhere."""
        self.ways = np.zeros(2**self.size, dtype=np.int64)
        self.ways[0] = 1
        self.over = [0] * self.size
        self.choices: list[tuple[NDArray[np.int64], NDArray[np.bool_]]] = []
        on_path = np.zeros(2**self.size, dtype=bool)
        on_path[-1] = True
        for layer in reversed(self.layers[1:]):
            here = layer[on_path[layer]]
            optimal = np.asarray(self._ends(here) == self.best[here])
            self.choices.append((here, optimal))
            for x in range(self.size):
                earlier = here[optimal[x]] & ~(1 << x)
                on_path[earlier] = True
                self.over[x] |= int(np.bitwise_or.reduce(earlier, initial=0))
        for here, optimal in reversed(self.choices):
            for x in range(self.size):
                self.ways[here[optimal[x]]] += self.ways[here[optimal[x]] & ~(1 << x)]

    def count(self) -> int:
        """Number of optimal orders (at most 18! = 6.4e15, which 64 bits hold)."""
        return int(self.ways[-1])

    def before(self) -> NDArray[np.bool_]:
        """x above y in every optimal order: y is found above x in none, and somewhere one must be above."""
        over = np.array([[row >> y & 1 for y in range(self.size)] for row in self.over], dtype=bool)
        return ~over & ~np.eye(self.size, dtype=bool)

    def orders(self) -> list[tuple[int, ...]]:
        """The optimal orders, if there are at most 24."""
        if self.count() > LISTED:
            return []
        choice = {int(s): optimal[:, i] for here, optimal in self.choices for i, s in enumerate(here)}
        found: list[tuple[tuple[int, ...], int]] = [((), 2**self.size - 1)]
        for _ in range(self.size):
            found = [
                ((x, *tail), rest & ~(1 << x))
                for tail, rest in found
                for x in range(self.size)
                if choice[rest][x]
            ]
        return sorted(order for order, _ in found)
