"""Disclosure control: the rules of an office, applied to tables, and everything released so far kept in mind.

Three ways of publishing counts, chosen by where they come from:

* ``sample``: figures extrapolated from a sample - bases rounded (multiples of 5), totals rounded (multiples
  of 10), small bases hidden, with complementary suppression, as the German census publishes its sample
  results;
* ``full``: full counts (open participation) - cell-key perturbation, tables agree with each other;
* ``exact``: exact counts with suppression only, for the sealed office's own use; the auditor is strictest
  here.

Conference counts are exact and recountable and never pass through here.  The auditor (:mod:`analysis.audit`)
looks at the statements of all tables of a wave, of this release and of every earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import cellkey
from analysis.audit import AuditPolicy, AuditReport, audit
from analysis.columns import Column
from analysis.errors import AnalysisError
from analysis.marks import PrecisionRules, public_base
from analysis.statements import LAYER, Released, Where, hidden, perturbed, rounded
from analysis.suppression import suppress, with_margins

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class DisclosureError(AnalysisError):
    """A publication that may not leave the house, or rules that cannot be applied."""


@dataclass(frozen=True)
class DisclosurePolicy:
    """The office's rules.  ``method`` is ``sample``, ``full`` or ``exact``.

    ``places`` are area variables, by which sensitive items are never shown.  ``homogeneity``: share of one
    answer from which a group would give its members away.
    """

    method: str = "sample"
    rules: PrecisionRules = field(default_factory=PrecisionRules)
    width: int = 5
    homogeneity: float = 0.95
    sensitive: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    perturbation: cellkey.PerturbationTable = cellkey.PUBLISHED
    max_cells: int = 600

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise DisclosureError(
                "unknown_method", f"the method is one of {', '.join(METHODS)}, not {self.method!r}", "method"
            )

    @property
    def audit(self) -> AuditPolicy:
        """The auditor's policy: under cell keys the noise itself is the protection, so 3 values must stay
        open.
        """
        width = 2 if self.method == "full" else self.width
        return AuditPolicy(threshold=self.rules.hide_below, width=width, max_cells=self.max_cells)

    def threshold(self, names: Sequence[str]) -> int:
        """Persons under which a cell of these variables is hidden."""
        rules = self.rules
        return rules.sensitive_hide_below if self.sensitive & set(names) else rules.hide_below


def counter(columns: Mapping[str, Column]) -> Callable[[Where], int]:
    """True counts of any group, from the sealed data; masks are kept, so repeated questions are cheap."""
    masks: dict[tuple[str, frozenset[str]], Bools] = {}
    size = len(next(iter(columns.values()))) if columns else 0

    def mask(name: str, codes: frozenset[str]) -> Bools:
        key = (name, codes)
        if key not in masks:
            column = columns[name].category()
            chosen = np.array(
                [*(level in codes for level in column.levels), MISSING_CODE in codes], dtype=bool
            )
            masks[key] = chosen[column.values]
        return masks[key]

    known: dict[Where, int] = {(): size}

    def count(group: Where) -> int:
        if group not in known:
            inside = np.logical_and.reduce([mask(name, codes) for name, codes in group])
            known[group] = int(np.count_nonzero(inside))
        return known[group]

    return count


MISSING_CODE = "(missing)"
"""Code that stands for every missing answer of a variable in the auditor's domain."""


def domain_of(columns: Mapping[str, Column]) -> dict[str, list[str]]:
    """All codes of every variable, and the missing one where somebody's answer is missing.

    A reader may guess that nobody's is: without the code the auditor assumes that, which is the strict side.
    """
    found = {}
    for name, column in columns.items():
        part = column.category()
        found[name] = [*part.levels, *([MISSING_CODE] if (part.values < 0).any() else [])]
    return found


def answered(column: Column) -> frozenset[str]:
    """The codes of a variable that count as answered."""
    return frozenset(column.category().levels)


