"""What R's tests, models and trends are in the product: one function per R function, driven by the call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis import (
    contingency,
    estimates,
    imputation,
    inference,
    microdata,
    ordinal,
    ranks,
    regression,
    term_tests,
    trends,
    wave_weights,
)
from analysis.columns import Column
from analysis.comparisons import Family, adjust, pairwise
from analysis.design import SurveyDesign
from analysis.results import Estimates, from_covariance
from participation.access import rindicators
from tests.oracle import formulas, rlang
from tests.oracle.designs import under_options
from tests.oracle.estimation import CONFINT, Result, extract
from tests.oracle.rlang import Call, Scope, Vector, argument, evaluate, rfunction, scalar
from tests.oracle.session import SHORT_NAMES, Session, columns_of, of_the_case


def flag(call: Call, scope: Scope, name: str, default: bool = False) -> bool:
    value = argument(call, scope, name)
    return default if value is None else bool(scalar(value))


def text(call: Call, scope: Scope, name: str, default: str, position: int | None = None) -> str:
    value = argument(call, scope, name, position)
    return default if value is None else str(scalar(value))


def design_of(call: Call, scope: Scope, position: int = 1) -> SurveyDesign:
    return under_options(argument(call, scope, "design", position), scope)


# -- tables, t and rank tests --------------------------------------------------------------------------------

TABLE_STATISTICS = {
    "F": "F",
    "Chisq": "chisq",
    "Wald": "wald",
    "adjWald": "adjusted_wald",
    "lincom": "exact",
    "saddlepoint": "saddlepoint",
}


@rfunction("svychisq")
def svychisq(call: Call, scope: Scope) -> dict[str, Any]:
    """``svychisq(~rows + columns, design, statistic = "F")``."""
    design = design_of(call, scope)
    rows, columns = formulas.additive(evaluate(call.positional[0], scope), design, scope)
    kind = text(call, scope, "statistic", "F", 2)
    test = contingency.association(design, rows, columns, TABLE_STATISTICS[kind])
    if kind in ("F", "Wald", "adjWald"):
        return {
            "statistic": {"F": test.statistic},
            "p_value": test.p_value,
            "parameter": {"ndf": test.df, "ddf": test.ddf},
        }
    out: dict[str, Any] = {"statistic": {"X-squared": test.statistic}, "p_value": test.p_value}
    if kind == "Chisq":
        out["parameter"] = {"df": test.df}
    return out


@rfunction("svykappa")
def svykappa(call: Call, scope: Scope) -> Result:
    """``svykappa(~a + b, design)``."""
    design = design_of(call, scope)
    rows, columns = formulas.additive(evaluate(call.positional[0], scope), design, scope)
    return Result("stat", contingency.kappa(design, rows, columns), ("kappa",), covariance=False)


@rfunction("svyttest")
def svyttest(call: Call, scope: Scope) -> dict[str, Any]:
    """``svyttest(y ~ g, design)`` and ``svyttest(y ~ 0, design)``."""
    design = design_of(call, scope)
    outcome, groups, _ = formulas.model(evaluate(call.positional[0], scope), design, scope)
    if groups:
        test, name = inference.two_sample(design, outcome, groups[0]), "difference in mean"
    else:
        test, name = inference.one_sample(design, outcome), "mean"
    return {
        "statistic": {"t": test.statistic},
        "p_value": test.p_value,
        "parameter": {"df": test.df},
        "estimate": {name: test.estimate},
        "ci_low": test.low,
        "ci_high": test.high,
    }


RANK_SCORES = {
    "wilcoxon": "wilcoxon",
    "KruskalWallis": "wilcoxon",
    "vanderWaerden": "van_der_waerden",
    "median": "median",
}


@rfunction("svyranktest")
def svyranktest(call: Call, scope: Scope) -> dict[str, Any]:
    """``svyranktest(y ~ g, design, test = "wilcoxon")``."""
    design = design_of(call, scope)
    outcome, groups, _ = formulas.model(evaluate(call.positional[0], scope), design, scope)
    scores = RANK_SCORES[text(call, scope, "test", "wilcoxon", 2)]
    test = ranks.rank_test(design, outcome, groups[0], scores, ties="row_order")
    if len(test.groups) == 2:
        return {
            "statistic": {"t": test.statistic},
            "p_value": test.p_value,
            "parameter": {"df": test.ddf},
            "estimate": {"difference in mean rank score": test.difference},
        }
    return {"statistic": {"df": test.df}, "p_value": test.p_value, "parameter": {"Chisq": test.statistic}}


# -- models --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model with the design it was fitted to."""

    found: Any
    design: SurveyDesign
    small_sample: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(formulas.r_names(self.found.matrix.parts))

    def named(self) -> Estimates:
        """The coefficients as estimates, for contrasts and accessors."""
        found = self.found
        rows = tuple({"coefficient": n} for n in self.names)
        base = np.full(len(rows), float(found.base))
        return from_covariance("model", self.names, rows, found.estimate, found.covariance, base, found.df)

    @property
    def values(self) -> Estimates:
        return self.named()

    @property
    def estimate(self) -> Any:
        return self.found.estimate

    @property
    def covariance(self) -> Any:
        return self.found.covariance


