"""The R functions that estimate: means, totals, ratios, variances, proportions, quantiles, domains,
contrasts.

One function per R function; each runs the product's function of the same kind and returns its result together
with R's names. :func:`extract` writes a result in the structure of a case's ``expect``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from analysis import estimates, proportions, quantiles
from analysis.design import SurveyDesign
from analysis.diagnostics import kish_deff, kish_effective_n
from analysis.results import Estimates
from tests.oracle import rlang, session
from tests.oracle.designs import (
    FALSE,
    column_of,
    formula_vectors,
    inside,
    over_data,
    population_names,
    terms,
    under_options,
)
from tests.oracle.rlang import (
    Call,
    Scope,
    Vector,
    argument,
    deparse,
    evaluate,
    number,
    rfunction,
    scalar,
)

session.SHORT_NAMES.append(population_names)


@dataclass(frozen=True, eq=False)
class Result:
    """An R statistic: the product's estimates under R's names. ``shape``: stat, by, ratio, var, quantile,
    interval."""

    shape: str
    values: Estimates
    names: tuple[str, ...]
    deff: bool = False
    covariance: bool = True

    def named(self) -> Estimates:
        return replace(self.values, names=self.names)


# -- estimates
# -------------------------------------------------------------------------------------------------


def _responses(
    formula: Call, design: SurveyDesign, scope: Scope
) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """Columns of a formula and R's name of every (variable, level)."""
    columns, names = {}, {}
    for name, vector in formula_vectors(formula, design, scope).items():
        if vector.kind == "logical":
            vector = rlang.as_factor(vector)
        column = column_of(name, vector)
        columns[name] = column
        for level in column.levels or ("",):
            names[name, level] = name + level
    return columns, names


def _flag(call: Call, scope: Scope, name: str) -> bool:
    return bool(scalar(argument(call, scope, name, default=FALSE)))


def _deff(call: Call, scope: Scope) -> str:
    value = scalar(argument(call, scope, "deff", default=FALSE))
    return "replace" if value == "replace" else "without" if value else "none"


def _listwise(columns: Mapping[str, Any], remove: bool) -> str:
    return "listwise" if remove else "each"


def _moments(call: Call, scope: Scope, by: dict[str, Any] | None, design: SurveyDesign, fn: str) -> Result:
    columns, names = _responses(call.positional[0], design, scope)
    deff = _deff(call, scope)
    missing = _listwise(columns, _flag(call, scope, "na.rm"))
    function = {"svymean": estimates.mean, "svytotal": estimates.total}[fn]
    values = function(design, columns, by=by, deff=deff, missing=missing)
    labels = tuple(names[row["variable"], row["category"]] for row in values.rows)
    return Result("stat", values, labels, deff != "none", len(values) > 1)


@rfunction("svymean", "svytotal")
def _mean_total(call: Call, scope: Scope) -> Result:
    design = under_options(evaluate(_design_node(call, 1), scope), scope)
    return _moments(call, scope, None, design, call.fn)


def _design_node(call: Call, position: int) -> Any:
    return call.named["design"] if "design" in call.named else call.positional[position]


@rfunction("svyratio")
def _ratio(call: Call, scope: Scope) -> Result:
    design = under_options(evaluate(_design_node(call, 2), scope), scope)
    return _ratio_of(call.positional[0], call.positional[1], design, scope, None)


def _ratio_of(top: Call, below: Call, design: SurveyDesign, scope: Scope, by: Any) -> Result:
    over, under = (_responses(f, design, scope)[0] for f in (top, below))
    values = estimates.ratio(design, list(over.values()), list(under.values()), by=by)
    labels = tuple(f"{row['variable']}/{row['denominator']}" for row in values.rows)
    return Result("ratio", values, labels)


