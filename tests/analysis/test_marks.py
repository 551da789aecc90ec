import numpy as np
import pytest

from analysis.marks import (
    Mark,
    PrecisionRules,
    RulesError,
    choose,
    decimals,
    public_base,
    public_percent,
    public_total,
    round_half_away,
    show,
)

RULES = PrecisionRules()


def test_default_thresholds():
    assert choose([0, 1, 19, 20, 49, 50, 500], RULES).tolist() == ["-", ".", ".", "()", "()", "", ""]


def test_sensitive_items_need_more_people_and_are_never_crossed_by_place():
    assert choose([20, 49, 50, 99, 100], RULES, sensitive=True).tolist() == [".", ".", "()", "()", ""]
    crossed = choose([0, 1, 5000], RULES, sensitive=True, crossed_by_place=True)
    assert crossed.tolist() == ["-", ".", "."]


def test_precision_brackets():
    assert choose([100, 100], RULES, effective=[15, 60]).tolist() == ["()", ""]
    assert choose([100, 100], RULES, width=[31, 29]).tolist() == ["()", ""]
    assert choose([100], RULES, degrees=3).tolist() == ["()"]


def test_rounding_is_half_away_from_zero():
    assert round_half_away([2.5, -2.5, 0.285, 22.5], 1).tolist() == [3.0, -3.0, 0.0, 23.0]
    assert round_half_away(0.285, 0.01) == pytest.approx(0.29)
    assert public_base([17, 18, 22, 23, 0], RULES).tolist() == [15, 20, 20, 25, 0]


def test_totals_are_rounded_to_ten_and_blocked():
    result = public_total([1234.9, 88.0], [60, 12], RULES)
    assert result[0] == 1230
    assert np.isnan(result[1])


def test_percentages():
    assert decimals([99, 100], RULES).tolist() == [0, 1]
    assert public_percent(37.46, "", 150, RULES) == (37.5, Mark.PLAIN)
    assert public_percent(37.46, "()", 60, RULES) == (37.0, Mark.UNCERTAIN)
    assert public_percent(0.03, "", 500, RULES) == (0.0, Mark.ZERO)
    assert public_percent(37.0, ".", 3, RULES) == (None, Mark.TOO_FEW)
    assert public_percent(float("nan"), "", 300, RULES) == (None, Mark.NOT_MEANINGFUL)


def test_shown_text():
    texts = [show("37", mark) for mark in Mark]
    assert texts == ["37", ".", "(37)", "0", "-", "37 r", "x"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"colour": 3}, "colour"),
        ({"hide_below": "many"}, "hide_below"),
        ({"hide_below": True}, "hide_below"),
        ({"hide_below": -1}, "hide_below"),
        ({"hide_below": 60}, "bracket_below"),
        ({"sensitive_hide_below": 3}, "sensitive_hide_below"),
        ({"base_unit": 0}, "base_unit"),
    ],
)
def test_wrong_rules_name_the_entry(document, field):
    with pytest.raises(RulesError) as caught:
        PrecisionRules.from_dict(document)
    assert caught.value.place == field


def test_rules_from_a_plan():
    assert PrecisionRules.from_dict({"hide_below": 30}).hide_below == 30


def test_rules_that_protect_less_are_named():
    from dataclasses import asdict

    from analysis.marks import weaker

    assert weaker(asdict(PrecisionRules())) == []
    assert weaker(asdict(PrecisionRules(hide_below=5, base_unit=1, bracket_below=80))) == [
        ("hide_below", 5, 20),
        ("base_unit", 1, 5),
    ]
