"""Simulated people of a rehearsal: when they open, when they send, and what they answer.

Answers are drawn independently of the person, so whatever connects the two is a trace of the system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from surveys.answers import check
from surveys.questionnaire import Field, Questionnaire

#: Letter languages and their shares among the invited.
LANGUAGES = {
    "de": 0.30,
    "ar": 0.14,
    "tr": 0.12,
    "uk": 0.12,
    "ru": 0.10,
    "fa-AF": 0.08,
    "en": 0.06,
    "pl": 0.05,
    "ti": 0.03,
}

#: Concepts whose answers somebody who knows a person could know.
KNOWN_OUTSIDE = ("person.gender", "person.age", "origin.group", "residence.district")


@dataclass(frozen=True)
class Visit:
    """One visit: the code is used at ``signs``, the answers leave at ``sends`` (a phone may be offline)."""

    person: int
    signs: datetime
    sends: datetime
    without_script: bool


def invited(amount: int, strata: int, random: Random) -> list[tuple[str, str]]:
    """(stratum, language) for each invited person."""
    tags, weights = list(LANGUAGES), list(LANGUAGES.values())
    return [
        (f"s{number % strata}", language)
        for number, language in enumerate(random.choices(tags, weights, k=amount))
    ]


def visits(people: int, begin: datetime, weeks: int, random: Random) -> list[Visit]:
    """Everybody comes once, mostly soon after a letter, in waking hours; in the order of using codes."""
    planned = []
    for person in range(people):
        week = random.choice((0, 0, weeks // 2))
        waited = min(int(random.expovariate(0.3)), (weeks - week) * 7 - 2)
        day = begin + timedelta(weeks=week, days=waited)
        signs = day.replace(hour=7) + timedelta(seconds=random.uniform(0, 15 * 3600))
        later = 1.5 if random.random() < 0.95 else random.uniform(600, 40_000)
        planned.append(Visit(person, signs, signs + timedelta(seconds=later), random.random() < 0.1))
    return sorted(planned, key=lambda visit: visit.signs)


@dataclass(frozen=True)
class Vote:
    """One ballot sent; the first has revision 1."""

    person: int
    at: datetime
    revision: int
    without_script: bool


def groups(amount: int) -> dict[str, int]:
    """Seats of a conference's groups, as uneven as they are; the two smallest of a hundred share a key."""
    shares = {"administration": 0.3, "civil society": 0.2, "migrant organisations": 0.08, "council": 0.02}
    seats = {name: max(1, round(amount * share)) for name, share in shares.items()}
    return {"residents": amount - sum(seats.values())} | seats


def votes(people: int, begin: datetime, random: Random) -> list[Vote]:
    """Everybody votes within ten minutes, a third of those with script once more; in the order of time."""
    planned = []
    for person in range(people):
        at = begin + timedelta(seconds=random.uniform(1, 600))
        plain = random.random() < 0.1
        planned.append(Vote(person, at, 1, plain))
        if not plain and random.random() < 0.3:
            planned.append(Vote(person, at + timedelta(seconds=random.expovariate(1 / 30)), 2, False))
    return sorted(planned, key=lambda vote: vote.at)


def answers(questionnaire: Questionnaire, random: Random) -> dict[str, Any]:
    """Answers of nobody in particular, as the page's script posts them."""
    drawn = {field.address: _answer(field, random) for field in questionnaire.fields}
    given = {"_consent": "yes"} | {address: value for address, value in drawn.items() if value is not None}
    # Nobody answers what is not asked of them; taking one answer away may take others off the path.
    while discarded := check(questionnaire, given).discarded:
        given = {address: value for address, value in given.items() if address not in discarded}
    return given


def _answer(field: Field, random: Random) -> Any:
    codes = [option.code for option in field.options if not option.exclusive]
    if field.kind == "text":
        return f"words {random.getrandbits(64):016x}" if random.random() < 0.2 else None
    if not codes:
        return None
    if field.kind == "multiple":
        most = min(field.maximum or len(codes), len(codes), 3)
        return random.sample(codes, random.randint(1, most))
    if field.kind == "ranking":
        return random.sample(codes, min(field.maximum or len(codes), len(codes)))
    return random.choice(codes)


def content_linked(questionnaire: Questionnaire, responses: list[Mapping[str, Any]]) -> int:
    """How many responses are the only ones with their values on what outsiders could know of a person."""
    addresses = [field.address for field in questionnaire.fields if field.concept in KNOWN_OUTSIDE]
    if not addresses:
        return 0
    seen: dict[tuple[str, ...], int] = {}
    for response in responses:
        combination = tuple(str(response.get(address)) for address in addresses)
        seen[combination] = seen.get(combination, 0) + 1
    return sum(1 for count in seen.values() if count == 1)
