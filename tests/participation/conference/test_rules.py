"""Properties every counting rule has, on random small profiles; brute force beside the fast ways."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.conference import (
    committees,
    elimination,
    kemeny,
    pairwise,
    rankedpairs,
    report,
    scores,
    strengths,
)
from participation.conference.ballots import (
    POLICIES,
    Ballot,
    Option,
    Policy,
    Profile,
    classes_by_relation,
    merged,
)
from tests.participation.conference.profiles import approvals, permuted, rankings

CONDORCET = ("copeland", "schulze", "schulze_margins", "ranked_pairs", "ranked_pairs_wv", "kemeny")
policies = st.sampled_from(POLICIES)


def _rules(profile: Profile, policy: Policy) -> dict[str, Any]:
    found = report.rules(profile, policy, profile.seats)
    # Iterative estimates agree to their tolerance only, which test_strengths covers.
    found.pop("plackett_luce", None)
    return found


@given(rankings(), policies, st.randoms())
def test_anonymity(profile: Profile, policy: Policy, random: Any) -> None:
    """Who cast which ballot, and how equal ballots are bundled, changes nothing."""
    single = [replace(b, count=1) for b in profile.ballots for _ in range(b.count)]
    random.shuffle(single)
    assert _rules(profile.with_ballots(single), policy) == _rules(profile, policy)


@given(rankings(), policies, st.data())
def test_neutrality(profile: Profile, policy: Policy, data: Any) -> None:
    """No rule looks at the order in which options are listed; outcomes name ids, so they stay equal."""
    order = tuple(data.draw(st.permutations(range(len(profile.options)))))
    first, second = _rules(profile, policy), _rules(permuted(profile, order), policy)
    for rules in (first, second):
        # Options elected at the same stage with equal votes have no order among them.
        rules.get("stv_scottish", {}).pop("order_of_election", None)
    assert first == second


@given(approvals(), st.data())
def test_neutrality_of_committees(profile: Profile, data: Any) -> None:
    order = tuple(data.draw(st.permutations(range(len(profile.options)))))
    assert report.rules(permuted(profile, order), seats=2) == report.rules(profile, seats=2)


@given(rankings(), policies)
def test_condorcet_consistency(profile: Profile, policy: Policy) -> None:
    rules = _rules(profile, policy)
    winner, loser = rules["condorcet_winner"], rules["condorcet_loser"]
    for rule in CONDORCET:
        if winner is not None:
            assert rules[rule]["classes"][0] == [winner], rule
        if loser is not None:
            assert rules[rule]["classes"][-1] == [loser], rule
    if winner is not None:
        assert rules["smith_set"] == [winner]


@given(rankings(), policies)
def test_first_places_lie_in_the_smith_set(profile: Profile, policy: Policy) -> None:
    rules = _rules(profile, policy)
    smith = set(rules["smith_set"])
    assert set(rules["ranked_pairs"]["possible_winners"]) <= smith
    assert set(rules["schulze"]["classes"][0]) <= smith


@given(rankings(), st.data())
def test_monotonicity(profile: Profile, data: Any) -> None:
    """Raising an option on one ballot lowers it in no outcome of Borda, Copeland, Schulze and plurality."""
    if not profile.ballots:
        return
    row = data.draw(st.integers(0, len(profile.ballots) - 1))
    option = data.draw(st.integers(0, len(profile.options) - 1))
    old = profile.ballots[row]
    rest = tuple(t for t in (tuple(x for x in tied if x != option) for tied in old.ranking) if t)
    raised = replace(old, ranking=((option,), *rest))
    after = profile.with_ballots([*profile.ballots[:row], raised, *profile.ballots[row + 1 :]])
    for relation in (_borda, _copeland, _schulze, _plurality):
        was, now = relation(profile), relation(after)
        assert not (was[option] & ~now[option]).any()


def _borda(profile: Profile) -> Any:
    score = pairwise.borda(pairwise.pairwise(profile, "last"))
    return score[:, None] >= score[None, :]


def _copeland(profile: Profile) -> Any:
    score = pairwise.copeland(pairwise.pairwise(profile, "last"))
    return score[:, None] >= score[None, :]


def _schulze(profile: Profile) -> Any:
    """Not before: monotonicity of winners; x stays first where it was first."""
    before = pairwise.schulze(pairwise.pairwise(profile, "last"))
    first = ~before.any(axis=0)
    return np.repeat(first[:, None], len(first), axis=1)


def _plurality(profile: Profile) -> Any:
    score = np.array([Fraction(v) for v in elimination.plurality(profile)], dtype=object)
    return np.array(score[:, None] >= score[None, :], dtype=bool)


@given(rankings(), policies, st.sampled_from([10**6, 10**12, 10**30]))
def test_huge_counts_stay_exact(profile: Profile, policy: Policy, factor: int) -> None:
    """Counting every ballot 10^30 times multiplies scores exactly and leaves every order as it is."""
    huge = profile.with_ballots(replace(b, count=b.count * factor) for b in profile.ballots)
    small_rules, huge_rules = _rules(profile, policy), _rules(huge, policy)
    for rule in ("plurality", "borda"):
        wanted = {k: Fraction(v) * factor for k, v in small_rules[rule]["scores"].items()}
        assert {k: Fraction(v) for k, v in huge_rules[rule]["scores"].items()} == wanted
    assert huge_rules["kemeny"]["optimal_orders"] == small_rules["kemeny"]["optimal_orders"]
    for rule in (*CONDORCET, "plurality", "borda"):
        assert huge_rules[rule]["classes"] == small_rules[rule]["classes"]


def test_one_ballot_among_very_many_decides() -> None:
    """A difference of one in 2 * 10^40 ballots is seen."""
    options = (Option("a"), Option("b"))
    many = 10**40
    profile = Profile("ranking", options, (Ballot(many, ((0,), (1,))), Ballot(many + 1, ((1,), (0,)))))
    rules = report.rules(profile)
    for rule in (*CONDORCET, "borda", "plurality", "irv"):
        assert rules[rule]["classes"] == [["b"], ["a"]], rule


@given(rankings(most=6), policies)
def test_kemeny_agrees_with_brute_force(profile: Profile, policy: Policy) -> None:
    _compare_kemeny(pairwise.pairwise(profile, policy))


@given(st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_kemeny_agrees_with_brute_force_to_eight_options(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _compare_kemeny(rng.integers(0, 6, size=(8, 8)))


def _compare_kemeny(wins: Any) -> None:
    size = len(wins)
    orders = np.array(list(permutations(range(size))), dtype=np.int64)
    agreement = np.zeros(len(orders), dtype=np.int64)
    for i, j in combinations(range(size), 2):
        agreement += wins[orders[:, i], orders[:, j]]
    best = orders[agreement == agreement.max()]
    place = np.argsort(best, axis=1)
    always = (place[:, :, None] < place[:, None, :]).all(axis=0)
    found = kemeny.kemeny(wins)
    assert (found.agreement, found.optimal_orders) == (agreement.max(), len(best))
    assert (found.before == always).all()
    assert found.orders == (tuple(sorted(map(tuple, best.tolist()))) if len(best) <= kemeny.LISTED else ())


def test_kemeny_solves_long_lists_in_blocks_and_refuses_long_cycles() -> None:
    """Thirty options in a clear order need no large block; nineteen in one cycle are refused by name."""
    order = np.triu(np.ones((30, 30), dtype=np.int64), 1)
    assert kemeny.kemeny(order).orders == (tuple(range(30)),)
    assert kemeny.blocks(order) == [[i] for i in range(30)]
    cycle = np.zeros((19, 19), dtype=np.int64)
    for i in range(19):
        cycle[i, (i + 1) % 19] = 1
    with pytest.raises(kemeny.TooManyOptionsError):
        kemeny.kemeny(cycle)
    with pytest.raises(rankedpairs.TooManyOrdersError):
        rankedpairs.ranked_pairs(_many_equal_cycles())


def _many_equal_cycles() -> Any:
    """Every second pair of 15 options won by one vote, in a rotational tournament: very many equal orders."""
    size = 15
    wins = np.zeros((size, size), dtype=np.int64)
    for x in range(size):
        for step in range(1, size // 2 + 1):
            wins[x, (x + step) % size] = 1
    return wins


def test_limits_are_named_in_the_report() -> None:
    size = 19
    rows = [Ballot(1, tuple(((i + k) % size,) for k in range(size))) for i in range(size)]
    profile = Profile("ranking", tuple(Option(f"o{i}") for i in range(size)), tuple(rows))
    rules = report.rules(profile)
    assert rules["kemeny"] == {"classes": None, "reason": "too_many_options"}
    assert rules["ranked_pairs"]["reason"] == "too_many_ties"
    assert rules["irv"] == {"classes": None, "reason": "too_many_ties"}


def test_ranked_pairs_of_hundreds_of_options_give_up_sooner() -> None:
    """A state costs the square of the options: 300 of them allow 888 states, not twenty thousand."""
    wins = np.zeros((300, 300), dtype=np.int64)
    for x in range(0, 300, 3):
        for step in range(3):
            wins[x + step, x + (step + 1) % 3] = 1
    with pytest.raises(rankedpairs.TooManyOrdersError) as caught:
        rankedpairs.ranked_pairs(wins)
    assert caught.value.args == (897,)


@given(rankings(most=4), policies)
def test_ranked_pairs_follow_every_order(profile: Profile, policy: Policy) -> None:
    """Against locking edge by edge in every order of equal margins."""
    wins = pairwise.pairwise(profile, policy)
    edges = [(int(x), int(y)) for x, y in zip(*np.nonzero(wins > wins.T), strict=True)]
    levels = sorted({int(wins[e] - wins[e[::-1]]) for e in edges}, reverse=True)
    graphs = {frozenset[tuple[int, int]]()}
    for level in levels:
        equal = [e for e in edges if wins[e] - wins[e[::-1]] == level]
        graphs = {_locked(graph, order) for graph in graphs for order in permutations(equal)}
    found = rankedpairs.ranked_pairs(wins)
    assert found.graphs == len(graphs)
    firsts = {x for g in graphs for x in range(len(wins)) if all(y != x for _, y in g)}
    assert set(np.flatnonzero(found.possible_winners)) == firsts


def _locked(
    graph: frozenset[tuple[int, int]], order: tuple[tuple[int, int], ...]
) -> frozenset[tuple[int, int]]:
    for x, y in order:
        if not _reaches(graph, y, x):
            graph |= {(x, y)}
    return graph


def _reaches(graph: frozenset[tuple[int, int]], start: int, end: int) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        fresh = {y for x, y in graph if x == here} - seen
        seen |= fresh
        waiting += fresh
    return end in seen


@given(rankings(most=5, strict=True))
def test_irv_follows_every_way(profile: Profile) -> None:
    """Against plain recursion over every tied elimination."""
    winners: set[int] = set()
    later = np.ones((len(profile.options),) * 2, dtype=bool)

    def leave(remaining: tuple[int, ...], gone: tuple[int, ...]) -> None:
        if len(remaining) == 1:
            winners.add(remaining[0])
            order = (*gone, remaining[0])
            for i, x in enumerate(order):
                later[x, list(order[i:])] = False
            return
        votes = dict.fromkeys(remaining, 0)
        for ballot in profile.ballots:
            top = next((t[0] for t in ballot.ranking if t[0] in votes), None)
            if top is not None:
                votes[top] += ballot.count
        for x in remaining:
            if votes[x] == min(votes.values()):
                leave(tuple(y for y in remaining if y != x), (*gone, x))

    leave(tuple(range(len(profile.options))), ())
    found = elimination.irv(profile)
    assert set(found.possible_winners) == winners
    assert (found.later == later).all()


@given(approvals(), st.integers(1, 3))
def test_equal_shares_and_pav_against_brute_force(profile: Profile, seats: int) -> None:
    electorate = committees.voters(profile)
    wanted = min(seats, len(profile.options))
    best, score = committees.pav(electorate, seats)
    by_hand = {
        frozenset(c): sum(
            (Fraction(n, j) for b in profile.ballots for n in [b.count] for j in range(1, 1 + _liked(b, c))),
            Fraction(0),
        )
        for c in combinations(range(len(profile.options)), wanted)
    }
    assert score == max(by_hand.values())
    assert best == {c for c, s in by_hand.items() if s == score}
    assert committees.equal_shares(electorate, seats) == _voter_by_voter(profile, seats)


def _liked(ballot: Ballot, committee: tuple[int, ...]) -> int:
    return sum(1 for x, _ in ballot.marks if x in committee)


def _voter_by_voter(profile: Profile, seats: int) -> set[frozenset[int]]:
    """The Method of Equal Shares as its paper writes it: single voters, rho found among its candidates."""
    voters = [{x for x, _ in b.marks} for b in profile.ballots for _ in range(b.count)]
    ends = set()

    def buy(chosen: frozenset[int], budgets: tuple[Fraction, ...]) -> None:
        prices = {}
        for x in set(range(len(profile.options))) - chosen:
            own = sorted(budgets[i] for i, liked in enumerate(voters) if x in liked)
            if own and sum(own) >= 1:
                tries = [(Fraction(1) - sum(own[:i])) / (len(own) - i) for i in range(len(own))]
                prices[x] = next(r for i, r in enumerate(tries) if r <= own[i])
        if not prices or len(chosen) == seats:
            ends.add(chosen)
            return
        for x in [x for x, p in prices.items() if p == min(prices.values())]:
            rho = prices[x]
            buy(
                chosen | {x},
                tuple(b - min(b, rho) if x in v else b for b, v in zip(budgets, voters, strict=True)),
            )

    buy(frozenset(), (Fraction(seats, max(len(voters), 1)),) * len(voters))
    return ends


def test_committees_name_their_limits() -> None:
    many = Profile("approval", tuple(Option(f"o{i}") for i in range(15)), (Ballot(3, (), ((0, 1),)),))
    assert report.rules(many, seats=3)["pav"] == {
        "classes": None,
        "committees": None,
        "reason": "too_many_options",
    }
    tied = tuple(Ballot(1, (), ((i, 1),)) for i in range(14))
    wide = Profile("approval", tuple(Option(f"o{i}") for i in range(14)), tied)
    with pytest.raises(committees.TooManyTiesError):
        committees.phragmen(committees.voters(wide), 7, limit=100)


def test_strengths_need_connected_choices() -> None:
    """a always before b: the likelihood grows without end (Ford's condition)."""
    options = (Option("a"), Option("b"))
    one_way = Profile("ranking", options, (Ballot(3, ((0,), (1,))),))
    assert report.rules(one_way)["plackett_luce"] == {"classes": None, "reason": "no_estimate"}
    with pytest.raises(ValueError, match="strict"):
        strengths.plackett_luce(Profile("ranking", options, (Ballot(1, ((0, 1),)),)))


def test_strengths_of_many_equal_options() -> None:
    """Forty shifts of one order: all are equally strong, and the errors those of the balanced design."""
    size = 40
    rows = tuple(Ballot(1, tuple(((i + k) % size,) for k in range(size))) for i in range(size))
    fit = strengths.plackett_luce(Profile("ranking", tuple(Option(f"o{i}") for i in range(size)), rows))
    assert np.round(fit.strengths, 8).tolist() == [0.0] * size
    assert np.round(fit.standard_errors, 8).tolist() == [0.16443799] * size


def test_bradley_terry_of_two_is_the_log_odds() -> None:
    """3 wins against 1: difference log 3, its standard error sqrt(1/3 + 1/1); each strength is half of it."""
    options = (Option("a"), Option("b"))
    pairs = (Ballot(3, (), ((0, 1), (1, 0))), Ballot(1, (), ((0, 0), (1, 1))))
    fit = strengths.plackett_luce(Profile("pairwise", options, pairs))
    assert fit.strengths == pytest.approx([np.log(3) / 2, -np.log(3) / 2])
    assert fit.standard_errors == pytest.approx([np.sqrt(4 / 3) / 2] * 2)


def test_kendall_w_ends() -> None:
    options = tuple(Option(n) for n in "abc")
    same = Profile("ranking", options, (Ballot(4, ((0,), (1,), (2,))),))
    assert scores.kendall_w(same) == 1
    against = same.with_ballots([Ballot(1, ((0,), (1,), (2,))), Ballot(1, ((2,), (1,), (0,)))])
    assert scores.kendall_w(against) == 0
    assert scores.kendall_w(same.with_ballots([])) is None
    assert scores.kendall_w(same.with_ballots([Ballot(5, ())])) is None


def test_grades_and_resistance() -> None:
    options = tuple(Option(n) for n in "ab")
    profile = Profile("score", options, (Ballot(2, (), ((0, 10), (1, 4))), Ballot(1, (), ((0, 1),))))
    rules = report.rules(profile)
    assert rules["score"]["scores"] == {"a": 7, "b": 4}
    assert rules["score"]["base"] == {"a": 3, "b": 2}
    assert rules["median_grade"]["scores"] == {"a": 10, "b": 4}
    low, high = rules["score"]["intervals"]["a"]
    # Standard deviation sqrt(27), standard error 3: 7 -+ 5.88.
    assert (low, high) == pytest.approx((1.12, 12.88))
    assert rules["score"]["intervals"]["b"] == [4, 4]
    nobody = profile.with_ballots([])
    assert report.rules(nobody)["score"]["scores"] == {"a": None, "b": None}
    resist = replace(profile, kind="consensing")
    assert report.rules(resist)["consensing"]["classes"] == [["b"], ["a"]]


def test_no_ballots_and_all_tied() -> None:
    """Zero ballots, and only tied ones: every rule answers with one class, nothing is broken silently."""
    options = tuple(Option(n) for n in "abc")
    for ballots in ((), (Ballot(7, ((0, 1, 2),)),)):
        rules = report.tally(Profile("ranking", options, ballots), replicates=50)["rules"]
        for rule in (*CONDORCET, "borda", "plurality"):
            assert rules[rule]["classes"] == [["a", "b", "c"]], rule
    assert report.tally(Profile("ranking", options, ()))["rank_intervals"] is None


def test_relations_with_cycles_are_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        classes_by_relation(("a", "b"), np.array([[False, True], [True, False]]))


@given(rankings())
def test_merging_keeps_the_count(profile: Profile) -> None:
    together = merged(profile)
    assert together.total == profile.total
    assert len({(b.ranking, b.marks) for b in together.ballots}) == len(together.ballots)
