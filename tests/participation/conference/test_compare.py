"""Comparing rounds and conferences."""

import numpy as np

from participation.conference.ballots import Ballot, Option, Profile
from participation.conference.compare import Link, check_mapping, compare, restricted, same_ids


def _profile(names: str, *ballots: tuple[int, str]) -> Profile:
    rows = (Ballot(n, tuple((names.index(c),) for c in order)) for n, order in ballots)
    return Profile("ranking", tuple(Option(n) for n in names), tuple(rows))


def test_options_of_one_list_only_are_gaps() -> None:
    earlier, later = _profile("abc", (30, "abc")), _profile("bcd", (30, "dcb"))
    links = same_ids(earlier.ids, later.ids)
    shifts = compare(earlier, later, links, "last", rng=np.random.default_rng(1), replicates=100)
    found = {s.link.earlier + s.link.later: (s.rank_then, s.rank_now, s.moved, s.low, s.high) for s in shifts}
    assert found == {
        ("b", "b"): (1, 2, 1, 1, 1),
        ("c", "c"): (2, 1, -1, -1, -1),
        ("a",): (None,) * 5,
        ("d",): (None,) * 5,
    }
    assert [s.link.change for s in shifts] == ["same", "same", "dropped", "new"]


def test_nothing_in_common_and_nobody_voted() -> None:
    none = compare(_profile("a"), _profile("b"), same_ids("a", "b"), "last", rng=np.random.default_rng(1))
    assert all(s.moved is None for s in none)
    empty = compare(_profile("a"), _profile("a"), same_ids("a", "a"), "last", rng=np.random.default_rng(1))
    assert empty[0].rank_now is None


def test_close_votes_have_wide_intervals() -> None:
    half = _profile("ab", (10, "ab"), (10, "ba"))
    (shift, _) = compare(half, half, same_ids("ab", "ab"), "last", rng=np.random.default_rng(1))
    assert (shift.moved, shift.low, shift.high) == (0, -1, 1)


def test_restricting_keeps_ties_and_drops_empty_classes() -> None:
    profile = Profile("ranking", tuple(Option(n) for n in "abc"), (Ballot(1, ((0,), (1, 2))),))
    assert restricted(profile, ["c", "b"]).ballots[0].ranking == ((1, 0),)
    assert restricted(profile, ["c"], {"c": "x"}).ids == ("x",)


def test_faults_of_a_mapping() -> None:
    links = [
        Link(("a",), ("x",), "renamed"),
        Link(("b",), ("y", "z"), "split"),
        Link(("a", "c"), ("y",), "merged"),
        Link((), ("q",), "new"),
        Link(("d",), ("w",), "dropped"),
    ]
    faults = [
        (f.code, f.place, *f.params.values()) for f in check_mapping(links, "abcde", ["x", "y", "z", "w"])
    ]
    assert faults == [
        ("mapping_shape", "5", "dropped"),
        ("mapping_twice", "earlier", "a"),
        ("mapping_missing", "earlier", "e"),
        ("mapping_unknown", "later", "q"),
        ("mapping_twice", "later", "y"),
    ]
    assert check_mapping([Link(("a",), ("a",), "same")], "a", "a") == []
