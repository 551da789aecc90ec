"""Pure: what must be true before keys are made, and what an admission still lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from participation.access.planner import equal_fractions


@dataclass(frozen=True)
class Cell:
    """A stratum as the checks see it: population N (None: unknown), invited n, mark of its key."""

    code: str
    label: str
    population: int | None
    invited: int
    mark: str


def expected(strata: Sequence[Cell], response: Mapping[str, float]) -> dict[str, int]:
    """Answers to expect under each mark; ``response`` is a share (0 to 1) by stratum code."""
    found: dict[str, float] = {}
    for one in strata:
        found[one.mark] = found.get(one.mark, 0.0) + one.invited * response[one.code]
    return {mark: int(answers) for mark, answers in found.items()}


def empty_stratum(strata: Sequence[Cell]) -> str | None:
    """Label of a stratum in which nobody is invited, or None."""
    return next((one.label for one in strata if one.invited == 0), None)


def uncounted_stratum(strata: Sequence[Cell]) -> str | None:
    """Label of a stratum of unknown population, or None."""
    return next((one.label for one in strata if one.population is None), None)


def unequal(strata: Sequence[Cell]) -> str | None:
    """Labels of strata that share a key but were not sampled at one fraction, or None.

    Strata of unknown population cannot be judged and are passed over: groups of a conference are no sample.
    """
    marks: dict[str, list[Cell]] = {}
    for one in strata:
        marks.setdefault(one.mark, []).append(one)
    for sharing in marks.values():
        counts = [(one.population, one.invited) for one in sharing if one.population is not None]
        if len(counts) == len(sharing) > 1 and not equal_fractions(counts):
            return ", ".join(one.label for one in sharing)
    return None
