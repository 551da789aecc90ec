"""The reference's data and designs: CSV tables as R data frames, R design calls as :class:`SurveyDesign`.

``Session(folder)`` reads ``expected.json``; ``session.design(name)`` builds a design when it is first asked for, and
``session.scope`` resolves the names that the cases use (designs, data frames, population totals).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis import replication, weighting
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.margins import Margin, Margins
from tests.oracle.rlang import (
    CONSTANTS,
    Call,
    Name,
    Scope,
    Vector,
    argument,
    as_factor,
    deparse,
    evaluate,
    number,
    parse,
    rfunction,
    scalar,
    tokens,
)

Frame = dict[str, Vector]


def read_frame(folder: Path, entry: Mapping[str, Any]) -> Frame:
    """Columns of one reference data set: numbers, and text as factors in the stated order of levels."""
    with (folder / entry["file"]).open(newline="", encoding="utf-8") as handle:
        head, *body = csv.reader(handle)
    levels = entry.get("factor_levels", {})
    out = {}
    for j, name in enumerate(head):
        cells = [row[j] for row in body]
        if name in levels:
            order = {level: i for i, level in enumerate(levels[name])}
            out[name] = Vector("factor", np.array([order.get(c, -1) for c in cells]), tuple(levels[name]))
        else:
            out[name] = number(*[float(c) if c else np.nan for c in cells])
    return out


def column_of(name: str, vector: Vector) -> Column:
    """The product's column for an R vector."""
    if vector.kind == "text":
        vector = as_factor(vector)
    if vector.kind == "factor":
        return Column(name, "category", vector.values.astype(np.int64), vector.levels)
    return Column(name, "number", np.asarray(vector.values, float))


@dataclass(frozen=True, eq=False)
class RDesign:
    """A survey design as R has it: the product's design, and the data frame that formulas are evaluated in."""

    survey: SurveyDesign
    frame: Frame

    def rows(self) -> int:
        return len(self.survey)

    def subset(self, mask: Any) -> RDesign:
        return RDesign(self.survey.subset(mask), self.frame)