LINKS = {"gaussian": "identity", "quasibinomial": "logit", "quasipoisson": "log"}
LINKS |= {"binomial": LINKS["quasibinomial"], "poisson": LINKS["quasipoisson"]}


def canonical(family: Call) -> bool:
    """Whether a family stands with the link it has by default."""
    return all(formulas.text(node) == LINKS.get(family.fn) for _, node in family.args)


@rfunction("svyglm")
def svyglm(call: Call, scope: Scope) -> Model:
    """``svyglm(y ~ x, design = d, family = quasibinomial(), std.errors = "Bell-McCaffrey")``."""
    design = design_of(call, scope)
    if "subset" in call.named:
        design = design.subset(evaluate(call.named["subset"], scope.over(columns_of(design))).values == 1)
    formula = argument(call, scope, "formula", 0)
    outcome, terms, intercept = formulas.model(formula, design, scope)
    family = call.named.get("family")
    if isinstance(family, Call) and not canonical(family):
        raise NotImplementedError(f"models with {rlang.deparse(family)}; the product has the canonical links")
    name = "gaussian" if family is None else (family.fn if isinstance(family, Call) else family.text)
    family_name = {"binomial": "quasibinomial", "poisson": "quasipoisson"}.get(name, name)
    small = text(call, scope, "std.errors", "linearized").startswith("Bell-McCaffrey")
    errors = "bell_mccaffrey" if small else "linearized"
    degrees = flag(call, scope, "degf")
    if degrees and text(call, scope, "std.errors", "") == "Bell-McCaffrey-2":
        raise NotImplementedError("degrees of freedom under an exchangeable working covariance")
    found = regression.glm(
        design,
        outcome,
        terms,
        family_name,
        intercept=intercept,
        standard_errors=errors,
        small_sample_df=degrees,
        collinear="drop",
    )
    return Model(found, design, small and degrees)


def _confint_model(model: Model, level: float) -> dict[str, Any]:
    """Intervals of coefficients on the model's degrees of freedom."""
    low, high = model.values.interval_at(level)
    tails = [f"{100 * (1 - level) / 2:.3g} %", f"{100 * (1 + level) / 2:.3g} %"]
    return {n: {tails[0]: a, tails[1]: b} for n, a, b in zip(model.names, low, high, strict=True)}


CONFINT[Model] = _confint_model


