"""Reporting marks and precision rules: what stands in a published cell, and why.

German municipal statistics print six marks (they are the convention of Leipzig's survey report of 2020):
``.`` too few cases, ``( )`` uncertain because of few cases, ``0`` zero or less than half of the unit used,
``-`` nothing there at all, ``r`` corrected, ``x`` not meaningful.  The rules that choose among them are
data, so an office edits numbers and not code, and the same rules are applied to every cell of a book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError

Floats = NDArray[np.float64]


class Mark(StrEnum):
    """The marks of German official tables; ``PLAIN`` is a figure without any mark."""

    PLAIN = ""
    TOO_FEW = "."
    UNCERTAIN = "()"
    ZERO = "0"
    NOTHING = "-"
    CORRECTED = "r"
    NOT_MEANINGFUL = "x"


HIDDEN = frozenset({Mark.TOO_FEW, Mark.NOTHING, Mark.NOT_MEANINGFUL})


class RulesError(AnalysisError):
    """A rule set that cannot be applied; ``place`` names the entry to mend."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__("precision_rules", f"precision rules, {field}: {reason}", field, reason=reason)


@dataclass(frozen=True)
class PrecisionRules:
    """When a figure is hidden, bracketed or rounded.  Bases are persons, unweighted.

    ``hide_below``/``bracket_below``: base under which a figure is ``.`` or in brackets; the ``sensitive_``
    pair holds for items of level 2.  ``effective_below``: Kish's effective n under which a figure is
    bracketed. ``width_above``: full width of the interval in percentage points above which a share is
    bracketed. ``degrees_below``: design degrees of freedom under which a figure is bracketed.
    ``whole_percent_below``: base under which shares are printed without decimals.  ``base_unit``: public
    bases are rounded to this multiple. ``total_unit``: extrapolated totals are rounded to this multiple and
    blocked when they rest on too few cases.
    """

    hide_below: int = 20
    bracket_below: int = 50
    sensitive_hide_below: int = 50
    sensitive_bracket_below: int = 100
    effective_below: float = 20.0
    width_above: float = 30.0
    degrees_below: float = 8.0
    whole_percent_below: int = 100
    base_unit: int = 5
    total_unit: int = 10

    def __post_init__(self) -> None:
        for entry in fields(self):
            if getattr(self, entry.name) < 0:
                raise RulesError(entry.name, "must not be negative")
        if self.bracket_below < self.hide_below:
            raise RulesError("bracket_below", "must not be lower than hide_below")
        if self.sensitive_hide_below < self.hide_below:
            raise RulesError("sensitive_hide_below", "must not be lower than hide_below")
        if self.base_unit < 1 or self.total_unit < 1:
            raise RulesError("base_unit", "units must be at least 1")

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> PrecisionRules:
        """Rules from a plan; an unknown or non-numeric entry raises :class:`RulesError` naming it."""
        known = {entry.name for entry in fields(cls)}
        for name, value in document.items():
            if name not in known:
                raise RulesError(name, "is not a precision rule")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise RulesError(name, "must be a number")
        return cls(**document)


PROTECTING = ("hide_below", "bracket_below", "sensitive_hide_below", "sensitive_bracket_below", "base_unit")
"""Rules that protect people rather than readers; the higher, the more."""


def weaker(rules: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The rules of a publication that protect less than the usual ones: name, own value, usual value."""
    usual = PrecisionRules()
    pairs = [(name, rules.get(name), getattr(usual, name)) for name in PROTECTING]
    return [(name, own, least) for name, own, least in pairs if own is not None and own < least]


def choose(
    base: ArrayLike,
    rules: PrecisionRules,
    *,
    effective: ArrayLike | None = None,
    width: ArrayLike | None = None,
    degrees: float | None = None,
    sensitive: bool = False,
    crossed_by_place: bool = False,
) -> NDArray[np.str_]:
    """Marks for an array of figures with their unweighted ``base``.

    ``effective`` is Kish's effective n, ``width`` the width of the interval in percentage points (both of
    the shape of ``base``), ``degrees`` the design degrees of freedom.  A sensitive item crossed by place is
    hidden always.
    """
    n = np.asarray(base, dtype=float)
    hide = rules.sensitive_hide_below if sensitive else rules.hide_below
    bracket = rules.sensitive_bracket_below if sensitive else rules.bracket_below
    uncertain = n < bracket
    if effective is not None:
        uncertain |= np.asarray(effective, dtype=float) < rules.effective_below
    if width is not None:
        uncertain |= np.asarray(width, dtype=float) > rules.width_above
    if degrees is not None and degrees < rules.degrees_below:
        uncertain |= np.True_
    marks = np.where(uncertain, Mark.UNCERTAIN.value, Mark.PLAIN.value)
    marks = np.where(n < hide, Mark.TOO_FEW.value, marks)
    if sensitive and crossed_by_place:
        marks = np.where(n > 0, Mark.TOO_FEW.value, marks)
    return np.where(n == 0, Mark.NOTHING.value, marks)


def decimals(base: ArrayLike, rules: PrecisionRules) -> NDArray[np.int64]:
    """Decimals of a percentage: none under ``whole_percent_below`` persons, one from there on."""
    return np.where(np.asarray(base) < rules.whole_percent_below, 0, 1).astype(np.int64)


def round_half_away(value: ArrayLike, unit: float = 1.0) -> Floats:
    """``value`` rounded to multiples of ``unit``, halves away from zero, as German statistics round (DIN
    1333).
    """
    x = np.asarray(value, dtype=float) / unit
    # A figure like 0.285 / 0.01 is 28.499999999999996 in binary; the nudge is far under any figure's own
    # precision.
    rounded = np.floor(np.abs(x) + 0.5 + 1e-9)
    return np.asarray(np.copysign(rounded, x) * unit, dtype=float)


def public_base(base: ArrayLike, rules: PrecisionRules) -> NDArray[np.int64]:
    """Unweighted bases as the public sees them: multiples of ``base_unit``, halves away from zero."""
    return round_half_away(base, rules.base_unit).astype(np.int64)


def public_total(total: ArrayLike, base: ArrayLike, rules: PrecisionRules) -> Floats:
    """Extrapolated totals rounded to ``total_unit``; blocked (NaN) where they rest on under ``hide_below``
    persons.
    """
    rounded = round_half_away(total, rules.total_unit)
    return np.asarray(np.where(np.asarray(base) < rules.hide_below, np.nan, rounded), dtype=float)


def public_percent(
    percent: float, mark: Mark | str, base: float, rules: PrecisionRules
) -> tuple[float | None, Mark]:
    """One percentage as printed, with its mark: hidden ones are ``None``, tiny ones get the mark ``0``."""
    mark = Mark(mark)
    if mark in HIDDEN or not np.isfinite(percent):
        return None, mark if mark in HIDDEN else Mark.NOT_MEANINGFUL
    places = int(decimals(base, rules))
    shown = float(round_half_away(percent, 10.0**-places))
    if shown == 0 and mark is Mark.PLAIN:
        return 0.0, Mark.ZERO
    return round(shown, places), mark


def show(text: str, mark: Mark | str) -> str:
    """The text of a cell: the formatted figure with its mark, as it stands in a table."""
    mark = Mark(mark)
    if mark in HIDDEN or mark is Mark.ZERO:
        return mark.value
    if mark is Mark.UNCERTAIN:
        return f"({text})"
    return f"{text} r" if mark is Mark.CORRECTED else text
