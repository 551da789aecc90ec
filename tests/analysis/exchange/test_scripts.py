import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.columns import Column, as_column
from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimates import mean
from analysis.exchange.codebook import chunks_of, codebook
from analysis.exchange.flat import write_csv
from analysis.exchange.scripts import Recipe, python_script, r_script
from analysis.margins import Margin, Margins
from analysis.weighting import rake

ROOT = Path(__file__).resolve().parents[3]
MARGINS = {"sex": {"f": 5200.0, "m": 4800.0}, "age": {"old": 6000.0, "young": 4000.0}}


def has_r():
    rscript = shutil.which("Rscript")
    return (
        rscript is not None
        and subprocess.run([rscript, "-e", "library(survey)"], capture_output=True).returncode == 0
    )


@pytest.fixture
def exported(tmp_path):
    """A raked stratified sample, exported with its scripts; returns the folder and the true design."""
    rng = np.random.default_rng(9)
    n = 600
    data = {
        "key": as_column("key", rng.choice(["k1", "k2", "k3"], n).tolist()),
        "sex": as_column("sex", rng.choice(["f", "m"], n, p=[0.4, 0.6]).tolist()),
        "age": as_column("age", rng.choice(["old", "young"], n).tolist()),
        "trust": Column(
            "trust", "category", rng.integers(-1, 4, n), ("1", "2", "3", "4"), np.zeros(n, np.int8)
        ),
    }
    start = np.array([12.0, 17.0, 25.0])[data["key"].values]
    design = SurveyDesign.create({**data, "w": start}, weights="w", strata="key")
    raked = rake(design, Margins(tuple(Margin.from_counts(name, counts) for name, counts in MARGINS.items())))
    data["weight_design"] = Column("weight_design", "number", start)
    data["weight"] = Column("weight", "number", raked.weights)
    book = codebook("sealed", data)
    with (tmp_path / "data.csv").open("wb") as file:
        write_csv(file, book, chunks_of(data, 250))
    recipe = Recipe(
        data="data.csv",
        weight="weight",
        design_weight="weight_design",
        stratum="key",
        margins=MARGINS,
        items=["trust"],
        groups=["sex", "key"],
        factors={name: data[name].levels for name in ("key", "sex", "age", "trust")},
    )
    return tmp_path, raked, recipe


def figures(path):
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["group"], row["level"], row["category"]): (
            float(row["estimate"]),
            float(row["se"]),
            int(row["base"]),
        )
        for row in rows
    }


def truth(design):
    result = {}
    for group in ("", "sex", "key"):
        found = mean(design, "trust", by=group or None)
        for number, row in enumerate(found.rows):
            place = (group, row.get(group, ""), row["category"])
            result[place] = (found.estimate[number], found.se[number], int(found.base[number]))
    return result


def compare(found, expected):
    assert found.keys() == expected.keys()
    for place, numbers in expected.items():
        assert found[place] == pytest.approx(numbers, rel=1e-8)


def test_python_script_makes_the_same_book(exported):
    folder, design, recipe = exported
    (folder / "book.py").write_text(python_script(recipe), encoding="utf-8")
    subprocess.run(
        [sys.executable, "book.py"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    compare(figures(folder / "book-from-python.csv"), truth(design))


@pytest.mark.slow
@pytest.mark.skipif(not has_r(), reason="R with the package survey is not installed")
def test_r_script_makes_the_same_book(exported):
    """Estimates, standard errors and bases to 1e-8, raking done again by R."""
    folder, design, recipe = exported
    (folder / "book.R").write_text(r_script(recipe), encoding="utf-8")
    subprocess.run(["Rscript", "book.R"], cwd=folder, check=True, capture_output=True)
    compare(figures(folder / "book-from-r.csv"), truth(design))


def test_script_without_margins_takes_the_final_weights(exported):
    _, _, recipe = exported
    plain = Recipe(data=recipe.data, weight="weight", design_weight="weight_design", items=["trust"])
    assert "weights = ~`weight`" in r_script(plain)
    assert "rake(" not in r_script(plain)


def test_hostile_names_cannot_break_out():
    recipe = Recipe(data='x"; system("rm"); "', weight="w`; q()", design_weight="w")
    with pytest.raises(AnalysisError):
        r_script(recipe)
    fine = Recipe(data='x"); system("true', weight="w", design_weight="w")
    assert 'read.csv("x\\"); system(\\"true"' in r_script(fine)
