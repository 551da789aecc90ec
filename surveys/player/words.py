"""The words that the script says. Called inside a page's language; kept few, because each is translated
often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Say = Callable[..., str]
REFUSALS = ("used", "unknown", "other_key", "withdrawn", "closed", "answers")
"""Codes of refusals that have a sentence of their own; everything else is "try again"."""


def words(r_: Say, refusal: Callable[[str], str]) -> dict[str, Any]:
    """Return all of the script's words; ``r_`` translates, ``refusal`` says why answers were not taken."""
    table: dict[str, Any] = {
        "begin": r_("Begin"),
        "next": r_("Next"),
        "back": r_("Back"),
        "erase": r_("Delete my answers from this phone"),
        "error": r_("Error"),
        "problem": r_("There is a problem"),
        "consent": r_("Please tick that you want to take part."),
        "codeMissing": r_("Please type the access code from your letter."),
        "codeGroup": r_("Please check the code: group %(group)s is not right."),
        "old": r_(
            "This browser cannot send your answers by the safest way. You can answer here all the same; "
            "what then holds is said below."
        ),
        "key": r_("Fingerprint of the key, as on your letter: %(print)s"),
        "mine": r_("Is this phone only yours?"),
        "mineYes": r_("Yes, only I use it"),
        "mineNo": r_("No, others use it too"),
        "mineHelp": r_(
            "If yes, your answers are kept on this phone, encrypted, until you send them. If no, they are "
            "gone when you close this page."
        ),
        "mineRisk": r_("Until then, whoever can unlock this phone can open this page and read them."),
        "ready": r_("Send your answers?"),
        "nothing": r_("Nothing has been sent yet."),
        "complete": r_("You have answered every question."),
        "open": r_("Questions without an answer: %(num)s"),
        "sending": r_("Your answers are being sent …"),
        "queued": r_(
            "There is no network now. Nothing has been sent. Your answers wait on this phone, encrypted, and "
            "will be sent when there is a network and this page is open."
        ),
        "offline": r_("There is no network now. This language can be loaded later."),
        "notKept": r_("This phone could not keep your answers. They are gone when you close this page."),
        "received": r_("Your answers have arrived"),
        "gone": r_("They have been deleted from this phone."),
        "most": r_("At most %(num)s answers. Please take some away."),
        "number": r_("Please write a whole number."),
        "range": r_("Please write a number from %(low)s to %(high)s."),
        "type": r_("Number"),
        "tap": r_("Tap what matters most to you first, then the next."),
        "lists": r_("Choose from lists instead"),
        "place": r_("Place %(num)s"),
        "up": r_("Move up"),
        "down": r_("Move down"),
        "remove": r_("Remove"),
        "refusals": {code: refusal(code) for code in REFUSALS} | {"other": refusal("")},
    }
    table["refusals"]["spent"] = table["refusals"]["used"]
    return table


def words_of_kept(r_: Say, refusal: Callable[[str], str]) -> dict[str, str]:
    """Return what the page says when the survey is over and the phone still has answers."""
    return {
        "closed": refusal("closed"),
        "yours": r_("Your answers"),
        "print": r_("Print"),
        "file": r_("Keep as a file"),
        "careful": r_("Whoever gets the paper or the file can read your answers."),
        "erase": r_("Delete my answers from this phone"),
        "gone": r_("They have been deleted from this phone."),
    }


def fault_sentence(r_: Say, kind: str, params: dict[str, Any]) -> str:
    """Say what is wrong with one answer and what to do, for a person who answers."""
    if kind == "consent-missing":
        return r_("Please tick that you want to take part.")
    if kind == "code-missing":
        return r_("Please type the access code from your letter.")
    if kind == "too-many":
        return r_("At most %(num)s answers. Please take some away.", num=params["maximum"])
    if kind == "text-too-long":
        return r_("This text is too long. At most %(num)s characters.", num=params["maximum"])
    if kind in ("not-a-number", "out-of-range"):
        low, high = params.get("low"), params.get("high")
        if low is not None and high is not None:
            return r_("Please write a number from %(low)s to %(high)s.", low=low, high=high)
        return r_("Please write a whole number.")
    if kind in ("repeated-rank", "rank-gap"):
        return r_("Please give each place once, beginning with the first.")
    if kind in ("exclusive-with-others", "answer-and-refusal", "two-answers"):
        return r_("These answers exclude each other. Please choose.")
    return r_("Please answer this question again.")
