"""Results as plain data: for a JSON answer of a command, a protocol file or a polars frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import EstimateError

if TYPE_CHECKING:
    import polars

    from analysis.results import Estimates


def to_dict(result: Any) -> Any:
    """A result as dicts, lists, texts and numbers; missing numbers are None, infinite ones the text ``inf``.

    A result that writes itself (``to_dict``) does so; other dataclasses are written field by field.
    """
    own = getattr(result, "to_dict", None)
    if callable(own):
        return to_dict(own())
    if is_dataclass(result) and not isinstance(result, type):
        return {f.name: to_dict(getattr(result, f.name)) for f in fields(result)}
    if isinstance(result, Mapping):
        return {str(key): to_dict(value) for key, value in result.items()}
    if isinstance(result, np.ndarray):
        return to_dict(result.tolist())
    if isinstance(result, (list, tuple)):
        return [to_dict(value) for value in result]
    if isinstance(result, (set, frozenset)):
        return sorted(to_dict(value) for value in result)
    if isinstance(result, np.generic):
        return to_dict(result.item())
    if isinstance(result, float):
        return None if np.isnan(result) else ("inf" if result > 0 else "-inf") if np.isinf(result) else result
    return result


SHOWN = ("estimate", "se", "low", "high", "deff", "base")
LONGEST = 60
"""Rows that a notebook prints; the others are counted."""


def as_text(result: Estimates) -> str:
    """Estimates as a table of plain text, five significant digits, with what the intervals rest on."""
    head = f"{result.statistic}: {result.level:.0%} intervals ({result.interval}), {result.df:.4g} df"
    lines: list[tuple[str, ...]] = [("", *SHOWN)]
    for i, name in enumerate(result.names[:LONGEST]):
        lines.append((name, *(f"{getattr(result, key)[i]:.5g}" for key in SHOWN)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    out = [head]
    for first, *rest in lines:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        out.append("  ".join([first.ljust(widths[0]), *cells]))
    if len(result.names) > LONGEST:
        out.append(f"... and {len(result.names) - LONGEST} more rows; to_polars() has all")
    return "\n".join([*out, *result.notes])


def to_polars(result: Any) -> polars.DataFrame:
    """A result that is a table of columns as a polars frame.

    Raises :class:`EstimateError` for a result that is a single test: it has no rows.
    """
    import polars

    columns = to_dict(result)
    if (
        not isinstance(columns, dict)
        or len({len(v) if isinstance(v, list) else -1 for v in columns.values()}) != 1
    ):
        raise EstimateError("no_table", f"{type(result).__name__} is no table; use readout.to_dict(result).")
    return polars.DataFrame(columns)
