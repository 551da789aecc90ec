"""A synthetic survey for tests of the book: two waves, eight groups, any number of items and responses."""

import numpy as np

from analysis.breaks import Fielding
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.margins import Margin, Margins
from analysis.tables import Item, WaveData

GROUPS = {
    "sex": 3,
    "age": 6,
    "origin": 10,
    "district": 12,
    "arrival": 5,
    "schooling": 5,
    "work": 4,
    "languages": 4,
}


def wave(key, time, *, responses=2000, items=8, seed=1, fielding=None):
    """A raked wave; item ``q1`` .. are four-point scales that depend on the group ``origin``."""
    rng = np.random.default_rng(seed)
    data = {}
    for name, size in GROUPS.items():
        shares = np.linspace(2, 1, size)
        if name == "sex":
            shares = np.array([0.5, 0.49, 0.01])
        codes = rng.choice(size, responses, p=shares / shares.sum())
        data[name] = Column(name, "category", codes, tuple(f"{name}{i}" for i in range(size)))
    specs = {}
    for number in range(1, items + 1):
        name = f"q{number}"
        lean = data["origin"].values / 10
        values = np.clip((rng.random(responses) + lean * 0.4) * 4 / 1.4, 0, 3.999).astype(np.int64)
        missing = np.zeros(responses, np.int8)
        gone = rng.random(responses) < 0.06
        values[gone] = -1
        missing[gone] = rng.integers(1, 6, int(gone.sum()))
        data[name] = Column(name, "category", values, ("1", "2", "3", "4"), missing)
        labels = {c: {"en": f"answer {c}", "ar": f"جواب {c}"} for c in ("1", "2", "3", "4")}
        text = {"en": f"Question {number}", "de": f"Frage {number}", "ar": f"سؤال {number}"}
        specs[name] = Item(name, text, ("1", "2", "3", "4"), labels, (name,), 2 if number == 3 else 0, True)
    for option in ("a", "b"):
        data[f"m_{option}"] = Column(f"m_{option}", "category", rng.integers(0, 2, responses), ("0", "1"))
    labels = {"a": {"en": "Option a"}, "b": {"en": "Option b"}}
    specs["m"] = Item("m", {"en": "Several"}, ("a", "b"), labels, ("m_a", "m_b"))
    data["key"] = Column("key", "category", rng.integers(0, 4, responses), ("k0", "k1", "k2", "k3"))
    weights = np.array([10.0, 15.0, 25.0, 40.0])[data["key"].values]
    design = SurveyDesign.create({**data, "w": weights}, weights="w", strata="key")
    shares = {f"age{i}": 1000.0 + 100 * i for i in range(6)}
    design = design.rake(
        Margins(
            (
                Margin.from_counts("age", shares),
                Margin.from_counts("work", {f"work{i}": sum(shares.values()) / 4 for i in range(4)}),
            )
        )
    )
    same = fielding or Fielding(key, "w", "s", "web", "register", frozenset({"de"}), "18+")
    fieldings = {name: Fielding(**{**same.__dict__, "wave": key}) for name in specs}
    return WaveData(key, {"en": key}, time, design, specs, fieldings, invited=responses * 4)


def plan_document(**changes):
    return {
        "plan": 1,
        "name": "demo",
        "title": {"en": "Demo", "ar": "عرض"},
        "languages": ["en", "ar"],
        "waves": ["w2020", "w2024"],
        "tables": [{"items": "all", "groups": list(GROUPS)}],
        "findings": [{"item": "q1", "categories": ["3", "4"], "text": {"en": "agree"}}],
        "trends": [{"item": "q1", "categories": ["4"], "unchanged_within": 10}],
        "outside": [
            {
                "item": "q2",
                "categories": ["4"],
                "label": {"en": "City survey"},
                "time": 2023,
                "estimate": 0.3,
                "n": 900,
                "source": "City survey 2023",
            }
        ],
        "disclosure": {"sensitive": ["q3"], "places": ["district"]},
        **changes,
    }


def two_waves(**options):
    return {
        "w2020": wave("w2020", 2020.0, seed=1, **options),
        "w2024": wave("w2024", 2024.0, seed=2, **options),
    }
