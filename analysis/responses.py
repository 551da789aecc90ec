"""From names to numbers: the variables and groupings of an estimate, as columns of values and codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.columns import Bools, Column, Floats, Ints, as_column, interaction
from analysis.design import SurveyDesign
from analysis.errors import DataError, EstimateError

MISSING_RULES = ("each", "listwise", "fail")
"""Rows with missing values: left out per variable, left out of all variables together, or refused."""


@dataclass(frozen=True, eq=False)
class Response:
    """One column to be estimated: ``values`` (n,) with 0 where not ``observed`` (n,)."""

    name: str
    row: Mapping[str, str]
    values: Floats
    observed: Bools


@dataclass(frozen=True, eq=False)
class Domains:
    """The groups of ``by``: ``codes`` (n,), -1 outside every group; names and row fields per group."""

    codes: Ints
    names: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


def columns_of(design: SurveyDesign, variables: Any) -> list[Column]:
    """Columns from a name, a list of names, a mapping of name to values, a Column or an array."""
    if isinstance(variables, Mapping):
        found = [as_column(name, values) for name, values in variables.items()]
    elif isinstance(variables, (list, tuple)):
        found = [design.column(v) for v in variables]
    else:
        found = [design.column(variables)]
    for column in found:
        if len(column) != len(design):
            raise DataError(
                "length",
                f"{column.name} has {len(column)} rows, the design {len(design)}.",
                place=column.name,
            )
    return found


def responses(design: SurveyDesign, variables: Any, missing: str = "each") -> list[Response]:
    """Columns to estimate: numbers as they are, categories as one indicator per level."""
    if missing not in MISSING_RULES:
        raise EstimateError(
            "missing_rule", f"{missing!r} is no rule for missing values; use {', '.join(MISSING_RULES)}."
        )
    columns = columns_of(design, variables)
    observed = [c.observed for c in columns]
    if missing == "fail":
        _refuse_missing(design, columns, observed)
    if missing == "listwise" and len(columns) > 1:
        everywhere = np.logical_and.reduce(observed)
        observed = [everywhere] * len(columns)
    out: list[Response] = []
    for column, seen in zip(columns, observed, strict=True):
        if column.kind == "number":
            values = np.where(seen, column.values, 0.0)
            out.append(Response(column.name, {"variable": column.name, "category": ""}, values, seen))
            continue
        for i, level in enumerate(column.levels):
            row = {"variable": column.name, "category": level}
            out.append(Response(f"{column.name}={level}", row, ((column.values == i) & seen) * 1.0, seen))
    if not out:
        raise EstimateError(
            "no_categories", "There is nothing to estimate: the variables have no categories."
        )
    return out


def _refuse_missing(design: SurveyDesign, columns: Sequence[Column], observed: Sequence[Bools]) -> None:
    for column, seen in zip(columns, observed, strict=True):
        gaps = int(np.count_nonzero(~seen & design.active))
        if gaps:
            raise EstimateError(
                "missing_values",
                f"{column.name} is missing in {gaps} rows; say missing='each' or 'listwise', or make a "
                "domain.",
                place=column.name,
                count=gaps,
            )


def domains(design: SurveyDesign, by: Any) -> Domains:
    """Groups of one or several variables, the first running fastest; combinations without cases are left
    out."""
    if by is None:
        return Domains(np.zeros(len(design), np.int64), ("",), ({},))
    columns = [c.category() for c in columns_of(design, by)]
    crossed = interaction(columns, drop=False)
    live = np.zeros(len(crossed.levels), bool)
    live[crossed.values[design.active & (crossed.values >= 0)]] = True
    position = np.where(live, np.cumsum(live) - 1, -1)
    codes = np.where(crossed.values >= 0, position[crossed.values], -1)
    rows = []
    for cell in np.flatnonzero(live):
        fields, rest = {}, int(cell)
        for column in columns:
            rest, digit = divmod(rest, len(column.levels))
            fields[column.name] = column.levels[digit]
        rows.append(fields)
    names = tuple(name for name, keep in zip(crossed.levels, live, strict=True) if keep)
    if not names:
        raise EstimateError("empty_domains", "No row belongs to any of the groups asked for.")
    return Domains(codes, names, tuple(rows))


def row_name(domain: str, response: str, single: bool) -> str:
    """``domain:response``, shortened where there is no domain or one response only."""
    if not domain:
        return response
    return domain if single else f"{domain}:{response}"
