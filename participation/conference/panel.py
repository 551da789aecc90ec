"""The method panel: the same ballots under every rule that fits them, as codes for plain sentences.

Nothing here is text: every finding is a code with parameters, put into words in the reader's language
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from participation.conference.ballots import Classes

#: Rules shown beside each other for each kind of ballot; the first that gives an order is the headline.
RULES: dict[str, tuple[str, ...]] = {
    "ranking": (
        "borda",
        "copeland",
        "schulze",
        "ranked_pairs",
        "kemeny",
        "irv",
        "plurality",
        "plackett_luce",
    ),
    "approval": ("approval",),
    "dots": ("dots", "voters"),
    "score": ("score", "median_grade"),
    "consensing": ("consensing",),
    "pairwise": ("plackett_luce", "won_share"),
    "budget": ("greedy", "mes_budget"),
}
#: Kendall's W from which agreement is called strong, and under which it is called weak.
STRONG, WEAK = 0.6, 0.3


@dataclass(frozen=True)
class Finding:
    """One statement: a code and its parameters (ids of options and rules, numbers)."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One rule: its classes, who is first, who is certainly among the top k, and who shares the last such
    place."""

    rule: str
    classes: Classes
    first: tuple[str, ...]
    top: tuple[str, ...]
    on_the_edge: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """``lines``: one per rule that could be carried out, headline first. ``findings``: what they say
    together."""

    headline: str
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


def top_of(classes: Classes, k: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who is certainly among the top k, and who shares the last places in question (empty if nothing is
    tied)."""
    top: list[str] = []
    for tied in classes:
        if len(top) + len(tied) > k:
            return tuple(top), tuple(tied) if len(top) < k else ()
        top += tied
    return tuple(top), ()


def ranked(found: Mapping[str, Any]) -> list[str]:
    """The options of an outcome in their resolved order."""
    return [place["option"] for place in found["order"]]


def panel(outcome: Mapping[str, Any], *, k: int, order: Sequence[str] = ()) -> Panel:
    """Compare the rules of a report (see `report.tally`) for a choice of ``k`` options.

    ``order`` is the order that people see, ties broken; neighbours are named as they stand in it.
    """
    rules = dict(outcome["rules"])
    if outcome["kind"] == "dots":
        voters = rules["dots"]["voters"]
        levels = sorted(set(voters.values()), key=_value, reverse=True)
        rules["voters"] = {"classes": [[o for o, v in voters.items() if v == level] for level in levels]}
    lines: list[Line] = []
    for rule in RULES[outcome["kind"]] if outcome.get("ballots") else ():
        classes = rules.get(rule, {}).get("classes")
        if classes:
            top, edge = top_of(classes, k)
            lines.append(Line(rule, classes, tuple(classes[0]), top, edge))
    findings = _first(lines)
    if lines:
        findings += [
            *_top(lines, k),
            *_pairs(rules),
            *_closeness(outcome, k, order or _value_order(outcome)),
            *_agreement(outcome),
        ]
    return Panel(RULES[outcome["kind"]][0], tuple(lines), tuple(findings))


def _value(number: int | str) -> float:
    if isinstance(number, int):
        return number
    above, _, below = number.partition("/")
    return int(above) / int(below)


def _first(lines: list[Line]) -> list[Finding]:
    if not lines:
        return [Finding("nothing_counted")]
    head = lines[0]
    if len(head.classes) == 1 and len(head.first) > 1:
        return [Finding("all_tied", {"rule": head.rule})]
    if len(lines) == 1:
        code = "first_tied" if len(head.first) > 1 else "first"
        return [Finding(code, {"rule": head.rule, "options": head.first})]
    if all(line.first == head.first for line in lines):
        code = "first_same_tied" if len(head.first) > 1 else "first_same"
        return [Finding(code, {"options": head.first, "rules": len(lines)})]
    others: dict[tuple[str, ...], list[str]] = {}
    for line in lines:
        others.setdefault(line.first, []).append(line.rule)
    return [
        Finding(
            "first_differs_tied" if len(first) > 1 else "first_differs", {"options": first, "rules": rules}
        )
        for first, rules in others.items()
    ]


def _top(lines: list[Line], k: int) -> list[Finding]:
    if not lines or k < 2:
        return []
    head = lines[0]
    found = [Finding("edge", {"k": k, "options": head.on_the_edge})] if head.on_the_edge else []
    if len(lines) > 1:
        same = all(_compatible(head, line) for line in lines)
        if same:
            found.append(Finding("top_same", {"k": k}))
        else:
            sure = set.intersection(*(set(x.top) for x in lines))
            some = set.union(*(set(x.top) | set(x.on_the_edge) for x in lines)) - sure
            code = "top_differs" if sure else "top_all_differ"
            found.append(Finding(code, {"k": k, "sure": sorted(sure), "some": sorted(some)}))
    return found


def _compatible(one: Line, other: Line) -> bool:
    """Whether two rules choose the same, as far as their ties allow."""
    return set(one.top) <= {*other.top, *other.on_the_edge} and set(other.top) <= {*one.top, *one.on_the_edge}


def _pairs(rules: Mapping[str, Any]) -> list[Finding]:
    if "smith_set" not in rules:
        return []
    wins = rules["pairwise"]["n"]
    if all(wins[x][y] == wins[y][x] for x in wins for y in wins if x != y):
        # Nobody beats anybody: "all topics are tied" says it in fewer words.
        return []
    winner, ahead = rules["condorcet_winner"], tuple(rules["smith_set"])
    if winner is not None:
        found = Finding("condorcet", {"options": (winner,)})
    else:
        code = "no_condorcet" if len(ahead) < len(wins) else "no_condorcet_at_all"
        found = Finding(code, {"options": ahead})
    orders = rules["kemeny"].get("optimal_orders")
    many = [Finding("many_orders", {"orders": orders})] if orders and orders > 1 else []
    return [found, *many]


def _closeness(outcome: Mapping[str, Any], k: int, order: Sequence[str]) -> list[Finding]:
    intervals = outcome.get("rank_intervals") or {}
    if "borda" not in intervals:
        return []
    pairs = {frozenset(pair) for pair in intervals["borda_indistinct"]}
    found = []
    for place, (upper, lower) in enumerate(pairwise(order), 1):
        if frozenset((upper, lower)) in pairs:
            code = "border_close" if place == k else "close"
            found.append(Finding(code, {"place": place, "next": place + 1, "options": (upper, lower)}))
    return found


def _value_order(outcome: Mapping[str, Any]) -> list[str]:
    return [name for tied in outcome["rules"].get("borda", {}).get("classes", ()) for name in tied]


def _agreement(outcome: Mapping[str, Any]) -> list[Finding]:
    w = outcome.get("kendall_w")
    if not w:
        return []
    level = "strong" if w["value"] >= STRONG else "weak" if w["value"] < WEAK else "middle"
    return [Finding(f"agreement_{level}", {"w": w["value"]})]