class Session:
    """Everything the reference set declares, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        self.frames: dict[str, Frame] = {
            name: read_frame(folder, entry) for name, entry in self.expected["datasets"].items()
        }
        self.names: dict[str, Any] = {"*session": self}
        self.scope = Scope(self.names)
        self.entry: Mapping[str, Any] = {}
        for entry in self.expected["designs"].values():
            self._learn_names(entry)

    def design(self, name: str) -> RDesign:
        """The design called ``name``."""
        if name not in self.names:
            entry = self.expected["designs"][name]
            source = entry["r_call"].split("<-", 1)[1]
            self._resolve(source)
            self.entry = entry
            self.names[name] = evaluate(parse(source), self.scope)
            self.entry = {}
        return self.names[name]

    def run(self, r_call: str) -> Any:
        """The value of an R call; the designs and data frames it names are made first."""
        self._resolve(r_call)
        return evaluate(parse(r_call), self.scope)

    def _resolve(self, source: str) -> None:
        for kind, text in tokens(source):
            if kind == "name" and text in self.expected["designs"]:
                self.design(text)
            elif kind == "name" and text in self.frames and text not in self.names:
                self.names[text] = self.frames[text]

    def frame(self, text: str) -> Frame:
        """A data set by name, or ``name where condition``."""
        name, _, condition = text.partition(" where ")
        frame = self.frames[name]
        if not condition:
            return frame
        keep = evaluate(parse(condition), self.scope.over(frame)).values == 1
        cut = {key: vector.take(keep) for key, vector in frame.items()}
        return {k: as_factor(v) if v.kind == "factor" else v for k, v in cut.items()}

    def _learn_names(self, entry: Mapping[str, Any]) -> None:
        """What R held in variables while it made the set: data frames, population tables, base designs."""
        tree = parse(entry["r_call"].split("<-", 1)[1])
        named = tree.named
        if tree.fn == "svydesign" and isinstance(named.get("data"), Name):
            self.names.setdefault(named["data"].text, _with_wave_strata(self.frame(entry["dataset"])))
        if tree.fn == "postStratify":
            variable, table = next(iter(entry["totals"].items()))
            self.names[deparse(tree.positional[2])] = (variable, table)
        if tree.fn == "rake":
            margins = list(entry["margins"].items())
            target = tree.positional[2]
            if isinstance(target, Call):
                self.names.update(
                    {deparse(node): pair for node, pair in zip(target.positional, margins, strict=True)}
                )
            else:
                self.names[deparse(target)] = dict(enumerate(margins))
        if tree.fn == "calibrate":
            self.names[deparse(tree.positional[2])] = entry["totals"]
        if "base_design" in entry:
            self.names[deparse(tree.positional[0])] = _base_design(entry, self.frame(entry["dataset"]))


def _with_wave_strata(frame: Frame) -> Frame:
    if "wave" not in frame or "district" not in frame:
        return frame
    pairs = [f"{a}.{b}" for a, b in zip(frame["wave"].texts(), frame["district"].texts(), strict=True)]
    return {**frame, "ws": as_factor(Vector("text", np.array(pairs, object)))}


def _base_design(entry: Mapping[str, Any], frame: Frame) -> RDesign:
    roles = dict(re.findall(r"(\w+)=(\w+)", entry["base_design"]))
    return _survey(frame, frame[roles["weights"]], [frame[roles["strata"]]], [frame[roles["ids"]]], [], False)


def terms(formula: Call) -> list[Any]:
    """The terms of a one-sided formula, ``~a+b`` -> [a, b]; the intercept is left out."""
    node = formula.positional[-1]
    out: list[Any] = []
    while isinstance(node, Call) and node.fn == "+" and len(node.positional) == 2:
        node, last = node.positional
        out.insert(0, last)
    out.insert(0, node)
    return [t for t in out if deparse(t) not in ("1", "0")]


def _term_values(call: Call, scope: Scope, name: str, frame: Frame) -> list[Vector]:
    node = call.named.get(name)
    if node is None:
        return []
    if isinstance(node, Call) and node.fn == "~":
        return [evaluate(t, scope.over(frame)) for t in terms(node)]
    value = evaluate(node, scope.over(frame))
    return [] if value is None else [value]


def _survey(
    frame: Frame, weights: Any, strata: list[Vector], units: list[Vector], fpc: list[Vector], nest: bool
) -> RDesign:
    design = SurveyDesign.create(
        {name: column_of(name, vector) for name, vector in frame.items()},
        weights=None if weights is None else np.asarray(weights.values, float),
        strata=[column_of("strata", v).category() for v in strata] or None,
        psu=[column_of("psu", v).category() for v in units] or None,
        fpc=[np.asarray(v.values, float) for v in fpc] or None,
        nest=nest,
    )
    return RDesign(design, frame)


@rfunction("svydesign")
def _svydesign(call: Call, scope: Scope) -> RDesign:
    frame = evaluate(call.named["data"], scope)
    weights = _term_values(call, scope, "weights", frame)
    units = _term_values(call, scope, "id", frame) or _term_values(call, scope, "ids", frame)
    if not units and call.positional:
        units = [evaluate(t, scope.over(frame)) for t in terms(call.positional[0])]
    return _survey(
        frame,
        weights[0] if weights else None,
        _term_values(call, scope, "strata", frame),
        units,
        _term_values(call, scope, "fpc", frame),
        bool(scalar(argument(call, scope, "nest", default=CONSTANTS["FALSE"]))),
    )


@rfunction("subset")
def _subset(call: Call, scope: Scope) -> Any:
    whole = evaluate(call.positional[0], scope)
    frame = whole.frame if isinstance(whole, RDesign) else whole
    keep = evaluate(call.positional[1], scope.over(frame)).values == 1
    if isinstance(whole, RDesign):
        return whole.subset(keep)
    return {name: vector.take(keep) for name, vector in whole.items()}


@rfunction("update")
def _update(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    added = {name: evaluate(node, scope.over(design.frame)) for name, node in call.named.items()}
    survey = design.survey.with_columns(**{n: column_of(n, v) for n, v in added.items()})
    return RDesign(survey, {**design.frame, **added})


def formula_columns(formula: Call, design: RDesign, scope: Scope) -> dict[str, Vector]:
    """Every term of a formula evaluated in the design's data, by R's spelling of it."""
    out = {}
    for term in terms(formula):
        value = evaluate(term, scope.over(design.frame))
        if isinstance(value, Vector) and len(value) == 1 and design.rows() > 1:
            value = replace(value, values=np.repeat(value.values, design.rows()))
        out[deparse(term)] = value
    return out


def _margin(name: str, table: Mapping[str, float]) -> Margin:
    return Margin.from_counts(name, {str(k): float(v) for k, v in table.items()}, source="reference")


@rfunction("postStratify")
def _post_stratify(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    variable, table = evaluate(call.positional[2], scope)
    margins = Margins((_margin(variable, table),))
    return RDesign(design.survey.post_stratify(margins), design.frame)


@rfunction("rake")
def _rake(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    pairs = evaluate(call.positional[2], scope).values()
    margins = Margins(tuple(_margin(variable, table) for variable, table in pairs))
    return RDesign(design.survey.rake(margins), design.frame)


def model_matrix(columns: Mapping[str, Vector]) -> dict[str, Any]:
    """R's model matrix with an intercept and treatment contrasts, by column name."""
    n = len(next(iter(columns.values())))
    out: dict[str, Any] = {"(Intercept)": np.ones(n)}
    for name, vector in columns.items():
        if vector.kind in ("factor", "text"):
            factor = vector if vector.kind == "factor" else as_factor(vector)
            for i, level in enumerate(factor.levels[1:], start=1):
                out[name + level] = np.where(factor.values < 0, np.nan, (factor.values == i) * 1.0)
        else:
            out[name] = np.asarray(vector.values, float)
    return out


