"""The auditor: what can be worked out from everything that was ever released of a wave.

Suppression alone is theatre, so a release is attacked before it leaves the house.  All published figures of
a wave, old and new, are written as linear statements about the unknown counts of the finest cells they
distinguish.  For every small group of people that the tables touch - a hidden cell, an unpublished rest, the
difference of two nested groups, the people by whom two releases of one wave differ - the smallest and the
largest count that fits all statements is computed (linear programming, scipy's HiGHS; then as whole
numbers).  A group is *exposed* when that range is narrower than the policy allows, and the tables that pin
it down are named.

Sources: Hundepool et al. (2012), *Statistical Disclosure Control*, ch. 4 (attacker's bounds); Fischetti &
Salazar (2001) for linked tables.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.bounds import AuditError, Program

Floats = NDArray[np.float64]
Where = tuple[tuple[str, frozenset[str]], ...]
CIRCLES = 5
"""Circles of tables are joined up to this part of ``max_cells``: there are many of them, and each must stay
quick.
"""

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


@dataclass(frozen=True)
class AuditPolicy:
    """What must stay unknown.

    ``threshold``: groups of 1 .. threshold-1 people are small.  ``width``: the range an attacker is left
    with must span at least this many counts above its lower end.  ``max_cells``: largest joint table tried
    at once. ``whole``: also solve for whole numbers (exact, slower).
    """

    threshold: int = 20
    width: int = 5
    max_cells: int = 4000
    whole: bool = True
    max_targets: int = 4000


@dataclass(frozen=True)
class Exposure:
    """A small group whose size can be worked out: ``low`` .. ``high`` is all that is left open."""

    group: Where
    minus: Where | None
    count: int
    low: int
    high: int
    tables: tuple[str, ...]


@dataclass(frozen=True)
class AuditReport:
    """Result of an audit.  ``skipped`` lists sets of variables that were too large to be bounded jointly."""

    exposures: tuple[Exposure, ...]
    targets: int
    families: tuple[tuple[str, ...], ...]
    skipped: tuple[tuple[str, ...], ...] = ()

    @property
    def safe(self) -> bool:
        return not self.exposures

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that takes part in an exposure, by name."""
        return tuple(sorted({name for exposure in self.exposures for name in exposure.tables}))


@dataclass(frozen=True)
class _Family:
    """One joint table: refined classes per variable, and the 0/1 row of any group over its cells."""

    names: tuple[str, ...]
    classes: Mapping[str, tuple[frozenset[str], ...]]
    shape: tuple[int, ...] = field(default=())

    @property
    def cells(self) -> int:
        return math.prod(self.shape)

    def row(self, group: Where) -> NDArray[np.bool_]:
        codes = dict(group)
        axes = []
        for name in self.names:
            wanted = codes.get(name)
            axes.append(
                np.array([wanted is None or part <= wanted for part in self.classes[name]], dtype=bool)
            )
        result = np.ones((), dtype=bool)
        for axis in axes:
            result = np.multiply.outer(result, axis)
        return np.asarray(result).reshape(-1)