@rfunction("svyvar")
def _variance(call: Call, scope: Scope) -> Result:
    design = under_options(evaluate(_design_node(call, 1), scope), scope)
    columns, _ = _responses(call.positional[0], design, scope)
    values = estimates.variance(design, columns, count="rows")
    if len(columns) == 1:
        # R leaves the variance of one variable without a name on replicates.
        name = "v1" if design.replicates is not None else values.rows[0]["variable"]
        return Result("stat", values, (name,), covariance=False)
    return Result("var", values, tuple(f"{row['variable']}:{row['with']}" for row in values.rows))


@rfunction("svyciprop")
def _ciprop(call: Call, scope: Scope) -> Result:
    design = under_options(evaluate(_design_node(call, 1), scope), scope)
    (name, vector), *_ = formula_vectors(call.positional[0], design, scope).items()
    df, method = argument(call, scope, "df"), _method(call, scope)
    values = proportions.proportion(
        design,
        {name: np.asarray(vector.values, float)},
        method=method,
        level=float(scalar(argument(call, scope, "level", default=number(0.95)))),
        df=None if df is None or method == "beta" else float(scalar(df)),  # R leaves df aside for beta.
    )
    return Result("interval", values, (name,))


def _method(call: Call, scope: Scope) -> str:
    """R reads likelihood limits off a spline; the product's exact limits are tested against their
    equation."""
    named = scalar(argument(call, scope, "method")) or "logit"
    return "profile" if named == "likelihood" else named


@rfunction("svyquantile")
def _quantile(call: Call, scope: Scope) -> Result:
    design = under_options(evaluate(_design_node(call, 1), scope), scope)
    node = call.positional[2] if len(call.positional) > 2 else call.named["quantiles"]
    return _quantile_of(call, node, design, scope, None)


def _quantile_of(call: Call, node: Any, design: SurveyDesign, scope: Scope, by: Any) -> Result:
    columns, _ = _responses(call.positional[0], design, scope)
    wanted = evaluate(node, scope).values
    alpha = float(scalar(argument(call, scope, "alpha", default=number(0.05))))
    df = argument(call, scope, "df")
    values = quantiles.quantile(
        design,
        columns,
        list(wanted),
        by=by,
        rule=scalar(argument(call, scope, "qrule")) or "math",
        interval=scalar(argument(call, scope, "interval.type")) or "mean",
        level=1 - alpha,
        df=None if df is None else float(scalar(df)),
        below_first="second",
    )
    labels = tuple(f"{row['variable']}.{row['quantile']}" for row in values.rows)
    return Result("quantile", values, labels)


# -- domains
# ---------------------------------------------------------------------------------------------------


@rfunction("svyby")
def _by(call: Call, scope: Scope) -> Result:
    node = call.named["by"] if "by" in call.named else call.positional[1]
    rest = [n for n in call.positional[1:] if n is not node]
    design = evaluate(call.named["design"] if "design" in call.named else rest.pop(0), scope)
    design = under_options(design, scope)
    fn = deparse(call.named["FUN"] if "FUN" in call.named else rest.pop(0))
    groups = {}
    for term in terms(node):
        vector = over_data(term, design, scope)
        groups[deparse(term)] = column_of(
            deparse(term), vector if vector.kind == "factor" else rlang.as_factor(vector)
        )
    if fn == "svyratio":
        inner = _ratio_of(call.positional[0], call.named["denominator"], design, scope, groups)
    elif fn == "svyquantile":
        inner = _quantile_of(call, call.named["quantiles"], design, scope, groups)
    elif fn == "svyciprop":
        (name, vector), *_ = formula_vectors(call.positional[0], design, scope).items()
        method = scalar(argument(call, scope, "method")) or "logit"
        values = proportions.proportion(
            design, {name: np.asarray(vector.values, float)}, by=groups, method=method
        )
        inner = Result("interval", values, (name,) * len(values))
    elif fn == "svyvar":
        columns, _ = _responses(call.positional[0], design, scope)
        values = estimates.variance(design, columns, by=groups, count="rows")
        inner = Result("var", values, tuple(row["variable"] for row in values.rows))
    else:
        inner = _moments(call, scope, groups, design, fn)
    labels = [".".join(row[g] for g in groups) for row in inner.values.rows]
    if fn == "svyquantile":
        wanted = {row["quantile"] for row in inner.values.rows}
        names = [
            f"{row['variable']}.{row['quantile']}" if len(wanted) > 1 else row["variable"]
            for row in inner.values.rows
        ]
    else:
        names = list(inner.names)
    if len(set(names)) > 1:
        labels = [f"{group}:{name}" for group, name in zip(labels, names, strict=True)]
    return Result("by", inner.values, tuple(labels), inner.deff, _flag(call, scope, "covmat"))


