"""Pure: the synthetic city of the demo, from fixed seeds.

Only the totals are real: the residents with a migration background whom Leipzig counted, with source and date
in ``data/population.json``.  How they split into groups of origin, ages, districts and languages, and who
answers, is invented; so are all names.  Response between 9 and 46 percent is the range seen in surveys of
this kind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from participation.access.letterhead import Letterhead

NAME = "Musterstadt"

#: Who writes to the people of the demo. Numbers of 0000 and addresses of ``.example`` reach nobody.
HOTLINE = "0000 123456 (Demo)"
LETTERHEAD = Letterhead(
    name=f"Stadt {NAME}, Amt für Statistik",
    contact=f"Rathausplatz 1, 00000 {NAME}",
    return_line=f"Stadt {NAME}, 00000 {NAME}",
    phone=HOTLINE,
    website="www.musterstadt.example/umfrage",
)

#: Who is meant by the waves of 2020 and 2024, and where their people were drawn from, as the office declares.
POPULATION = (
    "Einwohnerinnen und Einwohner mit Migrationshintergrund ab 18 Jahren, seit mindestens einem Jahr mit "
    "Hauptwohnung in der Stadt"
)
FRAME = "Stichprobe aus dem Melderegister (erfunden)"


@dataclass(frozen=True)
class Count:
    """A published count of residents: what the demo's register adds up to."""

    persons: int
    date: str
    source: str


def _counts() -> dict[int, Count]:
    path = Path(__file__).resolve().parent / "data/population.json"
    figures = json.loads(path.read_text("utf-8"))["figures"]
    return {one["wave"]: Count(one["persons"], one["date"], one["source"]) for one in figures}


#: Residents with a migration background by the year of the wave, as they were published.
COUNTS = _counts()

AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65")
SEXES = ("female", "male")
DISTRICTS = (
    "centre",
    "north",
    "north-east",
    "east",
    "south-east",
    "south",
    "south-west",
    "west",
    "old-west",
    "north-west",
)


@dataclass(frozen=True)
class Origin:
    """A group of origin: share of the city's total, stratum of the sample, world region of the questionnaire,
    letter languages, expected response (0 to 1), and how its people fare (mean of a latent scale)."""

    code: str
    label: str
    share: float
    stratum: str
    region: str
    languages: tuple[str, ...]
    response: float
    faring: float
    treated: float


#: 25 groups as a large East German city might cut them; every number is invented.
ORIGINS = (
    Origin("syria", "Syrien", 0.118, "middle-east", "middle-east", ("ar", "ku"), 0.27, -0.35, 0.55),
    Origin("russia", "Russische Föderation", 0.078, "east", "europe", ("ru",), 0.30, 0.00, 0.10),
    Origin("ukraine", "Ukraine", 0.058, "east", "europe", ("uk", "ru"), 0.34, -0.05, 0.05),
    Origin("poland", "Polen", 0.064, "eu", "eu", ("pl",), 0.24, 0.15, -0.10),
    Origin("romania", "Rumänien", 0.056, "eu", "eu", ("ro",), 0.15, -0.05, 0.05),
    Origin("vietnam", "Vietnam", 0.052, "asia-africa", "asia", ("vi",), 0.19, 0.05, 0.15),
    Origin("iraq", "Irak", 0.042, "middle-east", "middle-east", ("ar", "ckb"), 0.18, -0.35, 0.55),
    Origin("turkey", "Türkei", 0.039, "east", "europe", ("tr", "ku"), 0.16, -0.10, 0.40),
    Origin("italy", "Italien", 0.033, "eu", "eu", ("it",), 0.28, 0.25, -0.25),
    Origin(
        "afghanistan", "Afghanistan", 0.035, "middle-east", "middle-east", ("fa-AF", "ps"), 0.22, -0.40, 0.50
    ),
    Origin("iran", "Iran", 0.031, "middle-east", "middle-east", ("fa",), 0.38, -0.10, 0.35),
    Origin("kazakhstan", "Kasachstan", 0.041, "east", "asia", ("ru",), 0.29, 0.10, -0.05),
    Origin("china", "China", 0.030, "asia-africa", "asia", ("en",), 0.33, 0.10, 0.30),
    Origin("india", "Indien", 0.034, "asia-africa", "asia", ("en",), 0.37, 0.20, 0.30),
    Origin("bulgaria", "Bulgarien", 0.031, "eu", "eu", ("bg",), 0.12, -0.05, 0.05),
    Origin("hungary", "Ungarn", 0.022, "eu", "eu", ("en",), 0.26, 0.15, -0.15),
    Origin("spain", "Spanien", 0.024, "eu", "eu", ("es",), 0.31, 0.20, -0.20),
    Origin("france", "Frankreich", 0.021, "eu", "eu", ("fr",), 0.35, 0.30, -0.30),
    Origin("greece", "Griechenland", 0.019, "eu", "eu", ("en",), 0.22, 0.15, -0.10),
    Origin("usa", "Vereinigte Staaten", 0.018, "other", "americas", ("en",), 0.46, 0.40, -0.40),
    Origin("uk", "Vereinigtes Königreich", 0.016, "other", "europe", ("en",), 0.43, 0.35, -0.35),
    Origin("eritrea", "Eritrea", 0.020, "asia-africa", "africa", ("ti", "ar"), 0.14, -0.40, 0.65),
    Origin("libya", "Libyen und Tunesien", 0.026, "middle-east", "middle-east", ("ar",), 0.09, -0.30, 0.60),
    Origin("africa", "anderes Afrika", 0.040, "asia-africa", "africa", ("en", "fr"), 0.17, -0.20, 0.65),
    Origin("others", "andere", 0.052, "other", "several", ("en", "es"), 0.27, 0.10, 0.05),
)

