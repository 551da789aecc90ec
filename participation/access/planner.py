"""How many letters it takes: groups, expected response and wanted precision -> a plan for a wave.

Sample sizes follow the half-width of a confidence interval for a proportion near one half under simple
random sampling within groups, with finite population correction (Cochran 1977, *Sampling Techniques*,
sections 4.4 and 5.5); the loss by unequal sampling fractions is Kish's 1 + L (Kish 1992, J. Off. Stat. 8).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

#: Two-sided 95 % point of the normal distribution.
Z = 1.959964

#: Half-widths below a hundredth of a point ask for everybody anyway.
SMALLEST_HALF_WIDTH = 0.0001

#: Fewest answers of one key, so that nobody stands in a small crowd.
SMALLEST_KEY = 50

#: Sampling fractions that differ by less than this share may use one key: the weights then stay equal enough.
EQUAL_FRACTION = 0.02


class PlanError(ValueError):
    """A plan that cannot be made; ``code`` names why, ``group`` where."""

    def __init__(self, code: str, group: str = "", **params: float | str) -> None:
        self.code = code
        self.group = group
        self.params = params
        super().__init__(f"{code} {group} {params or ''}".strip())


@dataclass(frozen=True)
class Group:
    """A stratum: population N (persons), expected response (0 to 1), wanted half-width (0 to 0.5)."""

    code: str
    label: str
    population: int
    response: float
    half_width: float


@dataclass(frozen=True)
class GroupPlan:
    """What a group takes: letters to send, answers to expect, half-width that they give, and the key."""

    group: Group
    letters: int
    answers: int
    half_width: float
    fraction: float
    key: int


@dataclass(frozen=True)
class Step:
    """A day of the calendar; ``what`` is a code that pages put into words."""

    what: str
    day: date


@dataclass(frozen=True)
class Work:
    """Hours of a role over the whole wave."""

    role: str
    hours: float


@dataclass(frozen=True)
class Plan:
    """The whole plan."""

    groups: tuple[GroupPlan, ...]
    letters: int
    answers: int
    keys: int
    #: Kish's design effect of the unequal weights, and what remains of the answers for the city as a whole.
    deff: float
    effective: float
    half_width: float
    calendar: tuple[Step, ...]
    work: tuple[Work, ...]
    warnings: tuple[PlanError, ...]


def answers_needed(population: int, half_width: float) -> int:
    """Answers for a half-width of a 95 % interval of a proportion near 0.5, corrected for finite population.

    >>> answers_needed(10_000_000, 0.05)
    385
    >>> answers_needed(1000, 0.05)
    278
    """
    infinite = Z * Z * 0.25 / (half_width * half_width)
    return min(population, math.ceil(round(infinite / (1 + (infinite - 1) / population), 6)))


def half_width(population: int, answers: int) -> float:
    """Half-width of the 95 % interval of a proportion near 0.5 that so many answers give (1 for none)."""
    if answers <= 0:
        return 1.0
    if answers >= population:
        return 0.0
    return Z * math.sqrt(0.25 / answers * (population - answers) / (population - 1))


def plan(groups: Sequence[Group], *, start: date, share_key: bool = False, languages: int = 1) -> Plan:
    """Plan a wave that begins on ``start``.

    Args:
        share_key: sample all groups at the same fraction, so that one key serves the whole wave.

    Raises:
        PlanError: ``no_groups``, ``no_code``, ``population``, ``response``, ``half_width`` or ``double`` for
            bad input.
    """
    _check(groups)
    warnings: list[PlanError] = []
    fractions = {group.code: _fraction(group, warnings) for group in groups}
    if share_key:
        common = max(fractions.values())
        fractions = dict.fromkeys(fractions, common)
    keys = _keys(groups, fractions, warnings)
    planned = []
    for group in groups:
        letters = min(group.population, math.ceil(round(group.population * fractions[group.code], 6)))
        answers = round(letters * group.response)
        reached = half_width(group.population, answers)
        planned.append(
            GroupPlan(group, letters, answers, reached, letters / group.population, keys[group.code])
        )
    letters = sum(item.letters for item in planned)
    answers = sum(item.answers for item in planned)
    deff = _kish(planned)
    effective = answers / deff if answers else 0.0
    population = sum(group.population for group in groups)
    return Plan(
        groups=tuple(planned),
        letters=letters,
        answers=answers,
        keys=len(set(keys.values())),
        deff=deff,
        effective=effective,
        half_width=half_width(population, round(effective)),
        calendar=calendar(start),
        work=work(letters, languages),
        warnings=tuple(warnings),
    )


def _check(groups: Sequence[Group]) -> None:
    if not groups:
        raise PlanError("no_groups")
    seen: set[str] = set()
    for group in groups:
        if not group.code:
            raise PlanError("no_code", group.label)
        if group.code in seen:
            raise PlanError("double", group.code)
        seen.add(group.code)
        if group.population < 1:
            raise PlanError("population", group.code, value=group.population)
        if not 0 < group.response <= 1:
            raise PlanError("response", group.code, value=group.response)
        if not SMALLEST_HALF_WIDTH <= group.half_width <= 0.5:
            raise PlanError("half_width", group.code, value=group.half_width)


def _fraction(group: Group, warnings: list[PlanError]) -> float:
    """Share of the group to invite; 1 where even everybody would not give the precision."""
    wanted = answers_needed(group.population, group.half_width) / group.response
    if wanted > group.population:
        reached = half_width(group.population, round(group.population * group.response))
        warnings.append(PlanError("everybody", group.code, half_width=reached))
        return 1.0
    return wanted / group.population


def _keys(groups: Sequence[Group], fractions: dict[str, float], warnings: list[PlanError]) -> dict[str, int]:
    """Number of the key of each group; ``fractions`` is changed where groups must be joined.

    Groups of equal fraction share a key.  Where a key would expect fewer than 50 answers, its groups and
    those of the nearest fraction are sampled alike, at the higher fraction of the two, and share one key.

    Raises:
        PlanError: ``too_small`` when everybody together would give fewer than 50 answers.
    """
    clusters: list[list[Group]] = []
    for group in sorted(groups, key=lambda group: (fractions[group.code], group.code)):
        if clusters and fractions[group.code] <= fractions[clusters[-1][0].code] * (1 + EQUAL_FRACTION):
            clusters[-1].append(group)
        else:
            clusters.append([group])
    while True:
        expected = [_expected(cluster, fractions) for cluster in clusters]
        small = next((index for index, answers in enumerate(expected) if answers < SMALLEST_KEY), None)
        if small is None:
            break
        if len(clusters) == 1:
            _raise(clusters[0], fractions, warnings)
            break
        _join(clusters, small, fractions, warnings)
    for cluster in clusters:
        common = max(fractions[group.code] for group in cluster)
        fractions.update({group.code: common for group in cluster})
    return {group.code: number for number, cluster in enumerate(clusters, start=1) for group in cluster}


def _expected(cluster: Sequence[Group], fractions: Mapping[str, float]) -> float:
    common = max(fractions[group.code] for group in cluster)
    return sum(group.population * common * group.response for group in cluster)


def _raise(cluster: Sequence[Group], fractions: dict[str, float], warnings: list[PlanError]) -> None:
    """Invite more people than precision alone asks for, so that the one key has its fifty answers."""
    everybody = sum(group.population * group.response for group in cluster)
    if everybody < SMALLEST_KEY:
        raise PlanError("too_small", answers=round(everybody))
    common = SMALLEST_KEY / everybody
    fractions.update({group.code: common for group in cluster})
    warnings.append(PlanError("raised", ", ".join(group.code for group in cluster), fraction=common))


def _join(
    clusters: list[list[Group]], index: int, fractions: dict[str, float], warnings: list[PlanError]
) -> None:
    """Join a cluster with its neighbour of the nearest fraction, at the higher fraction."""

    def level(position: int) -> float:
        return max(fractions[group.code] for group in clusters[position])

    neighbours = [position for position in (index - 1, index + 1) if 0 <= position < len(clusters)]
    other = min(neighbours, key=lambda position: abs(math.log(level(position) / level(index))))
    low, high = sorted((index, other))
    common = max(level(low), level(high))
    joined = clusters[low] + clusters[high]
    fractions.update({group.code: common for group in joined})
    clusters[low : high + 1] = [joined]
    names = ", ".join(group.code for group in joined)
    warnings.append(PlanError("joined", names, fraction=common))


def equal_fractions(counts: Sequence[tuple[int, int]]) -> bool:
    """Whether strata of (population, invited) were sampled alike, so that one key may serve them all.

    A whole person of rounding is allowed in each stratum, and `EQUAL_FRACTION` beyond it.
    """
    population, invited = (sum(column) for column in zip(*counts, strict=True))
    common = invited / population
    return all(abs(n - common * size) <= max(1.0, EQUAL_FRACTION * common * size) for size, n in counts)


def _kish(planned: Sequence[GroupPlan]) -> float:
    """Kish's n * sum(w^2) / sum(w)^2, w = population / answers in each group."""
    answering = [item for item in planned if item.answers]
    if not answering:
        return 1.0
    weights = [(item.group.population / item.answers, item.answers) for item in answering]
    total = sum(weight * count for weight, count in weights)
    squares = sum(weight * weight * count for weight, count in weights)
    return sum(count for _, count in weights) * squares / (total * total)


def calendar(start: date) -> tuple[Step, ...]:
    """The usual eleven weeks of a postal invitation with two reminders."""
    days = (
        ("sample", 0),
        ("keys", 7),
        ("print", 9),
        ("open", 21),
        ("reminder_1", 35),
        ("reminder_2", 49),
        ("close", 63),
        ("purge", 77),
        ("release", 119),
    )
    return tuple(Step(what, start + timedelta(days=offset)) for what, offset in days)


def work(letters: int, languages: int) -> tuple[Work, ...]:
    """Hours by role: fixed parts from the practice of small offices, and what grows with the wave."""
    return (
        Work("register_clerk", round(16 + letters / 1000 * 3, 1)),
        Work("editor", round(12 + languages * 2.0, 1)),
        Work("translator", round(max(0, languages - 1) * 8.0, 1)),
        Work("analyst", 40.0),
        Work("reviewer", 8.0),
    )
