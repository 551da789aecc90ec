"""Spending a budget on options with costs: greedy by votes, and the Method of Equal Shares with costs.

Ties are followed in every way up to a limit. Floats only sort out which options cannot be next; every
decision among the rest and every payment is an exact fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from participation.conference.ballots import Number, Profile, merged
from participation.conference.committees import Committee, TooManyTiesError, price_per_utility
from participation.conference.scores import sums

#: Outcomes followed where options tie.
LIMIT = 200
_NEAR = 1e-9


def greedy(profile: Profile, *, limit: int = LIMIT) -> set[Committee]:
    """Options by falling sum of marks, each taken if it still fits; every order of equal options is followed.

    Raises:
        ValueError: the profile has no costs or no budget.
        TooManyTiesError: more than ``limit`` outcomes.
    """
    costs, budget = _money(profile)
    levels: dict[Number, list[int]] = {}
    for option, score in enumerate(sums(profile).sums):
        levels.setdefault(score, []).append(option)
    states = {(frozenset[int](), budget)}
    for score in sorted(levels, reverse=True):
        states = {end for state in states for end in _greedy_level(state, levels[score], costs, limit)}
        if len(states) > limit:
            raise TooManyTiesError(len(states))
    return {chosen for chosen, _ in states}


def _greedy_level(
    start: tuple[Committee, int], tied: list[int], costs: tuple[int, ...], limit: int
) -> set[tuple[Committee, int]]:
    """All ends of taking equally good options in any order while they fit."""
    if sum(costs[x] for x in tied) <= start[1]:
        return {(start[0] | set(tied), start[1] - sum(costs[x] for x in tied))}
    ends, seen, waiting = set(), {start}, [start]
    while waiting:
        chosen, left = waiting.pop()
        fitting = [x for x in tied if x not in chosen and costs[x] <= left]
        if not fitting:
            ends.add((chosen, left))
        for x in fitting:
            following = (chosen | {x}, left - costs[x])
            if following not in seen:
                seen.add(following)
                waiting.append(following)
        if len(seen) > limit * 50:
            raise TooManyTiesError(len(seen))
    return ends


def _money(profile: Profile) -> tuple[tuple[int, ...], int]:
    if profile.budget is None or len(profile.costs) != len(profile.options):
        raise ValueError("a budget and a cost for every option are needed")
    return profile.costs, profile.budget


@dataclass(frozen=True)
class _Purse:
    chosen: Committee
    budgets: tuple[Fraction, ...]


def equal_shares(profile: Profile, *, by_cost: bool = False, limit: int = LIMIT) -> set[Committee]:
    """Method of Equal Shares with costs, without completion.

    A mark is the utility of an option; with ``by_cost`` it is the mark times the cost. Options that cost
    nothing and have support are always taken.

    Raises:
        ValueError: the profile has no costs or no budget.
        TooManyTiesError: more than ``limit`` states.
    """
    costs, budget = _money(profile)
    if not profile.total:
        return {frozenset()}
    profile = merged(profile, keep_attributes=False)
    count = np.array([float(b.count) for b in profile.ballots])
    utility = np.zeros((len(profile.ballots), len(profile.options)))
    for row, ballot in enumerate(profile.ballots):
        for option, mark in ballot.marks:
            utility[row, option] = max(mark, 0) * (costs[option] if by_cost else 1)
    free = frozenset(x for x, cost in enumerate(costs) if cost == 0 and utility[:, x].any())
    start = _Purse(free, (Fraction(budget * profile.scale, profile.total),) * len(profile.ballots))
    ends: set[Committee] = set()
    seen, waiting = set[_Purse](), [start]
    while waiting:
        purse = waiting.pop()
        following = _buy(profile, purse, utility, count)
        if not following:
            ends.add(purse.chosen)
        if len(following) == 1 and not seen:
            # No tie so far: nothing to compare with, and comparing purses of many voters is slow.
            waiting.append(following[0])
            continue
        for other in following:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
        if len(seen) > limit * max(len(costs), 1):
            raise TooManyTiesError(len(seen))
    return ends


def _buy(
    profile: Profile, purse: _Purse, utility: NDArray[np.float64], count: NDArray[np.float64]
) -> list[_Purse]:
    budgets = np.array([float(b) for b in purse.budgets])
    rough = {
        x: _rough_price(budgets, utility[:, x], count, profile.costs[x] * profile.scale)
        for x in range(len(profile.options))
        if x not in purse.chosen and profile.costs[x] and utility[:, x].any()
    }
    near = min(rough.values(), default=np.inf)
    prices: dict[int, Fraction] = {}
    for x, price in rough.items():
        if price <= near * (1 + _NEAR):
            exact = _exact_price(profile, purse, utility[:, x], x)
            if exact is not None:
                prices[x] = exact
    if not prices:
        return []
    lowest = min(prices.values())
    return [_paid(purse, utility[:, x], x, lowest) for x, price in prices.items() if price == lowest]


def _rough_price(
    budgets: NDArray[np.float64], utility: NDArray[np.float64], count: NDArray[np.float64], cost: int
) -> float:
    rows = np.flatnonzero(utility)
    # Sums in floating point are far closer than that, so whoever falls short here cannot pay.
    if float((budgets[rows] * count[rows]).sum()) < cost * (1 - _NEAR):
        return float(np.inf)
    ratio = budgets[rows] / utility[rows]
    order = np.argsort(ratio, kind="stable")
    spent = np.concatenate([[0.0], np.cumsum((budgets[rows] * count[rows])[order])[:-1]])
    weights = (utility[rows] * count[rows])[order]
    left = np.cumsum(weights[::-1])[::-1]
    price = (cost - spent) / left
    good = np.flatnonzero(ratio[order] * (1 + _NEAR) >= price)
    return float(price[good[0]]) if len(good) else float(ratio.max())


def _exact_price(
    profile: Profile, purse: _Purse, utility: NDArray[np.float64], option: int
) -> Fraction | None:
    supporters = [
        (purse.budgets[r], int(utility[r]), profile.ballots[r].count) for r in np.flatnonzero(utility)
    ]
    return price_per_utility(supporters, Fraction(profile.costs[option] * profile.scale))


def _paid(purse: _Purse, utility: NDArray[np.float64], option: int, price: Fraction) -> _Purse:
    budgets = list(purse.budgets)
    for row in np.flatnonzero(utility):
        budgets[row] -= min(budgets[row], price * int(utility[row]))
    return _Purse(purse.chosen | {option}, tuple(budgets))