def audit(
    released: Sequence[Released],
    count: Callable[[Where], int],
    domain: Mapping[str, Iterable[str]],
    policy: AuditPolicy | None = None,
    *,
    protected: Callable[[Where], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> AuditReport:
    """Bound every small group that ``released`` touches.

    ``count`` gives the true number of people of a group (from the sealed data), ``domain`` the codes of every
    variable.  ``protected`` may leave out groups that need no protection (answers to harmless items).
    ``progress`` is called with a fraction.  Raises :class:`AuditError` when a statement names an unknown
    variable or code or contradicts the true data, which means that the statement was written down wrongly.
    """
    policy = policy or AuditPolicy()
    codes = {name: frozenset(values) for name, values in domain.items()}
    _check(released, count, codes)
    families, skipped = _families(released, codes, policy.max_cells)
    found: dict[tuple[Where, Where | None], Exposure] = {}
    total = 0
    for number, (names, statements) in enumerate(families):
        family = _family(names, statements, codes)
        targets = _targets(family, statements, count, policy, protected)
        total += len(targets)
        found.update(_attack(family, statements, targets, policy))
        if progress:
            progress((number + 1) / len(families))
    ordered = sorted(found.values(), key=lambda e: (str(e.group), str(e.minus)))
    return AuditReport(tuple(ordered), total, tuple(names for names, _ in families), skipped)


def _check(
    released: Sequence[Released], count: Callable[[Where], int], codes: Mapping[str, frozenset[str]]
) -> None:
    for statement in released:
        for group in (statement.group, statement.of or ()):
            for name, wanted in group:
                if name not in codes:
                    raise AuditError("unknown_variable", f"{statement.table}: unknown variable {name}", name)
                if not wanted <= codes[name]:
                    lost = ", ".join(sorted(wanted - codes[name]))
                    raise AuditError("unknown_code", f"{statement.table}: {name} has no code {lost}", name)
        if not _fits(statement, count):
            text = f"{statement.table}: the figure for {describe(statement.group)} does not fit the data"
            raise AuditError("figure_contradicts_data", text, statement.table)


def _fits(statement: Released, count: Callable[[Where], int]) -> bool:
    inside = count(statement.group)
    if statement.of is None:
        return statement.low <= inside <= statement.high
    base, (p, q, s) = count(statement.of), (statement.high, statement.low, statement.spread)
    slack = 1e-9 * max(1, base)
    return inside * (1 - p + p * s) <= p * s * base + slack and inside * (s - q * s + q) >= q * base - slack


def describe(group: Where) -> str:
    """A group in words of the plan: ``age in 1|2, sex in f``; everybody is ``all``."""
    return ", ".join(f"{name} in {'|'.join(sorted(codes))}" for name, codes in group) or "all"


def _variables(statement: Released) -> frozenset[str]:
    return frozenset(name for name, _ in statement.group) | frozenset(name for name, _ in statement.of or ())


def _families(
    released: Sequence[Released], codes: Mapping[str, frozenset[str]], limit: int
) -> tuple[list[tuple[tuple[str, ...], list[Released]]], tuple[tuple[str, ...], ...]]:
    """Sets of variables bounded together.

    All at once where the joint table of everything stays within ``limit`` cells (then the bounds are exact).
    Otherwise the maximal sets of variables that tables cross, and the three sets of a triangle (A x B, B x
    C, A x C) together: without a circle, tables that share one variable only tell of each other through that
    variable's margin.
    """
    parts = {name: len(_classes(name, released, codes)) for name in codes}

    def size(names: frozenset[str]) -> int:
        return math.prod(parts[name] for name in names)

    distinct = {_variables(statement) for statement in released} or {frozenset()}
    everything = frozenset().union(*distinct)
    if size(everything) <= limit:
        return [(tuple(sorted(everything)), list(released))], ()
    maximal = {names for names in distinct if not any(names < other for other in distinct)}
    sets = _closed(maximal, size, limit // CIRCLES)
    families, skipped = [], []
    for names in sorted(sets, key=lambda names: (size(names), sorted(names))):
        if size(names) > 16 * limit:
            skipped.append(tuple(sorted(names)))
            continue
        families.append((tuple(sorted(names)), [s for s in released if _variables(s) <= names]))
    return families, tuple(skipped)


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
    names: tuple[str, ...], statements: Sequence[Released], codes: Mapping[str, frozenset[str]]
) -> _Family:
    classes = {name: tuple(_classes(name, statements, codes)) for name in names}
    return _Family(names, classes, tuple(len(classes[name]) for name in names))


Target = tuple[Where, Where | None, NDArray[np.bool_], int]


def _targets(
    family: _Family,
    statements: Sequence[Released],
    count: Callable[[Where], int],
    policy: AuditPolicy,
    protected: Callable[[Where], bool] | None,
) -> list[Target]:
    """Small groups: every published group, every class left over within it, and differences of nested
    groups.
    """
    groups = {s.group for s in statements} | {s.of for s in statements if s.of is not None} | {()}
    groups |= {rest for group in list(groups) for rest in _neighbours(group, family)}
    targets: dict[bytes, Target] = {}

    def consider(group: Where, minus: Where | None, row: NDArray[np.bool_], size: int) -> None:
        if 0 < size < policy.threshold and (protected is None or protected(group)):
            targets.setdefault(row.tobytes(), (group, minus, row, size))

    rows = {group: family.row(group) for group in groups}
    sizes = {group: count(group) for group in groups}
    ordered = sorted(groups, key=lambda g: (len(g), str(describe(g))))
    for group in ordered:
        consider(group, None, rows[group], sizes[group])
    published = [g for g in ordered if any(g == s.group for s in statements)]
    for outer, inner in itertools.permutations(published, 2):
        if 0 < sizes[outer] - sizes[inner] < policy.threshold and np.all(rows[inner] <= rows[outer]):
            consider(outer, inner, rows[outer] & ~rows[inner], sizes[outer] - sizes[inner])
    return list(targets.values())[: policy.max_targets]


def _neighbours(group: Where, family: _Family) -> Iterable[Where]:
    """The same group with one variable set to each class that the tables can tell apart, or to the rest of
    it.
    """
    codes = dict(group)
    for name in codes:
        if name not in family.classes:
            continue
        universe = frozenset().union(*family.classes[name])
        rest = universe - codes[name]
        for part in [*family.classes[name], *([rest] if rest else [])]:
            yield tuple(sorted({**codes, name: part}.items()))


def _attack(
    family: _Family, statements: Sequence[Released], targets: Sequence[Target], policy: AuditPolicy
) -> dict[tuple[Where, Where | None], Exposure]:
    """Bounds every target.  Whole tables found on the way are kept as witnesses: where two of them (the true
    one is one) differ by the width at a target, that target is safe without a program of its own."""
    found: dict[tuple[Where, Where | None], Exposure] = {}
    if not targets:
        return found
    program = Program.of(*constraints(statements, family.row))
    rows = csr_array(np.array([row for _, _, row, _ in targets], dtype=float))
    low = np.array([size for *_, size in targets], dtype=float)
    high = low.copy()

    def witness(table: Floats) -> None:
        values = rows @ table
        np.minimum(low, values, out=low)
        np.maximum(high, values, out=high)

    for number, (group, minus, row, size) in enumerate(targets):
        if high[number] - low[number] >= policy.width:
            continue
        ends = program.bound(row, witness=witness)
        if ends[1] - ends[0] >= policy.width and policy.whole and high[number] - low[number] < policy.width:
            ends = _in_whole_people(program, row, ends, (low, high, number), policy.width, witness)
        if ends[1] - ends[0] < policy.width:
            names = _culprits(statements, program, row, policy)
            found[group, minus] = Exposure(group, minus, size, ends[0], ends[1], names)
    return found


def _in_whole_people(
    program: Program,
    row: NDArray[np.bool_],
    ends: tuple[int, int],
    known: tuple[Floats, Floats, int],
    width: int,
    witness: Callable[[Floats], None],
) -> tuple[int, int]:
    """The range in whole people where the relaxation leaves enough: any two tables that far apart will do.

    To find one table beyond what is known is much quicker than to prove where the range ends; that is done
    only when no such table exists on either side.
    """
    low, high, number = known
    for floor, ceiling in ((low[number] + width, np.inf), (-np.inf, high[number] - width)):
        if floor > ends[1] or ceiling < ends[0] or ceiling < 0:
            continue
        table = program.some(row, floor, ceiling)
        if table is not None:
            witness(table)
            return int(low[number]), int(high[number])
    return program.bound(row, whole=True)


def constraints(
    statements: Sequence[Released], row: Callable[[Where], NDArray[np.bool_]]
) -> tuple[csr_array, Floats, Floats]:
    """The statements as ``low <= matrix @ cells <= high`` over the cells' unknown counts."""
    rows, low, high = [], [], []
    for s in statements:
        inside = row(s.group).astype(float)
        if s.of is None:
            rows.append(inside)
            low.append(s.low)
            high.append(s.high)
            continue
        base = row(s.of).astype(float)
        # A weighted share p of n in b, weights spread by s: n (1 - p + p s) <= p s b and n (s - p s + p) >=
        # p b.
        p, q = s.high, s.low
        rows += [inside * (1 - p + p * s.spread) - p * s.spread * base]
        low.append(-np.inf)
        high.append(0.0)
        rows += [inside * (s.spread - q * s.spread + q) - q * base]
        low.append(0.0)
        high.append(np.inf)
    return csr_array(np.array(rows)), np.array(low, dtype=float), np.array(high, dtype=float)


def _culprits(
    statements: Sequence[Released], program: Program, target: NDArray[np.bool_], policy: AuditPolicy
) -> tuple[str, ...]:
    """The tables without any one of which the group would not be exposed: a minimal set, by leaving out."""
    owners: list[str] = []
    for statement in statements:
        owners += [statement.table] * (1 if statement.of is None else 2)
    kept = sorted(set(owners))
    for name in sorted(set(owners), reverse=True):
        trial = [other for other in kept if other != name]
        rows = np.array([owner in trial for owner in owners])
        if not rows.any():
            continue
        ends = program.only(rows).bound(target, whole=policy.whole)
        if ends[1] - ends[0] < policy.width:
            kept = trial
    return tuple(kept)
