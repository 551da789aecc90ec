import shutil
import subprocess

import numpy as np
import pyreadstat
import pytest

from analysis.exchange.codebook import chunks_of, with_missing_numbers
from analysis.exchange.packages import multiple_response_syntax, write_dta, write_sav


@pytest.fixture
def sav(columns, book, tmp_path):
    path = tmp_path / "data.sav"
    return path, write_sav(path, book, chunks_of(columns, 333), language="ar")


def test_sav_round_trip_with_arabic_labels(columns, book, sav):
    path, written = sav
    assert written.rows == 700
    assert [(cut.place, cut.language) for cut in written.cuts] == [("sex", "ar")]
    assert len(written.cuts[0].written.encode()) <= 256
    frame, meta = pyreadstat.read_sav(str(path), output_format="polars", user_missing=True)
    for variable in book.variables:
        name = written.names[variable.name]
        expected = with_missing_numbers(variable, columns[variable.name])
        assert np.array_equal(frame[name].to_numpy(), expected, equal_nan=True)
    assert meta.variable_value_labels["sex"][1.0] == "امرأة"
    assert meta.column_names_to_labels["help_work"] == "مساعدة في العمل"
    assert meta.missing_ranges["sex"] == [{"lo": -5.0, "hi": -1.0}]
    assert meta.number_rows == 700


@pytest.mark.skipif(shutil.which("pspp") is None, reason="pspp is not installed")
def test_pspp_reads_the_file(columns, sav, tmp_path):
    path, _ = sav
    syntax = tmp_path / "read.sps"
    syntax.write_text(
        f"GET FILE='{path}'.\nFREQUENCIES sex /FORMAT=NOTABLE /STATISTICS=NONE.\nDESCRIPTIVES age.\n"
    )
    out = tmp_path / "out.txt"
    subprocess.run(["pspp", "-o", str(out), "-O", "format=csv", str(syntax)], check=True, capture_output=True)
    text = out.read_text(encoding="utf-8")
    valid = int(np.sum(~np.isnan(columns["age"].values)))
    line = next(line for line in text.splitlines() if line.startswith("age,"))
    assert line.split(",")[1] == str(valid)


def test_dta_round_trip(columns, book, tmp_path):
    path = tmp_path / "data.dta"
    written = write_dta(path, book, chunks_of(columns, 250), language="ar")
    frame, meta = pyreadstat.read_dta(str(path), output_format="polars", user_missing=True)
    assert frame.shape == (700, 4)
    letters = {value for value in frame["sex"].to_list() if isinstance(value, str)}
    assert letters == {"a", "b", "c", "d", "e"}
    plain, _ = pyreadstat.read_dta(str(path), output_format="polars")
    assert np.array_equal(plain["age"].to_numpy(), columns["age"].values, equal_nan=True)
    assert meta.variable_value_labels["sex"][2] == "رجل"
    assert [len(cut.written) for cut in written.cuts] == [80]


def test_multiple_response_syntax(book, sav):
    syntax = multiple_response_syntax(book, sav[1].names)
    assert "NAME=$help LABEL='Where help was needed'" in syntax
    assert "VARIABLES=help_work help_home VALUE=1" in syntax


def test_no_sets_no_syntax(book, sav):
    from dataclasses import replace

    assert multiple_response_syntax(replace(book, sets={}), sav[1].names) == ""
