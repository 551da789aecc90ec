import csv

import numpy as np
import pytest

from analysis.columns import Column, as_column
from analysis.microdata import (
    MicrodataError,
    apply,
    below_k,
    below_l,
    class_sizes,
    classes,
    diversity,
    public_use,
    recode,
    significant,
    suggest,
)


@pytest.fixture(scope="module")
def wave(reference):
    with (reference / "r-survey" / "data" / "waves_net.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["wave"] == "2024"]
    return {name: as_column(name, [row[name] for row in rows]) for name in rows[0]}


def test_reference_counts(wave):
    """R: ``kanon(w24, c("district","origin","sex","ageg"))`` gives 249, 479, 690; without district 0, 4,
    13.
    """
    keys = [wave[name] for name in ("district", "origin", "sex", "ageg")]
    assert [below_k(keys, k) for k in (2, 3, 5)] == [249, 479, 690]
    assert [below_k(keys[1:], k) for k in (2, 3, 5)] == [0, 4, 13]


def test_reference_diversity(wave):
    """R: ``kanon-ldiv``: least number of distinct values of sat4 by district and sex is 3, none below 2 or
    3.
    """
    keys = [wave["district"], wave["sex"]]
    assert int(diversity(keys, wave["sat4"]).min()) == 3
    assert [below_l(keys, wave["sat4"], ell) for ell in (2, 3)] == [0, 0]


def test_public_use_file_reaches_what_it_promises(wave):
    keys = ("district", "origin", "sex", "ageg")
    weights = np.linspace(1.234, 9.876, len(wave["sex"]))
    made = public_use(
        wave,
        weights,
        keys,
        np.random.default_rng(3),
        sensitive=("sat4",),
        k=5,
        ell=2,
        ordered=frozenset({"ageg"}),
    )
    left = [made.columns[name] for name in keys if name in made.columns]
    assert int(class_sizes(left).min()) == made.k
    assert made.k >= 5
    assert made.ell >= 2
    assert len(made.ids) == len(set(made.ids)) == len(made.weights) == len(made.columns["sat4"])
    assert set(np.unique(made.weights)) == set(significant(made.weights, 2))
    again = public_use(wave, weights, keys, np.random.default_rng(4), sensitive=("sat4",))
    assert again.columns["sat4"].values.tolist() != made.columns["sat4"].values.tolist()


def small():
    return {
        "sex": as_column("sex", ["f", "f", "m", "m", "m", "x"]),
        "age": as_column("age", ["1", "1", "2", "2", "2", "3"]),
    }


def test_missing_is_a_value_of_its_own():
    keys = [as_column("a", ["x", None, None, "x"])]
    assert class_sizes(keys).tolist() == [2, 2, 2, 2]
    assert classes(keys).max() == 1


def test_suggestions_are_steps_towards_safety():
    columns = small()
    steps = suggest(columns, k=2, ordered=frozenset({"age"}), tolerated=0.0)
    before = [step.risky_before for step in steps]
    assert before[0] == below_k(list(columns.values()), 2) == 1
    assert steps[-1].risky_after == 0
    assert below_k(list(apply(columns, steps).values()), 2) == 0


def test_suggestions_not_needed():
    assert suggest({"sex": as_column("sex", ["f"] * 9)}, k=5) == []


def test_recode_keeps_the_place_of_the_first_category():
    merged = recode(Column("age", "category", np.array([0, 1, 2, -1]), ("1", "2", "3")), ("2", "3"))
    assert merged.levels == ("1", "2 / 3")
    assert merged.values.tolist() == [0, 1, 1, -1]


def test_everything_alike_is_left_out():
    columns = {"sex": as_column("sex", ["f", "m"]), "status": as_column("status", ["a", "b"])}
    made = public_use(columns, np.ones(2), ["sex"], np.random.default_rng(0), sensitive=["status"], k=5)
    assert len(made.ids) in {0, 2}


@pytest.mark.parametrize(
    "call",
    [
        lambda: classes([]),
        lambda: recode(small()["sex"], ("f", "q")),
        lambda: public_use(small(), np.ones(6), ["colour"], np.random.default_rng(0)),
        lambda: apply(small(), [suggest(small(), k=2, tolerated=0.0)[0].__class__("q", (), True, 0, 0, 0.0)]),
    ],
)
def test_errors_name_the_place(call):
    with pytest.raises(MicrodataError) as caught:
        call()
    assert caught.value.code in {"no_keys", "unknown_level", "unknown_variable"}


def test_significant_digits():
    assert significant(np.array([0.0, 1234.5, 0.0987, -3.14159]), 2).tolist() == [0.0, 1200.0, 0.099, -3.1]
