import pytest
import yaml

import stores
from analysis import plan_builder, store
from analysis.plan import read
from tests.analysis.conftest import WAVE

DOCUMENT = {
    "plan": 1,
    "name": "x",
    "title": {"de": "Alt", "en": "Old"},
    "languages": ["de", "en"],
    "waves": ["w1"],
    "weighting": [
        {"step": "rake", "margins": ["age"], "outside": {"age": {"9": "random"}}},
        {"step": "trim", "upper": 5},
    ],
    "tables": [{"items": "all", "groups": ["sex"]}, {"items": ["a", "b"], "groups": []}],
    "findings": [
        {"item": "a", "categories": ["1"], "text": {"de": "sagen ja"}, "group": "sex", "level": "f"}
    ],
    "trends": [{"item": "a", "categories": ["1", "2"], "unchanged_within": 5, "bridges": [{"first": "w0"}]}],
    "disclosure": {"method": "sample", "rules": {"hide_below": 30}, "sensitive": ["b"], "places": []},
    "outside": [{"item": "a"}],
}


def fields_of(document):
    """The form as a browser sends it back unchanged."""
    fields = {"waves": document["waves"], "margins": plan_builder.raked(document)}
    fields["upper"] = [str(plan_builder.trimming(document))]
    fields |= {f"title-{tag}": [text] for tag, text in document["title"].items()}
    for number, table in enumerate(plan_builder.tables_of(document)):
        fields[f"table-{number}-items"], fields[f"table-{number}-groups"] = table["items"], table["groups"]
        fields[f"table-{number}-every"] = ["1"] if table["every"] else []
    for number, one in enumerate(plan_builder.rows_of(document, "findings")):
        fields[f"finding-{number}-item"] = [one["item"]]
        fields[f"finding-{number}-categories"] = [" ".join(one["categories"])]
        fields |= {f"finding-{number}-{tag}": [text] for tag, text in one.get("text", {}).items()}
        fields |= {f"finding-{number}-{key}": [one.get(key, "")] for key in ("group", "level")}
    for number, one in enumerate(plan_builder.rows_of(document, "trends")):
        fields[f"trend-{number}-item"] = [one["item"]]
        fields[f"trend-{number}-categories"] = [" ".join(one["categories"])]
        fields[f"trend-{number}-within"] = [str(one.get("unchanged_within", ""))]
    return fields | {
        "sensitive": document["disclosure"]["sensitive"],
        "places": document["disclosure"]["places"],
    }


def build(document, fields):
    return plan_builder.built(
        document, lambda key: next(iter(fields.get(key, [])), ""), lambda key: fields.get(key, [])
    )


def test_an_untouched_form_changes_nothing():
    assert build(DOCUMENT, fields_of(DOCUMENT)) == DOCUMENT


def test_what_is_chosen_stands_in_the_plan():
    fields = fields_of(DOCUMENT) | {
        "upper": ["2,5"],
        "margins": ["age", "sex"],
        "table-2-items": ["c"],
        "table-2-groups": ["sex", "age"],
        "finding-1-item": ["c"],
        "finding-1-categories": ["2, 3"],
        "finding-1-en": ["say no"],
        "trend-0-item": [""],
    }
    found = build(DOCUMENT, fields)
    assert found["weighting"] == [
        {"step": "rake", "margins": ["age", "sex"], "outside": {"age": {"9": "random"}}},
        {"step": "trim", "upper": 2.5},
    ]
    assert found["tables"][2] == {"items": ["c"], "groups": ["sex", "age"]}
    assert found["findings"][1] == {"item": "c", "categories": ["2", "3"], "text": {"en": "say no"}}
    assert found["trends"] == []
    assert found["outside"] == DOCUMENT["outside"]


@pytest.mark.parametrize(
    "broken", [{"tables": "x"}, {"findings": [1]}, {"weighting": None}, {"disclosure": []}]
)
def test_a_faulty_plan_can_be_shown(broken):
    document = {**DOCUMENT, **broken}
    assert plan_builder.tables_of(document)[-1] == {"every": False, "items": [], "groups": []}
    assert len(plan_builder.rows_of(document, "findings")) >= 2
    assert isinstance(build(document, {})["disclosure"], dict)


def test_page_builds_a_plan_without_writing(fielded, as_role):
    client = as_role("analyst")
    client.get("/office/analysis/")
    client.submit("/office/analysis/plans/new", {"name": "mine", "title": "Mine", "wave": WAVE})
    address = "/office/analysis/plans/mine/build"
    page = client.get(address)
    assert page.status_code == 200
    fields = {
        "title-en": "Trust",
        "title-de": "Vertrauen",
        "waves": [WAVE],
        "table-0-items": ["trust"],
        "table-0-groups": ["gender"],
        "finding-0-item": "trust",
        "finding-0-categories": "help",
        "finding-0-en": "think that people help",
        "sensitive": [],
    }
    assert client.submit(address, fields).status_code == 302
    with fielded.app_context(), stores.collector.read() as session:
        plan = read(yaml.safe_load(store.plan(session, "mine").source))
    assert [(table.items, table.groups) for table in plan.tables] == [(("trust",), ("gender",))]
    assert plan.findings[0].categories == ("help",)
    assert plan.findings[0].text["en"] == "think that people help"
    assert client.get("/office/analysis/plans/none/build").status_code == 404
