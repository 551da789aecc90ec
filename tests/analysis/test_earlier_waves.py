import numpy as np
import pyreadstat
import pytest

from analysis import earlier_waves
from analysis.columns import MISSING
from analysis.earlier_waves import Description, import_wave
from analysis.errors import DataError, EstimateError

ABOUT = {
    "name": "2019",
    "weights": "gew",
    "strata": "bezirk",
    "mode": "telephone",
    "frame": "dialling",
    "languages": ["de"],
    "population_text": "adults",
    "dates": ["2019-03-01", "2019-05-01"],
    "variables": [
        {"column": "v1", "concept": "trust", "wording": {"de": "Vertrauen?"},
         "recode": {"1": "low", "2": "high"}, "missing": {"9": "refused", "8": "dont_know"}},
        {"column": "v2", "concept": "life", "missing": {"99": "no_answer"}},
        {"column": "v3", "concept": "sex"},
    ],
}  # fmt: skip
CSV = "v1;v2;v3;gew;bezirk\n1;7;f;1.5;A\n2;99;m;0.5;A\n9;3;f;1.0;B\n8;NA;;1.0;B\n"


def about(**more: object) -> Description:
    return Description.from_dict({**ABOUT, **more})


def test_a_csv_file_becomes_a_wave() -> None:
    made = import_wave(CSV.encode(), about())
    trust = made.column_of("trust")
    assert (trust.levels, trust.values.tolist()) == (("low", "high"), [0, 1, -1, -1])
    assert [MISSING[i] for i in trust.missing] == ["", "", "refused", "dont_know"]
    assert np.array_equal(made.data["v2"].values, [7, np.nan, 3, np.nan], equal_nan=True)
    assert made.data["v3"].levels == ("f", "m")
    assert made.fieldings["v1"].mode == "telephone"
    assert made.fieldings["v2"].wording == ""
    assert made.dates == ("2019-03-01", "2019-05-01")
    design = made.design()
    assert (design.base, design.df, design.wave) == (4, 2, "2019")


def test_weights_that_add_up_to_cases_are_made_persons() -> None:
    made = import_wave(CSV.encode(), about(population=80_000))
    assert made.design().weights.sum() == pytest.approx(80_000)
    plain = import_wave(CSV.encode(), about(weights="", population=400))
    assert plain.design().weights.tolist() == [100.0] * 4


def test_decimal_commas() -> None:
    made = import_wave(CSV.replace("1.5", "1,5").replace("0.5", "0,5").encode(), about(decimal=","))
    assert made.data["gew"].values[:2].tolist() == [1.5, 0.5]


def test_an_spss_file_becomes_the_same_wave(tmp_path) -> None:
    file = tmp_path / "wave.sav"
    import polars

    frame = polars.DataFrame({"v1": [1.0, 2.0, 9.0], "v3": [1.0, 2.0, None], "gew": [1.5, 0.5, 1.0]})
    pyreadstat.write_sav(frame, str(file), variable_value_labels={"v3": {1.0: "f", 2.0: "m", 3.0: "d"}})
    variables = [ABOUT["variables"][0], {"column": "v3", "concept": "sex"}]
    made = import_wave(file, about(variables=variables, strata=""))
    assert made.column_of("trust").values.tolist() == [0, 1, -1]
    assert made.column_of("sex").levels == ("f", "m", "d")
    again = import_wave(file.read_bytes(), about(variables=variables, strata=""), kind="sav")
    assert again.column_of("sex").values.tolist() == [0, 1, -1]
    with pytest.raises(DataError) as caught:
        import_wave(b"no spss file", about(), kind="sav")
    assert caught.value.code == "not_sav"


@pytest.mark.parametrize(
    ("content", "more", "code"),
    [
        (CSV, {"weights": "weight"}, "no_such_column"),
        (CSV.replace("1.5", ""), {}, "missing_weight"),
        (CSV.replace("2;99", "3;99"), {}, "not_recoded"),
        (CSV, {"variables": [{"column": "v1", "missing": {"9": "lost"}}]}, "unknown_missing_code"),
        (CSV.replace("v2;v3", "v2;v2"), {}, "column_twice"),
        (CSV + "1;2\n", {}, "row_length"),
        ("v1;v2\n", {}, "empty_file"),
        (CSV.replace("1.5", "0").replace("0.5", "0").replace("1.0", "0"), {"population": 10}, "zero_weights"),
    ],
)
def test_files_that_cannot_be_read_are_named(content: str, more: dict, code: str) -> None:
    with pytest.raises(DataError) as caught:
        import_wave(content.encode(), about(**more))
    assert caught.value.code == code


def test_other_encodings_and_kinds() -> None:
    for source, kind, code in (
        (CSV.replace("f", "ü").encode("latin-1"), "", "not_utf8"),
        (b"", "ods", "file_kind"),
    ):
        with pytest.raises(DataError) as caught:
            import_wave(source, about(), kind=kind)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("document", "code"),
    [({**ABOUT, "weight": "gew"}, "unknown_setting"), ({"name": "x"}, "setting_needed")],
)
def test_descriptions_are_checked(document: dict, code: str) -> None:
    with pytest.raises(DataError) as caught:
        Description.from_dict(document)
    assert caught.value.code == code


def test_published_aggregates() -> None:
    rows = [
        {"concept": "trust", "category": "high", "estimate": 0.42, "n": 800},
        {"concept": "trust", "category": "low", "estimate": 0.58, "n": "800", "low": 0.54, "high": 0.62},
        {"concept": "life", "category": "mean", "estimate": 6.7, "n": 800, "kind": "mean", "sd": 2.1},
    ]
    made = earlier_waves.published_aggregates("2019", 2019.0, rows)
    assert made["trust", "high"].se == pytest.approx(np.sqrt(0.42 * 0.58 / 800))
    assert made["trust", "low"].se == pytest.approx(0.04 / 1.959963984540054)
    assert made["life", "mean"].se == pytest.approx(2.1 / np.sqrt(800))


@pytest.mark.parametrize(
    ("row", "error", "code"),
    [
        ({"concept": "a", "category": "b", "estimate": 0.4}, DataError, "aggregate_incomplete"),
        ({"concept": "a", "category": "b", "estimate": 37, "n": 9}, DataError, "not_a_share"),
        ({"concept": "t", "category": "h", "estimate": 0.4, "n": 9}, DataError, "aggregate_twice"),
        ({"concept": "a", "category": "b", "estimate": 0.4, "n": 0}, EstimateError, "bad_n"),
    ],
)
def test_aggregates_that_cannot_be_used(row: dict, error: type, code: str) -> None:
    first = {"concept": "t", "category": "h", "estimate": 0.5, "n": 10}
    with pytest.raises(error) as caught:
        earlier_waves.published_aggregates("2019", 2019.0, [first, row])
    assert caught.value.code == code
