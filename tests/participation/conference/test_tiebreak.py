"""Ties are broken openly, step by step."""

import hashlib

from participation.conference.ballots import Ballot, Option, Profile
from participation.conference.tiebreak import Place, lot, resolve

OPTIONS = tuple(Option(n) for n in "abc")


def _resolve(*ballots: Ballot, classes: list[list[str]] | None = None) -> list[Place]:
    return resolve(classes or [["a", "b", "c"]], Profile("ranking", OPTIONS, ballots), "last", "seed")


def test_head_to_head_comes_first() -> None:
    """b beats a and c; then c and a are decided between themselves."""
    found = _resolve(Ballot(3, ((1,), (2,), (0,))))
    assert found == [Place("b", "head_to_head"), Place("c", "head_to_head"), Place("a", "rule")]


def test_then_first_ranks_then_the_lot() -> None:
    """A cycle: nobody beats all; the most first votes decide, then equal ones by lot."""
    cycle = (Ballot(3, ((0,), (1,), (2,))), Ballot(2, ((1,), (2,), (0,))), Ballot(2, ((2,), (0,), (1,))))
    assert _resolve(*cycle)[0] == Place("a", "first_ranks")
    even = tuple(Ballot(1, b.ranking) for b in cycle)
    assert _resolve(*even)[0] == Place(lot("seed", "abc")[0], "lot")


def test_the_lot_can_be_repeated_by_hand() -> None:
    digests = {name: hashlib.sha256(f"s/{name}".encode()).hexdigest() for name in "abc"}
    assert lot("s", "cab") == sorted("abc", key=digests.__getitem__)


def test_ballots_without_ranks_go_straight_to_the_lot() -> None:
    profile = Profile("approval", OPTIONS, (Ballot(1, (), ((0, 1), (1, 1))),))
    found = resolve([["a", "b"], ["c"]], profile, "last", "x")
    assert [place.step for place in found] == ["lot", "rule", "rule"]
    assert [place.option for place in found[:2]] == lot("x", "ab")
