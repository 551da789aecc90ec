"""Tests and models in complex samples: the front door.

t tests are here; the rest lives in rooms of its own and is imported here, so that a notebook needs one name:
``from analysis import inference``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis import estimates, regression
from analysis.columns import Column
from analysis.comparisons import BOOK, HEADLINES, Comparisons, Family, adjust, judge, pairwise
from analysis.contingency import TableTest, association, kappa
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.imputation import Pooled, over, pool
from analysis.model_matrix import Block, powers
from analysis.ordinal import OrdinalModel, ordinal
from analysis.ranks import RankTest, rank_test
from analysis.regression import Regression, glm
from analysis.results import critical
from analysis.term_tests import TermTest, term_test

__all__ = [
    "BOOK",
    "HEADLINES",
    "Block",
    "Comparisons",
    "Family",
    "OrdinalModel",
    "Pooled",
    "RankTest",
    "Regression",
    "TTest",
    "TableTest",
    "TermTest",
    "adjust",
    "against_rest",
    "association",
    "glm",
    "judge",
    "kappa",
    "one_sample",
    "ordinal",
    "over",
    "pairwise",
    "pool",
    "powers",
    "rank_test",
    "term_test",
    "two_sample",
]


@dataclass(frozen=True)
class TTest:
    """A mean or a difference of two means against a value, with its interval of ``level``."""

    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    low: float
    high: float
    base: int
    groups: tuple[str, ...] = ()
    level: float = 0.95


def _t_test(
    estimate: float, se: float, df: float, null: float, level: float, base: int, groups: tuple[str, ...] = ()
) -> TTest:
    if not se > 0:
        raise EstimateError(
            "no_variance",
            "The estimate has no variance under this design, so there is nothing to test.",
            se=se,
        )
    if df <= 0:
        raise EstimateError(
            "no_degrees", f"The design leaves {df:g} degrees of freedom for this test.", df=df
        )
    t = (estimate - null) / se
    half = critical(level, df) * se
    p = float(2 * stats.t.sf(abs(t), df))
    return TTest(estimate, se, t, df, p, estimate - half, estimate + half, base, groups, level)


def one_sample(design: SurveyDesign, outcome: Any, null: float = 0.0, level: float = 0.95) -> TTest:
    """Test of a mean against ``null`` on df - 1 degrees of freedom. R: ``svyttest(y ~ 0)``."""
    column = design.column(outcome)
    inside = design.subset(column.observed)
    found = estimates.mean(inside, column, deff="none")
    if len(found) != 1:
        raise EstimateError(
            "not_numeric", f"{column.name} is a category; test an indicator of it.", place=column.name
        )
    return _t_test(
        float(found.estimate[0]), float(found.se[0]), inside.df - 1, null, level, int(found.base[0])
    )


def two_sample(
    design: SurveyDesign, outcome: Any, group: Any, null: float = 0.0, level: float = 0.95
) -> TTest:
    """Difference of two groups' means, second minus first, on df - 1 degrees of freedom. R: ``svyttest(y ~
    g)``.

    A numeric ``group`` is a slope, as in the reference. Raises :class:`EstimateError` where a category does
    not have exactly two groups with an answer.
    """
    column = design.column(group)
    groups: tuple[str, ...] = ()
    if column.kind == "category":
        seen = design.active & design.column(outcome).observed
        present = np.unique(column.values[seen & (column.values >= 0)])
        groups = tuple(column.levels[i] for i in present)
        if len(groups) != 2:
            raise EstimateError(
                "not_two_groups",
                f"{column.name} has {len(groups)} groups with an answer ({', '.join(groups[:5])}); a t test "
                "compares two.",
                place=column.name,
            )
    model = regression.glm(design, outcome, [column], level=level)
    return _t_test(float(model.estimate[1]), float(model.se[1]), model.df, null, level, model.base, groups)


def against_rest(
    design: SurveyDesign, outcome: Any, group: Any, family: Family = BOOK, level: float = 0.95
) -> tuple[Comparisons, tuple[TTest, ...]]:
    """Every group of a category against all others together, adjusted within the family."""
    column = design.column(group).category()
    seen = design.active & design.column(outcome).observed & (column.values >= 0)
    present = np.unique(column.values[seen])
    tests, names = [], []
    for i in present:
        values = np.where(column.values < 0, -1, (column.values == i) * 1)
        inside = Column(column.name, "category", values, ("rest", column.levels[i]))
        tests.append(two_sample(design, outcome, inside, level=level))
        names.append(column.levels[i])
    judged = judge(
        family,
        names,
        np.array([t.estimate for t in tests]),
        np.array([t.se for t in tests]),
        float(min(t.df for t in tests)) if tests else float("nan"),
        np.array([t.p_value for t in tests]),
    )
    return judged, tuple(tests)
