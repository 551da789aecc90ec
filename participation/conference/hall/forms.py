"""Sentences that participants read when a ballot cannot be taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localtext import pick
from participation.conference.ballots import Fault
from participation.conference.hall.store import STEP
from web.i18n import language, lazy_resident
from web.i18n import resident as r_

#: Sentence of each refusal: of ballots, of codes, of the door.
SENTENCES: dict[str, Any] = {
    "too_many_places": lazy_resident("Please choose at most %(places)s."),
    "too_many_dots": lazy_resident("You have %(dots)s dots. You gave %(found)s."),
    "too_many_on_one": lazy_resident("At most %(most)s dots on one topic."),
    "out_of_range": lazy_resident("Please choose numbers from 0 to %(top)s."),
    "over_budget": lazy_resident("That is more than the budget: %(found)s of %(budget)s."),
    "reworded": lazy_resident("The list of topics has changed. Please look at it again."),
    "closed": lazy_resident("Voting has closed. Your ballot stays on this phone, but it no longer counts."),
    "not_open": lazy_resident("Voting has not begun yet."),
    "option_unknown": lazy_resident("The list of topics has changed. Please look at it again."),
    "older": lazy_resident("A newer ballot from this slip is already here. The newer one counts."),
    "used": lazy_resident("This code was already used in this round."),
    "spent": lazy_resident("This code was already used in this round."),
    "other_key": lazy_resident("This code belongs to another group or conference."),
    "other_wave": lazy_resident("This code belongs to another group or conference."),
    "unknown": lazy_resident("This code is not known. Please compare it with your slip."),
    "closed_form": lazy_resident("Voting has closed. This ballot no longer counts."),
    "empty": lazy_resident("Please type the code on your slip."),
    "blank": lazy_resident("You have not chosen anything. Send again to hand in an empty ballot."),
    "typed": lazy_resident("Please compare the code with your slip: group %(group)s is not right."),
    "busy": lazy_resident("Too many people at once. Please try again in a moment."),
    "network": lazy_resident("No connection. Your ballot is on this phone. Please try again."),
    "refused": lazy_resident("This could not be accepted. Please try again, or ask at the desk."),
}
_TYPED = ("length", "character", "check")


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The refusal in the reader's language."""
    known = "typed" if code in _TYPED else code if code in SENTENCES else "refused"
    return str(SENTENCES[known]) % {"group": "", **(params or {})}


def fault_sentences(faults: Iterable[Fault]) -> list[str]:
    """One sentence per kind of fault."""
    return list(dict.fromkeys(sentence(fault.code, fault.params) for fault in faults))


def raw_sentences() -> dict[str, str]:
    """All sentences with their placeholders, for the page's script."""
    return {code: str(text) for code, text in SENTENCES.items()}


def turnout_sentences() -> dict[str, str]:
    """How a turnout in steps is said: ``few`` below the first step, ``least`` from there on, with its
    placeholder, for pages and their scripts."""
    return {"few": r_("Ballots: fewer than %(num)s", num=STEP), "least": r_("Ballots: at least %(num)s")}


def turnout_text(ballots: int) -> str:
    """Turnout, rounded down to a step, as a sentence."""
    said = turnout_sentences()
    return said["least"] % {"num": ballots} if ballots else said["few"]


def closing_sentence() -> str:
    """Said in the grace after the close; the page's script puts the time in the place of ``%(time)s``."""
    return r_("Voting is closing. You can send your ballot until %(time)s.")


def receipt_hint() -> str:
    """What the receipt is for."""
    return r_(
        "With it you can check after the count that your ballot was counted. Write it down if you like."
    )


def words(text: Mapping[str, str] | None) -> Any:
    """A text in the reader's language, and the language it is in."""
    return pick(text or {}, language())


def method_sentences(round_: Mapping[str, Any]) -> list[str]:
    """How to vote, and what an open place means: said before anybody votes."""
    places = round_.get("places") or 0
    top = round_.get("top") or 10
    how: dict[str, str] = {
        "ranking": r_(
            "Choose your most important topics: up to %(num)s, the most important first.", num=places
        )
        if places
        else r_("Put the topics in order, the most important first. You can stop early."),
        "dots": r_(
            "Give %(dots)s dots, at most %(most)s on one topic.",
            dots=round_.get("dots"),
            most=round_.get("per_option") or round_.get("dots"),
        ),
        "approval": r_("Choose all topics that you support."),
        "score": r_("Give every topic 0 to %(top)s points.", top=top),
        "consensing": r_("How much speaks against it for you? 0 is nothing, %(top)s is very much.", top=top),
        "pairwise": r_("Which of the two is more important? Stop whenever you like."),
        "budget": r_(
            "Choose what should be paid for. The budget is %(budget)s.", budget=round_.get("budget")
        ),
    }
    found = [how[round_["method"]]]
    if round_["method"] == "ranking":
        found.append(
            r_("Topics that you leave open count as tied last.")
            if round_.get("policy", "last") == "last"
            else r_("Topics that you leave open count as no opinion.")
        )
    return found


def counting_sentences(method: str, seed: str) -> list[str]:
    """By which rule the order is made and how ties are broken: fixed and said before a round opens, and
    printed with its outcome."""
    rules: dict[str, str] = {
        "ranking": r_("On each ballot a topic gets points for every topic that stands below it (Borda)."),
        "dots": r_("The sum of the dots counts."),
        "approval": r_("The number of people who chose a topic counts."),
        "score": r_("The average of the points counts."),
        "consensing": r_("The topic with the least resistance in total comes first."),
        "pairwise": r_("All comparisons together give the order."),
        "budget": r_("What most people chose is paid for first, as long as the budget lasts."),
    }
    ties = (
        r_("Ties are broken head to head, then by first places, then by lot (seed %(seed)s).", seed=seed)
        if method == "ranking"
        else r_("Ties are broken by lot (seed %(seed)s).", seed=seed)
    )
    return [rules[method], ties]
