"""Proportions with intervals made for proportions.

With 30 respondents and 3 % the usual symmetric interval covers 59 % in place of 95 %, so the default is
Wilson's on the effective sample size. R: ``svyciprop``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from analysis.columns import Floats
from analysis.design import SurveyDesign
from analysis.diagnostics import kish_effective_n
from analysis.errors import EstimateError
from analysis.estimates import domain_df, mean
from analysis.intervals import INTERVALS, Shares
from analysis.responses import domains, responses
from analysis.results import Estimates


def proportion(
    design: SurveyDesign,
    variables: Any,
    by: Any = None,
    *,
    method: str = "wilson",
    level: float = 0.95,
    df: float | None = None,
    deff: str = "replace",
    missing: str = "each",
) -> Estimates:
    """Proportions of every category (or of a 0/1 variable) with intervals for proportions.

    ``method`` one of :data:`INTERVALS`; ``df`` None: PSUs minus strata with rows, in each domain of ``by``.
    Rows with a proportion of 0 or 1 use Kish's effective n and carry a note ``no_variance``. Raises
    :class:`EstimateError` for values outside 0 to 1.
    """
    if method not in INTERVALS:
        raise EstimateError("interval", f"{method!r} is no interval; use {', '.join(INTERVALS)}.")
    over = responses(design, variables, missing)
    for response in over:
        values = response.values[response.observed & design.active]
        if values.size and (values.min() < 0 or values.max() > 1):
            raise EstimateError(
                "not_a_share",
                f"{response.name} takes values from {values.min():g} to {values.max():g}; a proportion "
                "needs 0 and 1, "
                "or a category.",
                place=response.name,
            )
    out = mean(design, variables, by=by, deff=deff, missing=missing, level=level, keep_replicates=True)
    groups = domains(design, by)
    inside = np.stack(
        [(groups.codes == g) & r.observed & design.active for r in over for g in range(len(groups.names))],
        axis=1,
    )
    cells = np.stack([groups.codes == g for g in range(len(groups.names))], axis=1) & design.active[:, None]
    each = np.full(len(groups.names), df) if df is not None else domain_df(design, cells)
    dfs = np.tile(each, len(over))
    sizes = np.tile(cells.sum(axis=0), len(over)).astype(float)
    kish = np.array([kish_effective_n(design.weights[here]) for here in inside.T])
    bounded = np.clip(out.estimate, 0.0, 1.0)
    shares = Shares(bounded, out.se, sizes, dfs, kish, level, _logit_se(design, out))
    low, high = INTERVALS[method](shares)
    void = (out.base == 0) | ~(dfs > 0)
    flat = (
        f"no_variance: {name}"
        for name, inner, n in zip(out.names, shares.inner, out.base, strict=True)
        if n and not inner
    )
    notes = tuple(dict.fromkeys((*out.notes, *flat)))
    low, high = np.where(void, np.nan, low), np.where(void, np.nan, high)
    return replace(
        out, statistic="proportion", low=low, high=high, interval=method, notes=notes, replicates=None
    )


def _logit_se(design: SurveyDesign, out: Estimates) -> Floats | None:
    """(k,) standard errors of the replicates' logits."""
    if design.replicates is None or out.replicates is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        logits, full = special.logit(np.clip(out.replicates, 0.0, 1.0)), special.logit(out.estimate)
    errors = np.full(len(out), np.nan)
    for i in np.flatnonzero(np.isfinite(full)):
        errors[i] = np.sqrt(design.replicates.covariance(logits[:, [i]], full[[i]])[0, 0])
    return errors
