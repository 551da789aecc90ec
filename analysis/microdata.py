"""Microdata that may leave the house: k-anonymity, l-diversity, suggested recodings, public use files.

k-anonymity (Samarati & Sweeney 1998): every combination of the key variables is shared by at least k records.
l-diversity (Machanavajjhala et al. 2007): within every combination a sensitive item takes at least l values.
Missing counts as a value of its own, because a reader sees that it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.columns import Column
from analysis.errors import AnalysisError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class MicrodataError(AnalysisError):
    """Microdata that cannot be made safe by the rules given."""


def classes(keys: Sequence[Column]) -> Ints:
    """(n,) the equivalence class of every record over the key variables, numbered 0 .. classes-1."""
    if not keys:
        raise MicrodataError("no_keys", "name at least one key variable")
    combined = np.zeros(len(keys[0]), dtype=np.int64)
    for column in keys:
        part = column.category()
        combined = combined * (len(part.levels) + 1) + part.values + 1
        # Renumbering after each variable keeps the product from overflowing with many key variables.
        combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    return combined


def class_sizes(keys: Sequence[Column]) -> Ints:
    """(n,) with how many records each record shares its combination of keys (itself included)."""
    member = classes(keys)
    return np.bincount(member)[member].astype(np.int64)


def below_k(keys: Sequence[Column], k: int = 5) -> int:
    """Number of records whose combination of keys is shared by fewer than ``k`` records."""
    return int(np.sum(class_sizes(keys) < k))


def diversity(keys: Sequence[Column], sensitive: Column) -> Ints:
    """(n,) how many distinct values the sensitive item takes in each record's class (missing ones left out).

    Records without an observed value get the diversity of their class too; a class without any observed
    value has 0.
    """
    member = classes(keys)
    values = sensitive.category()
    seen = values.values >= 0
    pairs = np.unique(np.column_stack([member[seen], values.values[seen]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=int(member.max()) + 1)[member].astype(np.int64)


def below_l(keys: Sequence[Column], sensitive: Column, ell: int = 2) -> int:
    """Number of records in classes where the sensitive item takes fewer than ``ell`` values."""
    return int(np.sum(diversity(keys, sensitive) < ell))


@dataclass(frozen=True)
class Recoding:
    """One suggestion: categories ``merged`` of ``variable`` become one, or the variable is left out.

    ``risky_before``/``risky_after``: records that break the rules; ``lost``: share of the variable's
    information (entropy) that the step costs.
    """

    variable: str
    merged: tuple[str, ...]
    drop: bool
    risky_before: int
    risky_after: int
    lost: float

    @property
    def level(self) -> str:
        return " / ".join(self.merged)


def recode(column: Column, merged: Sequence[str]) -> Column:
    """The column with several categories joined into one, at the place of the first of them."""
    part = column.category()
    unknown = [level for level in merged if level not in part.levels]
    if unknown:
        raise MicrodataError(
            "unknown_level",
            f"{column.name} has no category {unknown[0]!r}",
            place=column.name,
            level=unknown[0],
        )
    name = " / ".join(merged)
    levels: list[str] = []
    position = np.full(len(part.levels) + 1, -1, dtype=np.int64)
    for code, level in enumerate(part.levels):
        new = name if level in merged else level
        if new not in levels:
            levels.append(new)
        position[code] = levels.index(new)
    return replace(part, values=position[part.values], levels=tuple(levels))


def _entropy(column: Column) -> float:
    share = np.bincount(column.values + 1, minlength=len(column.levels) + 1) / max(1, len(column))
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def _risky(keys: Sequence[Column], sensitive: Sequence[Column], k: int, ell: int) -> Bools:
    sizes = class_sizes(keys)
    risky = sizes < k
    for column in sensitive:
        risky |= diversity(keys, column) < ell
    return np.asarray(risky)


def suggest(
    keys: Mapping[str, Column],
    *,
    sensitive: Sequence[Column] = (),
    k: int = 5,
    ell: int = 2,
    ordered: frozenset[str] = frozenset(),
    tolerated: float = 0.02,
) -> list[Recoding]:
    """Recodings, best first, that bring the share of risky records down to ``tolerated``.

    Greedy: of all joins of two categories (neighbours only, for variables named in ``ordered``) and of all
    variables left out, the one that saves most records per lost information is taken, until few enough
    remain; those are left to local suppression.  An empty list means that nothing needs to be done.
    """
    now = {name: column.category() for name, column in keys.items()}
    entropy = {name: max(_entropy(column), 1e-9) for name, column in now.items()}
    steps: list[Recoding] = []
    risky = int(_risky(list(now.values()), sensitive, k, ell).sum())
    total = len(next(iter(now.values()))) if now else 0
    while now and risky > tolerated * total:
        best: tuple[float, Recoding, Column | None] | None = None
        for name, column in now.items():
            for merged in _candidates(column, name in ordered):
                joined = recode(column, merged) if merged else None
                rest = (
                    {**now, name: joined}
                    if joined is not None
                    else {n: c for n, c in now.items() if n != name}
                )
                kept = [c for c in rest.values() if c is not None]
                after = int(_risky(kept, sensitive, k, ell).sum()) if kept else 0
                lost = (_entropy(column) - (_entropy(joined) if joined is not None else 0.0)) / entropy[name]
                gain = (risky - after) / (lost + 0.02)
                step = Recoding(name, merged, joined is None, risky, after, round(max(lost, 0.0), 4))
                if best is None or gain > best[0]:
                    best = (gain, step, joined)
        assert best is not None
        _, step, joined = best
        steps.append(step)
        risky = step.risky_after
        if joined is None:
            del now[step.variable]
        else:
            now[step.variable] = joined
    return steps


@dataclass(frozen=True)
class Assessment:
    """What a public use file would need.

    ``k`` and ``ell`` are what the rules ask, ``smallest`` the records of the smallest class, ``risky`` the
    records that break the rules, ``steps`` the suggested recodings and ``left`` the records that still break
    the rules after them (to be blanked or left out).
    """

    k: int
    ell: int
    smallest: int
    risky: int
    steps: tuple[Recoding, ...]
    left: int


def assessed(
    keys: Mapping[str, Column],
    *,
    sensitive: Sequence[Column] = (),
    k: int = 5,
    ell: int = 2,
    ordered: frozenset[str] = frozenset(),
) -> Assessment:
    """How far records are from k-anonymity and l-diversity over the key variables, and what would help.

    Raises :class:`MicrodataError` without a key variable.
    """
    columns = [column.category() for column in keys.values()]
    smallest = int(class_sizes(columns).min())
    risky = int(_risky(columns, sensitive, k, ell).sum())
    steps = suggest(keys, sensitive=sensitive, k=k, ell=ell, ordered=ordered)
    return Assessment(k, ell, smallest, risky, tuple(steps), steps[-1].risky_after if steps else risky)


def _candidates(column: Column, ordered: bool) -> list[tuple[str, ...]]:
    levels = column.levels
    if len(levels) <= 2:
        return [()]
    if ordered:
        return list(pairwise(levels))
    sizes = np.bincount(column.values[column.values >= 0], minlength=len(levels))
    rare = [levels[i] for i in np.argsort(sizes, kind="stable")[:4]]
    return [(a, b) for i, a in enumerate(rare) for b in rare[i + 1 :]]


def apply(keys: Mapping[str, Column], steps: Sequence[Recoding]) -> dict[str, Column]:
    """The key variables after the given recodings, in their order; dropped variables are left out."""
    result = {name: column.category() for name, column in keys.items()}
    for step in steps:
        if step.variable not in result:
            raise MicrodataError(
                "unknown_variable", f"{step.variable} is no key variable", place=step.variable
            )
        if step.drop:
            del result[step.variable]
        else:
            result[step.variable] = recode(result[step.variable], step.merged)
    return result


@dataclass(frozen=True, eq=False)
class PublicUse:
    """A public use file: rows in a new random order under fresh ids, keys recoded, weights rounded.

    ``hidden`` counts the values blanked by local suppression, ``k`` and ``ell`` what the file really reaches.
    """

    ids: tuple[str, ...]
    columns: Mapping[str, Column]
    weights: Floats
    recodings: tuple[Recoding, ...]
    hidden: int
    dropped: int
    k: int
    ell: int


def public_use(
    columns: Mapping[str, Column],
    weights: Floats,
    keys: Sequence[str],
    rng: np.random.Generator,
    *,
    sensitive: Sequence[str] = (),
    k: int = 5,
    ell: int = 2,
    ordered: frozenset[str] = frozenset(),
    weight_digits: int = 2,
) -> PublicUse:
    """A file with k-anonymity ``k`` and, for each sensitive item, l-diversity ``ell`` over the key variables.

    Recodings are those of :func:`suggest`; records that still break the rules have their keys blanked, and
    if even the blanked ones are too few or too alike they are left out.  ``weights`` (n,) are rounded to
    ``weight_digits`` significant digits, because exact weights tell strata and calibration classes apart.
    """
    unknown = [name for name in [*keys, *sensitive] if name not in columns]
    if unknown:
        raise MicrodataError("unknown_variable", f"there is no variable {unknown[0]}", place=unknown[0])
    hidden_items = [columns[name] for name in sensitive]
    steps = suggest({n: columns[n] for n in keys}, sensitive=hidden_items, k=k, ell=ell, ordered=ordered)
    recoded = apply({name: columns[name] for name in keys}, steps)
    risky = _risky(list(recoded.values()), hidden_items, k, ell) if recoded else np.zeros(len(weights), bool)
    for name, column in recoded.items():
        recoded[name] = replace(column, values=np.where(risky, -1, column.values), missing=None)
    keep = ~_risky(list(recoded.values()), hidden_items, k, ell) if recoded else ~risky
    left_out = {step.variable for step in steps if step.drop}
    order = rng.permutation(np.flatnonzero(keep))
    chosen = {
        name: recoded.get(name, column).take(order)
        for name, column in columns.items()
        if name not in left_out
    }
    ids = tuple(f"{number:0{len(str(len(order)))}d}" for number in range(1, len(order) + 1))
    final = [chosen[name] for name in recoded]
    items = [column.take(order) for column in hidden_items]
    return PublicUse(
        ids=ids,
        columns=chosen,
        weights=significant(weights[order], weight_digits),
        recodings=tuple(steps),
        hidden=int((risky & keep).sum()) * len(recoded),
        dropped=int((~keep).sum()),
        k=int(class_sizes(final).min()) if final and len(order) else len(order),
        ell=min((int(diversity(final, column).min()) for column in items), default=0) if final else 0,
    )


def significant(values: Floats, digits: int) -> Floats:
    """Values rounded to a number of significant digits; zero stays zero."""
    x = np.asarray(values, dtype=float)
    safe = np.where(x == 0, 1.0, np.abs(x))
    factor = 10.0 ** (digits - 1 - np.floor(np.log10(safe)))
    return np.asarray(np.round(x * factor) / factor, dtype=float)
