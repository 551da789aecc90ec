"""Pure: the wave of 2016 as a file from another house: personal interviews, with their weights.

Modelled on what is known of Leipzig's survey of 2016: 2,000 people drawn from the register, five strata by
region of origin, interviewers who spoke the mother tongue, 712 interviews (35.6 percent); refugees who came
from mid-2015 were left out.  Every answer is invented.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from demo import city, residents
from surveys import routing
from surveys.questionnaire import Questionnaire

KEY = "living-here-2016"
YEAR = 2016
DRAWN, INTERVIEWS = 2_000, 712
#: Who was meant in 2016: people of whom the waves of today ask more, which alone breaks the series.
POPULATION = f"{city.POPULATION}; ohne Geflüchtete, die seit Mitte 2015 kamen"
LANGUAGES = ("de", "ar", "en", "pl", "ru", "vi")
#: The five groups by region of origin of that time; other than those of 2020.
STRATA = {
    "eu": "western",
    "europe": "eastern",
    "americas": "western",
    "asia": "asian",
    "middle-east": "near-east",
    "africa": "near-east",
    "several": "other",
}
#: Columns of the file and the addresses of the questions that they belong to.
COLUMNS = {
    "zufriedenheit": "life",
    "wohnen": "housing-satisfaction",
    "aufenthalt": "stay-germany",
    "geschlecht": "gender",
    "alter": "age",
}
_WORDS = {
    "zufriedenheit": "Wie zufrieden sind Sie mit Ihrem Leben in {city}?",
    "wohnen": "Wie zufrieden sind Sie mit Ihrer Wohnung?",
    "aufenthalt": "Seit wann leben Sie in Deutschland?",
    "geschlecht": "Geschlecht",
    "alter": "Alter",
}


def table(questionnaire: Questionnaire, seed: int, share: float = 1.0) -> bytes:
    """The interviews as CSV: stratum, weight (population over interviews of the stratum), five answers."""
    random = np.random.default_rng([seed, YEAR])
    sizes = city.origin_sizes(YEAR)
    drawn = random.choice(len(city.ORIGINS), max(round(DRAWN * share), 200), p=sizes / sizes.sum())
    interviewed = drawn[random.permutation(len(drawn))[: round(len(drawn) * INTERVIEWS / DRAWN)]]
    strata = [STRATA[city.ORIGINS[number].region] for number in interviewed]
    population = dict.fromkeys(sorted(set(STRATA.values())), 0)
    for origin, size in zip(city.ORIGINS, sizes, strict=True):
        population[STRATA[origin.region]] += int(size)
    rows = []
    for number, stratum in zip(interviewed, strata, strict=True):
        answers = _interview(questionnaire, int(number), random)
        weight = population[stratum] / strata.count(stratum)
        rows.append([stratum, f"{weight:.4f}", *(str(answers.get(a, "")) for a in COLUMNS.values())])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["schicht", "gewicht", *COLUMNS])
    writer.writerows(rows)
    return text.getvalue().encode()


def _interview(questionnaire: Questionnaire, origin: int, random: np.random.Generator) -> Mapping[str, Any]:
    """One person's answers, all five: interviewers ask again.

    Whoever came as a refugee in the last year was not among those drawn.
    """
    while True:
        who = residents.person(city.one_of(origin, random), 0, YEAR, random)
        if who.years < 1 and who.origin.stratum == "middle-east":
            continue
        answers = residents.answer(questionnaire, who, random)
        if all(routing.substantive(answers.get(address)) for address in COLUMNS.values()):
            return answers


def description() -> dict[str, Any]:
    """What the analyst tells of the file when it is imported."""
    return {
        "key": KEY,
        "survey": "living-here",
        "label": {
            "de": f"{city.NAME} 2016 (erfunden)",
            "en": f"{city.NAME} 2016 (invented)",
            "ar": "موسترشتات 2016 (مختلقة)",
        },
        "dates": ["2016-04-01", "2016-07-31"],
        "mode": "persönliches Interview",
        "frame": city.FRAME,
        "languages": list(LANGUAGES),
        "population_text": POPULATION,
        "weights": "gewicht",
        "strata": "schicht",
        "variables": [
            {"column": column, "concept": address, "wording": {"de": _WORDS[column]}}
            for column, address in COLUMNS.items()
        ],
    }
