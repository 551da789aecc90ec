"""The R functions that weight a design and that make or take replicate weights.

Every R function returns a :class:`SurveyDesign`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis import model_matrix, replication, standardisation
from analysis.design import SurveyDesign
from analysis.margins import Margin, Margins
from tests.oracle import formulas
from tests.oracle.designs import FALSE, column_of, entry_of, terms
from tests.oracle.rlang import Call, Scope, Vector, argument, deparse, evaluate, rfunction, scalar

# -- weighting
# -------------------------------------------------------------------------------------------------


def _margin(variable: str, counts: Mapping[str, float]) -> Margin:
    return Margin.from_counts(variable, {str(k): float(v) for k, v in counts.items()}, source="reference")


@rfunction("postStratify")
def _post_stratify(call: Call, scope: Scope) -> SurveyDesign:
    design = evaluate(call.positional[0], scope)
    variable, counts = evaluate(call.positional[2], scope)
    return design.post_stratify(Margins((_margin(variable, counts),)))


@rfunction("rake")
def _rake(call: Call, scope: Scope) -> SurveyDesign:
    design = evaluate(call.positional[0], scope)
    pairs = evaluate(call.positional[2], scope).values()
    return design.rake(Margins(tuple(_margin(variable, counts) for variable, counts in pairs)))


def calibration_columns(formula: Call, design: SurveyDesign, scope: Scope) -> dict[str, Any]:
    """The model matrix of a one-sided formula by R's names of its columns."""
    listed, intercept = formulas.terms(formula.positional[-1])
    variables = [tuple(formulas.variable(v, design, scope) for v in term) for term in listed]
    matrix = model_matrix.build(design, variables, intercept, collinear="drop")
    return dict(zip(formulas.r_names(matrix.parts), matrix.values.T, strict=True))


@rfunction("calibrate")
def _calibrate(call: Call, scope: Scope) -> SurveyDesign:
    design = evaluate(call.positional[0], scope)
    totals = entry_of(scope, call).get("totals") or evaluate(call.positional[2], scope)
    if isinstance(totals, Vector):
        totals = dict(zip(totals.names or (), totals.values, strict=True))
    columns = calibration_columns(call.positional[1], design, scope)
    bounds = argument(call, scope, "bounds")
    stage = argument(call, scope, "aggregate.stage")
    return design.calibrate(
        {name: float(total) for name, total in totals.items()},
        columns={name: columns[name] for name in totals},
        method=scalar(argument(call, scope, "calfun")) or "linear",
        bounds=None if bounds is None else tuple(float(v) for v in bounds.values),
        aggregate=None if stage is None else int(scalar(stage)),
    )


@rfunction("trimWeights")
def _trim(call: Call, scope: Scope) -> SurveyDesign:
    given = {n: argument(call, scope, n, position) for n, position in (("upper", 1), ("lower", 2))}
    return evaluate(call.positional[0], scope).trim(
        **{name: float(scalar(v)) for name, v in given.items() if v is not None},
        strict=bool(scalar(argument(call, scope, "strict", default=FALSE))),
    )


@rfunction("svystandardize")
def _standardize(call: Call, scope: Scope) -> SurveyDesign:
    design = evaluate(call.positional[0], scope)
    over = [deparse(t) for t in terms(call.named["over"])] if "over" in call.named else []
    population = evaluate(call.named["population"], scope)
    return standardisation.standardise(
        design, deparse(terms(call.named["by"])[0]), over, list(population.values)
    )


# -- replicates
# ------------------------------------------------------------------------------------------------

REPLICATION = {
    "JK1": replication.jackknife,
    "JKn": replication.stratified_jackknife,
    "BRR": replication.balanced,
    "Fay": replication.balanced,
}


@rfunction("as.svrepdesign")
def _as_replicates(call: Call, scope: Scope) -> SurveyDesign:
    design = evaluate(call.positional[0], scope)
    entry = entry_of(scope, call)
    if entry:
        return _from_file(entry, design, scope)
    kind = scalar(argument(call, scope, "type", 1))
    options: dict[str, Any] = {}
    if "mse" in call.named:
        options["mse"] = bool(scalar(argument(call, scope, "mse")))
    if kind == "Fay":
        options["fay"] = float(scalar(argument(call, scope, "fay.rho")))
    return REPLICATION[kind](design, **options)


@rfunction("svrepdesign")
def _given_replicates(call: Call, scope: Scope) -> SurveyDesign:
    frame = evaluate(call.named["data"], scope)
    plain = SurveyDesign.create({name: column_of(name, v) for name, v in frame.items()})
    return _from_file(entry_of(scope, call), plain, scope)


def _from_file(entry: Mapping[str, Any], design: SurveyDesign, scope: Scope) -> SurveyDesign:
    """Random replicate weights cannot be drawn twice, so the reference hands out the ones that R drew."""
    about = entry["replicates"]
    path = scope.objects.session.folder / about["file"]
    weights = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    rows = design.active if len(weights) < len(design) else slice(None)
    return SurveyDesign.from_replicates(
        {name: column.take(rows) for name, column in design.data.items()},
        weights[:, 0],
        weights[:, 1:],
        scale=about["scale"],
        rscales=np.array(about["rscales"], float),
        mse=about["mse"],
        kind=about["type"],
    )
