"""Counts of dots, approvals, scores and resistance; agreement between rankings (Kendall's W)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from participation.conference.ballots import Number, Profile, simplest


@dataclass(frozen=True)
class Sums:
    """Per option: sum of its marks, and ballots that gave it more than nothing (or marked it at all)."""

    sums: tuple[Number, ...]
    voters: tuple[Number, ...]
    ballots: Number


def sums(profile: Profile) -> Sums:
    """Sum of marks and number of voters, exact; for approval both are the approvals."""
    size = len(profile.options)
    total = [0] * size
    voters = [0] * size
    for ballot in profile.ballots:
        for option, mark in ballot.marks:
            total[option] += mark * ballot.count
            voters[option] += ballot.count if mark > 0 else 0
    return Sums(
        tuple(profile.number(t) for t in total),
        tuple(profile.number(v) for v in voters),
        profile.number(profile.total),
    )


@dataclass(frozen=True)
class Grade:
    """Scores of one option. ``mean``, ``median`` (lower median) and ``low``/``high`` are None without marks.

    ``low`` and ``high``: mean -+ 1.96 standard errors, a measure of spread among those present.
    """

    base: Number
    mean: Number | None
    median: int | None
    low: float | None
    high: float | None


def grades(profile: Profile) -> list[Grade]:
    """Mean with interval and lower median of each option; an option left open on a ballot is not counted
    there."""
    marks: list[dict[int, int]] = [{} for _ in profile.options]
    for ballot in profile.ballots:
        for option, mark in ballot.marks:
            marks[option][mark] = marks[option].get(mark, 0) + ballot.count
    return [_grade(found, profile.scale) for found in marks]


def _grade(marks: Mapping[int, int], scale: int) -> Grade:
    weight = sum(marks.values())
    if weight == 0:
        return Grade(0, None, None, None, None)
    mean = Fraction(sum(m * n for m, n in marks.items()), weight)
    base = Fraction(weight, scale)
    low = high = None
    if base > 1:
        variance = sum(n * (m - mean) ** 2 for m, n in marks.items()) / (weight - scale)
        half = 1.96 * math.sqrt(float(variance / base))
        low, high = float(mean) - half, float(mean) + half
    reached = 0
    for mark in sorted(marks):
        reached += marks[mark]
        if 2 * reached >= weight:
            return Grade(simplest(base), simplest(mean), mark, low, high)
    raise AssertionError("the marks add up to the weight")


def kendall_w(profile: Profile) -> Fraction | None:
    """Kendall's coefficient of concordance, corrected for ties, unranked options tied last; exact.

    Every ballot cast counts, also an empty one (all options tied). None without ballots or where every
    ballot ties everything. Equals Friedman's chi-squared / (n (k - 1)).

    Source: M. G. Kendall and B. Babington Smith, The problem of m rankings (1939); tie correction as in
    Siegel and Castellan (1988), section 9.4.
    """
    size = len(profile.options)
    twice = [0] * size
    ties = 0
    for ballot in profile.ballots:
        ranked = {option for tied in ballot.ranking for option in tied}
        rest = tuple(x for x in range(size) if x not in ranked)
        place = 0
        for tied in (*ballot.ranking, rest) if rest else ballot.ranking:
            for option in tied:
                twice[option] += ballot.count * (2 * place + len(tied) + 1)
            place += len(tied)
            ties += ballot.count * (len(tied) ** 3 - len(tied))
    n = profile.total
    below = n * n * (size**3 - size) - n * ties
    if below <= 0:
        return None
    mean = Fraction(sum(twice), size) if size else Fraction(0)
    spread = sum(((Fraction(t) - mean) ** 2 for t in twice), Fraction(0)) / 4
    return 12 * spread / below
