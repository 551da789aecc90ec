"""Pure: the demo's conferences, from fixed seeds: who sits in the hall, what they like, how they rank.

Only the names of the fields and the ballots of Debian are real; groups' likings, people and rankings are
invented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from participation.conference import interchange, receipts
from participation.conference.ballots import Profile
from participation.conference.interchange import OptionLine

FOLDER = Path(__file__).resolve().parents[1] / "data"
SEED = 2019

#: Classes of option ids, best first, as a phone sends them.
Ranking = list[list[str]]

#: Seats of administration, civil society, migrant organisations and residents: 84 together.
SEATS = {"g1": 22, "g2": 20, "g3": 18, "g4": 24}
#: Seats that rank Leipzig's fields.
LEIPZIG_SEATS = {"g1": 40, "g2": 40}
#: Smallest number of a group that votes when the demo is made smaller.
FEWEST = 5
#: How many of the last group vote on paper in the plenum.
PAPER = 8

#: Mean of a latent scale, per group and field; what is not named is 0.
LIKINGS: Mapping[str, Mapping[str, float]] = {
    "g1": {"opening": 1.5, "language": 1.0, "district": 0.9, "work": 0.8, "advice": 0.2, "dialogue": -0.8},
    "g2": {"district": 1.6, "participation": 1.0, "education": 0.8, "opening": 0.7, "sport": 0.3},
    "g3": {"opening": 1.6, "participation": 1.1, "district": 0.9, "interpreting": 0.8, "dialogue": 0.3},
    "g4": {"district": 1.8, "work": 1.0, "opening": 0.8, "education": 0.7, "women": 0.4, "youth": 0.4},
}
LEIPZIG_LIKINGS: Mapping[int, Mapping[str, float]] = {
    2021: {
        "work": 1.4,
        "education": 1.3,
        "discrimination": 0.7,
        "health": 0.2,
        "opening": 0.5,
        "dialogue": -0.6,
    },
    2022: {
        "discrimination": 1.5,
        "education": 1.3,
        "work": 0.6,
        "health": 1.0,
        "opening": 0.3,
        "dialogue": -0.6,
    },
}


@dataclass(frozen=True)
class Cast:
    """One person's ballot: their group, the ranking, and the receipt that the phone draws."""

    group: str
    ranking: Ranking
    receipt: list[int]


def texts() -> dict[str, Any]:
    """Titles, notes, lists and needs as they are shipped."""
    return dict(json.loads((FOLDER / "conferences.json").read_text("utf-8")))


def fields(name: str) -> list[OptionLine]:
    """One of the shipped lists of fields."""
    path = FOLDER / "conferences.json"
    return interchange.read(path.read_text("utf-8"), path.name, chosen=name)


def scaled(seats: Mapping[str, int], share: float) -> dict[str, int]:
    """How many of each group vote where the demo is made with a share of its people."""
    return {group: max(FEWEST, round(number * share)) for group, number in seats.items()}


def rankings(
    liking: Mapping[str, float], options: Sequence[str], number: int, places: int, random: np.random.Generator
) -> list[Ranking]:
    """``number`` ballots of at most ``places`` fields: Plackett-Luce draws (Gumbel noise on the likings).

    Most people fill every place, some only the first ones, a few hold the last two equal.
    """
    means = np.array([liking.get(option, 0.0) for option in options])
    drawn = np.argsort(-(means + random.gumbel(size=(number, len(options)))), axis=1)
    filled = random.choice([1, 2, places], size=number, p=[0.06, 0.14, 0.8])
    tied = random.random(number) < 0.05
    found = []
    for order, count, equal in zip(drawn, filled, tied, strict=True):
        ranking = [[options[x]] for x in order[: min(int(count), places)]]
        if equal and len(ranking) > 1:
            last = ranking.pop()
            ranking[-1] = sorted(ranking[-1] + last)
        found.append(ranking)
    return found


def cast(
    likings: Mapping[str, Mapping[str, float]],
    options: Sequence[str],
    voters: Mapping[str, int],
    places: int,
    seed: Sequence[int],
) -> list[Cast]:
    """Everybody's ballot, group by group; the seed fixes all."""
    random = np.random.default_rng([SEED, *seed])
    return [
        Cast(group, ranking, receipts.draw(lambda below: int(random.integers(below))))
        for group, number in voters.items()
        for ranking in rankings(likings[group], options, number, places, random)
    ]


def one_by_one(profile: Profile) -> list[Cast]:
    """The ballots of a file, each as often as it was counted."""
    random = np.random.default_rng([SEED, len(profile.ballots)])
    return [
        Cast(
            "",
            [[profile.ids[x] for x in tied] for tied in ballot.ranking],
            receipts.draw(lambda below: int(random.integers(below))),
        )
        for ballot in profile.ballots
        for _ in range(ballot.count)
    ]
