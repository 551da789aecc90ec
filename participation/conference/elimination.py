"""Rules that look at first votes: plurality and instant-runoff voting (IRV), following every tie."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from participation.conference.ballots import Number, Profile, is_strict, simplest

#: Sets of remaining options visited before the count gives up.
LIMIT = 50_000


class TooManyTiesError(ArithmeticError):
    """So many options tie for leaving that not every way can be followed."""


def plurality(profile: Profile) -> list[Number]:
    """First votes; the first class of a ballot shares one vote equally; empty ballots give none."""
    votes = [Fraction(0)] * len(profile.options)
    for ballot in profile.ballots:
        for tied in ballot.ranking[:1]:
            for option in tied:
                votes[option] += Fraction(ballot.count, len(tied) * profile.scale)
    return [simplest(v) for v in votes]


@dataclass(frozen=True)
class Stage:
    """One stage of a count without ties: first votes of the remaining options, ballots exhausted, who
    leaves."""

    tallies: tuple[tuple[int, Number], ...]
    exhausted: Number
    eliminated: int


@dataclass(frozen=True)
class RunOff:
    """``later[x, y]``: x leaves later than y in every way.

    ``stages`` only where no tie had to be followed.
    """

    later: NDArray[np.bool_]
    possible_winners: tuple[int, ...]
    elimination_ties: bool
    stages: tuple[Stage, ...]


def irv(profile: Profile, *, limit: int = LIMIT) -> RunOff:
    """The option with the fewest first votes leaves, down to one; there is no stop at a majority.

    Empty ballots count as exhausted from the start; where options tie for leaving, every way is followed.

    Raises:
        ValueError: a ballot ties two options (IRV is defined here for strict ballots only).
        TooManyTiesError: more than ``limit`` sets of remaining options.
    """
    if not is_strict(profile):
        raise ValueError("IRV needs strict ballots")
    size = len(profile.options)
    ballots = [([tied[0] for tied in b.ranking], b.count) for b in profile.ballots]
    earlier = np.zeros((size, size), dtype=bool)
    start = (1 << size) - 1
    seen, waiting, winners, ties, stages = {start}, [start], set(), False, []
    while waiting:
        remaining = waiting.pop()
        if remaining.bit_count() == 1:
            winners.add(remaining.bit_length() - 1)
            continue
        votes, exhausted = _first_votes(ballots, remaining, size)
        leaving = _leaving(votes, remaining, profile, exhausted)
        ties = ties or len(leaving.out) > 1
        for x in leaving.out:
            # Whoever leaves without a first vote changes nothing for the others, so all of them go at once.
            rest = remaining & ~leaving.mask if leaving.together else remaining & ~(1 << x)
            for y in range(size):
                if (
                    y != x
                    and (remaining >> y & 1)
                    and (not leaving.together or (rest >> y & 1) or y in leaving.out)
                ):
                    earlier[x, y] = True
            if rest == 0:
                winners.add(x)
            elif rest not in seen:
                seen.add(rest)
                waiting.append(rest)
        if not ties:
            stages.append(leaving.stage)
        if len(seen) > limit:
            raise TooManyTiesError(len(seen))
    later = ~earlier & ~np.eye(size, dtype=bool)
    return RunOff(later, tuple(sorted(winners)), ties, () if ties else tuple(stages))


@dataclass(frozen=True)
class _Leaving:
    out: tuple[int, ...]
    together: bool
    mask: int
    stage: Stage


def _leaving(votes: list[int], remaining: int, profile: Profile, exhausted: int) -> _Leaving:
    here = [x for x in range(len(votes)) if remaining >> x & 1]
    fewest = min(votes[x] for x in here)
    out = tuple(x for x in here if votes[x] == fewest)
    tallies = tuple((x, profile.number(votes[x])) for x in here)
    stage = Stage(tallies, profile.number(exhausted), out[0])
    return _Leaving(out, fewest == 0 and len(out) > 1, sum(1 << x for x in out), stage)


def _first_votes(ballots: list[tuple[list[int], int]], remaining: int, size: int) -> tuple[list[int], int]:
    votes: list[Any] = [0] * size
    exhausted = 0
    for order, count in ballots:
        for option in order:
            if remaining >> option & 1:
                votes[option] += count
                break
        else:
            exhausted += count
    return votes, exhausted
