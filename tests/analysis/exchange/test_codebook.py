import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.columns import Column
from analysis.exchange.codebook import (
    ExportError,
    chunks_of,
    cut_bytes,
    cut_characters,
    numbers_for,
    numeric,
    safe_names,
    with_missing_numbers,
)


def test_numbers_of_categories():
    assert numbers_for(("0", "1", "10")) == (0, 1, 10)
    assert numbers_for(("f", "m")) == (1, 2)
    assert numbers_for(("01", "1")) == (1, 2)


@given(st.text(min_size=1, max_size=200), st.integers(8, 80))
def test_cut_text_fits_and_is_valid(text, limit):
    text = text.encode(errors="ignore").decode()
    short = cut_bytes(text, limit)
    assert len(short.encode()) <= limit
    assert short == text or short.endswith("…")
    assert len(cut_characters(text, limit)) <= limit


def test_cut_never_parts_a_letter_from_its_marks():
    text = "مُحَمَّدٌ" * 10
    for limit in range(10, 60):
        short = cut_bytes(text, limit).removesuffix("…")
        follows = text[len(short)] if len(short) < len(text) else ""
        assert not "\u064b" <= follows <= "\u065f"


def test_safe_names_are_unique_and_short():
    names = safe_names(["q 1", "q-1", "Q.1", "1st", "حي", "x" * 90], 32)
    assert len({name.lower() for name in names.values()}) == 6
    assert all(name.isascii() and name[0].isalpha() and len(name) <= 32 for name in names.values())


def test_missing_reasons_become_numbers(columns, book):
    values = with_missing_numbers(book.variables[0], columns["sex"])
    assert sorted(set(values[:60][~np.isnan(values[:60])])) == [-5, -4, -3, -2, -1]
    assert int(np.isnan(values).sum()) == 10


def test_parts_cover_everything(columns):
    sizes = [len(part["sex"]) for part in chunks_of(columns, 300)]
    assert sizes == [300, 300, 100]


def test_columns_must_stay_what_they_are(columns, book):
    with pytest.raises(ExportError) as caught:
        numeric(book.variables[0], columns["age"])
    assert caught.value.code == "kind_changed"
    with pytest.raises(ExportError) as caught:
        numeric(book.variables[0], Column("sex", "category", np.array([0]), ("x",)))
    assert caught.value.code == "levels_changed"


def test_texts_fall_back(book):
    assert book.text({"de": "nur deutsch"}, "ar") == "nur deutsch"
    assert book.text({}, "ar") == ""
