from dataclasses import replace

import pytest

from analysis.breaks import (
    KINDS,
    Break,
    BreakInSeries,
    Bridge,
    Fielding,
    breaks,
    compare,
    digest,
    listed,
    require,
    segments,
    unbridged,
)
from analysis.errors import EstimateError

WORDING = digest({"de": "Wie zufrieden sind Sie?", "en": "How satisfied are you?"})
FIRST = Fielding("2020", WORDING, digest(["0", "10"]), "web", "register", frozenset({"de", "en"}), "18+")
REASON = "A split ballot in 2023 found no difference between the two wordings."


def later(**changes: object) -> Fielding:
    return replace(FIRST, wave="2024", **changes)  # type: ignore[arg-type]


def test_the_same_fielding_is_no_break() -> None:
    assert compare(FIRST, later()) is None
    assert require([FIRST, later()]) == ()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("wording", digest({"de": "Wie zufrieden sind Sie heute?"})),
        ("scale", digest(["1", "5"])),
        ("mode", "web and paper"),
        ("frame", "open call"),
        ("languages", frozenset({"de", "en", "ar"})),
        ("population", "16+"),
    ],
)
def test_every_kind_of_change_is_a_break_that_is_named(kind: str, value: object) -> None:
    found = compare(FIRST, later(**{kind: value}))
    assert found is not None
    assert found.kinds == (kind,)
    with pytest.raises(BreakInSeries, match=f"2020 - 2024: {kind} ") as caught:
        require([FIRST, later(**{kind: value})])
    assert caught.value.breaks == (found,)
    assert caught.value.code == "break_in_series"


def test_the_kinds_tested_are_all_kinds() -> None:
    assert KINDS == ("wording", "scale", "mode", "frame", "languages", "population")


def test_unknown_is_never_the_same() -> None:
    nothing = Fielding("2016", "", "", "", "", frozenset(), "")
    found = compare(nothing, replace(nothing, wave="2020"))
    assert found is not None
    assert found.kinds == KINDS
    assert set(found.details) == {("unknown", "unknown")}


def test_a_stated_reason_bridges_the_kinds_that_it_names_and_is_printed() -> None:
    changed = later(wording="other", mode="paper")
    partial = Bridge("2020", "2024", ("wording",), REASON, "analyst")
    assert unbridged(breaks([FIRST, changed]), [partial]) == breaks([FIRST, changed])
    with pytest.raises(BreakInSeries, match="state a reason"):
        require([FIRST, changed], [partial])
    whole = replace(partial, kinds=("wording", "mode"))
    notes = require([FIRST, changed], [whole])
    assert notes == (f"2020 - 2024 compared in spite of a change of wording, mode: {REASON} (analyst)",)


def test_two_reasons_together_cover_a_break() -> None:
    changed = later(wording="other", mode="paper")
    bridges = [Bridge("2020", "2024", (k,), REASON, "analyst") for k in ("wording", "mode")]
    assert len(require([FIRST, changed], bridges)) == 2


def test_a_reason_for_waves_without_a_break_is_not_printed() -> None:
    assert require([FIRST, later()], [Bridge("2020", "2024", ("mode",), REASON, "analyst")]) == ()


def test_lines_are_drawn_within_runs_only() -> None:
    cut = Break("2020", "2024", ("mode",), (("web", "paper"),))
    assert segments(["2016", "2020", "2024"], [cut]) == (("2016", "2020"), ("2024",))
    assert segments(["2016", "2020"], []) == (("2016", "2020"),)
    assert segments([], []) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": "too short"}, "state it in a sentence"),
        ({"stated_by": " "}, "needs the name or role"),
        ({"kinds": ("colour",)}, "colour is no kind of break"),
        ({"kinds": ()}, "Nothing is no kind of break"),
    ],
)
def test_reasons_must_say_something(changes: dict[str, object], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        replace(Bridge("2020", "2024", ("mode",), REASON, "analyst"), **changes)  # type: ignore[arg-type]


def test_digests_see_words_and_order_but_not_white_space() -> None:
    assert digest({"en": "A", "de": "B"}) == digest({"de": "B ", "en": "a"})
    assert digest({"en": "A"}) != digest({"en": "A", "de": "B"})
    assert digest(["no", "yes"]) != digest(["yes", "no"])
    assert len(WORDING) == 16


def test_fieldings_belong_to_waves_of_the_series() -> None:
    assert [f.wave for f in listed(["2016", "2020"], [FIRST])] == ["2016", "2020"]
    with pytest.raises(EstimateError, match="given for 2020, which is no wave"):
        listed(["2016"], [FIRST])