@dataclass(frozen=True, eq=False)
class PublishedCounts:
    """A table of counts as it may be printed.

    ``values`` (with totals last in every dimension) holds the printed numbers, ``hidden`` where ``.`` stands
    instead; ``statements`` is what a reader learns, for the auditor.
    """

    name: str
    axes: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    values: Ints
    hidden: Bools
    statements: tuple[Released, ...]


def publish_counts(
    name: str,
    axes: Sequence[Column],
    policy: DisclosurePolicy,
    *,
    within: Where = (),
    rows: Bools | None = None,
    record_keys: ArrayLike | None = None,
    threshold: int | None = None,
) -> PublishedCounts:
    """A table of counts over ``axes``, protected by the policy's method.

    ``rows``/``within`` restrict it to a group (the mask and the same in words of the auditor).
    ``record_keys`` are needed by ``full``.  Raises :class:`analysis.suppression.SuppressionError` when the
    table cannot be protected.
    """
    parts = [axis.category() for axis in axes]
    shape = tuple(len(part.levels) for part in parts)
    usable = np.logical_and.reduce([part.values >= 0 for part in parts])
    if rows is not None:
        usable &= rows
    index = np.ravel_multi_index([part.values[usable] for part in parts], shape)
    counts = np.bincount(index, minlength=int(np.prod(shape))).reshape(shape)
    table = with_margins(counts)
    frame = _Frame(name, tuple(part.name for part in parts), tuple(part.levels for part in parts), within)
    limit = threshold if threshold is not None else policy.threshold(frame.axes)
    if policy.method == "full":
        if record_keys is None:
            raise DisclosureError(
                "no_record_keys", f"{name}: full counts need one record key per response", name
            )
        codes: list[ArrayLike] = [np.where(usable, part.values, -1) for part in parts]
        noisy = cellkey.perturbed_table(record_keys, codes, shape, policy.perturbation)
        return _perturbed(frame, noisy, policy.perturbation.limit)
    unit = policy.rules.base_unit if policy.method == "sample" else 1
    return _suppressed(frame, table, limit, policy.width, unit, policy.rules)


@dataclass(frozen=True)
class _Frame:
    name: str
    axes: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    within: Where

    def group(self, cell: tuple[int, ...]) -> Where:
        """The people of one cell; the last index of a dimension is everybody who answered it."""
        codes = dict(self.within)
        for axis, levels, place in zip(self.axes, self.levels, cell, strict=True):
            mine = frozenset(levels) if place == len(levels) else frozenset([levels[place]])
            codes[axis] = codes.get(axis, mine) & mine
        return tuple(sorted(codes.items()))


def _perturbed(frame: _Frame, noisy: Ints, limit: int) -> PublishedCounts:
    statements = [
        perturbed(frame.name, frame.group(cell), int(noisy[cell]), limit) for cell in np.ndindex(*noisy.shape)
    ]
    return PublishedCounts(
        frame.name, frame.axes, frame.levels, noisy, np.zeros(noisy.shape, bool), tuple(statements)
    )


def _suppressed(
    frame: _Frame, table: Ints, threshold: int, width: int, unit: int, rules: PrecisionRules
) -> PublishedCounts:
    # Rounding already leaves a range open, so only thresholds must be met; exact tables need complements.
    if unit > 1:
        mask = (table > 0) & (table < threshold)
        values = public_base(table, rules)
        complemented = False
    else:
        chosen = suppress(table, threshold, width=width)
        mask, values, complemented = chosen.hidden, table, bool(chosen.complementary.any())
    statements = []
    for cell in np.ndindex(*table.shape):
        group = frame.group(cell)
        if mask[cell]:
            # A complementary "." may stand for any number, nobody included; so every "." of that table may.
            plain = hidden(frame.name, group, threshold)
            statements.append(replace(plain, low=0.0, high=np.inf) if complemented else plain)
        else:
            statements.append(rounded(frame.name, group, int(values[cell]), unit if table[cell] else 1))
    return PublishedCounts(
        frame.name, frame.axes, frame.levels, np.where(mask, 0, values), mask, tuple(statements)
    )


