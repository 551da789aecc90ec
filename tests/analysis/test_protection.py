import math

import numpy as np
import pytest

from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.disclosure import counter
from analysis.plan import read
from analysis.protection import fitting, noisy_share, record_keys
from analysis.publication import audit, publish
from analysis.tables import Item, WaveData, build


def wave(groups, answers, *, weights=None, keys=None, open_participation=False, sensitive=0):
    """One wave: a five-point item ``q`` by a group ``g`` of four levels."""
    data = {
        "g": Column("g", "category", np.asarray(groups), tuple("abcd")),
        "q": Column("q", "category", np.asarray(answers), tuple("12345")),
        "w": np.ones(len(groups)) if weights is None else np.asarray(weights, dtype=float),
    }
    if keys is not None:
        data["_record_key"] = Column("_record_key", "number", np.asarray(keys, dtype=float))
    design = SurveyDesign.create(data, weights="w")
    item = Item("q", {"en": "q"}, tuple("12345"), {}, ("q",), sensitive)
    return WaveData("w", {"en": "w"}, 2024.0, design, {"q": item}, open_participation=open_participation)


def plan(method="sample", **more):
    return read(
        {
            "plan": 1,
            "name": "x",
            "waves": ["w"],
            "tables": [{"items": ["q"], "groups": ["g"]}],
            "findings": [{"item": "q", "categories": ["4", "5"], "text": {"en": "agree"}}],
            "disclosure": {"method": method, **more},
        }
    )


def people(seed, few=0.04):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 260))
    return rng.choice(4, n, p=[0.35, 0.3, 0.35 - few, few]), rng.choice(5, n), rng


def printed(share, base):
    unit = 1 if base < 100 else 0.1
    return math.floor(100 * share / unit + 0.5 + 1e-9) * unit


def candidates(row):
    """Bases that a reader finds possible by trying fractions of whole numbers against the percentages."""
    return [
        base
        for base in range(row["base"] - 2, row["base"] + 3)
        if all(
            any(abs(printed(min(k / base, 1), base) - cell["percent"]) < 1e-6 for k in range(base + 3))
            for cell in row["cells"]
        )
    ]


def left_open(rows, noise):
    """What total minus parts leaves of the hidden group, when each base is one of its candidates +- noise."""
    total, *parts = [candidates(row) for row in rows if row["base"] is not None]
    low = min(total) - noise - sum(max(part) + noise for part in parts)
    return low, max(total) + noise - sum(min(part) - noise for part in parts)


@pytest.mark.parametrize("seed", range(12))
def test_percentages_do_not_give_bases_away_where_all_weights_are_equal(seed):
    groups, answers, _ = people(seed)
    waves = {"w": wave(groups, answers)}
    publication = publish(build(plan(), waves))
    rows = [row for table in publication.document["tables"] for row in table["rows"]]
    assert [row["base"] is None for row in rows] == [False, False, False, False, True]
    low, high = left_open(rows, 2)
    assert low <= np.sum(groups == 3) <= high
    assert high - low >= 5
    assert audit(publication, waves, plan().policy)["w"].safe


def test_perturbed_statements_are_true_and_two_tables_agree():
    groups, answers, rng = people(3)
    waves = {"w": wave(groups, answers, keys=rng.random(len(groups)), sensitive=2)}
    publication = publish(build(plan(sensitive=["q"]), waves))
    count = counter(waves["w"].design.data)
    assert len(publication.statements["w"]) > 20
    for statement in publication.statements["w"]:
        assert statement.low <= count(statement.group) <= statement.high


def test_full_counts_are_perturbed_and_have_neither_interval_nor_test():
    groups, answers, rng = people(4)
    waves = {"w": wave(groups, answers, keys=rng.random(len(groups)), open_participation=True)}
    document = publish(build(plan("full"), waves)).document
    cells = [c for t in document["tables"] for r in t["rows"] for c in r["cells"] if "percent" in c]
    assert len(cells) == 20
    assert {frozenset(cell) - {"mark"} for cell in cells} == {frozenset({"percent"})}
    assert all("effective" not in row for table in document["tables"] for row in table["rows"])
    assert set(document["headlines"][0]) & {"low", "high"} == set()
    share, base = noisy_share(plan("full"), waves["w"], "q", ("4", "5"))
    assert document["headlines"][0]["percent"] == math.floor(100 * share + 0.5)
    assert abs(base - len(groups)) <= 2