#: Strata of the sample: groups joined to five, each sampled at one fraction, so that each has one key.
STRATA = {
    "eu": ("Europäische Union", 0.075),
    "east": ("Osteuropa, Türkei, Zentralasien", 0.085),
    "middle-east": ("Naher und Mittlerer Osten, Nordafrika", 0.11),
    "asia-africa": ("anderes Asien, anderes Afrika", 0.11),
    "other": ("Amerika, Großbritannien, andere", 0.075),
}

_GIVEN = ("Ada", "Bela", "Cem", "Dara", "Eli", "Fina", "Gol", "Hana", "Ilo", "Juna", "Kim", "Lale")
_FAMILY = ("Beispiel", "Muster", "Probe", "Vorlage", "Schablone", "Exempel")


@dataclass(frozen=True)
class Invited:
    """Columns of the invited people, all of one length: indices into the tables above, and who answers."""

    origin: NDArray[np.int64]
    age: NDArray[np.int64]
    sex: NDArray[np.int64]
    district: NDArray[np.int64]
    answers: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.origin)


def origin_sizes(year: int) -> NDArray[np.int64]:
    """Residents of each group, summing to the real total of the year."""
    shares = np.array([origin.share for origin in ORIGINS])
    exact = shares / shares.sum() * COUNTS[year].persons
    sizes: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    # The largest remainders are rounded up, so that the sum is exact.
    short = COUNTS[year].persons - int(sizes.sum())
    sizes[np.argsort(-(exact - sizes), kind="stable")[:short]] += 1
    return sizes


def stratum_sizes(year: int) -> dict[str, int]:
    """Population N of each stratum."""
    sizes = origin_sizes(year)
    return {
        stratum: int(
            sum(size for origin, size in zip(ORIGINS, sizes, strict=True) if origin.stratum == stratum)
        )
        for stratum in STRATA
    }


def margins(year: int) -> dict[str, dict[str, int]]:
    """Population counts by age, sex and district, as the register would publish them (invented splits)."""
    total = COUNTS[year].persons
    tables = {"age": (AGES, _AGE), "gender": (SEXES, (0.485, 0.515)), "district": (DISTRICTS, _DISTRICT)}
    found: dict[str, dict[str, int]] = {}
    for name, (codes, shares) in tables.items():
        counts = np.floor(np.array(shares) / sum(shares) * total).astype(int)
        counts[0] += total - counts.sum()
        found[name] = dict(zip(codes, map(int, counts), strict=True))
    return found


_AGE = (0.15, 0.29, 0.25, 0.14, 0.09, 0.08)
_DISTRICT = (0.16, 0.08, 0.09, 0.16, 0.06, 0.09, 0.07, 0.10, 0.12, 0.07)


def draw_sample(year: int, seed: int, share: float = 1.0) -> Invited:
    """Draw the sample of a year: each stratum at its own fraction (times ``share``), and who will answer."""
    random = np.random.default_rng([seed, year])
    sizes = origin_sizes(year)
    counts = [
        round(size * STRATA[origin.stratum][1] * share) for origin, size in zip(ORIGINS, sizes, strict=True)
    ]
    origin = np.repeat(np.arange(len(ORIGINS)), counts)
    n = len(origin)
    age = random.choice(len(AGES), n, p=np.array(_AGE) / sum(_AGE))
    sex = (random.random(n) < 0.515).astype(np.int64)
    district = random.choice(len(DISTRICTS), n, p=np.array(_DISTRICT) / sum(_DISTRICT))
    response = np.array([group.response for group in ORIGINS])[origin]
    # The young and men answer a little less, as they do everywhere.
    tilt = np.array((0.8, 0.95, 1.02, 1.08, 1.12, 1.1))[age] * np.where(sex == 1, 0.95, 1.05)
    answers = random.random(n) < np.clip(response * tilt, 0.02, 0.6)
    return Invited(origin, age, sex, district, answers)


def one_of(origin: int, random: np.random.Generator) -> Invited:
    """A single person of a group, of any age, sex and district."""
    age = random.choice(len(AGES), 1, p=np.array(_AGE) / sum(_AGE))
    sex = (random.random(1) < 0.515).astype(np.int64)
    district = random.choice(len(DISTRICTS), 1, p=np.array(_DISTRICT) / sum(_DISTRICT))
    return Invited(np.array([origin]), age, sex, district, np.array([True]))


def sample_rows(invited: Invited, year: int) -> list[dict[str, str]]:
    """The sample as the register exports it: clearly invented names and addresses."""
    rows = []
    for number in range(len(invited)):
        origin = ORIGINS[invited.origin[number]]
        rows.append(
            {
                "Nummer": f"{year}-{number + 1:05d}",
                "Name": f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[number // 12 % len(_FAMILY)]} (Demo)",
                "Straße": f"Musterweg {number % 200 + 1}",
                "PLZ": f"{number % 100:05d}",
                "Ort": NAME,
                "Schicht": origin.stratum,
                "Staatsangehörigkeit": origin.label,
                "Sprachen": " ".join(origin.languages),
                "Altersgruppe": AGES[invited.age[number]],
                "Geschlecht": SEXES[invited.sex[number]],
                "Bezirk": DISTRICTS[invited.district[number]],
            }
        )
    return rows


def sample_csv(rows: Sequence[dict[str, str]]) -> bytes:
    """The rows as the file a statistics office would upload."""
    lines = [";".join(rows[0])]
    lines += [";".join(row.values()) for row in rows]
    return "\r\n".join(lines).encode()
