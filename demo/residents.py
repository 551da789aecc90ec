"""Pure: what the synthetic residents answer, following the questionnaire's own routing.

Every person has a few latent traits (how they fare, how they are treated, how well they know German, how long
they have been here); an ordered item reads one of them with noise, a nominal item draws from shares that
lean with the group of origin.  Nothing here describes real people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from demo import city
from surveys.questionnaire import Field, Questionnaire
from surveys.routing import Value, holds


@dataclass(frozen=True)
class Person:
    """Latent traits of one answering person (standard normal where not said otherwise)."""

    origin: city.Origin
    age: str
    sex: str
    district: str
    faring: float
    treated: float
    german: float
    years: float
    year: int


def person(invited: city.Invited, number: int, year: int, random: np.random.Generator) -> Person:
    """Draw the traits of one invited person."""
    origin = city.ORIGINS[invited.origin[number]]
    years = float(random.gamma(1.6, 5.0))
    drift = 0.0 if year < 2024 else -0.15
    return Person(
        origin=origin,
        age=city.AGES[invited.age[number]],
        sex=city.SEXES[invited.sex[number]],
        district=city.DISTRICTS[invited.district[number]],
        faring=origin.faring + 0.02 * years + drift + float(random.normal()),
        treated=origin.treated + float(random.normal()),
        german=-0.9 + 0.16 * years + 0.3 * origin.faring + float(random.normal()) * 0.8,
        years=years,
        year=year,
    )


#: Which trait an ordered concept reads, and with what sign, by the beginning of the concept.
_TRAITS: Mapping[str, tuple[str, float]] = {
    "language.first": ("faring", 0.3),
    "language": ("german", 1.0),
    "life": ("faring", 1.0),
    "housing": ("faring", 0.6),
    "money": ("faring", 0.8),
    "health": ("faring", 0.6),
    "worry": ("faring", -0.6),
    "belonging": ("treated", -0.5),
    "contact.germans": ("german", 0.7),
    "office": ("german", 0.6),
}


def _band(years: float, bands: tuple[tuple[float, str], ...]) -> str:
    return next(code for limit, code in bands if years < limit)


_GERMANY = ((2, "0-1"), (6, "2-5"), (11, "6-10"), (1e9, "11"))
_CITY = ((1, "0"), (3, "1-2"), (6, "3-5"), (11, "6-10"), (1e9, "11"))

#: Fields whose answer follows from who the person is.
_KNOWN: Mapping[str, Callable[[Person, np.random.Generator], str]] = {
    "gender": lambda who, random: "diverse" if random.random() < 0.006 else who.sex,
    "age": lambda who, random: who.age,
    "origin": lambda who, random: who.origin.region if random.random() < 0.96 else "several",
    "district": lambda who, random: who.district,
    "born.self": lambda who, random: "yes" if random.random() < 0.09 else "no",
    "born.mother": lambda who, random: "yes" if random.random() < 0.06 else "no",
    "born.father": lambda who, random: "yes" if random.random() < 0.06 else "no",
    "stay-germany": lambda who, random: _band(who.years, _GERMANY),
    "stay-city": lambda who, random: _band(who.years * 0.8, _CITY),
    "disadvantage": lambda who, random: _level(who.treated + float(random.normal()) * 0.5, (0.1, 1.1)),
    "looked": lambda who, random: "yes" if random.random() < 0.38 else "no",
}


def _level(value: float, cuts: tuple[float, float]) -> str:
    return "never" if value < cuts[0] else "seldom" if value < cuts[1] else "often"


def answer(questionnaire: Questionnaire, who: Person, random: np.random.Generator) -> dict[str, Value]:
    """Answers of one person in the form a browser posts, only for what is asked on their path."""
    given: dict[str, Any] = {}
    asked: dict[str, bool] = {}
    for field in questionnaire.fields:
        if not holds(field.rule, asked, given):
            continue
        asked[field.address] = True
        if field.kind == "text":
            continue
        missing = _missing(field, random)
        if missing == "!no_answer":
            continue
        given[field.address] = missing or _substantive(field, who, random)
    return {**given, "_consent": "yes"}


def _missing(field: Field, random: np.random.Generator) -> str:
    draw = float(random.random())
    if draw < 0.008:
        return "!no_answer"
    if field.dont_know and draw < 0.04:
        return "!dont_know"
    if field.refusal and draw < (
        0.09 if field.concept.startswith(("money", "status", "origin.group")) else 0.02
    ):
        return "!refused"
    return ""


def _substantive(field: Field, who: Person, random: np.random.Generator) -> Value:
    known = _KNOWN.get(field.address)
    if known is not None:
        return known(who, random)
    if field.kind == "multiple":
        return _several(field, who, random)
    if field.kind == "ranking":
        order = random.permutation(len(field.options))[: field.maximum]
        return [field.options[index].code for index in order]
    if field.kind == "exact":
        return str(int(random.integers(field.low or 0, (field.high or 100) + 1)))
    if field.address.startswith("treated-worse"):
        return "yes" if who.treated + float(random.normal()) > 1.0 else "no"
    trait = _trait(field)
    return _ordered(field, who, trait, random) if trait else _nominal(field, who, random)


def _trait(field: Field) -> tuple[str, float] | None:
    for beginning, trait in _TRAITS.items():
        if field.concept.startswith(beginning) and _is_ordered(field):
            return trait
    return None


def _is_ordered(field: Field) -> bool:
    return len(field.options) > 2 and all(option.code.isdigit() for option in field.options)


def _ordered(field: Field, who: Person, trait: tuple[str, float], random: np.random.Generator) -> str:
    """Read a latent trait on the item's steps; the codes of our scales grow with what they name."""
    name, sign = trait
    value = sign * float(getattr(who, name)) + 0.35 + float(random.normal()) * 0.9
    codes = sorted((option.code for option in field.options), key=int)
    steps = len(codes)
    index = int(np.clip(np.floor((value + 2.2) / 4.4 * steps), 0, steps - 1))
    return codes[index]


def _shares(field: Field, who: Person) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Fixed shares per item that lean with the region, from a digest, so that they need no table."""
    options = tuple((option.code, option.exclusive) for option in field.options)
    return _leaning(field.address, options, who.origin.region)


@lru_cache(maxsize=4096)
def _leaning(
    address: str, options: tuple[tuple[str, bool], ...], region: str
) -> np.ndarray[Any, np.dtype[np.float64]]:
    shares = np.array(
        [
            (1.0 + 3.0 * _unit(address, code) + 1.2 * _unit(address, code, region))
            * (0.4 if exclusive else 1.0)
            for code, exclusive in options
        ]
    )
    normal: np.ndarray[Any, np.dtype[np.float64]] = shares / shares.sum()
    return normal


def _unit(*words: str) -> float:
    digest = hashlib.sha256("\x00".join(words).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def _nominal(field: Field, who: Person, random: np.random.Generator) -> str:
    return field.options[int(random.choice(len(field.options), p=_shares(field, who)))].code


def _several(field: Field, who: Person, random: np.random.Generator) -> list[str]:
    shares = _shares(field, who)
    exclusive = [option.exclusive for option in field.options]
    first = int(random.choice(len(shares), p=shares))
    if exclusive[first]:
        return [field.options[first].code]
    chance = np.clip(shares * 2.2, 0, 0.9)
    chosen = {first} | {
        index for index in range(len(shares)) if not exclusive[index] and random.random() < chance[index]
    }
    most = field.maximum or len(shares)
    ranked = sorted(chosen, key=lambda index: (index != first, -shares[index]))[:most]
    return [field.options[index].code for index in sorted(ranked)]
