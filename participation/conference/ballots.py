"""Ballots as data: options, ballots, profiles, and the faults of a file of ballots.

Everything is counted exactly. Counts are whole numbers of any size; a profile whose ballots carry
fractional weights (group shares) holds whole numbers and one common ``scale`` to divide by.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["ranking", "approval", "dots", "score", "consensing", "pairwise", "budget"]
Policy = Literal["last", "no_opinion"]
Number = int | Fraction
#: Outcomes are ordered classes of option ids; tied options stand together, sorted by id.
Classes = list[list[str]]

KINDS: tuple[Kind, ...] = ("ranking", "approval", "dots", "score", "consensing", "pairwise", "budget")
POLICIES: tuple[Policy, ...] = ("last", "no_opinion")
#: Kinds whose ballots are numbers per option.
MARKED = ("approval", "dots", "score", "consensing", "budget")
#: Up to this total every sum the rules form stays exact in 64 bits; above it, Python's integers count.
_SAFE = 2**61


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file or ballot: a code, the place (``line 7``, ``ballots[3]``) and what the sentence
    needs."""

    code: str
    place: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


class BallotFileError(ValueError):
    """A file of ballots cannot be counted. ``faults`` names every fault found, in the file's order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.place}: {f.code} {dict(f.params)}" for f in self.faults))


@dataclass(frozen=True, slots=True)
class Option:
    """One option: a stable id, and the name shown to people."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ballot:
    """``count`` equal ballots.

    ``ranking``: classes of option indices, best first; what appears nowhere is unranked; empty is an
    empty ballot. ``marks``: pairs (option index, number) for every other kind; in a ``pairwise`` ballot the
    winner is marked 1 and the other options offered 0. ``attributes``: columns such as the group.
    """

    count: int
    ranking: tuple[tuple[int, ...], ...] = ()
    marks: tuple[tuple[int, int], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    def attribute(self, column: str) -> str | None:
        """The value of a column, or None where the ballot has none."""
        return dict(self.attributes).get(column)


@dataclass(frozen=True)
class Profile:
    """All ballots of one count.

    ``scale`` divides every count (1 for unweighted ballots). ``costs`` and ``budget`` belong to budget
    ballots, ``limit`` is the largest number of places, dots or points a ballot may use.
    """

    kind: Kind
    options: tuple[Option, ...]
    ballots: tuple[Ballot, ...]
    title: str = ""
    seats: int | None = None
    scale: int = 1
    costs: tuple[int, ...] = ()
    budget: int | None = None
    limit: int | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Option ids in the order of the options."""
        return tuple(option.id for option in self.options)

    @property
    def total(self) -> int:
        """Number of ballots, in units of 1/scale."""
        return sum(ballot.count for ballot in self.ballots)

    def counts(self) -> NDArray[Any]:
        """Counts of the distinct ballots, shape (ballots,); int64 where all sums fit, Python integers
        otherwise."""
        size = max(len(self.options), 2)
        small = self.total * size * size * 4 < _SAFE
        return np.array([b.count for b in self.ballots], dtype=np.int64 if small else object)

    def ranks(self) -> NDArray[np.int32]:
        """Place of each option on each distinct ballot, shape (ballots, options): 0 is best, -1 unranked."""
        table = np.full((len(self.ballots), len(self.options)), -1, dtype=np.int32)
        for row, ballot in enumerate(self.ballots):
            for place, tied in enumerate(ballot.ranking):
                table[row, list(tied)] = place
        return table

    def number(self, value: Any) -> Number:
        """An exact sum of counts, divided by the scale."""
        return simplest(Fraction(int(value), self.scale))

    def with_ballots(self, ballots: Iterable[Ballot], **changes: Any) -> Profile:
        """The same options with other ballots."""
        return replace(self, ballots=tuple(ballots), **changes)


def simplest(value: Number) -> Number:
    """A whole number as int, everything else as Fraction."""
    value = Fraction(value)
    return int(value) if value.denominator == 1 else value


def printed(value: Number) -> int | str:
    """An exact number for JSON: an int, or a string such as ``"121/2"``."""
    value = Fraction(value)
    return int(value) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def merged(profile: Profile, *, keep_attributes: bool = True) -> Profile:
    """Equal ballots counted together, in the order of their first appearance; empty counts dropped."""
    found: dict[tuple[Any, ...], int] = {}
    for ballot in profile.ballots:
        classes = tuple(tuple(sorted(tied)) for tied in ballot.ranking)
        key = (classes, tuple(sorted(ballot.marks)), ballot.attributes if keep_attributes else ())
        found[key] = found.get(key, 0) + ballot.count
    return profile.with_ballots(Ballot(n, *key) for key, n in found.items() if n)


def by_id(name: str) -> tuple[int, int, str]:
    """Sorting key of option ids: numbers by value, before names by letter."""
    return (0, int(name), name) if name.isascii() and name.isdigit() and len(name) <= 100 else (1, 0, name)


def classes_by_score(ids: tuple[str, ...], scores: Iterable[Any], *, lowest_first: bool = False) -> Classes:
    """Ordered classes: equal scores together. Highest first unless ``lowest_first``."""
    levels: dict[Any, list[str]] = {}
    for name, score in zip(ids, scores, strict=True):
        levels.setdefault(score, []).append(name)
    return [sorted(levels[level], key=by_id) for level in sorted(levels, reverse=not lowest_first)]


def classes_by_relation(ids: tuple[str, ...], before: NDArray[np.bool_]) -> Classes:
    """Ordered classes of a relation: again and again all options that no remaining option precedes.

    ``before[x, y]`` says that x precedes y. Options in one class need not be tied pairwise.

    Raises:
        ValueError: the relation has a cycle, so that no option is left to take.
    """
    remaining = np.ones(len(ids), dtype=bool)
    classes: Classes = []
    while remaining.any():
        free = remaining & ~before[remaining].any(axis=0)
        if not free.any():
            raise ValueError("the relation has a cycle")
        classes.append(sorted((ids[i] for i in np.flatnonzero(free)), key=by_id))
        remaining &= ~free
    return classes


#: No text of a table: control characters for the end of a text and of a medium.
_END = "\x03\x19"


def table_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with delimiters, each with the number of its last line.

    Raises:
        BallotFileError: a row that cannot be parted into cells, such as one with a quote that never ends.
    """
    # A quote that never ends swallows the rest of the file, and with it the row added here.
    reader = csv.reader(chain(io.StringIO(text, newline=""), [_END]), delimiter=delimiter)
    before, row = 0, list[str]()
    try:
        for row in reader:
            if row == [_END]:
                return
            if row and row[-1].endswith(_END):
                raise BallotFileError([Fault("quote_open", f"line {before + 1}")])
            yield reader.line_num, row
            before = reader.line_num
    except csv.Error as error:
        raise BallotFileError([Fault("table", f"line {reader.line_num}", {"text": str(error)})]) from None


def is_strict(profile: Profile) -> bool:
    """Whether no ballot ties two options."""
    return all(len(tied) == 1 for ballot in profile.ballots for tied in ballot.ranking)
