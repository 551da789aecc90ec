"""Coverage of 95 % intervals of change, by simulation: how often the interval holds the truth.

A stratified register sample of two waves; response between 9 and 46 % by origin, adjusted in its strata.
Independent waves: difference of means (t), of proportions near one half and near 0.02 (MOVER). Overlapping
waves: a third of the persons are asked again (Berger and Priam). Composition: the two parts of a change.

    python bench/coverage_change.py [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from analysis import trends
from analysis.breaks import Fielding
from analysis.columns import Column
from analysis.design import SurveyDesign

ORIGINS = ("a", "b", "c", "d", "e", "f")
RESPONSE = np.array([0.09, 0.16, 0.24, 0.31, 0.38, 0.46])
PEOPLE = (
    np.array([9000, 12000, 7000, 14000, 8000, 10000]),
    np.array([12000, 11000, 9000, 13000, 9000, 8000]),
)
INVITED = 500
HALF = np.array([[0.35, 0.45, 0.5, 0.55, 0.6, 0.5], [0.4, 0.45, 0.55, 0.5, 0.65, 0.55]])
RARE = np.array([[0.01, 0.03, 0.02, 0.02, 0.03, 0.01], [0.02, 0.03, 0.03, 0.02, 0.03, 0.02]])
LEVEL = np.array([[4.0, 5.0, 6.0, 5.5, 6.5, 7.0], [4.5, 5.0, 6.2, 5.8, 6.4, 7.2]])
FIELDINGS = [Fielding(w, "w", "s", "web", "register", frozenset({"de"}), "18+") for w in ("2020", "2024")]


def wave(rng: np.random.Generator, t: int) -> SurveyDesign:
    """Respondents of one wave with weights N / responses in each origin stratum."""
    answered = np.maximum(rng.binomial(INVITED, RESPONSE), 2)
    origin = np.repeat(np.arange(6), answered)
    n = len(origin)
    data = {
        "origin": Column("origin", "category", origin, ORIGINS),
        "half": (rng.random(n) < HALF[t][origin]) * 1.0,
        "rare": (rng.random(n) < RARE[t][origin]) * 1.0,
        "life": LEVEL[t][origin] + rng.gamma(2.0, 1.0, n) - 2.0,
    }
    return SurveyDesign.create(data, (PEOPLE[t] / answered)[origin], strata="origin")


def true(values: np.ndarray, t: int) -> float:
    """The population's mean."""
    return float(PEOPLE[t] @ values[t] / PEOPLE[t].sum())


def independent(rng: np.random.Generator) -> dict[str, bool]:
    """Whether each interval of independent waves holds its truth."""
    waves = trends.independent({2020: wave(rng, 0), 2024: wave(rng, 1)})
    out = {}
    for name, values in (("half", HALF), ("rare", RARE), ("life", LEVEL)):
        points = trends.series(waves, name, fieldings=FIELDINGS).points
        found = trends.change(*points)
        out[f"change of {name}, {found.method}"] = found.low < true(values, 1) - true(values, 0) < found.high
    split = trends.composition(waves, "life", "origin", fieldings=FIELDINGS).parts
    share = [p / p.sum() for p in PEOPLE]
    same = float((share[0] + share[1]) / 2 @ (LEVEL[1] - LEVEL[0]))
    mix = float((LEVEL[0] + LEVEL[1]) / 2 @ (share[1] - share[0]))
    for i, (name, truth) in enumerate((("same groups", same), ("new mix", mix)), start=1):
        out[f"composition, {name}"] = bool(split.low[i] < truth < split.high[i])
    return out


def overlapping(rng: np.random.Generator) -> dict[str, bool]:
    """Whether the interval of a change holds its truth where a third of the persons answered twice."""
    persons, again = 600, 200
    effect = rng.normal(0, 1.5, 2 * persons - again)
    stratum = np.arange(len(effect)) % 4
    second = np.concatenate([np.arange(again), np.arange(persons, 2 * persons - again)])
    person = np.concatenate([np.arange(persons), second])
    late = np.repeat([0, 1], persons)
    data = {
        "y": 5 + stratum[person] + effect[person] + 0.2 * late + rng.normal(0, 1, len(person)),
        "wave": Column("wave", "category", late, ("2020", "2024")),
        "person": person,
        "stratum": stratum[person],
    }
    design = SurveyDesign.create(data, rng.uniform(20, 40, len(effect))[person], strata="stratum")
    found = trends.overlapping_change(design, "y", "wave", (2020, 2024), "person")
    return {"change of overlapping waves": found.low < 0.2 < found.high}


def run(simulate: Callable[[np.random.Generator], dict[str, bool]], runs: int, seed: int) -> dict[str, float]:
    """Share of runs in which each interval holds the truth."""
    held = [simulate(np.random.default_rng([seed, i])) for i in range(runs)]
    return {name: float(np.mean([h[name] for h in held])) for name in held[0]}


def main() -> None:
    """Print the coverage of every interval beside its aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    runs = 300 if options.quick else 4000
    tracemalloc.start()
    shares = {**run(independent, runs, 1), **run(overlapping, runs, 2)}
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    rows: list[dict[str, Any]] = []
    for name, share in shares.items():
        aim = "0.93-0.97" if "rare" in name else "0.94-0.96"
        rows.append(
            {
                "bench": "coverage of change",
                "metric": name,
                "value": share,
                "unit": "share of runs",
                "aim": aim,
                "rival": None,
                "rival_value": None,
                "ratio": None,
                "peak_mb": round(peak, 1),
            }
        )
        print(f"{name:40} {share:.4f}   aim {aim}   ({runs} runs)")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
