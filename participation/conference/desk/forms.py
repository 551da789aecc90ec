"""What a moderator types: read from plain forms, every fault as a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from localtext import NAMES
from participation.conference.ballots import BallotFileError
from participation.conference.forms import fault_sentence
from participation.conference.presets import GROUPS, PRESETS, settings
from participation.conference.store import ConferenceFault, OptionText

PRESET_NAMES: dict[str, Any] = {
    "priorities": _l("Choose priorities: practice, then one round (top three)"),
    "tables_plenum": _l("Tables, then plenum: practice and two linked rounds"),
    "dots": _l("Dots: practice, then one round of dots"),
    "consensing": _l("Systemic consensing: resistance 0 to 10"),
    "quick": _l("Quick vote without codes (people could vote twice)"),
    "empty": _l("Empty"),
}
METHOD_NAMES: dict[str, Any] = {
    "ranking": _l("Ranking"),
    "dots": _l("Dots"),
    "approval": _l("Approval"),
    "score": _l("Score"),
    "consensing": _l("Systemic consensing"),
    "pairwise": _l("Pairwise choices"),
    "budget": _l("Budget"),
}
STATE_NAMES: dict[str, Any] = {
    "draft": _l("planned"),
    "announced": _l("announced"),
    "open": _l("open"),
    "paper": _l("closed for phones, paper is being entered"),
    "closed": _l("closed"),
    "revealed": _l("revealed"),
    "withdrawn": _l("withdrawn"),
}
FAULTS: dict[str, Any] = {
    "groups_fixed": _l("Groups cannot be changed any more: a round with codes was announced."),
    "wrong_step": _l("The round is “%(now)s”; it cannot become “%(wanted)s”."),
    "another_open": _l("Another round is open. Close it first."),
    "too_few_options": _l("A round needs at least two topics."),
    "no_cost": _l("A budget round needs a cost for every topic."),
    "unlabelled": _l("The topic %(option)s has no label in the conference's first language."),
    "no_round": _l("There is no round %(round)s."),
    "over": _l("The time of this round is over and its ballots are being mixed. Close it."),
    "not_counted": _l("The ballots are being mixed and counted. Try again in a moment."),
    "batches_open": _l("Paper ballots are waiting for confirmation. Admit or wipe them first."),
}


def fault_text(fault: ConferenceFault) -> str:
    """The fault as a sentence."""
    params = dict(fault.params)
    for name in ("now", "wanted"):
        if name in params:
            params[name] = STATE_NAMES[params[name]]
    return str(FAULTS[fault.code]) % params


def file_faults(error: BallotFileError) -> list[str]:
    """The faults of a file, at most ten."""
    return [fault_sentence(fault) for fault in error.faults[:10]]


@dataclass(frozen=True)
class NewConference:
    """The first form: everything a usable conference needs."""

    title: dict[str, str]
    languages: list[str]
    held_on: date | None
    choose: int
    preset: str
    topics: list[str]
    groups: list[tuple[str, dict[str, str], int, str]]


def texts(form: Mapping[str, str], name: str, languages: list[str]) -> dict[str, str]:
    """Fields ``<name>-<language>`` as one text in many languages; empty ones are left out."""
    found = {tag: " ".join(form.get(f"{name}-{tag}", "").split()) for tag in languages}
    return {tag: text for tag, text in found.items() if text}


def new_conference(form: Any, staff_language: str) -> tuple[NewConference | None, list[str]]:
    """The new conference, or why not."""
    problems = []
    title = " ".join(form.get("title", "").split())
    if not title:
        problems.append(_("Please give the conference a title."))
    languages = [tag for tag in form.getlist("languages") if tag in NAMES] or [staff_language]
    if staff_language in languages:
        languages = [staff_language, *(tag for tag in languages if tag != staff_language)]
    held_on = None
    try:
        held_on = date.fromisoformat(form["held_on"]) if form.get("held_on") else None
    except ValueError:
        problems.append(_("Please give the day as year-month-day."))
    choose = _number(form.get("choose", "3"), 1, 50)
    if choose is None:
        problems.append(_("Please choose between 1 and 50 topics."))
    preset = form.get("preset", "priorities")
    groups, faults = group_rows(form, languages[:1])
    groups = [(code, _template(label, languages), seats, share) for code, label, seats, share in groups]
    topics = [" ".join(line.split()) for line in form.get("topics", "").splitlines() if line.strip()]
    problems += faults
    if problems or choose is None or preset not in PRESETS:
        return None, problems or [_("Please choose a template.")]
    made = NewConference({languages[0]: title}, languages, held_on, choose, preset, topics, groups)
    return made, []


def _template(label: dict[str, str], languages: list[str]) -> dict[str, str]:
    """A group of the template in every language of the conference; others as they were typed."""
    typed = next(iter(label.values()))
    known: Mapping[str, str] = next((group for group in GROUPS if typed in group.values()), {})
    return {tag: text for tag, text in known.items() if tag in languages} | label


def _number(text: str, low: int, high: int) -> int | None:
    text = text.strip()
    return int(text) if text.isdecimal() and low <= int(text) <= high else None


def group_rows(
    form: Any, languages: list[str]
) -> tuple[list[tuple[str, dict[str, str], int, str]], list[str]]:
    """Rows ``group-<n>-...``: code, labels, seats, agreed share; rows without a label are left out."""
    found, problems = [], []
    for n in range(20):
        label = texts(form, f"group-{n}-label", languages)
        if not label:
            continue
        shown = next(iter(label.values()))
        seats = _number(form.get(f"group-{n}-seats", "") or "0", 0, 100_000)
        if seats is None:
            problems.append(_("Seats of “%(group)s”: please give a whole number.", group=shown))
        share = form.get(f"group-{n}-share", "").strip()
        if share and not _is_share(share):
            problems.append(_("Share of “%(group)s”: please write it like 1/3 or 0.25.", group=shown))
        found.append((form.get(f"group-{n}-code", ""), label, seats or 0, share.replace(",", ".")))
    shares = [share for _code, _label, _seats, share in found if share]
    if shares and len(shares) < len(found):
        problems.append(_("Give every group a share, or none."))
    return found, problems


def _is_share(text: str) -> bool:
    try:
        return Fraction(text.replace(",", ".")) > 0
    except (ValueError, ZeroDivisionError):
        return False


def option_text(form: Mapping[str, str], languages: list[str]) -> tuple[OptionText, list[str]]:
    """Label, explanation, evidence and cost of an option."""
    problems = []
    label = texts(form, "label", languages)
    if not label:
        problems.append(_("Please give the topic a label in at least one language."))
    cost = form.get("cost", "").strip()
    if cost and not cost.isdecimal():
        problems.append(_("The cost must be a whole number."))
    evidence: dict[str, Any] = {}
    said = texts(form, "evidence", languages)
    if said:
        evidence = {"text": said}
        for name in ("estimate", "low", "high", "base", "source"):
            value = form.get(f"evidence-{name}", "").strip()
            if value:
                evidence[name] = value
    return (
        OptionText(
            label, texts(form, "explanation", languages), evidence, int(cost) if cost.isdecimal() else None
        ),
        problems,
    )


#: Whole numbers of a round's settings: name -> lowest, highest.
_NUMBERS = {
    "places": (0, 100),
    "dots": (1, 1000),
    "per_option": (1, 1000),
    "top": (1, 100),
    "budget": (1, 10**12),
    "grace": (0, 3600),
    "quorum": (0, 100_000),
}


def round_settings(form: Any, languages: list[str]) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Title and settings of a round, or what is wrong with them."""
    problems = []
    method = form.get("method", "ranking")
    if method not in METHOD_NAMES:
        method, problems = "ranking", [_("Please choose a method.")]
    changes: dict[str, Any] = {"method": method}
    for name, (low, high) in _NUMBERS.items():
        if form.get(name, "").strip():
            number = _number(form[name], low, high)
            if number is None:
                problems.append(
                    _(
                        "%(name)s: please give a whole number from %(low)s to %(high)s.",
                        name=name,
                        low=low,
                        high=high,
                    )
                )
            else:
                changes[name] = number
    changes["policy"] = "no_opinion" if form.get("policy") == "no_opinion" else "last"
    changes["paper"] = bool(form.get("paper"))
    changes["level"] = "open" if form.get("level") == "open" else "codes"
    title = texts(form, "title", languages)
    if not title:
        problems.append(_("Please give the round a title."))
    found = settings(changes)
    if found["method"] == "dots" and found["per_option"] > found["dots"]:
        problems.append(_("No topic can take more dots than a ballot has."))
    return title, found, problems
