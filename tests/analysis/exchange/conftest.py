import numpy as np
import pytest

from analysis.columns import Column
from analysis.exchange.codebook import codebook

ARABIC = {"f": {"en": "woman", "ar": "امرأة"}, "m": {"en": "man", "ar": "رجل"}}


@pytest.fixture
def columns():
    """700 rows: a category with every missing reason, a multiple-response pair, a number, a hostile label."""
    rng = np.random.default_rng(0)
    n = 700
    sex = rng.integers(0, 3, n)
    reason = np.zeros(n, np.int8)
    sex[:60] = -1
    reason[:60] = np.arange(60) % 6
    age = np.where(rng.random(n) < 0.2, np.nan, rng.integers(18, 90, n)).astype(float)
    age_reason = np.where(np.isnan(age), 4, 0).astype(np.int8)
    return {
        "sex": Column("sex", "category", sex, ("f", "m", "=1+1"), reason),
        "help.work": Column("help.work", "category", rng.integers(0, 2, n), ("0", "1")),
        "help.home": Column("help.home", "category", rng.integers(0, 2, n), ("0", "1")),
        "age": Column("age", "number", age, missing=age_reason),
    }


@pytest.fixture
def book(columns):
    return codebook(
        "living-here",
        columns,
        title={"en": "Living here", "ar": "العيش هنا"},
        languages=("en", "ar"),
        labels={
            "sex": {"en": "Gender", "ar": "الجنس " * 50},
            "help.work": {"en": "Help at work", "ar": "مساعدة في العمل"},
            "help.home": {"en": "Help at home"},
        },
        value_labels={"sex": ARABIC},
        sets={"help": ({"en": "Where help was needed"}, ("help.work", "help.home"))},
        source="City statistics",
    )
