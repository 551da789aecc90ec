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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.bounds import AuditError, Program
from analysis.joint_tables import Family, families
from analysis.statements import Released, Where, describe

Floats = NDArray[np.float64]


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
    """Result of an audit.

    ``skipped`` lists sets of variables whose joint table was too large or held more small groups than are
    attacked; ``undecided`` the groups whose range could not be computed in time.  What was not audited
    counts as not safe.
    """

    exposures: tuple[Exposure, ...]
    targets: int
    families: tuple[tuple[str, ...], ...]
    skipped: tuple[tuple[str, ...], ...] = ()
    undecided: tuple[tuple[Where, Where | None], ...] = ()

    @property
    def safe(self) -> bool:
        return not (self.exposures or self.skipped or self.undecided)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that takes part in an exposure, by name."""
        return tuple(sorted({name for exposure in self.exposures for name in exposure.tables}))


def audit(
    released: Sequence[Released],
    count: Callable[[Where], int],
    domain: Mapping[str, Iterable[str]],
    policy: AuditPolicy | None = None,
    *,
    protected: Callable[[Where, Where | None], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> AuditReport:
    """Bound every small group that ``released`` touches.

    ``count`` gives the true number of people of a group (from the sealed data), ``domain`` the codes of every
    variable.  ``protected`` may leave out groups, and differences of two, that need no protection.
    ``progress`` is called with a fraction.  Raises :class:`AuditError` when a statement names an unknown
    variable or code or contradicts the true data, which means that the statement was written down wrongly.
    """
    policy = policy or AuditPolicy()
    codes = {name: frozenset(values) for name, values in domain.items()}
    _check(released, count, codes)
    joint, too_large = families(released, codes, count, policy.max_cells)
    found: dict[tuple[Where, Where | None], Exposure] = {}
    skipped, undecided = list(too_large), {}
    total = 0
    for number, family in enumerate(joint):
        targets = _targets(family, count, policy, protected)
        if len(targets) > policy.max_targets:
            skipped.append(family.names)
            targets = targets[: policy.max_targets]
        total += len(targets)
        exposed, open_still = _attack(family, targets, policy)
        found.update(exposed)
        undecided.update(dict.fromkeys(open_still))
        if progress:
            progress((number + 1) / len(joint))
    ordered = sorted(found.values(), key=lambda e: (str(e.group), str(e.minus)))
    return AuditReport(
        tuple(ordered), total, tuple(family.names for family in joint), tuple(skipped), tuple(undecided)
    )


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


Target = tuple[Where, Where | None, NDArray[np.bool_], int]


def _targets(
    family: Family,
    count: Callable[[Where], int],
    policy: AuditPolicy,
    protected: Callable[[Where, Where | None], bool] | None,
) -> list[Target]:
    """Small groups: every published group, every class left over within it, and differences of nested
    groups.
    """
    statements = family.statements
    groups = {s.group for s in statements} | {s.of for s in statements if s.of is not None} | {()}
    groups |= {rest for group in family.groups | groups for rest in _neighbours(group, family)}
    targets: dict[bytes, Target] = {}

    def consider(group: Where, minus: Where | None, row: NDArray[np.bool_], size: int) -> None:
        if 0 < size < policy.threshold and (protected is None or protected(group, minus)):
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
    return list(targets.values())


def _neighbours(group: Where, family: Family) -> Iterable[Where]:
    """The same group with one variable set to each class that the tables can tell apart, or to the rest of
    it; variables of which every code is named are left out.
    """
    codes = {name: wanted for name, wanted in group if name in family.classes}
    for name in codes:
        rest = family.universe[name] - codes[name]
        for part in [*family.classes[name], *([rest] if rest else [])]:
            near = {**codes, name: part}
            yield tuple(sorted((n, wanted) for n, wanted in near.items() if wanted != family.universe[n]))


def _attack(
    family: Family, targets: Sequence[Target], policy: AuditPolicy
) -> tuple[dict[tuple[Where, Where | None], Exposure], list[tuple[Where, Where | None]]]:
    """Bounds every target; the exposed ones and those that could not be decided.

    Whole tables found on the way are kept as witnesses: where two of them (the true one is one) differ by the
    width at a target, that target is safe without a program of its own.
    """
    found: dict[tuple[Where, Where | None], Exposure] = {}
    undecided: list[tuple[Where, Where | None]] = []
    if not targets:
        return found, undecided
    program = Program.of(*constraints(family.statements, family.row))
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
        ends: tuple[int, int] | None = program.bound(row, witness=witness)
        if ends is not None and ends[1] - ends[0] >= policy.width and policy.whole:
            if high[number] - low[number] >= policy.width:
                continue
            ends = _in_whole_people(program, row, ends, (low, high, number), policy.width, witness)
        if ends is None:
            undecided.append((group, minus))
        elif ends[1] - ends[0] < policy.width:
            names = _culprits(family.statements, program, row, policy)
            found[group, minus] = Exposure(group, minus, size, ends[0], ends[1], names)
    return found, undecided


def _in_whole_people(
    program: Program,
    row: NDArray[np.bool_],
    ends: tuple[int, int],
    known: tuple[Floats, Floats, int],
    width: int,
    witness: Callable[[Floats], None],
) -> tuple[int, int] | None:
    """The range in whole people where the relaxation leaves enough: any two tables that far apart will do.

    To find one table beyond what is known is much quicker than to prove where the range ends; that is done
    only when no such table exists on either side.  None when neither was decided in time.
    """
    low, high, number = known
    for floor, ceiling in ((low[number] + width, np.inf), (-np.inf, high[number] - width)):
        if floor > ends[1] or ceiling < ends[0] or ceiling < 0:
            continue
        table = program.some(row, floor, ceiling)
        if table is not None:
            witness(table)
            return int(low[number]), int(high[number])
    return program.exactly(row)


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
        rest = program.only(rows)
        ends = rest.exactly(target) if policy.whole else rest.bound(target)
        if ends is not None and ends[1] - ends[0] < policy.width:
            kept = trial
    return tuple(kept)
