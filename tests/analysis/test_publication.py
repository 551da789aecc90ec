import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.plan import read
from analysis.publication import audit, explain, publish
from analysis.tables import Item, build
from tests.analysis.book_data import plan_document, two_waves


@pytest.fixture(scope="module")
def waves():
    return two_waves(items=4)


@pytest.fixture(scope="module")
def book(waves):
    document = plan_document()
    document["tables"] = [{"items": "all", "groups": ["sex", "origin", "district"]}]
    return build(read(document), waves)


@pytest.fixture(scope="module")
def publication(book):
    return publish(book)


def numbers(value):
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, float):
        yield value


def test_nothing_exact_is_in_the_document(publication):
    document = publication.document
    bases = [row["base"] for table in document["tables"] for row in table["rows"] if row["base"] is not None]
    assert {base % 5 for base in bases} == {0}
    shares = [
        c["percent"] for t in document["tables"] for r in t["rows"] for c in r["cells"] if "percent" in c
    ]
    assert all(round(share, 1) == share for share in shares)
    assert json.loads(json.dumps(document)) == document


def test_hidden_cells_hold_no_number(publication, book):
    for shown, table in zip(publication.document["tables"], book.tables, strict=True):
        for number, row in enumerate(shown["rows"]):
            if 0 < table.figures.base[number] < 20:
                assert row["base"] is None
                assert [list(cell) for cell in row["cells"]] == [["mark"]] * len(row["cells"])


def test_sensitive_items_are_not_shown_by_place(publication):
    table = next(t for t in publication.document["tables"] if t["item"] == "q3" and t["group"] == "district")
    assert {cell["mark"] for row in table["rows"] for cell in row["cells"]} == {"."}


def test_small_bases_are_printed_in_whole_percent(publication):
    for table in publication.document["tables"]:
        for row in table["rows"]:
            if row["base"] is not None and row["base"] < 95:
                assert all(
                    cell["percent"] == int(cell["percent"]) for cell in row["cells"] if "percent" in cell
                )


def test_headline_in_words_of_ten(publication):
    headline = publication.document["headlines"][0]
    assert abs(headline["in_ten"] - headline["percent"] / 10) <= 0.55
    assert headline["low"] < headline["percent"] < headline["high"]


@pytest.mark.parametrize(
    ("share", "percent", "in_ten"), [(0.4497, 45, 5), (0.4449, 44, 4), (0.75, 75, 8), (0.05, 5, 1)]
)
def test_tenths_agree_with_the_percentage_beside_them(book, share, percent, in_ten):
    headline = replace(book.headlines[0], share=share)
    shown = publish(replace(book, headlines=(headline,))).document["headlines"][0]
    assert (shown["percent"], shown["in_ten"]) == (percent, in_ten)


def test_groups_keep_their_order(publication, waves):
    levels = list(publication.document["groups"]["origin"]["levels"])
    assert levels == list(waves["w2024"].design.data["origin"].levels)


def test_the_same_book_is_the_same_publication(publication, book):
    assert publish(book).digest == publication.digest


def test_rounded_publication_passes_the_auditor(publication, waves, book):
    seen = []
    reports = audit(publication, waves, book.plan.policy, progress=seen.append)
    assert seen[-1] == 1.0
    for report in reports.values():
        assert report.targets > 0
        for exposure in report.exposures:
            assert explain(exposure)["tables"]
    assert {wave: report.safe for wave, report in reports.items()} == {"w2020": True, "w2024": True}


def test_statements_are_true(publication, waves):
    from analysis.disclosure import counter

    for wave, statements in publication.statements.items():
        count = counter(waves[wave].design.data)
        for statement in statements:
            if statement.of is None:
                assert statement.low <= count(statement.group) <= statement.high


def test_trend_and_comparison(publication):
    trend = publication.document["trends"][0]
    assert trend["runs"] == [["w2020", "w2024"]]
    assert [v["finding"] for v in trend["verdicts"]] == ["unchanged"]
    comparison = publication.document["comparisons"][0]
    assert comparison["theirs"]["percent"] == 30.0
    assert np.isfinite(comparison["change"]["points"])


def test_a_trend_within_a_group_counts_its_people_only_and_tells_the_auditor(waves):
    asked = {"item": "q1", "categories": ["4"], "group": "district", "level": "district1"}
    book = build(read(plan_document(tables=[{"items": ["q2"], "groups": []}], trends=[asked])), waves)
    found = publish(book)
    trend = found.document["trends"][0]
    assert (trend["group"], trend["level"]) == ("district", "district1")
    assert "district1" in found.document["groups"]["district"]["levels"]
    for point in book.trends[0].points:
        columns = waves[point.wave].design.data
        inside = (columns["district"].values == columns["district"].levels.index("district1")) & (
            columns["q1"].values >= 0
        )
        chosen = inside & (columns["q1"].values == columns["q1"].levels.index("4"))
        weights = waves[point.wave].design.weights
        assert point.base == inside.sum()
        assert point.estimate == pytest.approx(weights[chosen].sum() / weights[inside].sum())
        mine = [one for one in found.statements[point.wave] if one.table == f"{point.wave}/trends/1"]
        told = [one for one in mine if one.of is None]
        assert (len(mine), len(told)) == (2, 1)
        assert told[0].low <= inside.sum() <= told[0].high


def test_a_trend_of_a_sensitive_item_within_a_group_is_hidden(waves):
    asked = {"item": "q3", "categories": ["4"], "group": "district", "level": "district1"}
    found = publish(build(read(plan_document(trends=[asked])), waves))
    assert {point["mark"] for point in found.document["trends"][0]["points"]} == {"."}


def test_every_printed_base_is_told_to_the_auditor(waves):
    """Findings, trends and comparisons rest on people of their own; their bases are statements, too."""
    finding = {"item": "q2", "categories": ["1"], "text": {"en": "x"}, "group": "age", "level": "age1"}
    trend = {"item": "q4", "categories": ["4"]}
    tables = [{"items": ["q1"], "groups": []}]
    plan = read(plan_document(tables=tables, findings=[finding], trends=[trend]))
    book = build(plan, waves)
    found = publish(book)
    told = {one.table: one for one in reversed(found.statements["w2024"])}
    assert {"w2024/responses", "w2024/findings/1", "w2024/trends/1", "w2024/outside/1"} <= set(told)
    base = found.document["headlines"][0]["base"]
    assert told["w2024/findings/1"].low >= base - 2
    assert told["w2024/findings/1"].high <= base + 2
    assert {wave: report.safe for wave, report in audit(found, waves, plan.policy).items()} == {
        "w2020": True,
        "w2024": True,
    }


def test_what_others_are_grouped_by_is_protected_where_it_is_an_answer():
    """An item that is a group as well: its rare answers are hidden, and the auditor guards their number."""
    waves = two_waves(items=2)
    for data in waves.values():
        levels = data.design.data["sex"].levels
        data.items["sex"] = Item("sex", {"en": "Sex"}, levels, {}, ("sex",))
    few = int((waves["w2024"].design.data["sex"].values == 2).sum())
    assert 0 < few < 40
    tables = [{"items": ["sex"], "groups": []}, {"items": ["q1"], "groups": ["sex"]}]
    found = publish(build(read(plan_document(tables=tables, trends=[], outside=[])), waves))
    assert "sex" not in found.harmless["w2024"]
    assert "q1" in found.harmless["w2024"]
