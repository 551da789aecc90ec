"""Small synthetic samples with known structure for the tests of this folder."""

from __future__ import annotations

import numpy as np

from analysis.columns import Column
from analysis.design import SurveyDesign


def category(name: str, codes: np.ndarray, *levels: str) -> Column:
    """A category from codes, -1 missing."""
    return Column(name, "category", np.asarray(codes, np.int64), levels)


def sample(seed: int = 1, n: int = 240, clustered: bool = False, equal: bool = False) -> SurveyDesign:
    """A stratified sample: ``y`` depends on ``group`` and ``x``; ``yes`` 0/1; ``answer`` of five levels."""
    rng = np.random.default_rng(seed)
    stratum = np.arange(n) % 4
    group = rng.integers(0, 3, n)
    sex = rng.integers(0, 2, n)
    x = rng.normal(size=n)
    y = 5 + 0.8 * group + 0.5 * x + rng.normal(size=n)
    yes = (rng.random(n) < 1 / (1 + np.exp(0.4 - 0.6 * group))) * 1.0
    answer = np.clip(np.round(2 + 0.5 * group + rng.normal(size=n)), 0, 4).astype(np.int64)
    data = {
        "stratum": category("stratum", stratum, "a", "b", "c", "d"),
        "group": category("group", group, "old", "mid", "new"),
        "sex": category("sex", sex, "f", "m"),
        "answer": category("answer", answer, "never", "rarely", "some", "often", "always"),
        "x": x,
        "y": y,
        "yes": yes,
        "count": rng.poisson(np.exp(0.3 + 0.3 * group)).astype(float),
        "unit": np.arange(n) // 3 if clustered else np.arange(n),
    }
    weights = np.ones(n) * 10 if equal else rng.uniform(5, 20, n)
    if clustered:
        data["stratum"] = category("stratum", (np.arange(n) // 3) % 4, "a", "b", "c", "d")
    return SurveyDesign.create(data, weights=weights, strata="stratum", psu="unit")


def permuted(design: SurveyDesign, seed: int = 0) -> SurveyDesign:
    """The same sample with its rows in another order."""
    order = np.random.default_rng(seed).permutation(len(design))
    data = {name: column.take(order) for name, column in design.data.items()}
    return SurveyDesign.create(data, weights=design.weights[order], strata="stratum", psu="unit")