# -- contrasts, intervals, accessors
# ---------------------------------------------------------------------------


def _expression(node: Any) -> Callable[[Mapping[str, Any]], Any]:
    """A quoted R expression as a function of the estimates by name."""

    def value(estimates_by_name: Mapping[str, Any]) -> Any:
        return _arithmetic(node, estimates_by_name)

    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b=None: a if b is None else a + b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "(": lambda a: a,
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "asin": np.arcsin,
    "sin": np.sin,
}


def _arithmetic(node: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(node, rlang.Number):
        return node.value
    if isinstance(node, rlang.Name):
        return known[node.text]
    return FUNCTIONS[node.fn](*(_arithmetic(n, known) for n in node.positional))


def _contrast_of(value: Any) -> Any:
    if isinstance(value, Vector):
        if value.names is not None:
            return dict(zip(value.names, value.values.tolist(), strict=True))
        return value.values
    return _expression(value)


@rfunction("svycontrast")
def _contrast(call: Call, scope: Scope) -> Result:
    source = evaluate(call.positional[0], scope).named()
    wanted = evaluate(call.positional[1], scope)
    listed = wanted if isinstance(wanted, dict) else {"contrast": wanted}
    rules = {name: _contrast_of(value) for name, value in listed.items()}
    values = source.contrast(rules)
    return Result("stat", values, tuple(rules), covariance=len(rules) > 1)


@rfunction("confint")
def _confint(call: Call, scope: Scope) -> dict[str, Any]:
    result = evaluate(call.positional[0], scope)
    level = float(scalar(argument(call, scope, "level", default=number(0.95))))
    if not isinstance(result, Result):
        return CONFINT[type(result)](result, level)
    if result.shape == "interval":
        return {result.names[0]: {"2.5%": result.values.low[0], "97.5%": result.values.high[0]}}
    if result.shape == "quantile":
        ends = zip(result.names, result.values.low, result.values.high, strict=True)
        return {name: {"l": float(a), "u": float(b)} for name, a, b in ends}
    df = float(scalar(argument(call, scope, "df", default=number(np.inf))))
    low, high = result.values.interval_at(level, df)
    tails = [f"{100 * (1 - level) / 2:.3g} %", f"{100 * (1 + level) / 2:.3g} %"]
    return {
        name: {tails[0]: float(a), tails[1]: float(b)}
        for name, a, b in zip(result.names, low, high, strict=True)
    }


CONFINT: dict[type, Callable[[Any, float], dict[str, Any]]] = {}
"""Intervals of results that other modules of the adapter make."""


@rfunction("coef")
def _coef(call: Call, scope: Scope) -> Vector:
    result = evaluate(call.positional[0], scope)
    return Vector("number", result.values.estimate, (), result.names)


@rfunction("vcov")
def _vcov(call: Call, scope: Scope) -> Any:
    result = evaluate(call.positional[0], scope)
    if len(result.names) == 1:
        return Vector("number", result.values.covariance.ravel())
    rows = zip(result.names, result.values.covariance, strict=True)
    return {name: dict(zip(result.names, row, strict=True)) for name, row in rows}


@rfunction("SE")
def _se(call: Call, scope: Scope) -> Vector:
    result = evaluate(call.positional[0], scope)
    return Vector("number", result.values.se, (), result.names)


@rfunction("degf")
def _degf(call: Call, scope: Scope) -> Vector:
    return number(evaluate(call.positional[0], scope).df)


@rfunction("weights")
def _weights(call: Call, scope: Scope) -> Vector:
    return Vector("number", evaluate(call.positional[0], scope).weights)


@rfunction("pt")
def _pt(call: Call, scope: Scope) -> Vector:
    q, df = (float(scalar(evaluate(node, scope))) for node in call.positional[:2])
    return number(float(stats.t.cdf(q, df)))


@rfunction("wsum")
def _wsum(call: Call, scope: Scope) -> Vector:
    w = evaluate(call.positional[0], scope).values
    values = np.array([len(w), w.sum(), w.min(), w.max(), w @ w, w[0], w[-1]], float)
    return Vector("number", values, (), ("n", "sum", "min", "max", "sumsq", "first", "last"))


@rfunction("kish")
def _kish(call: Call, scope: Scope) -> Vector:
    w = np.asarray(evaluate(call.positional[0], scope).values, float)
    return Vector("number", np.array([kish_effective_n(w), kish_deff(w)]), (), ("neff", "deff_w"))


@rfunction("svytable")
def _table(call: Call, scope: Scope) -> dict[str, Any]:
    design = evaluate(_design_node(call, 1), scope)
    vectors = list(formula_vectors(call.positional[0], design, scope).items())
    parts = [column_of(n, v if v.kind == "factor" else rlang.as_factor(v)) for n, v in vectors]
    rows, columns, counts = estimates.table(design, *parts)
    total = argument(call, scope, "Ntotal")
    if total is not None:
        counts = counts * (float(scalar(total)) / counts.sum())
    if len(parts) == 1:
        return dict(zip(rows, counts[:, 0].tolist(), strict=True))
    return {"rows": list(rows), "cols": list(columns), "table": counts.tolist()}


@rfunction("withReplicates")
def _with_replicates(call: Call, scope: Scope) -> Result:
    design = evaluate(call.positional[0], scope)
    node = evaluate(call.positional[1], scope)
    frame = inside(design, scope).columns

    def statistic(weights: Any) -> Any:
        if isinstance(node, rlang.Closure):
            return node(Vector("number", weights), frame).values
        return evaluate(node, scope.over({**frame, ".weights": Vector("number", weights)})).values

    value, covariance, _ = design.replicate(statistic)
    from analysis.results import from_covariance

    names = tuple(f"v{i + 1}" for i in range(len(value)))
    made = from_covariance(
        "replicated",
        names,
        tuple({"value": n} for n in names),
        value,
        covariance,
        np.full(len(value), np.nan),
        design.df,
    )
    return Result("stat", made, names, covariance=len(value) > 1)


# -- what a case expects
# ---------------------------------------------------------------------------------------


def _figures(result: Result) -> dict[str, Any]:
    out = {}
    for i, name in enumerate(result.names):
        out[name] = {"estimate": float(result.values.estimate[i]), "se": float(result.values.se[i])}
        if result.deff:
            out[name]["deff"] = float(result.values.deff[i])
    return out


def _quantiles(result: Result) -> dict[str, Any]:
    out: dict[str, Any] = {}
    values = result.values
    for i, row in enumerate(values.rows):
        out.setdefault(row["variable"], {})[row["quantile"]] = {
            "quantile": float(values.estimate[i]),
            "ci_low": float(values.low[i]),
            "ci_high": float(values.high[i]),
            "se": float(values.se[i]),
        }
    return out


def extract(result: Result) -> dict[str, Any]:
    """A result in the structure of the reference's ``expect``."""
    if result.shape == "interval":
        v = result.values
        return {"estimate": float(v.estimate[0]), "ci_low": float(v.low[0]), "ci_high": float(v.high[0])}
    if result.shape == "quantile":
        return _quantiles(result)
    if result.shape in ("ratio", "var"):
        return _figures(result)
    out: dict[str, Any] = {"values": _figures(result)}
    if result.covariance:
        out["vcov"] = {"names": list(result.names), "matrix": result.values.covariance.tolist()}
    return out
