"""Results as plain data: for a JSON answer of a command, a protocol file or a polars frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import EstimateError

if TYPE_CHECKING:
    import polars


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
