"""What an outcome means, in words: the method panel's findings and names of rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from babel.lists import format_list
from flask_babel import format_decimal, get_locale
from flask_babel import lazy_gettext as _l

from localtext import quoted
from participation.conference.panel import Finding
from web.i18n import language
from web.i18n import resident as r_

RULE_NAMES: dict[str, Any] = {
    "borda": _l("Borda points"),
    "copeland": _l("Duels won"),
    "schulze": "Schulze",
    "ranked_pairs": "Ranked Pairs",
    "kemeny": "Kemeny",
    "irv": _l("Instant run-off"),
    "plurality": _l("First places only"),
    "plackett_luce": "Plackett-Luce",
    "won_share": _l("Share of comparisons won"),
    "approval": _l("Approval"),
    "dots": _l("Dots"),
    "voters": _l("People who gave a dot"),
    "score": _l("Mean score"),
    "median_grade": _l("Median score"),
    "consensing": _l("Least resistance"),
    "greedy": _l("Most votes first, while the budget lasts"),
    "mes_budget": _l("Method of Equal Shares"),
    "mes": _l("Method of Equal Shares"),
    "mes_phragmen": _l("Method of Equal Shares, filled up"),
    "seq_phragmen": "Phragmén",
    "pav": "PAV",
}

SENTENCES: dict[str, Any] = {
    "nothing_counted": _l("There is nothing to count."),
    "all_tied": _l("All topics are tied."),
    "first": _l("%(options)s is first."),
    "first_tied": _l("%(options)s share the first place."),
    "first_same": _l("%(options)s is first by every one of %(rules)s ways of counting."),
    "first_same_tied": _l("%(options)s share the first place by every one of %(rules)s ways of counting."),
    "first_differs": _l("By %(rules)s, %(options)s is first."),
    "first_differs_tied": _l("By %(rules)s, %(options)s share the first place."),
    "edge": _l("Among the first %(k)s, the last place is tied between %(options)s."),
    "top_same": _l("Every way of counting chooses the same %(k)s topics."),
    "top_differs": _l("Every way of counting chooses %(sure)s; about %(some)s they differ."),
    "top_all_differ": _l("No topic is chosen by every way of counting; they differ about %(some)s."),
    "condorcet": _l("%(options)s beats every other topic in direct comparison."),
    "no_condorcet": _l("No topic beats every other in direct comparison; %(options)s are ahead of the rest."),
    "no_condorcet_at_all": _l("No topic beats every other in direct comparison."),
    "many_orders": _l("%(orders)s orders agree with the ballots equally well."),
    "close": _l("Places %(place)s and %(next)s cannot be told apart: %(options)s."),
    "border_close": _l("The last chosen topic and the first left out cannot be told apart: %(options)s."),
    "agreement_strong": _l("Those who took part largely agree (Kendall's W = %(w)s)."),
    "agreement_middle": _l("Those who took part agree in part (Kendall's W = %(w)s)."),
    "agreement_weak": _l("Those who took part hardly agree (Kendall's W = %(w)s)."),
}


def finding_text(finding: Finding, labels: Mapping[str, str]) -> str:
    """One finding as a sentence; ``labels`` names the options."""
    params: dict[str, Any] = dict(finding.params)
    for name in ("options", "sure", "some"):
        if name in params:
            # In marks, because names of topics have commas and an "and" of their own.
            params[name] = listed(quoted(labels.get(o, o), language()) for o in params[name])
    if isinstance(params.get("rules"), list):
        params["rules"] = listed(str(RULE_NAMES[rule]) for rule in params["rules"])
    if "w" in params:
        params["w"] = format_decimal(params["w"], "0.00")
    return str(SENTENCES[finding.code]) % params


def listed(names: Iterable[str]) -> str:
    """Names as the reader's language lists them: commas, and its word before the last."""
    return format_list(list(names), locale=get_locale()) or "–"


def in_no_order(order: Sequence[Mapping[str, Any]], k: int, labels: Mapping[str, str]) -> list[str]:
    """Ids of the first ``k`` topics sorted by their names: their places stay with the organisers."""
    return sorted((place["option"] for place in order[:k]), key=lambda name: labels[name].casefold())


def reach(interval: Mapping[str, Any]) -> tuple[int, int]:
    """First and last place that a topic could have; a tie counts as all the places it shares."""
    return math.floor(interval["low"]), math.ceil(interval["high"])


def places_text(interval: Mapping[str, Any] | None) -> str:
    """From which place to which a topic could have come; empty where that is not known."""
    if interval is None:
        return ""
    low, high = reach(interval)
    return f"{format_decimal(low)}–{format_decimal(high)}"


def score_text(score: Any) -> str:
    """A score as people read it: with at most two decimals, and the exact fraction beside it where those are
    rounded; empty where nobody gave one."""
    if score is None:
        return ""
    exact = Fraction(score)
    shown = format_decimal(float(exact) if exact.denominator > 1 else exact.numerator, "#,##0.##")
    return shown if 100 % exact.denominator == 0 else f"{shown} ({exact})"


def step_text(step: str) -> str:
    """Which step decided a tie; empty where the rule itself did."""
    texts = {
        "head_to_head": r_("tie decided head to head"),
        "first_ranks": r_("tie decided by first places"),
        "lot": r_("tie decided by lot"),
    }
    return texts.get(step, "")
