"""Coded columns: numbers with missing codes, categories with ordered levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Array = NDArray[Any]

MISSING: tuple[str, ...] = ("", "not_asked", "not_in_variant", "dont_know", "refused", "no_answer")
"""Reasons for a missing value; a column's ``missing`` array holds positions in this tuple, 0 = observed.

They stay distinct from the answer to the export: a question that was routed past is not a refusal."""


@dataclass(frozen=True, eq=False)
class Column:
    """One variable of n rows.

    ``kind`` is ``number`` (``values`` are floats, NaN where missing) or ``category`` (``values`` are
    positions in ``levels``, -1 where missing). ``missing`` (n,) int8 holds the reason, a position in
    :data:`MISSING`; None where nothing is known about the reason.
    """

    name: str
    kind: str
    values: Array
    levels: tuple[str, ...] = ()
    missing: NDArray[np.int8] | None = None
    label: Mapping[str, str] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def observed(self) -> Bools:
        """(n,) True where there is a value."""
        if self.kind == "category":
            return np.asarray(self.values >= 0)
        return np.asarray(~np.isnan(self.values))

    def indicator(self, level: str) -> Floats:
        """(n,) 1.0 where the category is ``level``, 0.0 elsewhere, NaN where missing."""
        if level not in self.levels:
            raise DataError(
                "unknown_level",
                f"{self.name} has no category {level!r}; its categories are {', '.join(self.levels)}.",
                place=self.name,
                level=level,
            )
        hit: Floats = (self.values == self.levels.index(level)).astype(float)
        hit[self.values < 0] = np.nan
        return hit

    def numeric(self) -> Floats:
        """(n,) the values as floats; a category whose levels are all numbers is read as those numbers."""
        if self.kind == "number":
            return np.asarray(self.values, float)
        try:
            marks = np.array([float(level) for level in self.levels] + [np.nan])
        except ValueError:
            raise DataError(
                "not_numeric",
                f"{self.name} is a category ({', '.join(self.levels[:3])} ...), not a number.",
                place=self.name,
            ) from None
        return np.asarray(marks[self.values])

    def category(self) -> Column:
        """The same column as a category; the distinct numbers become levels in ascending order."""
        if self.kind == "category":
            return self
        codes, levels = encode(self.values)
        return Column(self.name, "category", codes, levels, self.missing, self.label)

    def take(self, rows: Array) -> Column:
        """The rows selected by a mask or by positions."""
        missing = None if self.missing is None else self.missing[rows]
        return Column(self.name, self.kind, self.values[rows], self.levels, missing, self.label)


def number_text(value: float) -> str:
    """A number as a level: whole numbers without a decimal point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def encode(values: Any, levels: Sequence[str] | None = None) -> tuple[Ints, tuple[str, ...]]:
    """Codes 0.. and their levels for any column; missing values (None, NaN, empty text) get -1.

    With ``levels`` their order is kept and an unlisted value raises :class:`DataError`.
    """
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if array.dtype.kind in "biuf" and levels is None:
        return _encode_numbers(array)
    if array.dtype.kind == "f":
        codes, found = _encode_numbers(array)
        return _recode(codes, found, levels or ())
    present = np.array([not _is_missing(v) for v in array.tolist()], dtype=bool)
    texts = np.array([_text(v) for v, ok in zip(array.tolist(), present, strict=True) if ok], dtype=str)
    out = np.full(len(array), -1, np.int64)
    if not texts.size:
        return out, tuple(levels or ())
    distinct, inverse = np.unique(texts, return_inverse=True)
    out[present] = inverse
    found = tuple(str(v) for v in distinct)
    return (out, found) if levels is None else _recode(out, found, levels)


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def _encode_numbers(array: Array) -> tuple[Ints, tuple[str, ...]]:
    if array.dtype.kind == "f":
        present = ~np.isnan(array)
        out = np.full(len(array), -1, np.int64)
        distinct, inverse = np.unique(array[present], return_inverse=True)
        out[present] = inverse
        return out, tuple(number_text(v) for v in distinct)
    if array.dtype.kind == "b":
        return array.astype(np.int64), ("False", "True")
    if array.size and int(array.max()) - int(array.min()) < max(1024, 4 * array.size):
        # Small integer codes are counted in place of being sorted: this is the path of ten million rows.
        low = int(array.min())
        counts = np.bincount(array - low)
        kept = np.flatnonzero(counts)
        position = np.cumsum(counts > 0) - 1
        return position[array - low], tuple(str(int(v) + low) for v in kept)
    distinct, inverse = np.unique(array, return_inverse=True)
    return inverse.astype(np.int64), tuple(str(int(v)) for v in distinct)


def _recode(codes: Ints, found: tuple[str, ...], levels: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    order = {level: i for i, level in enumerate(levels)}
    unknown = [level for level in found if level not in order]
    if unknown:
        raise DataError(
            "unlisted_level",
            f"Values outside the listed categories: {', '.join(unknown[:5])}.",
            place=unknown[0],
            levels=unknown,
        )
    position = np.array([order[level] for level in found] + [-1], np.int64)
    return position[codes], tuple(levels)


def as_column(name: str, values: Any) -> Column:
    """A :class:`Column` from a Column, an array or a list; text becomes a category, numbers stay numbers."""
    if isinstance(values, Column):
        return values
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    if array.ndim != 1:
        raise DataError("not_a_vector", f"{name} has {array.ndim} dimensions; a column has one.", place=name)
    if array.dtype.kind in "iuf":
        return Column(name, "number", array.astype(float))
    if array.dtype.kind == "b":
        return Column(name, "number", array.astype(float))
    if array.dtype.kind == "O" and _all_numbers(array):
        return Column(name, "number", np.array([np.nan if v is None else v for v in array], float))
    codes, levels = encode(array)
    return Column(name, "category", codes, levels)


def _all_numbers(array: Array) -> bool:
    return any(v is not None for v in array) and all(
        v is None or (isinstance(v, (int, float, np.number)) and not isinstance(v, str)) for v in array
    )


def interaction(columns: Sequence[Column], drop: bool = True, separator: str = ".") -> Column:
    """The crossing of several categories, the first running fastest; -1 where any of them is missing.

    Levels are joined by ``separator``. With ``drop`` combinations without a row are left out.
    """
    parts = [c.category() for c in columns]
    codes = np.zeros(len(parts[0]), np.int64)
    step = 1
    bad = np.zeros(len(parts[0]), bool)
    for part in parts:
        codes += step * np.maximum(part.values, 0)
        bad |= part.values < 0
        step *= len(part.levels)
    codes[bad] = -1
    names = [""]
    for i, part in enumerate(parts):
        names = [f"{n}{separator}{level}" if i else level for level in part.levels for n in names]
    name = separator.join(p.name for p in parts)
    if drop:
        present = np.zeros(step, bool)
        present[codes[codes >= 0]] = True
        position = np.where(present, np.cumsum(present) - 1, -1)
        codes = np.where(codes >= 0, position[codes], -1)
        names = [n for n, keep in zip(names, present, strict=True) if keep]
    return Column(name, "category", codes, tuple(names))
