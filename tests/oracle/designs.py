"""The reference's tables, and the R functions that declare and subset a design.

Every R function returns a :class:`SurveyDesign`; a design's variables are its data frame.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.columns import Column
from analysis.design import SurveyDesign
from tests.oracle import rlang
from tests.oracle.rlang import (
    CONSTANTS,
    Call,
    Name,
    Scope,
    Vector,
    argument,
    deparse,
    evaluate,
    rfunction,
    scalar,
)

FALSE = CONSTANTS["FALSE"]


def table(folder: Path, entry: Mapping[str, Any]) -> dict[str, Column]:
    """Columns of one reference data set: numbers as floats, text as categories in the stated level order."""
    with (folder / entry["file"]).open(newline="", encoding="utf-8") as handle:
        head, *body = csv.reader(handle)
    levels = entry.get("factor_levels", {})
    out = {}
    for j, name in enumerate(head):
        cells = [row[j] for row in body]
        if name in levels:
            order = {level: i for i, level in enumerate(levels[name])}
            codes = np.array([order.get(cell, -1) for cell in cells], np.int64)
            out[name] = Column(name, "category", codes, tuple(levels[name]))
        else:
            out[name] = Column(name, "number", np.array([float(c) if c else np.nan for c in cells]))
    return out


def vector_of(column: Column) -> Vector:
    """A column of the product as an R vector."""
    if column.kind == "category":
        return Vector("factor", column.values, column.levels)
    return Vector("number", column.values)


def column_of(name: str, vector: Vector) -> Column:
    """An R vector as a column; R's own coding of logicals is kept as 0 and 1."""
    if vector.kind == "text":
        vector = rlang.as_factor(vector)
    if vector.kind == "factor":
        return Column(name, "category", vector.values.astype(np.int64), vector.levels)
    return Column(name, "number", np.asarray(vector.values, float))


def inside(design: SurveyDesign, scope: Scope) -> Scope:
    """The scope in which formulas of this design are evaluated."""
    return scope.over({name: vector_of(column) for name, column in design.data.items()})


def terms(formula: Call) -> list[Any]:
    """The terms of a one-sided formula, ``~a+b`` -> [a, b]; the intercept is left out."""
    node = formula.positional[-1]
    out: list[Any] = []
    while isinstance(node, Call) and node.fn == "+" and len(node.positional) == 2:
        node, last = node.positional
        out.insert(0, last)
    out.insert(0, node)
    return [t for t in out if deparse(t) not in ("1", "0")]


def over_data(node: Any, design: SurveyDesign, scope: Scope) -> Any:
    """An expression over the design's rows. R drops the rows outside a subset, except of weighted designs, so
    that ``factor(x)`` has the levels of the subset only: outside it the value is missing."""
    if design.domain is None or design.calibrations or not isinstance(node, Call):
        return evaluate(node, inside(design, scope))
    kept = np.flatnonzero(design.domain)
    rows = {name: vector_of(column).take(kept) for name, column in design.data.items()}
    value = evaluate(node, scope.over(rows))
    if isinstance(value, rlang.Matrix):
        spread = np.full((len(design), value.values.shape[1]), np.nan)
        spread[kept] = value.values
        return replace(value, values=spread)
    empty = -1 if value.kind == "factor" else None if value.kind == "text" else np.nan
    spread = np.full(len(design), empty, value.values.dtype)
    spread[kept] = value.values
    return replace(value, values=spread)


def formula_vectors(formula: Call, design: SurveyDesign, scope: Scope) -> dict[str, Vector]:
    """Every term of a formula evaluated in the design's data, by R's spelling of it."""
    out = {}
    for term in terms(formula):
        value = over_data(term, design, scope)
        if len(value) == 1 and len(design) > 1:
            value = replace(value, values=np.repeat(value.values, len(design)))
        out[deparse(term)] = value
    return out


# -- what the reference's script kept in variables
# -------------------------------------------------------------


def trees(document: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Any]]:
    return [(e, rlang.parse(e["r_call"].split("<-", 1)[1])) for e in document["designs"].values()]


def entry_of(scope: Scope, call: Call) -> Mapping[str, Any]:
    """The declared design whose call this is, or nothing."""
    for entry, tree in trees(scope.objects.session.document):
        if tree == call:
            return entry
    return {}


