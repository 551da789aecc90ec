"""Receipts: two words, or two numbers."""

from participation.conference import receipts


def test_every_list_has_as_many_words_as_a_byte_has_values() -> None:
    for words in receipts.LISTS.values():
        assert len(set(map(str.casefold, words))) == len(words) == 256


def test_shown_and_found_again() -> None:
    for tag in ("de", "de-simple", "en", "ar"):
        for pair in ([0, 255], [17, 17]):
            assert receipts.find(receipts.shown(pair, tag)) == pair
    assert receipts.shown([0, 255], "ar") == "1 256"
    assert receipts.shown([], "de") == ""
    assert receipts.words("ar") == ()


def test_what_is_no_receipt() -> None:
    for text in ("", "eins", "Adler nowhere", "0 5", "1 257", "a b c"):
        assert receipts.find(text) == []
    assert receipts.parse("12-255") == [12, 255]
    assert receipts.parse("12-256") == receipts.parse("x") == []
    assert receipts.draw(lambda below: below - 1) == [255, 255]
