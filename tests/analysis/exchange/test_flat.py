import csv
import io
import json

import numpy as np
import openpyxl
import polars as pl
import pytest

from analysis.exchange.codebook import ExportError, chunks_of
from analysis.exchange.flat import FORMULA, describe, harmless, write_csv, write_parquet, write_xlsx


@pytest.mark.parametrize("start", FORMULA)
def test_formulas_are_closed(start):
    assert harmless(start + "cmd|' /C calc'!A0") == "'" + start + "cmd|' /C calc'!A0"
    assert harmless("plain") == "plain"


def test_csv_holds_codes_and_reasons(columns, book):
    file = io.BytesIO()
    assert write_csv(file, book, chunks_of(columns, 200)) == 700
    data = file.getvalue()
    assert data.startswith(b"\xef\xbb\xbfsex,help.work,help.home,age\r\n")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) == 700
    assert {row["sex"] for row in rows} == {
        "f",
        "m",
        "'=1+1",
        "",
        "not_asked",
        "not_in_variant",
        "dont_know",
        "refused",
        "no_answer",
    }
    ages = [float(row["age"]) if row["age"] else np.nan for row in rows]
    assert np.array_equal(ages, columns["age"].values, equal_nan=True)


def test_csv_with_labels_in_arabic(columns, book):
    file = io.BytesIO()
    seen = []
    write_csv(file, book, chunks_of(columns, 350), language="ar", progress=seen.append)
    assert seen == [350, 700]
    assert "امرأة" in file.getvalue().decode()


def test_parquet_round_trip(columns, book, tmp_path):
    path = tmp_path / "data.parquet"
    write_parquet(path, book, chunks_of(columns, 100))
    frame = pl.read_parquet(path)
    assert frame.columns == ["sex", "help.work", "help.home", "age", "age__missing"]
    assert frame["age__missing"].drop_nulls().unique().to_list() == ["refused"]
    assert json.loads(pl.read_parquet_metadata(path)["codebook"]) == json.loads(json.dumps(describe(book)))


def test_workbook_has_a_right_to_left_sheet_and_no_formula(columns, book, tmp_path):
    path = tmp_path / "data.xlsx"
    assert write_xlsx(path, book, chunks_of(columns, 300), languages=("en", "ar")) == 700
    workbook = openpyxl.load_workbook(path)
    assert workbook.sheetnames == ["data", "codebook en", "codebook ar"]
    assert [bool(sheet.sheet_view.rightToLeft) for sheet in workbook] == [False, False, True]
    kinds = {cell.data_type for sheet in workbook for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert workbook["data"].max_row == 701


def test_empty_data_still_makes_a_workbook(book, tmp_path):
    path = tmp_path / "empty.xlsx"
    assert write_xlsx(path, book, iter(())) == 0
    assert openpyxl.load_workbook(path)["data"].max_row == 1


def test_a_missing_column_is_named(columns, book):
    del columns["age"]
    with pytest.raises(ExportError) as caught:
        write_csv(io.BytesIO(), book, [columns])
    assert caught.value.place == "age"
