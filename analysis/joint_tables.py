"""Which published tables are bounded together, and the joint table that they share.

Codings of one thing (age in years and in bands, a district and its part of the city) are no independent axes:
whoever is 18 to 24 in one is 18 to 25 in the other.  A reader knows that, so combinations that nobody can be
in are taken out of the joint table, and tables by two such codings are bounded together.  That is what finds
the difference of a group and an age class which is not quite the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.statements import LAYER, Released, Where

Bools = NDArray[np.bool_]
Count = Callable[[Where], int]

CIRCLES = 5
"""Circles of tables are joined up to this part of ``max_cells``: there are many of them, and each must stay
quick.
"""

LARGEST = 16
"""A set of variables that has to be bounded together may have so many times ``max_cells``, and no more."""

EXPECTED = 10
"""Where nobody is although so many people would be there by chance, nobody can be."""


@dataclass(frozen=True, eq=False)
class Family:
    """One joint table: refined classes per variable, and the 0/1 row of any group over its cells.

    ``possible`` are the cells that somebody can be in.  ``groups`` are those of the statements as they were
    published, with variables of which they name every code: whoever reads them knows that those were told
    apart elsewhere.
    """

    names: tuple[str, ...]
    statements: tuple[Released, ...]
    groups: frozenset[Where]
    classes: Mapping[str, tuple[frozenset[str], ...]]
    possible: Bools

    @cached_property
    def universe(self) -> Mapping[str, frozenset[str]]:
        """Every code of each variable."""
        return {name: frozenset().union(*parts) for name, parts in self.classes.items()}

    def row(self, group: Where) -> Bools:
        codes = dict(group)
        result = np.ones((), dtype=bool)
        for name in self.names:
            wanted = codes.get(name)
            axis = np.array([wanted is None or part <= wanted for part in self.classes[name]], dtype=bool)
            result = np.multiply.outer(result, axis)
        return np.asarray(result).reshape(-1) & self.possible


def _variables(statement: Released) -> frozenset[str]:
    return frozenset(name for name, _ in statement.group) | frozenset(name for name, _ in statement.of or ())


def families(
    released: Sequence[Released], codes: Mapping[str, frozenset[str]], count: Count, limit: int
) -> tuple[list[Family], tuple[tuple[str, ...], ...]]:
    """The joint tables in which everything is bounded, and the sets of variables that are too large for one.

    All variables at once where their joint table stays within ``limit`` cells (then the bounds are exact).
    Otherwise the maximal sets of variables that tables cross, the three sets of a triangle (A x B, B x C, A x
    C) together, and tables by two codings of one thing together: without a circle, tables that share one
    variable only tell of each other through that variable's margin.
    """
    groups = [group for s in released for group in (s.group, s.of) if group is not None]
    released = [_plain(statement, codes) for statement in released]
    classes = {name: _classes(name, released, codes) for name in codes}

    def size(names: frozenset[str]) -> int:
        return math.prod(len(classes[name]) for name in names)

    distinct = {_variables(statement) for statement in released} or {frozenset()}
    everything = frozenset().union(*distinct)
    alike = _codings(sorted(everything), classes, count)
    if size(everything) <= limit:
        return [_family(everything, released, groups, codes, count, alike)], ()
    maximal = {names for names in distinct if not any(names < other for other in distinct)}
    sets = _closed(maximal, size, limit // CIRCLES) | _by_two_codings(distinct, alike)
    sets = {names for names in sets if not any(names < other for other in sets)}
    told = [*released, *_at_least(released, codes)]
    found, skipped = [], []
    for names in sorted(sets, key=lambda names: (size(names), sorted(names))):
        if size(names) > LARGEST * limit:
            skipped.append(tuple(sorted(names)))
        else:
            found.append(_family(names, told, groups, codes, count, alike))
    return found, tuple(skipped)


def _plain(statement: Released, codes: Mapping[str, frozenset[str]]) -> Released:
    """The statement without variables of which it names every code: it says nothing of them."""

    def told(group: Where) -> Where:
        return tuple((name, wanted) for name, wanted in group if wanted != codes[name])

    of = None if statement.of is None else told(statement.of)
    return replace(statement, group=told(statement.group), of=of)


def _at_least(released: Sequence[Released], codes: Mapping[str, frozenset[str]]) -> list[Released]:
    """What bases of one table say in another: in a group are at least those of it who answered something."""
    found: dict[Where, Released] = {}
    for statement in released:
        if statement.of is not None or statement.low <= 0:
            continue
        for left_out, wanted in statement.group:
            if len(codes[left_out] - wanted) != 1 or left_out == LAYER:
                continue
            group = tuple(part for part in statement.group if part[0] != left_out)
            if group not in found or found[group].low < statement.low:
                found[group] = replace(statement, group=group, high=math.inf)
    return list(found.values())


def _codings(
    names: Sequence[str], classes: Mapping[str, Sequence[frozenset[str]]], count: Count
) -> frozenset[frozenset[str]]:
    """Pairs of variables of which one tells something for certain about the other."""
    everybody = max(1, count(()))
    told_apart = [name for name in names if len(classes[name]) > 1 and name != LAYER]

    def certain(left: str, right: str) -> bool:
        for a, b in itertools.product(classes[left], classes[right]):
            chance = count(((left, a),)) * count(((right, b),)) / everybody
            if chance >= EXPECTED and count(((left, a), (right, b))) == 0:
                return True
        return False

    pairs = itertools.combinations(sorted(told_apart), 2)
    return frozenset(frozenset(pair) for pair in pairs if certain(*pair))


def _by_two_codings(distinct: set[frozenset[str]], alike: frozenset[frozenset[str]]) -> set[frozenset[str]]:
    """The sets of variables of two tables that are the same but for the coding of one variable."""
    found = set()
    for pair in alike:
        for one, other in itertools.permutations(sorted(pair)):
            rests = {names - {one} for names in distinct if one in names}
            found |= {names | {one} for names in distinct if other in names and names - {other} in rests}
    return found


def _closed(
    sets: set[frozenset[str]], size: Callable[[frozenset[str]], int], limit: int
) -> set[frozenset[str]]:
    """The sets, with every triangle of them joined as long as the joint table stays within ``limit``."""
    grown = True
    while grown:
        grown = False
        crossed = {frozenset(pair) for names in sets for pair in itertools.combinations(sorted(names), 2)}
        by_name: dict[str, list[frozenset[str]]] = {}
        for names in sets:
            for name in names:
                by_name.setdefault(name, []).append(names)
        for left, right in list(_linked(sets, by_name)):
            if left not in sets or right not in sets or size(left | right) > limit:
                continue
            ends = itertools.product(sorted(left - right), sorted(right - left))
            if any(frozenset(pair) in crossed for pair in ends):
                sets = (sets - {left, right}) | {left | right}
                grown = True
    return {names for names in sets if not any(names < other for other in sets)}


def _linked(
    sets: Iterable[frozenset[str]], by_name: Mapping[str, Sequence[frozenset[str]]]
) -> Iterable[tuple[frozenset[str], frozenset[str]]]:
    for left in sorted(sets, key=sorted):
        for name in sorted(left):
            for right in sorted(by_name[name], key=sorted):
                if right != left and sorted(left) < sorted(right):
                    yield left, right


def _classes(
    name: str, released: Sequence[Released], codes: Mapping[str, frozenset[str]]
) -> list[frozenset[str]]:
    """Codes of one variable that no statement tells apart, together."""
    cuts = sorted(
        {wanted for s in released for group in (s.group, s.of or ()) for n, wanted in group if n == name},
        key=sorted,
    )
    signature: dict[tuple[bool, ...], set[str]] = {}
    for code in sorted(codes[name]):
        signature.setdefault(tuple(code in cut for cut in cuts), set()).add(code)
    return [frozenset(part) for part in signature.values()]


def _family(
    names: frozenset[str],
    released: Sequence[Released],
    groups: Sequence[Where],
    codes: Mapping[str, frozenset[str]],
    count: Count,
    alike: frozenset[frozenset[str]],
) -> Family:
    ordered = tuple(sorted(names))
    statements = tuple(s for s in released if _variables(s) <= names)
    classes = {name: tuple(_classes(name, statements, codes)) for name in ordered}
    shape = tuple(len(classes[name]) for name in ordered)
    possible = np.ones(shape, dtype=bool)
    for left, right in (sorted(pair) for pair in alike if pair <= names):
        some = np.array([[count(((left, a), (right, b))) > 0 for b in classes[right]] for a in classes[left]])
        axes = [len(classes[name]) if name in (left, right) else 1 for name in ordered]
        possible &= some.reshape(axes)
    within = {
        tuple(part for part in group if part[0] in names)
        for group in groups
        if all(name in names or wanted == codes[name] for name, wanted in group)
    }
    return Family(ordered, statements, frozenset(within), classes, possible.reshape(-1))