def _show_model(model: Model) -> dict[str, Any]:
    found = model.found
    if model.small_sample:
        return {
            "coef": dict(zip(model.names, found.estimate, strict=True)),
            "se": dict(zip(model.names, found.se, strict=True)),
            "df_coef": found.df_coefficient,
            "df_residual": found.df,
        }
    rows = {
        n: {"estimate": found.estimate[i], "se": found.se[i], "t": found.t[i], "p_value": found.p_value[i]}
        for i, n in enumerate(model.names)
    }
    return {
        "coefficients": rows,
        "df_residual": found.df,
        "dispersion": found.dispersion,
        "vcov": {"names": list(model.names), "matrix": found.covariance},
    }


@rfunction("regTermTest")
def reg_term_test(call: Call, scope: Scope) -> dict[str, Any]:
    """``regTermTest(model, ~terms, method = "LRT")``."""
    model = evaluate(call.positional[0], scope)
    wanted = argument(call, scope, "test.terms", 1)
    if isinstance(wanted, Vector):
        labels = [str(t) for t in wanted.texts()]
    else:
        labels = [":".join(t) for t in formulas.terms(formulas.sides(wanted)[1])[0]]
    df = argument(call, scope, "df")
    method = {"Wald": "wald", "LRT": "lrt", "WorkingWald": "working_wald"}[
        text(call, scope, "method", "Wald")
    ]
    kind = {"saddlepoint": "saddlepoint", "integration": "exact", "satterthwaite": "satterthwaite"}[
        text(call, scope, "lrt.approximation", "saddlepoint")
    ]
    test = term_tests.term_test(
        model.design,
        model.found,
        [tuple(x.split(":")) for x in labels],
        method,
        kind,
        df=None if df is None else float(scalar(df)),
    )
    out: dict[str, Any] = {"p_value": test.p_value, "df": test.df, "ddf": test.ddf}
    if method == "wald" and np.isinf(test.ddf):
        return {**out, "chisq": test.statistic * test.df}
    if method == "wald":
        return {**out, "Ftest": test.statistic}
    return {**out, "chisq": test.statistic, "lambda": test.weights}


@rfunction("svyolr")
def svyolr(call: Call, scope: Scope) -> dict[str, Any]:
    """``svyolr(y ~ x, design = d)``."""
    design = design_of(call, scope)
    outcome, terms, _ = formulas.model(argument(call, scope, "formula", 0), design, scope)
    link = {"logistic": "logistic", "probit": "probit"}[text(call, scope, "method", "logistic")]
    found = ordinal.ordinal(design, outcome, terms, link)
    names = formulas.r_names(found.matrix.parts)[1:] + list(found.names[found.coefficients :])
    return {n: {"estimate": e, "se": s} for n, e, s in zip(names, found.estimate, found.se, strict=True)}


# -- trends --------------------------------------------------------------------------------------------------


@rfunction("bp_change")
def bp_change(call: Call, scope: Scope) -> dict[str, Any]:
    """``bp_change(data, y, wave, w1, w2, unit, strata, weight, stat = "mean")``."""
    frame = evaluate(call.positional[0], scope)
    y, wave, first, second, unit, strata, weight = (scalar(evaluate(n, scope)) for n in call.positional[1:8])
    kept = list(dict.fromkeys((y, wave, unit, strata, weight)))
    design = SurveyDesign.create(
        {name: formulas.column(name, frame[name]) for name in kept}, weights=weight, strata=strata, nest=True
    )
    found = trends.overlapping_change(
        design,
        y,
        wave,
        (f"{first:.15g}", f"{second:.15g}"),
        unit,
        statistic=text(call, scope, "stat", "mean"),
    )
    return {
        "est1": found.first,
        "est2": found.second,
        "change": found.change,
        "se1": found.se_first,
        "se2": found.se_second,
        "common_units": found.common_units,
        "rho": found.correlation,
        "se_change": found.se,
        "se_change_if_independent": found.se_if_independent,
    }


@rfunction("p.adjust")
def p_adjust(call: Call, scope: Scope) -> Vector:
    """``p.adjust(p, method)``."""
    p = evaluate(call.positional[0], scope)
    method = text(call, scope, "method", "holm", 1)
    return Vector(
        "number", adjust(p.values, {"BH": "bh", "fdr": "bh", "BY": "by"}.get(method, method)), (), p.names
    )