def test_a_headline_is_perturbed_like_the_table():
    groups, answers, rng = people(5)
    data = wave(groups, answers, keys=rng.random(len(groups)), open_participation=True)
    document = publish(build(plan("full"), {"w": data})).document
    share, _ = noisy_share(plan("full"), data, "q", ("4",))
    assert document["tables"][0]["rows"][0]["cells"][3]["percent"] == pytest.approx(
        printed(share, 200), abs=1e-9
    )


def test_exact_counts_hide_a_second_row_with_the_small_one():
    groups, answers, _ = people(6)
    waves = {"w": wave(groups, answers)}
    document = publish(build(plan("exact"), waves)).document
    total, table = document["tables"]
    assert total["rows"][0]["base"] == len(groups)
    shown = [row["base"] for row in table["rows"]]
    sizes = np.bincount(groups, minlength=4)
    smallest = int(np.argmin(sizes[:3]))
    expected = [None if row in (3, smallest) else int(sizes[row]) for row in range(4)]
    assert shown == expected
    assert {cell["mark"] for cell in table["rows"][smallest]["cells"]} == {"."}
    assert audit(publish(build(plan("exact"), waves)), waves, plan("exact").policy)["w"].safe


def test_bases_that_fit_printed_percentages():
    # 9 of 23 are 39 percent; of 21, 22, 24 and 25 people no whole number is.
    percent = np.array([100 * 9 / 23, 100 * 14 / 23])
    assert fitting((21, 25), percent, 1.0, plan(), False) == (23.0, 23.0)
    assert fitting((21, 25), percent, 1.9, plan(), False) == (21.0, 25.0)
    assert fitting((21, 25), np.array([np.nan, np.nan]), 1.0, plan(), False) == (21.0, 25.0)


def test_weights_a_little_apart_narrow_what_the_auditor_is_told():
    groups, answers, rng = people(7)
    narrow = publish(build(plan(), {"w": wave(groups, answers, weights=1 + 0.004 * rng.random(len(groups)))}))
    wide = publish(build(plan(), {"w": wave(groups, answers, weights=1 + 4 * rng.random(len(groups)))}))
    widths = [
        [
            s.high - s.low
            for s in found.statements["w"]
            if s.group and s.of is None and dict(s.group).get("g") != frozenset("d")
        ]
        for found in (narrow, wide)
    ]
    assert set(widths[1]) == {4.0}
    assert {width for width in widths[0] if np.isfinite(width)} == {0.0}
    # The small group would follow, so another row is hidden with it; then nothing does.
    table = narrow.document["tables"][1]
    assert sum(row["base"] is None for row in table["rows"]) == 2


def test_several_answers_that_nearly_all_of_a_group_gave_are_hidden_where_sensitive():
    rng = np.random.default_rng(8)
    groups = np.repeat([0, 1], 200)
    ticked = np.where(groups == 0, 1, rng.integers(0, 2, 400))
    data = {
        "g": Column("g", "category", groups, ("a", "b")),
        "m_x": Column("m_x", "category", ticked, ("0", "1")),
        "m_y": Column("m_y", "category", rng.integers(0, 2, 400), ("0", "1")),
        "w": 1 + 4 * rng.random(400),
    }
    item = Item("m", {"en": "m"}, ("x", "y"), {}, ("m_x", "m_y"), 2)
    waves = {"w": WaveData("w", {"en": "w"}, 2024.0, SurveyDesign.create(data, weights="w"), {"m": item})}
    document = plan().document | {"tables": [{"items": ["m"], "groups": ["g"]}], "findings": []}
    document = document | {"disclosure": {"sensitive": ["m"]}}
    table = publish(build(read(document), waves)).document["tables"][1]
    assert [[cell.get("mark", "") for cell in row["cells"]] for row in table["rows"]] == [[".", ""], ["", ""]]


def test_record_keys_of_an_imported_wave_are_its_own_and_stay():
    groups, answers, _ = people(9)
    first, second = record_keys(wave(groups, answers)), record_keys(wave(groups, answers))
    assert np.array_equal(first, second)
    other = answers.copy()
    other[0] = (other[0] + 1) % 5
    assert not np.array_equal(first, record_keys(wave(groups, other)))
    assert 0 <= first.min() < first.max() < 1
