"""Small random profiles for property tests."""

from typing import Any

from hypothesis import strategies as st

from participation.conference.ballots import Ballot, Option, Profile

LETTERS = "abcdefgh"


@st.composite
def rankings(draw: Any, most: int = 5, strict: bool = False) -> Profile:
    """Rankings with ties (unless ``strict``), truncation and empty ballots; up to ``most`` options."""
    size = draw(st.integers(1, most))
    ballots = []
    for _ in range(draw(st.integers(0, 7))):
        order = draw(st.permutations(range(size)))[: draw(st.integers(0, size))]
        classes: list[tuple[int, ...]] = []
        for option in order:
            if classes and not strict and draw(st.booleans()):
                classes[-1] += (option,)
            else:
                classes.append((option,))
        ballots.append(Ballot(draw(st.integers(1, 5)), tuple(classes)))
    return Profile(
        "ranking", tuple(Option(name) for name in LETTERS[:size]), tuple(ballots), seats=min(2, size)
    )


@st.composite
def approvals(draw: Any, most: int = 5) -> Profile:
    """Approval ballots, also empty ones."""
    size = draw(st.integers(1, most))
    sets = draw(st.lists(st.tuples(st.sets(st.integers(0, size - 1)), st.integers(1, 4)), max_size=6))
    ballots = (Ballot(n, (), tuple((x, 1) for x in sorted(chosen))) for chosen, n in sets)
    return Profile(
        "approval", tuple(Option(name) for name in LETTERS[:size]), tuple(ballots), seats=min(2, size)
    )


def permuted(profile: Profile, order: tuple[int, ...]) -> Profile:
    """The same ballots with the options listed in another order (option ``order[i]`` at place i)."""
    place = {old: new for new, old in enumerate(order)}
    ballots = (
        Ballot(
            b.count,
            tuple(tuple(place[x] for x in tied) for tied in b.ranking),
            tuple((place[x], mark) for x, mark in b.marks),
            b.attributes,
        )
        for b in profile.ballots
    )
    options = tuple(profile.options[old] for old in order)
    return Profile(profile.kind, options, tuple(ballots), seats=profile.seats)
