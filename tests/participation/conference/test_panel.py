"""The method panel: what the rules say together."""

from pathlib import Path
from typing import Any

from participation.conference import ballotfiles, report
from participation.conference.ballots import Ballot, Option, Profile
from participation.conference.panel import panel, top_of


def _panel(profile: Profile, k: int = 2) -> dict[str, Any]:
    found = panel(report.tally(profile, replicates=200), k=k)
    return {finding.code: dict(finding.params) for finding in found.findings}


def _example(reference: Path, name: str) -> Profile:
    return ballotfiles.read((reference / f"ballots/ranked/{name}.json").read_text(), f"{name}.json")


def test_tennessee_has_three_honest_winners(reference: Path) -> None:
    found = panel(report.tally(_example(reference, "ex-tennessee"), replicates=0), k=1)
    firsts = {line.rule: line.first for line in found.lines}
    assert (firsts["borda"], firsts["irv"], firsts["plurality"]) == (("N",), ("K",), ("M",))
    assert [f.code for f in found.findings if f.code.startswith("first")] == ["first_differs"] * 3


def test_a_cycle_is_named(reference: Path) -> None:
    codes = _panel(_example(reference, "ex-cycle"))
    assert codes["no_condorcet_at_all"] == {"options": ("a", "b", "c")}
    assert codes["all_tied"] == {"rule": "borda"}
    assert codes["many_orders"] == {"orders": 3}
    assert "agreement_weak" in codes


def test_agreement_of_all_rules() -> None:
    options = tuple(Option(n) for n in "abc")
    codes = _panel(Profile("ranking", options, (Ballot(40, ((0,), (1,), (2,))),)))
    assert codes["first_same"]["options"] == ("a",)
    assert codes["top_same"] == {"k": 2}
    assert codes["agreement_strong"] == {"w": 1.0}
    assert not {"close", "border_close", "edge"} & set(codes)


def test_a_close_border_is_said() -> None:
    options = tuple(Option(n) for n in "abc")
    ballots = (Ballot(20, ((0,), (1,), (2,))), Ballot(20, ((0,), (2,), (1,))))
    codes = _panel(Profile("ranking", options, ballots), k=2)
    assert codes["edge"] == {"k": 2, "options": ("b", "c")}
    assert codes["border_close"]["place"] == 2
    assert codes["agreement_strong"]


def test_neighbours_stand_as_in_the_order_that_people_see() -> None:
    options = tuple(Option(n) for n in "abc")
    ballots = (Ballot(20, ((0,), (1,), (2,))), Ballot(20, ((0,), (2,), (1,))))
    outcome = report.tally(Profile("ranking", options, ballots), replicates=200)
    found = panel(outcome, k=2, order=["a", "c", "b"]).findings
    assert [f.params["options"] for f in found if f.code == "border_close"] == [("c", "b")]


def test_dots_count_points_and_voters(reference: Path) -> None:
    options = tuple(Option(n) for n in "ab")
    dots = Profile("dots", options, (Ballot(1, (), ((0, 6),)), Ballot(4, (), ((1, 1),))))
    codes = _panel(dots, k=1)
    assert codes["first_differs"] == {"options": ("b",), "rules": ["voters"]}


def test_nothing_counted() -> None:
    empty = {"kind": "ranking", "rules": {}}
    assert [f.code for f in panel(empty, k=1).findings] == ["nothing_counted"]
    nobody = Profile("ranking", tuple(Option(n) for n in "abcdefgh"), ())
    assert list(_panel(nobody, k=3)) == ["nothing_counted"]


def test_complete_ties_are_said_once() -> None:
    options = tuple(Option(n) for n in "abcd")
    both = Profile(
        "ranking", options, (Ballot(5, ((0,), (1,), (2,), (3,))), Ballot(5, ((3,), (2,), (1,), (0,))))
    )
    codes = _panel(both, k=2)
    assert codes["all_tied"] == {"rule": "borda"}
    assert not {"no_condorcet", "no_condorcet_at_all", "condorcet", "many_orders"} & set(codes)


def test_several_first_options_of_one_rule_are_several() -> None:
    options = tuple(Option(n) for n in "abc")
    dots = Profile("dots", options, (Ballot(1, (), ((0, 6),)), Ballot(4, (), ((1, 1), (2, 1)))))
    codes = _panel(dots, k=2)
    assert codes["first_differs"] == {"options": ("a",), "rules": ["dots"]}
    assert codes["first_differs_tied"] == {"options": ("b", "c"), "rules": ["voters"]}


def test_one_rule_alone() -> None:
    options = (Option("a"), Option("b"))
    approval = Profile("approval", options, (Ballot(3, (), ((0, 1),)),))
    assert _panel(approval)["first"] == {"rule": "approval", "options": ("a",)}


def test_top_of_names_who_shares_the_last_place() -> None:
    assert top_of([["a"], ["b", "c"], ["d"]], 2) == (("a",), ("b", "c"))
    assert top_of([["a"], ["b", "c"], ["d"]], 3) == (("a", "b", "c"), ())
    assert top_of([["a"]], 3) == (("a",), ())
