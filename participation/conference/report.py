"""Counting a profile under every rule that fits it, as plain data.

The ids and forms of the rules are those of published reference outcomes:
``{"classes": [[ids tied], ...], "scores": {id: exact number}}`` and what a rule adds. Exact numbers are ints,
or strings such as ``"121/2"``. A rule that cannot be carried out says why instead of guessing:
``{"classes": None, "reason": code}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from participation.conference import budget, closeness, committees, elimination, groups, pairwise, scores, stv
from participation.conference.ballots import (
    Number,
    Policy,
    Profile,
    by_id,
    classes_by_relation,
    classes_by_score,
    is_strict,
    printed,
)
from participation.conference.kemeny import TooManyOptionsError, kemeny
from participation.conference.rankedpairs import TooManyOrdersError, ranked_pairs
from participation.conference.strengths import NoEstimateError, plackett_luce

Outcome = dict[str, Any]
#: A fixed seed: the same file gives the same intervals on every machine.
SEED = 20190613


def tally(
    profile: Profile,
    *,
    policy: Policy = "last",
    seats: int | None = None,
    column: str | None = None,
    shares: Mapping[str, Fraction] | None = None,
    replicates: int = closeness.REPLICATES,
    seed: int = SEED,
) -> Outcome:
    """Everything the ballots say: rules, agreement, rank intervals; by group and group-weighted if
    ``column`` is given.

    ``shares`` are the agreed shares of the groups (default: equal ones).
    """
    seats = seats or profile.seats
    ranking = profile.kind == "ranking"
    result: Outcome = {
        "policy": policy,
        "kind": profile.kind,
        "ballots": printed(profile.number(profile.total)),
        "rules": rules(profile, policy, seats),
        "kendall_w": _w_printed(profile) if policy == "last" else None,
        "rank_intervals": intervals(profile, policy, replicates, seed) if ranking else None,
    }
    if column is not None:
        result |= _by_group(profile, policy, seats, column, shares)
    return result


def rules(profile: Profile, policy: Policy = "last", seats: int | None = None) -> dict[str, Any]:
    """Outcome of every rule that fits the kind of ballot."""
    by_kind: dict[str, Callable[[], dict[str, Any]]] = {
        "ranking": lambda: _ranking_rules(profile, policy, seats),
        "approval": lambda: {"approval": _sums(profile)} | _approval_committees(profile, seats),
        "dots": lambda: {"dots": _sums(profile)} | _dot_committees(profile, seats),
        "score": lambda: _score_rules(profile),
        "consensing": lambda: _consensing(profile),
        "pairwise": lambda: {"plackett_luce": _strengths(profile), "won_share": _won_share(profile)},
        "budget": lambda: {"approval": _sums(profile)} | _approval_committees(profile, seats),
    }
    found = by_kind[profile.kind]()
    if (
        profile.costs
        and profile.budget is not None
        and profile.kind in ("budget", "approval", "dots", "score")
    ):
        found |= _budget_rules(profile)
    return found


def _sorted(ids: tuple[str, ...], options: Iterable[int]) -> list[str]:
    return sorted((ids[x] for x in options), key=by_id)


def _order_key(names: Iterable[str]) -> list[tuple[int, int, str]]:
    return [by_id(name) for name in names]


def _scored(profile: Profile, values: Iterable[Number], *, lowest_first: bool = False) -> Outcome:
    values = list(values)
    return {
        "classes": classes_by_score(profile.ids, values, lowest_first=lowest_first),
        "scores": {name: printed(value) for name, value in zip(profile.ids, values, strict=True)},
    }


def _ranking_rules(profile: Profile, policy: Policy, seats: int | None) -> dict[str, Any]:
    wins = pairwise.pairwise(profile, policy)
    ids = profile.ids
    size = len(ids)
    winner, loser = pairwise.condorcet_winner(wins), pairwise.condorcet_loser(wins)
    found: dict[str, Any] = {
        "pairwise": {
            "n": {
                ids[x]: {ids[y]: printed(profile.number(wins[x, y])) for y in range(size) if y != x}
                for x in range(size)
            }
        },
        "condorcet_winner": None if winner is None else ids[winner],
        "condorcet_loser": None if loser is None else ids[loser],
        "smith_set": _sorted(ids, np.flatnonzero(pairwise.smith_set(wins))),
        "plurality": _scored(profile, elimination.plurality(profile)),
        "borda": _scored(profile, (profile.number(v) for v in pairwise.borda(wins))),
        "copeland": _scored(profile, (int(v) for v in pairwise.copeland(wins))),
        "schulze": {"classes": classes_by_relation(ids, pairwise.schulze(wins))},
        "schulze_margins": {"classes": classes_by_relation(ids, pairwise.schulze(wins, margins=True))},
        "ranked_pairs": _ranked_pairs(ids, wins, winning_votes=False),
        "ranked_pairs_wv": _ranked_pairs(ids, wins, winning_votes=True),
        "kemeny": _kemeny(profile, wins),
    }
    if is_strict(profile):
        found["irv"] = _irv(profile)
        found["plackett_luce"] = _strengths(profile)
        if seats and profile.scale == 1:
            found["stv_scottish"] = _stv(profile, seats)
    return found


def _ranked_pairs(ids: tuple[str, ...], wins: NDArray[Any], *, winning_votes: bool) -> Outcome:
    try:
        found = ranked_pairs(wins, winning_votes=winning_votes)
    except TooManyOrdersError:
        return {"classes": None, "reason": "too_many_ties"}
    return {
        "classes": classes_by_relation(ids, found.before),
        "possible_winners": _sorted(ids, np.flatnonzero(found.possible_winners)),
        "locked_graphs": found.graphs,
    }


def _kemeny(profile: Profile, wins: NDArray[Any]) -> Outcome:
    try:
        found = kemeny(wins)
    except TooManyOptionsError:
        return {"classes": None, "reason": "too_many_options"}
    outcome: Outcome = {
        "classes": classes_by_relation(profile.ids, found.before),
        "agreement": printed(profile.number(found.agreement)),
        "optimal_orders": found.optimal_orders,
    }
    if found.orders:
        outcome["orders"] = sorted(
            ([profile.ids[x] for x in order] for order in found.orders), key=_order_key
        )
    return outcome


def _irv(profile: Profile) -> Outcome:
    try:
        found = elimination.irv(profile)
    except elimination.TooManyTiesError:
        return {"classes": None, "reason": "too_many_ties"}
    ids = profile.ids
    outcome: Outcome = {
        "classes": classes_by_relation(ids, found.later),
        "possible_winners": _sorted(ids, found.possible_winners),
        "elimination_ties": found.elimination_ties,
    }
    if not found.elimination_ties:
        outcome["rounds"] = [
            {
                "tallies": {ids[x]: printed(n) for x, n in stage.tallies},
                "exhausted": printed(stage.exhausted),
                "eliminated": ids[stage.eliminated],
            }
            for stage in found.stages
        ]
    return outcome


def _stv(profile: Profile, seats: int) -> Outcome:
    """``elected`` is None where the rules would need a lot: nothing is drawn here."""
    try:
        count = stv.scottish_stv(profile, seats)
    except stv.LotNeededError as lot:
        tied = _sorted(profile.ids, lot.tied)
        reason = "a lot would be needed"
        return {"classes": None, "seats": seats, "elected": None, "reason": reason, "tied": tied}
    ids = profile.ids
    elected = _sorted(ids, count.elected)
    rest = sorted(set(ids) - set(elected), key=by_id)
    return {
        "classes": [part for part in (elected, rest) if part],
        "seats": seats,
        "quota": count.quota,
        "elected": elected,
        "order_of_election": [ids[x] for x in count.elected],
        "stages": [
            {
                "action": "first preferences" if s.option is None else f"{s.action} {ids[s.option]}",
                "totals": {name: printed(n) for name, n in zip(ids, s.totals, strict=True)},
            }
            for s in count.stages
        ],
    }


def _won_share(profile: Profile) -> Outcome:
    """(won + 1) / (met + 2) of every option (Laplace): an order also where one option never lost, or two
    never met, and Plackett-Luce has no estimate. Nothing met is one half."""
    won, met = [profile.scale] * len(profile.ids), [2 * profile.scale] * len(profile.ids)
    for ballot in profile.ballots:
        for x, mark in ballot.marks:
            met[x] += ballot.count
            won[x] += ballot.count if mark else 0
    shares = [Fraction(a, b) for a, b in zip(won, met, strict=True)]
    return {
        "classes": classes_by_score(profile.ids, shares),
        "scores": {name: printed(share) for name, share in zip(profile.ids, shares, strict=True)},
    }


def _strengths(profile: Profile) -> Outcome:
    try:
        fit = plackett_luce(profile)
    except NoEstimateError:
        return {"classes": None, "reason": "no_estimate"}
    rounded = [round(float(v), 8) + 0.0 for v in fit.strengths]
    return {
        "classes": classes_by_score(profile.ids, rounded),
        "strengths": dict(zip(profile.ids, rounded, strict=True)),
        "standard_errors": {
            name: round(float(v), 8) for name, v in zip(profile.ids, fit.standard_errors, strict=True)
        },
        "log_likelihood": round(fit.log_likelihood, 6),
    }


def _sums(profile: Profile) -> Outcome:
    found = scores.sums(profile)
    outcome = _scored(profile, found.sums)
    if profile.kind == "dots":
        outcome["voters"] = {name: printed(v) for name, v in zip(profile.ids, found.voters, strict=True)}
    return outcome


def _score_rules(profile: Profile) -> dict[str, Any]:
    """Options nobody scored have no mean and stand last."""
    found = scores.grades(profile)
    means = [Fraction(-1) if g.mean is None else Fraction(g.mean) for g in found]
    medians = [-1 if g.median is None else g.median for g in found]
    ids = profile.ids
    return {
        "score": {
            "classes": classes_by_score(ids, means),
            "scores": {
                n: None if g.mean is None else printed(g.mean) for n, g in zip(ids, found, strict=True)
            },
            "intervals": {
                n: None if g.low is None else [g.low, g.high] for n, g in zip(ids, found, strict=True)
            },
            "base": {n: printed(g.base) for n, g in zip(ids, found, strict=True)},
        },
        "median_grade": {
            "classes": classes_by_score(ids, medians),
            "scores": {n: g.median for n, g in zip(ids, found, strict=True)},
        },
        "sum": _scored(profile, scores.sums(profile).sums),
    }


def _consensing(profile: Profile) -> dict[str, Any]:
    """Lowest sum of resistance first."""
    return {"consensing": _scored(profile, scores.sums(profile).sums, lowest_first=True)}


def _committees(profile: Profile, follow: Callable[[], Iterable[committees.Committee]]) -> Outcome:
    try:
        found = set(follow())
    except (committees.TooManyTiesError, committees.TooManyOptionsError) as error:
        many = isinstance(error, committees.TooManyTiesError)
        return {
            "classes": None,
            "committees": None,
            "reason": "too_many_ties" if many else "too_many_options",
        }
    everyone = set(range(len(profile.options)))
    always = frozenset.intersection(*found)
    sometimes = frozenset.union(*found) - always
    parts = [_sorted(profile.ids, part) for part in (always, sometimes, everyone - always - sometimes)]
    return {
        "classes": [part for part in parts if part],
        "committees": sorted((_sorted(profile.ids, one) for one in found), key=_order_key),
    }


def _approval_committees(profile: Profile, seats: int | None) -> dict[str, Any]:
    if not seats:
        return {}
    electorate = committees.voters(profile, support=True)
    found = {
        "mes": _committees(profile, lambda: committees.equal_shares(electorate, seats)),
        "mes_phragmen": _committees(
            profile, lambda: committees.equal_shares(electorate, seats, complete=True)
        ),
        "seq_phragmen": _committees(profile, lambda: committees.phragmen(electorate, seats)),
        "pav": _committees(profile, lambda: committees.pav(electorate, seats)[0]),
    }
    if found["pav"]["committees"] is not None:
        found["pav"]["score"] = printed(committees.pav(electorate, seats)[1] / Fraction(profile.scale))
    return found


def _dot_committees(profile: Profile, seats: int | None) -> dict[str, Any]:
    if not seats:
        return {}
    electorate = committees.voters(profile)
    return {
        "mes_dots": _committees(profile, lambda: committees.equal_shares(electorate, seats)),
        "support": _approval_committees(profile, seats),
    }


def _budget_rules(profile: Profile) -> dict[str, Any]:
    return {
        "greedy": _committees(profile, lambda: budget.greedy(profile)),
        "mes_budget": _committees(profile, lambda: budget.equal_shares(profile)),
        "mes_budget_cost": _committees(profile, lambda: budget.equal_shares(profile, by_cost=True)),
    }


def fair_choice(profile: Profile, seats: int) -> dict[str, Any]:
    """k options fairly chosen, whatever the ballots: rankings by support of those ranked, dots by support."""
    return _approval_committees(profile, seats)


def intervals(
    profile: Profile, policy: Policy, replicates: int, seed: int, strata: str | None = None
) -> Outcome | None:
    """Rank intervals of three rules by bootstrap over the ballots; None where there is nothing to draw
    from."""
    if not profile.total or not replicates:
        return None
    rng = np.random.default_rng(seed)
    try:
        found = closeness.rank_intervals(profile, policy, rng=rng, replicates=replicates, strata=strata)
    except closeness.TooManyBallotsError:
        return {"reason": "too_many_ballots"}
    result: Outcome = {"replicates": replicates, "seed": seed, "level": 0.95}
    result |= {rule: {"reason": "too_many_options"} for rule in closeness.RULES if rule not in found}
    for rule, one in found.items():
        result[rule] = {
            name: {
                "low": float(one.low[x]),
                "high": float(one.high[x]),
                "alone_first": round(float(one.alone_first[x]), 4),
                "top": [round(float(p), 4) for p in one.top[x]],
            }
            for x, name in enumerate(profile.ids)
        }
        result[rule + "_indistinct"] = [
            [profile.ids[x], profile.ids[y]] for x, y in closeness.indistinct(one)
        ]
    return result


def with_shown_groups(profile: Profile, column: str = "group") -> Profile:
    """The ballots with groups under five merged, as they may stand in a file."""
    label = {name: " + ".join(names) for names in groups.shown_groups(profile, column) for name in names}
    return profile.with_ballots(
        replace(b, attributes=((column, label.get(b.attribute(column) or "", "")),)) for b in profile.ballots
    )


def _by_group(
    profile: Profile, policy: Policy, seats: int | None, column: str, shares: Mapping[str, Fraction] | None
) -> Outcome:
    shown = groups.shown_groups(profile, column)
    result: Outcome = {
        "groups": {
            " + ".join(names): {
                "ballots": part.total,
                "rules": rules(part, policy, seats),
                "kendall_w": _w_printed(part) if policy == "last" else None,
            }
            for names, part in shown.items()
        }
    }
    # Weights act on the groups that may be shown, so that no small group can be worked out from them.
    relabelled = with_shown_groups(profile, column) if shown else profile.with_ballots(())
    sizes = groups.group_sizes(relabelled, column)
    agreed = {name: Fraction(1, len(sizes)) for name in sizes}
    if shares is not None:
        agreed = {
            " + ".join(names): sum((shares.get(n, Fraction(0)) for n in names), Fraction(0))
            for names in shown
        }
    if sizes:
        counted = groups.weighted(relabelled, agreed, column)
        result["weighted"] = {
            "shares": {name: printed(share) for name, share in agreed.items()},
            "weight_per_ballot": {n: printed(w) for n, w in groups.weights(sizes, agreed).items()},
            "rules": rules(counted, policy, seats),
        }
        if profile.kind == "ranking":
            result["tipping_shares"] = _tipping(relabelled, policy, column)
    return result


def _w_printed(profile: Profile) -> Outcome | None:
    w = scores.kendall_w(profile) if profile.kind == "ranking" else None
    return None if w is None else {"value": round(float(w), 10), "exact": f"{w.numerator}/{w.denominator}"}


def _tipping(profile: Profile, policy: Policy, column: str) -> list[Outcome]:
    found = []
    for tip in groups.tipping_shares(profile, policy, column=column):
        row = asdict(tip)
        found.append(
            {
                "group": row["group"],
                "ahead_now": profile.ids[tip.ahead],
                "behind_now": profile.ids[tip.behind],
                "share": round(float(tip.share), 9),
                "exact": printed(tip.share),
                "share_now": round(float(tip.share_now), 9),
            }
        )
    return found