def population_names(session: Any, name: str) -> Any:
    """Population tables and base designs: R variables that only the declared designs describe."""
    for entry, tree in trees(session.document):
        if tree.fn == "postStratify" and deparse(tree.positional[2]) == name:
            return next(iter(entry["totals"].items()))
        if tree.fn == "rake":
            found = _rake_name(session, entry, tree, name)
            if found is not None:
                return found
        if tree.fn == "calibrate" and deparse(tree.positional[2]) == name:
            return entry["totals"]
    return None


def _rake_name(session: Any, entry: Mapping[str, Any], tree: Call, name: str) -> Any:
    target = tree.positional[2]
    margins = list(entry["margins"].items())
    if isinstance(target, Name) and target.text == name:
        return dict(enumerate(margins))
    if isinstance(target, Call):
        for node, pair in zip(target.positional, margins, strict=True):
            if deparse(node) == name:
                return pair
    if "base_design" in entry and deparse(tree.positional[0]) == name:
        roles = dict(re.findall(r"(\w+)=([\w.]+)", entry["base_design"]))
        dataset, _, condition = entry["dataset"].partition(" where ")
        frame = session.frame(dataset)
        if condition:
            keep = evaluate(rlang.parse(condition), session.scope.over(frame)).values == 1
            frame = {key: v.take(keep) for key, v in frame.items()}
        return SurveyDesign.create(
            {key: column_of(key, v) for key, v in frame.items()},
            weights=roles["weights"],
            strata=roles["strata"],
            psu=roles["ids"],
        )
    return None


# -- designs
# ---------------------------------------------------------------------------------------------------


def _role(call: Call, scope: Scope, name: str, frame: Mapping[str, Vector]) -> list[Vector]:
    node = call.named.get(name)
    if node is None and name == "ids":
        node = call.named.get("id", call.positional[0] if call.positional else None)
    if node is None:
        return []
    if isinstance(node, Call) and node.fn == "~":
        return [evaluate(t, scope.over(frame)) for t in terms(node)]
    value = evaluate(node, scope.over(frame))
    return [] if value is None else [value]


@rfunction("svydesign")
def _svydesign(call: Call, scope: Scope) -> SurveyDesign:
    frame = evaluate(call.named["data"], scope)
    if not isinstance(next(iter(frame.values())), Vector):
        return [_svydesign_of(part, call, scope) for part in frame.values()]  # type: ignore[return-value]
    return _svydesign_of(frame, call, scope)


def _svydesign_of(frame: Mapping[str, Vector], call: Call, scope: Scope) -> SurveyDesign:
    weights = _role(call, scope, "weights", frame)
    probabilities = _role(call, scope, "probs", frame)
    values = [np.asarray(v.values, float) for v in weights] + [1 / p.values for p in probabilities]
    return SurveyDesign.create(
        {name: column_of(name, v) for name, v in frame.items()},
        weights=np.prod(values, axis=0) if values else None,
        strata=[column_of("strata", v).category() for v in _role(call, scope, "strata", frame)] or None,
        psu=[column_of("psu", v).category() for v in _role(call, scope, "ids", frame)] or None,
        fpc=[np.asarray(v.values, float) for v in _role(call, scope, "fpc", frame)] or None,
        nest=bool(scalar(argument(call, scope, "nest", default=FALSE))),
    )


@rfunction("subset")
def _subset(call: Call, scope: Scope) -> Any:
    whole = evaluate(call.positional[0], scope)
    if isinstance(whole, list):  # one design per imputation
        parts = [evaluate(call.positional[1], inside(design, scope)).values == 1 for design in whole]
        return [design.subset(keep) for design, keep in zip(whole, parts, strict=True)]
    if isinstance(whole, SurveyDesign):
        return whole.subset(evaluate(call.positional[1], inside(whole, scope)).values == 1)
    keep = evaluate(call.positional[1], scope.over(whole)).values == 1
    return {name: vector.take(keep) for name, vector in whole.items()}


@rfunction("update")
def _update(call: Call, scope: Scope) -> SurveyDesign:
    design = evaluate(call.positional[0], scope)
    added = {name: column_of(name, evaluate(n, inside(design, scope))) for name, n in call.named.items()}
    return design.with_columns(**added)


@rfunction("options")
def _options(call: Call, scope: Scope) -> None:
    for name, node in call.named.items():
        scope.objects[f"option {name}"] = scalar(evaluate(node, scope))


def under_options(design: SurveyDesign, scope: Scope) -> SurveyDesign:
    """The design under R's option for lonely PSUs."""
    rule = dict.get(scope.objects, "option survey.lonely.psu")
    return replace(design, lonely=rule) if rule else design
