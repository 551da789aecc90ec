"""What residents are told before they answer: one wording for the first page, the letter and the slip.

Everything here is translated into every language of the house, so each sentence stands once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import format_date

from localtext import chain
from web.i18n import catalogue, speaking
from web.i18n import resident as r_


def promise(levels: Sequence[str], one_office: bool = False) -> list[str]:
    """The promise of a wave's levels, the strongest first, and what the answers themselves may tell."""
    sentences = []
    if "open" in levels:
        sentences.append(r_("We do not ask who you are. Anyone can answer here, also more than once."))
    if "sealed" in levels:
        sentences.append(
            r_(
                "No record in this system connects your answers to your name: not for the city, not for the "
                "people who run it, not for a thief. We see whether you answered, not what. After sending, "
                "nobody can find, change or delete your answers."
            )
        )
    if "two_office" in levels and "sealed" not in levels:
        sentences.append(_one_office() if one_office else _two_offices())
    return [*sentences, r_("Your answers themselves may describe you. So we ask in broad groups.")]


def _one_office() -> str:
    return r_(
        "On this way one office handles both your code and your answers. It could connect them while you "
        "send. It keeps no record of that."
    )


def _two_offices() -> str:
    return r_(
        "On this way two offices handle your code and your answers. Only together, while you send, could "
        "they connect them. They keep no record of that."
    )


def facts(register: Mapping[str, Any] | None = None, *, sample: bool = True) -> list[str]:
    """What frightens people, said plainly; for the first page of a survey, a conference, and the letter.

    ``register`` is the document of kind ``letterhead`` that the register publishes: ``phone``, ``website``,
    ``delete_on`` (ISO day); what it lacks is left out.  ``sample`` says that names came from the residents'
    register.
    """
    known = register or {}
    found = [
        r_("Taking part is voluntary."),
        r_("It has no effect on your right to stay or on benefits, whether you take part or not."),
        r_("The immigration office receives nothing."),
    ]
    if sample:
        found.append(r_("Your address comes from the residents' register. It was drawn at random."))
    if sample and known.get("delete_on"):
        day = format_date(date.fromisoformat(known["delete_on"]), "long")
        found.append(r_("We delete your name and address on %(date)s at the latest.", date=day))
    if known.get("phone") and known.get("website"):
        found.append(
            r_(
                "Is this genuine? Call %(phone)s, or look at the city's website: %(website)s",
                phone=isolated(known["phone"]),
                website=isolated(known["website"]),
            )
        )
    if sample and known.get("phone"):
        found.append(
            r_(
                "If you want no more letters, call %(phone)s. You need not say why.",
                phone=isolated(known["phone"]),
            )
        )
    return found


def isolated(text: str) -> str:
    """A number or address inside a sentence of any direction (Unicode bidirectional isolate)."""
    return f"\u2066{text}\u2069"


def letter(tag: str, values: Mapping[str, Any], *, reminder: bool = False) -> dict[str, Any]:
    """The wording of one letter page in the language ``tag``, as the fields of `letters.Words`.

    ``values``: ``title``, ``sender``, ``phone``, ``website``, ``delete_on``, ``today`` and ``answer_until``
    (days, ISO), ``levels``, ``group`` (may be empty), ``sample``.
    """
    with speaking(tag):
        today = format_date(date.fromisoformat(values["today"]), "long")
        until = format_date(date.fromisoformat(values["answer_until"]), "long")
        promised = promise(values["levels"])
        if values.get("group"):
            promised.append(
                r_(
                    "Your letter belongs to a large group: %(group)s. Your answers carry that group, "
                    "nothing else.",
                    group=isolated(values["group"]),
                )
            )
        return {
            "language": tag,
            "title": values["title"],
            "date": today,
            "greeting": r_("Good day,"),
            "opening": tuple(_opening(values, until, reminder)),
            "your_code": r_("Your access code"),
            "address_line": r_("Scan the picture with your phone, or type this address:"),
            "promise_title": r_("What we promise"),
            "promise": " ".join([*promised, r_("You may leave out any question.")]),
            "facts": tuple(facts(values, sample=bool(values.get("sample", True)))),
            "hotline": r_(
                "Questions, or no internet? Call %(phone)s. We help you in your language.",
                phone=isolated(values["phone"]),
            ),
            "closing": r_("Thank you very much."),
            "key_title": r_("How to check this letter"),
            "key_text": r_(
                "The page shows a fingerprint. It must be the one printed here. Everyone in your group has "
                "the same one."
            ),
        }


def _opening(values: Mapping[str, Any], until: str, reminder: bool) -> list[str]:
    sentences = []
    if reminder:
        sentences.append(
            r_(
                "We wrote to you some weeks ago. If you have answered already: thank you. This letter has a "
                "new code. Each person can answer once."
            )
        )
    sentences.append(
        r_(
            "%(sender)s asks you to take part in a survey. You can answer until %(date)s.",
            sender=isolated(values["sender"]),
            date=until,
        )
    )
    return sentences


def other_language_line(tag: str) -> str:
    """The one line for people who read none of the letter's languages."""
    with speaking(tag):
        return r_("You can answer this survey in your language. Scan the picture with your phone.")


def invented(tag: str) -> str:
    """What paper of the demo says of itself, in the language ``tag``; empty elsewhere."""
    if not current_app.config["SETTINGS"].demo:
        return ""
    with speaking(tag):
        return r_("Demonstration: people and answers are invented.")


def slip_line(tag: str) -> str:
    """The line on a slip with a code that belongs to nobody."""
    with speaking(tag):
        return r_(
            "Voluntary and anonymous. Scan the picture, or type the address and the code. It works once."
        )


def is_worded(tag: str) -> bool:
    """Whether a letter can be written in this language without a sentence falling back to English."""
    if "en" in chain(tag)[:1]:
        return True
    own = catalogue(tag, "resident")
    probe = ("What we promise", "Good day,", "How to check this letter", "Thank you very much.")
    return all(own.gettext(message) != message for message in probe)
