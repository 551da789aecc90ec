"""The closed language of ``show_if``: ``all``, ``any``, ``not`` over ``in``; atoms on one address each.

A rule is read into four frozen kinds. ``not`` never survives reading: it becomes an atom that means
"answered otherwise", so that a refusal, "don't know" or silence never satisfies any rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class All:
    """Every one of ``rules`` holds."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of ``rules`` holds; without rules, nothing holds."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class In:
    """``address`` is on the path and answered with one of ``codes`` (``otherwise``: with something else)."""

    address: str
    codes: tuple[str, ...]
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """``address`` is on the path and has a substantive answer."""

    address: str


Rule: TypeAlias = All | AnyOf | In | Answered
Parts: TypeAlias = Mapping[str, Sequence[str]]
"""Addresses under the plain name of a battery or of an item with parts."""


def parse(document: Mapping[str, Any], parts: Parts) -> Rule:
    """Read a rule that the schema has accepted; raises ``ValueError`` where ``not`` is not over ``in``.

    The plain name of something with parts becomes "any of its parts".
    """
    if "all" in document:
        return All(tuple(parse(rule, parts) for rule in document["all"]))
    if "any" in document:
        return AnyOf(tuple(parse(rule, parts) for rule in document["any"]))
    if "not" in document:
        inner = document["not"]
        if "in" not in inner or inner["item"] in parts:
            raise ValueError("`not` stands only over `in` of a single answer")
        return In(inner["item"], tuple(inner["in"]), otherwise=True)
    addresses = parts.get(document["item"], (document["item"],))
    if "in" in document:
        return _any(tuple(In(address, tuple(document["in"])) for address in addresses))
    return _any(tuple(Answered(address) for address in addresses))


def _any(rules: tuple[Rule, ...]) -> Rule:
    return rules[0] if len(rules) == 1 else AnyOf(rules)


def conjunction(*rules: Rule | None) -> Rule | None:
    """Return one rule for several that must all hold; ``None`` (no rule) where there is none."""
    present = tuple(rule for rule in rules if rule is not None)
    if not present:
        return None
    return present[0] if len(present) == 1 else All(present)


def atoms(rule: Rule | None) -> Iterator[In | Answered]:
    """Yield the atoms of a rule in reading order."""
    if isinstance(rule, All | AnyOf):
        for part in rule.rules:
            yield from atoms(part)
    elif rule is not None:
        yield rule


@dataclass(frozen=True, slots=True)
class Domain:
    """What can be answered at an address: codes, the exclusive ones, how many may be chosen (0: one only)."""

    codes: frozenset[str]
    exclusive: frozenset[str] = frozenset()
    maximum: int = 0


class TooLarge(Exception):
    """The rule has more alternatives than we are willing to list; nothing is claimed about it."""


LIMIT = 4096


def can_hold(
    rule: Rule | None, domain: Callable[[str], Domain], condition: Callable[[str], Rule | None]
) -> bool:
    """Say whether some set of answers makes ``rule`` hold.

    ``domain`` and ``condition`` give, per address, what can be answered and the rule of that address itself:
    an atom holds only if its own address is on the path. Rules refer backwards, so the recursion ends. Where
    the disjunctive normal form grows beyond ``LIMIT`` alternatives the rule gets the benefit of the doubt.
    """
    try:
        return any(_consistent(literals, domain) for literals in _alternatives(rule, condition, {}))
    except TooLarge:
        return True


Literals: TypeAlias = frozenset[In | Answered]


def _alternatives(
    rule: Rule | None, condition: Callable[[str], Rule | None], known: dict[str, list[Literals]]
) -> list[Literals]:
    if rule is None:
        return [frozenset()]
    if isinstance(rule, AnyOf):
        found = [one for part in rule.rules for one in _alternatives(part, condition, known)]
    elif isinstance(rule, All):
        lists = [_alternatives(part, condition, known) for part in rule.rules]
        found = _product(lists)
    else:
        if rule.address not in known:
            known[rule.address] = _alternatives(condition(rule.address), condition, known)
        found = [one | {rule} for one in known[rule.address]]
    if len(found) > LIMIT:
        raise TooLarge
    return list(dict.fromkeys(found))


def _product(lists: list[list[Literals]]) -> list[Literals]:
    result: list[Literals] = [frozenset()]
    for alternatives in lists:
        if len(result) * len(alternatives) > LIMIT:
            raise TooLarge
        result = [left | right for left in result for right in alternatives]
    return result


def _consistent(literals: Literals, domain: Callable[[str], Domain]) -> bool:
    by_address: dict[str, list[In | Answered]] = {}
    for literal in literals:
        by_address.setdefault(literal.address, []).append(literal)
    return all(_answerable(found, domain(address)) for address, found in by_address.items())


def _answerable(literals: list[In | Answered], domain: Domain) -> bool:
    """Say whether one answer (a code, or for ``multiple`` a set of codes) satisfies all literals."""
    if not domain.codes:
        return all(isinstance(one, Answered) for one in literals)
    wanted = [frozenset(one.codes) for one in literals if isinstance(one, In) and not one.otherwise]
    barred = frozenset[str]().union(
        *(frozenset(one.codes) for one in literals if isinstance(one, In) and one.otherwise)
    )
    allowed = domain.codes - barred
    if any(all(code in codes for codes in wanted) for code in allowed):
        return True
    free = sorted(allowed - domain.exclusive)
    for size in range(2, min(domain.maximum, len(wanted), len(free)) + 1):
        for chosen in itertools.combinations(free, size):
            if all(codes.intersection(chosen) for codes in wanted):
                return True
    return False
