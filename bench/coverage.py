"""Do 95 % intervals hold the truth in 95 of 100 samples? A city's register survey, drawn again and again.

    python bench/coverage.py [--quick] [--samples 4000] [--json FILE]

The population has six origin groups that are also the keys of the register; invitations are drawn without
replacement inside every key, and between 9 and 46 % of a key answer, the range that peer surveys of migrants
report. Whoever answers is drawn at random inside a key, so that the weights N / responses are right and what
is tested is the variance and the interval. Everything goes through the product: ``SurveyDesign.from_wave``,
raking, estimates.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analysis import estimates, proportions
from analysis.columns import Column
from analysis.dataset import Wave
from analysis.design import SurveyDesign
from analysis.margins import Margin, Margins

KEYS = ("afg", "oth", "pol", "syr", "tur", "ukr")
SIZES = (5_000, 14_000, 9_000, 10_000, 10_000, 12_000)
INVITED = (700, 700, 650, 750, 700, 650)
RESPONSE = (0.21, 0.34, 0.09, 0.46, 0.18, 0.40)
NOMINAL = ("94 to 96 %", 94.0, 96.0)
AIMS = {
    "mean": NOMINAL,
    "proportion near 0.5": NOMINAL,
    "raked total": NOMINAL,
    "calibrated total": NOMINAL,
    "change between waves": NOMINAL,
    "rare proportion, Wilson": ("93 to 97 %", 93.0, 97.0),
    "rare proportion, beta": ("at least 94 %", 94.0, 100.0),
    "rare proportion, logit": ("reported", 0.0, 100.0),
    "rare proportion, symmetric": ("reported", 0.0, 100.0),
}


@dataclass(frozen=True, eq=False)
class City:
    """A fixed population: rows of ``data`` by name, sorted by key; ``start`` the first row of every key."""

    data: dict[str, np.ndarray]
    start: np.ndarray

    def truth(self, name: str) -> float:
        return float(self.data[name].mean())


def city(seed: int, drift: float = 0.0) -> City:
    """Sixty thousand people whose answers depend on origin, sex and age; ``drift`` moves one wave's mean."""
    rng = np.random.default_rng(seed)
    key = np.repeat(np.arange(6), SIZES)
    n = len(key)
    sex, age = rng.integers(0, 2, n), rng.choice(5, n, p=(0.14, 0.29, 0.25, 0.22, 0.10))
    lean = np.array([-0.3, 0.1, 0.2, -0.2, 0.0, 0.4])[key] + 0.2 * sex - 0.1 * age
    life = np.clip(np.round(6.3 + drift + lean + rng.normal(0, 1.9, n)), 0, 10)
    yes = rng.random(n) < 1 / (1 + np.exp(-0.1 - lean))
    rare = rng.random(n) < 0.02 * np.exp(0.4 * lean)
    data = {"key": key, "sex": sex, "age": age, "life": life, "yes": yes * 1.0, "rare": rare * 1.0}
    return City(data, np.concatenate([[0], np.cumsum(SIZES)]))


def draw(people: City, rng: np.random.Generator, name: str) -> Wave:
    """One fielding: invitations per key without replacement, answers by the key's response rate."""
    rows = []
    for k, (invited, rate) in enumerate(zip(INVITED, RESPONSE, strict=True)):
        asked = rng.choice(SIZES[k], invited, replace=False) + people.start[k]
        rows.append(asked[rng.random(invited) < rate])
    taken = np.concatenate(rows)
    levels = {"key": KEYS, "sex": ("f", "m"), "age": tuple("12345")}
    columns = {
        name: Column(name, "category", values[taken], levels[name])
        if name in levels
        else Column(name, "number", values[taken])
        for name, values in people.data.items()
    }
    return Wave(
        name,
        columns,
        key="key",
        population=dict(zip(KEYS, map(float, SIZES), strict=True)),
        invited=dict(zip(KEYS, INVITED, strict=True)),
    )


def margins(people: City) -> Margins:
    made = []
    for name, levels in (("key", KEYS), ("sex", ("f", "m")), ("age", tuple("12345"))):
        counts = np.bincount(people.data[name], minlength=len(levels)).astype(float)
        made.append(
            Margin.from_counts(name, dict(zip(levels, counts.tolist(), strict=True)), source="register")
        )
    return Margins(tuple(made))


def one(first: City, second: City, known: Margins, rng: np.random.Generator) -> dict[str, tuple[float, bool]]:
    """What one sample finds: per question the interval's width and whether it holds the truth."""
    size = float(sum(SIZES))
    design = SurveyDesign.from_wave(draw(first, rng, "1"))
    later = SurveyDesign.from_wave(draw(second, rng, "2"))
    mean, again = estimates.mean(design, "life"), estimates.mean(later, "life")
    found = {
        "mean": (mean, first.truth("life")),
        "proportion near 0.5": (proportions.proportion(design, "yes"), first.truth("yes")),
        "raked total": (estimates.total(design.rake(known), "life"), first.truth("life") * size),
        "calibrated total": (estimates.total(design.calibrate(known), "life"), first.truth("life") * size),
        "change between waves": (
            estimates.difference(again, mean),
            second.truth("life") - first.truth("life"),
        ),
    }
    for label, method in (("Wilson", "wilson"), ("beta", "beta"), ("logit", "logit"), ("symmetric", "mean")):
        made = proportions.proportion(design, "rare", method=method)
        found[f"rare proportion, {label}"] = (made, first.truth("rare"))
    return {
        name: (float(made.high[0] - made.low[0]), bool(made.low[0] <= truth <= made.high[0]))
        for name, (made, truth) in found.items()
    }


def run(samples: int, seed: int = 1) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    first, second = city(11), city(12, drift=0.3)
    known = margins(first)
    held: dict[str, list[bool]] = {name: [] for name in AIMS}
    widths: dict[str, list[float]] = {name: [] for name in AIMS}
    start = time.perf_counter()
    for i in range(samples):
        for name, (width, inside) in one(first, second, known, rng).items():
            held[name].append(inside)
            widths[name].append(width)
        if (i + 1) % max(1, samples // 5) == 0:
            print(f"{i + 1:>6} of {samples} samples, {time.perf_counter() - start:.0f} s", flush=True)
    rows = []
    for name, (aim, low, high) in AIMS.items():
        share = 100 * float(np.mean(held[name]))
        error = 100 * float(np.sqrt(share / 100 * (1 - share / 100) / samples))
        verdict = "met" if low <= share <= high else "missed"
        width = float(np.mean(widths[name]))
        told = f"{name:28} {share:6.2f} %  (+- {1.96 * error:.2f})  width {width:10.4g}  {aim}: {verdict}"
        print(told, flush=True)
        rows.append(
            {
                "bench": "coverage",
                "metric": "coverage." + name.replace(", ", "_").replace(" ", "_").replace(".", "_"),
                "value": share,
                "unit": "%",
                "aim": aim,
                "rival": "nominal",
                "rival_value": 95.0,
                "ratio": share / 95.0,
                "peak_mb": None,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="400 samples")
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = run(400 if asked.quick else asked.samples)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