@rfunction("pw")
def pw(call: Call, scope: Scope) -> dict[str, Any]:
    """All pairwise differences of a mean between groups, named in the case's note; t on degf, then
    p.adjust."""
    case = scope.case  # type: ignore[attr-defined]
    words = re.search(r"differences of mean (\S+) between (\w+?)s?,", case["params"]["note"])
    outcome, group = words.groups() if words else ("", "")
    design = evaluate(rlang.parse(case["design"]), scope)
    column = design.column(outcome)
    found = estimates.mean(design.subset(column.observed), column, by=group, deff="none")
    out: dict[str, Any] = {}
    for method in ("holm", "hochberg", "hommel", "bonferroni", "BH", "BY"):
        judged = pairwise(
            found.names, found.estimate, found.covariance, design.df, Family(method, method.lower())
        )
        out.setdefault("t", dict(zip(judged.names, judged.statistic, strict=True)))
        out.setdefault("p", dict(zip(judged.names, judged.p_value, strict=True)))
        out[method] = dict(zip(judged.names, judged.adjusted, strict=True))
    return out


# -- nonresponse ---------------------------------------------------------------------------------------------


@rfunction("fitted")
def fitted(call: Call, scope: Scope) -> Vector:
    """``fitted(model)``: means of the rows of the model."""
    model = evaluate(call.positional[0], scope)
    return Vector("number", model.found.fitted[model.found.matrix.complete])


@rfunction("r_indicator")
def r_indicator(call: Call, scope: Scope) -> dict[str, float]:
    """``r_indicator(rho, weights)``."""
    rho, w = (evaluate(n, scope).values for n in call.positional)
    found = rindicators.r_indicator(rho, w)
    return {"R": found.r, "mean_rho": found.mean, "sd_rho": found.sd, "max_abs_bias_std": found.largest_bias}


@rfunction("partial_r")
def partial_r(call: Call, scope: Scope) -> dict[str, float]:
    """``partial_r(rho, weights, variable)``."""
    rho, w, z = (evaluate(n, scope) for n in call.positional)
    factor = z if z.kind == "factor" else rlang.as_factor(z)
    found = rindicators.partial(rho.values, w.values, factor.values, factor.levels)
    return {
        "P_u": found.overall,
        **{f"Pu_{k}": v for k, v in zip(found.categories, found.by_category, strict=True)},
    }


def _nonresponse(session: Session, name: str) -> Any:
    """``dg24``: the design of a wave's gross sample; ``rho``: its propensities, from the call of another
    case."""
    if re.fullmatch(r"dg\d+", name):
        source = "svydesign(id=~row, strata=~district, weights=~base_w, data={})"
        return evaluate(rlang.parse(source.format(name[1:])), session.scope)
    if name == "rho":
        calls = [c["r_call"] for c in session.cases.values() if c["group"] == "nonresponse"]
        model = next(c for c in calls if c.startswith("svyglm("))
        return evaluate(rlang.parse(f"fitted({model})"), session.scope)
    return None


def class_weighted(session: Session, frame: dict[str, Vector]) -> dict[str, Vector]:
    """Weighting classes named in the note of a case, as the column ``w_class``."""
    notes = [
        str(c["params"].get("note", "")) for c in session.cases.values() if isinstance(c["params"], dict)
    ]
    words = [m.group(1) for m in (re.search(r"weighting classes (.+?),", note) for note in notes) if m]
    names = words[0].split(" x ") if words else ["wave", "district", "sex"]
    call = rlang.parse(f"interaction({', '.join(names)}, drop = TRUE)")
    classes = evaluate(call, Scope(session.objects, frame))
    code = Column("class", "category", classes.values, classes.levels)
    weights = wave_weights.respondents_by_class(frame["base_w"].values, frame["resp"].values == 1, code)
    return {**frame, "w_class": Vector("number", weights)}