@rfunction("calibrate")
def _calibrate(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    known = scope.objects.get(deparse(call.positional[2]))
    totals = evaluate(call.positional[2], scope) if known is None else known
    if isinstance(totals, Vector):
        totals = dict(zip(totals.names or (), totals.values, strict=True))
    matrix = model_matrix(formula_columns(call.positional[1], design, scope))
    bounds = argument(call, scope, "bounds")
    stage = argument(call, scope, "aggregate.stage")
    calibrated = design.survey.calibrate(
        {name: float(totals[name]) for name in totals},
        columns={name: matrix[name] for name in totals},
        method=scalar(argument(call, scope, "calfun")) or "linear",
        bounds=None if bounds is None else tuple(float(v) for v in bounds.values),
        aggregate=None if stage is None else int(scalar(stage)),
    )
    return RDesign(calibrated, design.frame)


@rfunction("trimWeights")
def _trim(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    options = {n: argument(call, scope, n) for n in ("lower", "upper")}
    trimmed = design.survey.trim(
        **{n: float(scalar(v)) for n, v in options.items() if v is not None},
        strict=bool(scalar(argument(call, scope, "strict", default=CONSTANTS["FALSE"]))),
    )
    return RDesign(trimmed, design.frame)


@rfunction("svystandardize")
def _standardize(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    by = [deparse(t) for t in terms(call.named["by"])]
    over = [deparse(t) for t in terms(call.named["over"])] if "over" in call.named else []
    population = evaluate(call.named["population"], scope)
    standard = weighting.standardise(design.survey, by[0], over, list(population.values))
    return RDesign(standard, design.frame)


REPLICATION = {
    "JK1": replication.jackknife,
    "JKn": replication.stratified_jackknife,
    "BRR": replication.balanced,
    "Fay": replication.balanced,
}


@rfunction("as.svrepdesign")
def _as_replicates(call: Call, scope: Scope) -> RDesign:
    design = evaluate(call.positional[0], scope)
    kind = scalar(argument(call, scope, "type"))
    if scope.objects["*session"].entry.get("replicates"):
        return _from_file(scope, design)
    options: dict[str, Any] = {}
    if "mse" in call.named:
        options["mse"] = bool(scalar(argument(call, scope, "mse")))
    if kind == "Fay":
        options["fay"] = float(scalar(argument(call, scope, "fay.rho")))
    return RDesign(REPLICATION[kind](design.survey, **options), design.frame)


@rfunction("svrepdesign")
def _given_replicates(call: Call, scope: Scope) -> RDesign:
    frame = evaluate(call.named["data"], scope)
    return _from_file(
        scope, RDesign(SurveyDesign.create({n: column_of(n, v) for n, v in frame.items()}), frame)
    )


def _from_file(scope: Scope, design: RDesign) -> RDesign:
    """Random replicate weights cannot be made twice, so the reference hands out the ones R drew."""
    session = scope.objects["*session"]
    entry = session.entry["replicates"]
    weights = np.loadtxt(session.folder / entry["file"], delimiter=",", skiprows=1, ndmin=2)
    frame = design.frame
    if len(weights) < design.rows():
        frame = {name: vector.take(design.survey.active) for name, vector in frame.items()}
    survey = SurveyDesign.from_replicates(
        {name: column_of(name, vector) for name, vector in frame.items()},
        weights[:, 0],
        weights[:, 1:],
        scale=entry["scale"],
        rscales=np.array(entry["rscales"], float),
        mse=entry["mse"],
        kind=entry["type"],
    )
    return RDesign(survey, frame)
