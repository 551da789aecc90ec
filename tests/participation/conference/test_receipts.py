"""Receipts: six words, or six numbers."""

import pytest

from participation.conference import receipts

WHOLE = [0, 255, 17, 17, 3, 200]


def test_every_list_has_as_many_words_as_a_byte_has_values() -> None:
    for words in receipts.LISTS.values():
        assert len(set(map(str.casefold, words))) == len(words) == 256


def test_a_receipt_is_too_long_to_be_guessed() -> None:
    drawn = receipts.draw(lambda below: below - 1)
    assert drawn == [255] * 6
    assert receipts.WORDS ** len(drawn) == 2**48


@pytest.mark.parametrize("tag", ["de", "de-simple", "en", "ar"])
def test_shown_and_found_again(tag: str) -> None:
    for receipt in (WHOLE, [9, 8, 7, 6, 5, 4]):
        assert receipt in receipts.find(" ".join(receipts.shown(receipt, tag)))


def test_what_is_shown() -> None:
    assert receipts.shown(WHOLE, "ar") == ["1", "256", "18", "18", "4", "201"]
    assert receipts.shown([], "de") == []
    assert receipts.words("ar") == ()


def test_typed_as_people_type() -> None:
    words = receipts.shown(WHOLE, "de")
    for text in (" ".join(words).upper(), ", ".join(words), "-".join(words), "\n".join(words)):
        assert receipts.find(text) == [WHOLE]
    assert receipts.find("1 256 18 18 4 201") == [WHOLE]
    assert receipts.find("١ ٢٥٦ ١٨ ١٨ ٤ ٢٠١") == [WHOLE]


def test_words_that_stand_in_two_lists_mean_either() -> None:
    typed = ["April", "Atlas", "August", "Ball", "Band", "Bank"]
    found = receipts.find(" ".join(typed))
    assert len(found) == 2
    for receipt, tag in zip(found, ("de", "en"), strict=True):
        assert " ".join(receipts.shown(receipt, tag)).casefold() == " ".join(typed).casefold()


def test_what_is_no_receipt() -> None:
    for text in ("", "eins", "Adler Abend", "1 2 3 4 5", "0 5 5 5 5 5", "1 1 1 1 1 257", "1 2 3 4 5 6 7"):
        assert receipts.find(text) == []
    assert receipts.find("Abend Acker Adler Ahorn Alge nowhere") == []
    assert receipts.parse("12-255-0-1-2-3") == [12, 255, 0, 1, 2, 3]
    assert receipts.parse("12-255") == receipts.parse("12-256-0-1-2-3") == receipts.parse("x") == []
