"""Model matrices: numbers as they are, categories as treatment contrasts against their first level.

Source of the coding rule: Chambers and Hastie (1992), *Statistical Models in S*, section 2.4.1: a category
is coded by contrasts where the model holds the term's margin, by all its levels otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

import numpy as np

from analysis.columns import Bools, Column, Floats, Ints
from analysis.design import SurveyDesign
from analysis.errors import EstimateError


@dataclass(frozen=True, eq=False)
class Block:
    """Several numeric columns (n, k) that are one term, such as the powers of a year."""

    name: str
    values: Floats
    labels: tuple[str, ...]

    @property
    def observed(self) -> Bools:
        return np.asarray(~np.isnan(self.values).any(axis=1))


Variable: TypeAlias = str | Column | Block
Term: TypeAlias = Variable | tuple[Variable, ...]
"""A variable, or a tuple of variables for their interaction."""

INTERCEPT = "(intercept)"


@dataclass(frozen=True, eq=False)
class ModelMatrix:
    """``values`` (n, p), zero in rows that are not ``complete`` (n,); column j belongs to term ``assign[j]``
    (p,).

    ``assign`` counts ``terms`` from 0, the intercept is -1. ``parts[j]`` are the column's (variable, level
    or label) pairs, level "" for a number.
    """

    values: Floats
    names: tuple[str, ...]
    parts: tuple[tuple[tuple[str, str], ...], ...]
    assign: Ints
    terms: tuple[str, ...]
    complete: Bools


def powers(name: str, values: Floats, degree: int) -> Block:
    """x, x^2, ... as one term. R: ``poly(x, degree, raw = TRUE)``."""
    columns = np.column_stack([values**k for k in range(1, degree + 1)])
    return Block(name, columns, tuple(str(k) for k in range(1, degree + 1)))


def build(
    design: SurveyDesign,
    terms: Sequence[Term],
    intercept: bool = True,
    also: Bools | None = None,
    collinear: str = "fail",
) -> ModelMatrix:
    """The matrix of a model over the design's rows; rows with a missing value in any term are not complete.

    ``also`` (n,) is a further condition on the rows, usually that the outcome is observed. Levels without a
    case among the complete rows are left out. Raises :class:`EstimateError` where no row is complete, where
    a category has one level only, and where columns are linear functions of the columns before them; the
    message names the term.
    """
    variables = [_variables(design, term) for term in terms]
    complete = design.active if also is None else design.active & also
    for v in (v for term in variables for v in term):
        complete = complete & v.observed
    if not complete.any():
        raise EstimateError(
            "no_complete_rows",
            "No case has values in all variables of the model: "
            + ", ".join(sorted({v.name for term in variables for v in term})),
        )
    known = {frozenset(v.name for v in term) for term in variables}
    if intercept:
        known.add(frozenset())
    columns: list[Floats] = []
    names: list[str] = []
    parts: list[tuple[tuple[str, str], ...]] = []
    assign: list[int] = []
    if intercept:
        columns.append(np.ones(len(design)))
        names.append(INTERCEPT)
        parts.append(((INTERCEPT, ""),))
        assign.append(-1)
    coded_in_full = intercept
    for t, term in enumerate(variables):
        pieces = []
        for v in term:
            margin = frozenset(u.name for u in term) - {v.name}
            full = margin not in known if margin else not coded_in_full
            pieces.append(_columns(v, complete, full))
        if not intercept and len(term) == 1 and isinstance(term[0], Column) and term[0].kind == "category":
            coded_in_full = True  # The first category without an intercept spans the constant.
        # The first variable of an interaction runs fastest.
        for combination in product(*reversed(pieces)):
            chosen = combination[::-1]
            columns.append(np.prod([piece[1] for piece in chosen], axis=0))
            parts.append(tuple((v.name, piece[0]) for v, piece in zip(term, chosen, strict=True)))
            names.append(":".join(_label(name, level) for name, level in parts[-1]))
            assign.append(t)
    matrix = (
        np.where(complete[:, None], np.column_stack(columns), 0.0) if columns else np.zeros((len(design), 0))
    )
    labels = tuple(":".join(v.name for v in term) for term in variables)
    out = ModelMatrix(matrix, tuple(names), tuple(parts), np.array(assign, np.int64), labels, complete)
    return _independent(out, collinear)


def _label(name: str, level: str) -> str:
    return f"{name}={level}" if level else name


def _variables(design: SurveyDesign, term: Term) -> list[Column | Block]:
    listed = term if isinstance(term, tuple) else (term,)
    return [v if isinstance(v, Block) else design.column(v) for v in listed]


def _columns(variable: Column | Block, complete: Bools, full: bool) -> list[tuple[str, Floats]]:
    if isinstance(variable, Block):
        return [
            (label, np.nan_to_num(c)) for label, c in zip(variable.labels, variable.values.T, strict=True)
        ]
    if variable.kind == "number":
        return [("", np.nan_to_num(variable.values))]
    present = np.zeros(len(variable.levels), bool)
    present[variable.values[complete]] = True
    levels = np.flatnonzero(present)
    if len(levels) < 2 and not full:
        raise EstimateError(
            "constant_variable",
            f"{variable.name} has the one category {variable.levels[levels[0]]!r} among the cases of the "
            "model; "
            "leave it out.",
            place=variable.name,
        )
    used = levels if full else levels[1:]
    return [(variable.levels[i], (variable.values == i) * 1.0) for i in used]


def _independent(matrix: ModelMatrix, collinear: str) -> ModelMatrix:
    """The matrix without columns that repeat the columns before them, or an error that names them."""
    spare = _spare(matrix.values[matrix.complete])
    if not spare:
        return matrix
    if collinear != "drop":
        told = ", ".join(matrix.names[j] for j in spare[:5])
        raise EstimateError(
            "collinear",
            f"{told}: constant, or determined by the other terms of the model, so that no coefficient can be "
            "estimated; leave it out.",
            place=matrix.names[spare[0]],
        )
    kept = [j for j in range(len(matrix.names)) if j not in spare]
    return replace(
        matrix,
        values=matrix.values[:, kept],
        names=tuple(matrix.names[j] for j in kept),
        parts=tuple(matrix.parts[j] for j in kept),
        assign=matrix.assign[kept],
    )


def _spare(rows: Floats) -> list[int]:
    """Columns that are linear functions of the columns before them."""
    scale = np.linalg.norm(rows, axis=0)
    unit = rows / np.where(scale > 0, scale, 1.0)
    spare: list[int] = []
    while True:
        kept = [j for j in range(rows.shape[1]) if j not in spare]
        # The diagonal of the triangular factor is what a column adds to the columns before it. After the
        # first spare one the factor holds rounding only, so it is made anew without that column.
        root = np.asarray(np.linalg.qr(unit[:, kept], mode="r"))
        added = np.zeros(len(kept))
        added[: min(root.shape)] = np.abs(np.diag(root))
        found = np.flatnonzero(added < 1e-9)
        if not found.size:
            return spare
        spare.append(kept[int(found[0])])
