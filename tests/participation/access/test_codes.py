"""Access codes: what people type, and which group is named when it is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from participation.access import codes

CODE = codes.AccessCode("CQPHN614P4Y2P2RSZHQSGB8FG")


def fault(typed):
    with pytest.raises(codes.CodeError) as caught:
        codes.read_code(typed)
    return caught.value.fault, caught.value.group


def test_a_code_prints_in_groups_and_reads_back():
    assert str(CODE) == "CQPHN-614P4-Y2P2R-SZHQS-GB8FG"
    assert codes.read_code(str(CODE)) == CODE
    assert CODE.mark == "CQPHN"


@pytest.mark.parametrize(
    "typed",
    [
        "cqphn 614p4 y2p2r szhqs gb8fg",
        "  cqphn614p4y2p2rszhqsgb8fg ",
        "CQPHN–6L4P4–Y2P2R–SZHQS–GB8FG",
        "CQPHN-6I4P4-Y2P2R-SZHQS-GB8FG",
        "СQРНN-614Р4-У2Р2R-SZНQS-GВ8FG",  # Cyrillic letters that look the same
        "CQPHN-٦١٤P٤-Y٢P٢R-SZHQS-GB٨FG",
        "CQPHN-۶۱۴P۴-Y۲P۲R-SZHQS-GB۸FG",
        "ＣＱＰＨＮ-６１４Ｐ４-Ｙ２Ｐ２Ｒ-ＳＺＨＱＳ-ＧＢ８ＦＧ",
        "CQ-PHN-614P4-Y2P2R-SZHQS-GB8FG",
    ],
)
def test_spaces_case_and_look_alikes_are_forgiven(typed):
    assert codes.read_code(typed) == CODE


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ("empty", 0)),
        ("- –", ("empty", 0)),
        ("CQPHN-614P4-Y2P2X-SZHQS-GB8FG", ("check", 3)),
        ("CQPHN-614P4-Y2P2R-SZHSQ-GB8FG", ("check", 4)),
        ("CQPHN-Y2P2R-614P4-SZHQS-GB8FG", ("check", 2)),
        ("CQPHN-614P-Y2P2R-SZHQS-GB8FG", ("length", 2)),
        ("CQPHN-614P4-Y2P2R-SZHQS-GB8FG7", ("length", 5)),
        ("CQPHN614P4Y2P2RSZHQS", ("length", 5)),
        ("CQPHN614P4Y2P2RSZHQSGB8FG7", ("length", 5)),
        ("CQPHN-6?4P4-Y2P2R-SZHQS-GB8FG", ("check", 2)),
        ("CQPHN-6ß4P4-Y2P2R-SZHQS-GB8FG", ("length", 2)),
        ("CQPHN-6Ж4P4-Y2P2R-SZHQS-GB8FG", ("character", 2)),
    ],
)
def test_the_group_that_is_wrong_is_named(typed, expected):
    assert fault(typed) == expected


def test_every_single_slip_and_every_swap_within_a_group_is_found_in_its_group():
    text = CODE.text
    for place in range(25):
        for letter in codes.ALPHABET:
            if letter != text[place]:
                assert fault(text[:place] + letter + text[place + 1 :]) == ("check", place // 5 + 1)
        if place % 5 < 4 and text[place] != text[place + 1]:
            swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
            assert fault(swapped) == ("check", place // 5 + 1)


@settings(max_examples=50)
@given(st.integers(min_value=0, max_value=2**32))
def test_fresh_codes_read_back_under_their_mark(seed):
    import random

    below = random.Random(seed).randrange
    mark = codes.new_mark(frozenset(), below)
    code = codes.new_code(mark, below)
    assert codes.read_code(str(code).lower()) == code
    assert code.mark == mark


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_a_code_or_a_named_fault(typed):
    try:
        found = ("code", len(codes.read_code(typed).text))
    except codes.CodeError as error:
        found = (error.fault, error.group)
    assert found == ("code", 25) or (
        found[0] in {"empty", "length", "character", "check"} and 0 <= found[1] <= 5
    )


def test_a_taken_mark_is_not_drawn_again():
    draws = iter([0, 0, 0, 0, 0, 0, 0, 1])
    taken = {"0000" + codes.check_character("0000", 0)}
    assert codes.new_mark(taken, lambda _n: next(draws)) == "0001" + codes.check_character("0001", 0)


def test_digests_need_the_key_and_codes_stay_out_of_repr():
    one, two = codes.digest_key("one secret"), codes.digest_key("another secret")
    assert codes.digest(CODE, one) != codes.digest(CODE, two)
    assert codes.digest(CODE, one) == codes.digest(codes.read_code(str(CODE)), one)
    assert "614P4" not in repr(CODE)
    assert "614P" not in str(codes.CodeError("check", 2))


def test_what_was_meant_as_a_code_is_told_from_names_and_numbers() -> None:
    meant = ["7K2QX-8M4TR-Z0V3H-5B9NC-1D6FG", "7K2QX8M4TRZ0V3H5B9NC1D6FG", "7k2qx 8m4tr z0v3 5b9nc 1d6fg"]
    others = ["", "R7", "Person 011", "Karl-Liebknecht-Straße 1234", "0815-4711-0815-4711"]
    others.append("Anna Maria von der Heidestadt")
    assert [codes.looks_like_code(typed) for typed in meant] == [True, True, True]
    assert [codes.looks_like_code(typed) for typed in others] == [False] * len(others)