def _gross(session: Session, name: str) -> Any:
    for dataset, entry in session.document["datasets"].items():
        if name == "gross" and {"base_w", "resp"} <= set(entry["columns"]):
            return class_weighted(session, session.frame(dataset))
    return None


# -- several imputations -------------------------------------------------------------------------------------


def _imputed(session: Session, name: str) -> Any:
    """A list of designs, one per value of the column ``imp`` of the table that has one."""
    for dataset, entry in session.document["datasets"].items():
        if "imp" in entry["columns"] and name.startswith("d"):
            texts = [c["design"] for c in session.cases.values() if c["group"] == "multiple imputation"]
            source = next(t for t in texts if t.startswith("svydesign(")).split(" on every")[0]
            frame = session.frame(dataset)
            numbers = np.unique(frame["imp"].values)
            frames = [{k: v.take(frame["imp"].values == i) for k, v in frame.items()} for i in numbers]
            call = rlang.parse(source)
            out = []
            for part in frames:
                scope = Scope({**session.objects, "part": part})
                out.append(evaluate(Call(call.fn, (*call.args, ("data", rlang.Name("part")))), scope))
            return out
    return None


SHORT_NAMES[:0] = [_gross, _nonresponse]
SHORT_NAMES += [_imputed, of_the_case]


@rfunction("with")
def with_(call: Call, scope: Scope) -> list[Any]:
    """``with(imputed designs, call without its design)``."""
    inner = call.positional[1]
    out = []
    for design in evaluate(call.positional[0], scope):
        objects = scope.objects.copy()
        objects["one"] = design
        run = Scope(objects)
        found = evaluate(Call(inner.fn, (*inner.args, ("design", rlang.Name("one")))), run)
        out.append(found)
    return out


@rfunction("MIcombine")
def mi_combine(call: Call, scope: Scope) -> dict[str, Any]:
    """``MIcombine(results, df.complete = df)``."""
    complete = argument(call, scope, "df.complete")
    found = evaluate(call.positional[0], scope)
    results = [r.named() if isinstance(r, Result) else r for r in found]
    pooled = imputation.pool(results, np.inf if complete is None else scalar(complete))
    return {
        name: {
            "estimate": pooled.estimate[i],
            "se": pooled.se[i],
            "df": pooled.df[i],
            "missinfo": pooled.missing_information[i],
        }
        for i, name in enumerate(pooled.names)
    }


# -- disclosure ----------------------------------------------------------------------------------------------


@rfunction("kanon")
def kanon(call: Call, scope: Scope) -> dict[str, int]:
    """``kanon(frame, keys, ks)``: records in combinations of keys held by fewer than k."""
    frame = evaluate(call.positional[0], scope)
    keys = evaluate(call.positional[1], scope).values
    columns = [formulas.column(name, frame[name]) for name in keys]
    ks = argument(call, scope, "ks", 2)
    wanted = [2, 3, 5] if ks is None else ks.values.astype(int).tolist()
    return {f"records_below_k{k}": microdata.below_k(columns, k) for k in wanted}


@rfunction("ave")
def ave(call: Call, scope: Scope) -> Vector:
    """``ave(x, group, FUN=)``: the number of rows or of distinct values in every row's group."""
    value, group = (evaluate(node, scope) for node in call.positional[:2])
    rule, key = rlang.deparse(call.named["FUN"]), formulas.column("group", group)
    if "length(unique(" in rule:
        distinct = microdata.diversity([key], formulas.column("value", value))
        return Vector("number", distinct.astype(float))
    if rule in ("sum", "length"):
        return Vector("number", microdata.class_sizes([key]).astype(float))
    raise NotImplementedError(f"ave with {rule}")


def show(value: Any) -> Any:
    """Results in the structure of the reference."""
    if isinstance(value, Model):
        return _show_model(value)
    return extract(value) if isinstance(value, Result) else value
