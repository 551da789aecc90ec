"""What a reader learns from a published figure: a linear statement about the number of people in a group."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Where = tuple[tuple[str, frozenset[str]], ...]

LAYER = "release"
"""Name of the variable that tells the releases of one wave apart (who was already in which release)."""


def where(**codes: str | Iterable[str]) -> Where:
    """A group of people: ``where(sex="f", age=["1", "2"])`` means women in one of the two age bands."""
    return tuple(
        sorted(
            (name, frozenset([value] if isinstance(value, str) else value)) for name, value in codes.items()
        )
    )


@dataclass(frozen=True)
class Released:
    """One published figure: the number of people in ``group`` lies between ``low`` and ``high`` (both
    included).

    ``of`` turns the figure into a share: then ``low``/``high`` are fractions of the number in ``of``.
    ``spread`` is the largest weight over the smallest in that group, for weighted shares; 1 for unweighted
    ones.
    """

    table: str
    group: Where
    low: float
    high: float
    of: Where | None = None
    spread: float = 1.0


def rounded(table: str, group: Where, value: float, unit: int) -> Released:
    """A count published as a multiple of ``unit`` (halves away from zero); whole counts that round to it."""
    if unit <= 1:
        return Released(table, group, value, value)
    low, high = math.ceil(value - unit / 2), math.ceil(value + unit / 2) - 1
    return Released(table, group, float(max(0, low)), float(high))


def hidden(table: str, group: Where, below: int) -> Released:
    """A cell printed as ``.``: the reader knows that somebody, and fewer than ``below``, are in it."""
    return Released(table, group, 1, below - 1)


def perturbed(table: str, group: Where, value: int, limit: int) -> Released:
    """A count with cell-key noise of at most ``limit``; the true count of a published zero may be
    positive.
    """
    return Released(table, group, max(0, value - limit), value + limit)


def describe(group: Where) -> str:
    """A group in words of the plan: ``age in 1|2, sex in f``; everybody is ``all``."""
    return ", ".join(f"{name} in {'|'.join(sorted(codes))}" for name, codes in group) or "all"