def audit_release(
    columns: Mapping[str, Column],
    statements: Sequence[Released],
    policy: DisclosurePolicy,
    *,
    earlier: Sequence[Released] = (),
    harmless: frozenset[str] = frozenset(),
    progress: Callable[[float], None] | None = None,
) -> AuditReport:
    """The auditor over this release and everything released before.

    ``columns`` are all responses; a column called ``release`` tells since which release a response has been
    counted (see :func:`layers`).  Who gave which answer to a ``harmless`` variable, or none, may be known.
    Raises :class:`analysis.audit.AuditError` when statements contradict the data.
    """
    used = {name for s in [*statements, *earlier] for g in (s.group, s.of or ()) for name, _ in g}
    missing = sorted(used - set(columns))
    if missing:
        raise DisclosureError(
            "unknown_variable", f"released tables use {missing[0]}, which is not in the data", missing[0]
        )
    needed = {name: columns[name] for name in sorted(used)}

    def known(group: Where) -> bool:
        return any(name in harmless and not codes >= answered(columns[name]) for name, codes in group)

    def protected(group: Where, minus: Where | None) -> bool:
        if known(group) or (minus is not None and known(minus)):
            return False
        # Those of a group who left out a harmless question, whichever release says so; who came with a later
        # release is a difference of its own.
        apart = {name for name, _ in set(group) ^ set(minus or ())} - {LAYER}
        return minus is None or not apart or not apart <= harmless

    return audit(
        [*earlier, *statements],
        counter(needed),
        domain_of(needed),
        policy.audit,
        protected=protected if harmless else None,
        progress=progress,
    )


def layers(members: Sequence[Sequence[str]], current: Sequence[str]) -> Column:
    """Column ``release``: the number of the first earlier release that already counted each current response.

    ``members`` lists the response ids of each earlier release, oldest first; responses never released before
    get the next number.  A response that was released once and is gone now cannot be audited:
    :class:`DisclosureError`.
    """
    present = set(current)
    first: dict[str, int] = {}
    for number, ids in enumerate(members):
        gone = [one for one in ids if one not in present]
        if gone:
            raise DisclosureError(
                "responses_vanished",
                f"{len(gone)} responses of release {number + 1} are gone; audit with the old data",
                str(number + 1),
                count=len(gone),
            )
        for one in ids:
            first.setdefault(one, number)
    codes = np.array([first.get(one, len(members)) for one in current], dtype=np.int64)
    return Column(LAYER, "category", codes, tuple(str(n) for n in range(len(members) + 1)))


def at_release(statements: Sequence[Released], number: int) -> tuple[Released, ...]:
    """The statements of release ``number`` (from 0), tied to the responses that were in it."""
    known = frozenset(str(n) for n in range(number + 1))

    def tie(group: Where) -> Where:
        return tuple(sorted([*group, (LAYER, known)]))

    return tuple(replace(s, group=tie(s.group), of=None if s.of is None else tie(s.of)) for s in statements)


def to_document(statements: Sequence[Released]) -> list[dict[str, Any]]:
    """Statements as plain JSON, for the record of what was ever released."""
    return [
        {
            "table": s.table,
            "group": {name: sorted(codes) for name, codes in s.group},
            "low": s.low,
            "high": None if np.isinf(s.high) else s.high,
            **({"of": {n: sorted(c) for n, c in s.of}} if s.of is not None else {}),
            **({"spread": s.spread} if s.of is not None else {}),
        }
        for s in statements
    ]


def from_document(document: Sequence[Mapping[str, Any]]) -> tuple[Released, ...]:
    """The inverse of :func:`to_document`."""

    def group(codes: Mapping[str, Sequence[str]]) -> Where:
        return tuple(sorted((name, frozenset(values)) for name, values in codes.items()))

    return tuple(
        Released(
            table=str(entry["table"]),
            group=group(entry["group"]),
            low=float(entry["low"]),
            high=np.inf if entry["high"] is None else float(entry["high"]),
            of=group(entry["of"]) if "of" in entry else None,
            spread=float(entry.get("spread", 1.0)),
        )
        for entry in document
    )


METHODS = ("sample", "full", "exact")
