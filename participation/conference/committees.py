"""Choosing k options fairly: Method of Equal Shares, sequential Phragmen, proportional approval voting (PAV).

All ways to break ties are followed; results are sets of committees. Amounts are exact fractions.

Sources: D. Peters and P. Skowron, Proportionality and the limits of welfarism (2020); D. Peters, G.
Pierczynski and P. Skowron, Proportional participatory budgeting with additive utilities (2021); M. Lackner
and P. Skowron, Multi-winner voting with approval preferences (2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from participation.conference.ballots import Number, Profile, simplest

Committee = frozenset[int]
#: Largest number of options for which PAV looks at every committee.
PAV_LARGEST = 14
#: States visited (chosen options and budgets) before a rule gives up following ties.
LIMIT = 5_000


class TooManyTiesError(ArithmeticError):
    """So many options tie that not every committee can be followed."""


class TooManyOptionsError(ArithmeticError):
    """PAV is solved exactly up to 14 options."""


@dataclass(frozen=True)
class Voters:
    """Equal voters together: counts (types,), utilities[type][option], options as columns."""

    counts: tuple[int, ...]
    utilities: tuple[tuple[int, ...], ...]
    options: int

    @property
    def total(self) -> int:
        """Number of voters, the empty ballots included."""
        return sum(self.counts)


def voters(profile: Profile, *, support: bool = False) -> Voters:
    """Utilities of the ballots: marks as they are, or 1 for every option with a mark (``support``).

    On rankings every ranked option counts as supported (top-k ballots).
    """
    size = len(profile.options)
    found: dict[tuple[int, ...], int] = {}
    for ballot in profile.ballots:
        row = [0] * size
        for option, mark in ballot.marks:
            row[option] = int(mark > 0) if support else max(mark, 0)
        for tied in ballot.ranking:
            for option in tied:
                row[option] = 1
        found[tuple(row)] = found.get(tuple(row), 0) + ballot.count
    return Voters(tuple(found.values()), tuple(found), size)


@dataclass(frozen=True)
class _State:
    chosen: Committee
    budgets: tuple[Fraction, ...]


def equal_shares(
    electorate: Voters, seats: int, *, complete: bool = False, limit: int = LIMIT
) -> set[Committee]:
    """Method of Equal Shares: price 1 per option, budget seats / voters each; may choose fewer than
    ``seats``.

    With ``complete`` sequential Phragmen fills up with the budgets left over.

    Raises:
        TooManyTiesError: more than ``limit`` states.
    """
    if not electorate.total:
        return {frozenset()}
    start = _State(frozenset(), (Fraction(seats, electorate.total),) * len(electorate.counts))
    ends = _follow({start}, lambda state: _affordable(electorate, state, seats), limit)
    if complete:
        ends = _follow(ends, lambda state: _phragmen_step(electorate, state, seats), limit)
    return {state.chosen for state in ends}


def phragmen(electorate: Voters, seats: int, *, limit: int = LIMIT) -> set[Committee]:
    """Sequential Phragmen: voters earn money evenly, an option is bought as soon as its supporters have 1.

    Options without supporters are never bought, so fewer than ``seats`` may be chosen.

    Raises:
        TooManyTiesError: more than ``limit`` states.
    """
    start = _State(frozenset(), (Fraction(0),) * len(electorate.counts))
    ends = _follow({start}, lambda state: _phragmen_step(electorate, state, seats), limit)
    return {state.chosen for state in ends}


def _follow(start: set[_State], step: Callable[[_State], list[_State]], limit: int) -> set[_State]:
    ends: set[_State] = set()
    seen = set(start)
    waiting = list(start)
    while waiting:
        state = waiting.pop()
        following = step(state)
        if not following:
            ends.add(state)
        for other in following:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
        if len(seen) > limit:
            raise TooManyTiesError(len(seen))
    return ends


def price_per_utility(supporters: list[tuple[Fraction, int, int]], cost: Fraction) -> Fraction | None:
    """Smallest rho at which the supporters, (budget, utility, count) each, pay ``cost``: each min(budget,
    rho * utility).

    None if they cannot afford it.
    """
    poorest_first = sorted(supporters, key=lambda s: s[0] / s[1])
    missing = cost
    weight = sum(utility * count for _, utility, count in supporters)
    for budget, utility, count in poorest_first:
        if budget * weight >= missing * utility:
            return missing / weight
        missing -= budget * count
        weight -= utility * count
    return None


def _affordable(electorate: Voters, state: _State, seats: int) -> list[_State]:
    if len(state.chosen) == seats:
        return []
    prices: dict[int, Fraction] = {}
    for option in range(electorate.options):
        if option not in state.chosen:
            rows = zip(state.budgets, electorate.utilities, electorate.counts, strict=True)
            supporters = [(b, u[option], n) for b, u, n in rows if u[option] and n]
            price = price_per_utility(supporters, Fraction(1)) if supporters else None
            if price is not None:
                prices[option] = price
    if not prices:
        return []
    lowest = min(prices.values())
    return [
        _State(
            state.chosen | {option},
            tuple(
                b - min(b, lowest * u[option])
                for b, u in zip(state.budgets, electorate.utilities, strict=True)
            ),
        )
        for option, price in prices.items()
        if price == lowest
    ]


def _phragmen_step(electorate: Voters, state: _State, seats: int) -> list[_State]:
    if len(state.chosen) == seats:
        return []
    times: dict[int, Fraction] = {}
    for option in range(electorate.options):
        if option not in state.chosen:
            rows = zip(state.budgets, electorate.utilities, electorate.counts, strict=True)
            supporters = [(b, n) for b, u, n in rows if u[option] and n]
            count = sum(n for _, n in supporters)
            if count:
                times[option] = (1 - sum((b * n for b, n in supporters), Fraction(0))) / count
    if not times:
        return []
    soonest = min(times.values())
    return [
        _State(
            state.chosen | {option},
            tuple(
                Fraction(0) if u[option] else b + soonest
                for b, u in zip(state.budgets, electorate.utilities, strict=True)
            ),
        )
        for option, time in times.items()
        if time == soonest
    ]


def pav(electorate: Voters, seats: int) -> tuple[set[Committee], Number]:
    """All committees of largest PAV score (a voter with j chosen options gives 1 + 1/2 + ... + 1/j), and the
    score.

    Raises:
        TooManyOptionsError: more than 14 options.
    """
    if electorate.options > PAV_LARGEST:
        raise TooManyOptionsError(electorate.options)
    seats = min(seats, electorate.options)
    unit = math.lcm(*range(1, seats + 1)) if seats else 1
    harmonic = [sum(unit // i for i in range(1, j + 1)) for j in range(seats + 1)]
    wanted = list(combinations(range(electorate.options), seats))
    approved = np.array(electorate.utilities, dtype=np.int64).reshape(-1, electorate.options) > 0
    chosen = np.zeros((len(wanted), electorate.options), dtype=np.int64)
    for row, committee in enumerate(wanted):
        chosen[row, list(committee)] = 1
    small = electorate.total * harmonic[-1] < 2**62
    dtype = np.int64 if small else object
    scores = np.zeros(len(wanted), dtype=dtype)
    values = np.array(harmonic, dtype=dtype)
    for count, approves in zip(electorate.counts, approved, strict=True):
        scores += values[chosen @ approves.astype(np.int64)] * count
    best = scores.max()
    return {frozenset(wanted[i]) for i in np.flatnonzero(scores == best)}, simplest(Fraction(int(best), unit))
