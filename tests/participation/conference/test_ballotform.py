"""Single ballots: what is kept, and every reason why one is not."""

from typing import Any

import pytest

from participation.conference import ballotform
from participation.conference.ballotform import BallotError

OPTIONS = [{"id": name, "cost": cost} for name, cost in (("a", 40), ("b", 70), ("c", 20))]
ROUND: dict[str, Any] = {
    "options": OPTIONS,
    "version": 103,
    "places": 2,
    "dots": 5,
    "per_option": 3,
    "budget": 100,
}


def _round(method: str, **more: Any) -> dict[str, Any]:
    return {**ROUND, "method": method, "top": 10, **more}


@pytest.mark.parametrize(
    ("method", "sent", "codes"),
    [
        ("ranking", {"ranking": [["a"], ["b"], ["c"]]}, ["too_many_places"]),
        ("ranking", {"ranking": [["a"], ["a"]]}, ["option_twice"]),
        ("ranking", {"ranking": [["x"]], "version": 1}, ["reworded", "option_unknown"]),
        ("ranking", {"ranking": ["a"]}, ["malformed"]),
        ("ranking", {}, ["malformed"]),
        ("ranking", {"ranking": [], "receipt": [1, 2, 3, 4, 5, 999]}, ["malformed"]),
        ("ranking", {"ranking": [], "receipt": [1, 2]}, ["malformed"]),
        ("dots", {"dots": {"a": 4, "b": 2}}, ["too_many_dots", "too_many_on_one"]),
        ("dots", {"dots": {"a": -1}}, ["out_of_range"]),
        ("dots", {"dots": {"a": True}}, ["malformed"]),
        ("score", {"score": {"a": 11}}, ["out_of_range"]),
        ("consensing", {"resistance": {"z": 1}}, ["option_unknown"]),
        ("approval", {"approve": "a"}, ["malformed"]),
        ("budget", {"approve": ["a", "b"]}, ["over_budget"]),
        ("pairwise", {"pairs": [["a"]]}, ["malformed"]),
        ("pairwise", {"pairs": [["a", "a"]]}, ["option_twice"]),
        ("pairwise", {"pairs": None}, ["malformed"]),
    ],
)
def test_faults(method: str, sent: Any, codes: list[str]) -> None:
    with pytest.raises(BallotError) as caught:
        ballotform.check(_round(method), sent)
    assert [fault.code for fault in caught.value.faults] == codes


def test_only_ballot_and_receipt_are_kept() -> None:
    sent = {"ranking": [["b", "a"], []], "receipt": [0, 255, 1, 2, 3, 4], "name": "somebody", "version": 103}
    kept = {"ranking": [["b", "a"]], "receipt": [0, 255, 1, 2, 3, 4]}
    assert ballotform.check(_round("ranking"), sent) == kept
    assert ballotform.check(_round("dots"), {"dots": {"a": 0, "b": 2}}) == {"dots": {"b": 2}, "receipt": []}


def test_the_plain_form_says_the_same() -> None:
    ranks = {"o-a": "2", "o-b": "2", "o-c": "1", "version": "103"}
    assert ballotform.from_fields(_round("ranking"), ranks) == {
        "version": 103,
        "ranking": [["c"], ["a", "b"]],
    }
    assert ballotform.from_fields(_round("score"), {"o-a": "7"})["score"] == {"a": 7}
    assert ballotform.from_fields(_round("budget"), {"o-c": "1"})["approve"] == ["c"]
    pairs = {"pair-a-b": "b|a", "pair-x": "nothing", "other": "a|b"}
    assert ballotform.from_fields(_round("pairwise"), pairs)["pairs"] == [["b", "a"]]
    with pytest.raises(BallotError) as caught:
        ballotform.from_fields(_round("dots"), {"o-a": "many"})
    assert caught.value.faults[0].code == "no_number"


def test_ballots_become_a_profile() -> None:
    pairs = [{"pairs": [["a", "b"], ["c", "a"]], "group": "g1", "mode": "phone", "receipt": []}]
    profile = ballotform.profile(_round("pairwise", seats=2), pairs)
    assert (profile.kind, profile.total, profile.seats) == ("pairwise", 2, 2)
    budget = ballotform.profile(_round("budget"), [{"approve": ["a"], "receipt": []}])
    assert (budget.costs, budget.budget) == ((40, 70, 20), 100)
