import json

import pytest

from analysis.plan import loads, read, title_of
from analysis.plan_checks import Catalogue, check
from surveys.faults import Faulty

PLAN = {
    "plan": 1,
    "name": "living-here-2024",
    "title": {"en": "Living here", "de": "Hier leben"},
    "languages": ["de", "en", "ar"],
    "waves": ["w2020", "w2024"],
    "weighting": [{"step": "rake", "margins": ["sex", "age"]}, {"step": "trim", "upper": 80}],
    "tables": [{"items": "all", "groups": ["sex", "district"]}, {"items": ["trust"], "groups": ["age"]}],
    "tests": {"level": 0.95, "book": "bh", "headlines": "holm"},
    "findings": [{"item": "trust", "categories": ["3", "4"], "text": {"en": "trust their neighbours"}}],
    "trends": [
        {
            "item": "trust",
            "categories": ["3", "4"],
            "unchanged_within": 5,
            "bridges": [
                {
                    "first": "w2020",
                    "second": "w2024",
                    "kinds": ["languages"],
                    "reason": "Two languages were added, spoken by under one percent.",
                    "stated_by": "Head of statistics",
                }
            ],
        }
    ],
    "outside": [
        {
            "item": "trust",
            "categories": ["3", "4"],
            "label": {"en": "City survey"},
            "time": 2023,
            "estimate": 0.71,
            "n": 3000,
            "source": "City survey 2023, table 4",
        }
    ],
    "disclosure": {
        "method": "sample",
        "sensitive": ["status"],
        "places": ["district"],
        "rules": {"hide_below": 20},
    },
    "about": {"population": {"en": "Residents aged 18 and over"}},
}

CATALOGUE = Catalogue(
    items={"trust": ("1", "2", "3", "4"), "status": ("a", "b")},
    groups={
        "sex": {"f": 400, "m": 300},
        "district": {"n": 300, "s": 200, "w": 8},
        "age": {"1": 500, "2": 200},
        "tiny": {"x": 3, "y": 700},
    },
    waves=frozenset({"w2020", "w2024"}),
    margins=frozenset({"sex", "age"}),
    breaks=lambda item, first, second: ("languages",),
)


def changed(**parts):
    return {**PLAN, **parts}


def faults(document):
    with pytest.raises(Faulty) as caught:
        read(document)
    return sorted((fault.kind, fault.place) for fault in caught.value.faults)


def test_a_whole_plan():
    plan = read(PLAN)
    assert plan.groups == ("sex", "district", "age")
    assert plan.policy.sensitive == {"status"}
    assert plan.trends[0].bridges[0].kinds == ("languages",)
    found = check(plan, CATALOGUE)
    assert [(fault.kind, fault.place, fault.advice) for fault in found] == [
        ("levels-will-be-hidden", "tables/1/groups/district", True)
    ]


def test_digest_does_not_depend_on_order_of_keys():
    turned = json.loads(json.dumps(dict(reversed(list(PLAN.items())))))
    assert read(turned).digest == read(PLAN).digest
    assert read(changed(name="other")).digest != read(PLAN).digest


def test_every_fault_of_the_document_at_once():
    document = {
        "plan": 2,
        "colour": "red",
        "title": {"xx-unknown-": "?", "en": 3},
        "waves": [],
        "tables": [],
        "weighting": [{"step": "magic"}, {"step": "rake"}],
        "tests": {"level": 2, "book": "hope"},
        "findings": [{"item": "trust", "group": "sex"}],
        "trends": [
            {"item": "trust", "waves": ["w1"], "bridges": [{"first": "a", "kinds": ["mood"], "reason": "no"}]}
        ],
        "outside": [{"item": "trust", "estimate": 71, "time": 2023, "n": "many"}],
        "conferences": [{"options": []}],
        "disclosure": {"method": "hope", "rules": {"hide_below": -1}},
    }
    assert faults(document) == [
        ("missing", "conferences/1/conference"),
        ("missing", "conferences/1/item"),
        ("missing", "findings/1/categories"),
        ("missing", "findings/1/level"),
        ("missing", "findings/1/text"),
        ("missing", "name"),
        ("missing", "outside/1/source"),
        ("missing", "tables"),
        ("missing", "trends/1/bridges/1/second"),
        ("missing", "trends/1/bridges/1/stated_by"),
        ("missing", "waves"),
        ("missing", "weighting/2/margins"),
        ("not-a-share", "outside/1/estimate"),
        ("one-wave", "trends/1/waves"),
        ("out-of-range", "tests/level"),
        ("plan-version", "plan"),
        ("precision-rule", "disclosure/rules/hide_below"),
        ("reason-too-short", "trends/1/bridges/1/reason"),
        ("unknown-adjustment", "tests/book"),
        ("unknown-break", "trends/1/bridges/1/kinds"),
        ("unknown-key", "colour"),
        ("unknown-language", "title/xx-unknown-"),
        ("unknown-method", "disclosure/method"),
        ("unknown-step", "weighting/1/step"),
        ("unknown-wave", "trends/1/waves"),
        ("wrong-type", "outside/1/n"),
        ("wrong-type", "title/en"),
    ]


def test_every_fault_beside_the_data_at_once():
    plan = read(
        changed(
            waves=["w2020", "w1999"],
            weighting=[{"step": "rake", "margins": ["origin"]}],
            tables=[{"items": ["trust", "happy"], "groups": ["tiny", "shoe"]}],
            findings=[
                {"item": "trust", "categories": ["9"], "text": {"en": "?"}, "group": "sex", "level": "x"},
                {"item": "sad", "categories": ["1"], "text": {"en": "?"}},
            ],
            trends=[{"item": "trust", "categories": ["4"]}],
            conferences=[{"conference": "2019", "item": "needs"}],
            disclosure={"sensitive": ["income"]},
        )
    )
    catalogue = Catalogue(
        CATALOGUE.items,
        CATALOGUE.groups,
        CATALOGUE.waves,
        CATALOGUE.margins,
        breaks=lambda item, first, second: ("mode", "wording"),
        sensitive=frozenset({"status"}),
    )
    found = sorted((fault.kind, fault.place) for fault in check(plan, catalogue))
    assert found == [
        ("break-in-series", "trends/1"),
        ("group-too-small", "tables/1/groups/tiny"),
        ("sensitive-not-declared", "disclosure/sensitive"),
        ("unknown-category", "findings/1/categories"),
        ("unknown-conference", "conferences/1"),
        ("unknown-group", "tables/1/groups"),
        ("unknown-item", "conferences/1/item"),
        ("unknown-item", "disclosure"),
        ("unknown-item", "findings/2/item"),
        ("unknown-item", "tables/1/items"),
        ("unknown-level", "findings/1/level"),
        ("unknown-margin", "weighting/1/margins"),
        ("unknown-wave", "waves"),
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe", "not-utf8"),
        ('{"plan": 1,', "not-json"),
        ("a: [1, 2", "not-yaml"),
        ("- just\n- a list", "wrong-type"),
    ],
)
def test_unreadable_text_names_the_line(content, kind):
    with pytest.raises(Faulty) as caught:
        loads(content)
    assert [fault.kind for fault in caught.value.faults] == [kind]


def test_yaml_and_json_are_the_same():
    assert loads("plan: 1\nname: x\n") == loads('{"plan": 1, "name": "x"}')


@pytest.mark.parametrize("part", ["tables", "findings", "trends", "outside", "weighting", "waves"])
def test_wrong_types_are_located(part):
    kinds = [
        kind for kind, place in faults(changed(**{part: 3.5 if part == "waves" else "text"})) if place == part
    ]
    assert "wrong-type" in kinds


@pytest.mark.parametrize(
    ("rules", "place", "kind"),
    [
        ({"rules": {"hide_below": 1}}, "disclosure/rules/hide_below", "protects-too-little"),
        ({"rules": {"hide_below": 6}}, "disclosure/rules/hide_below", "dot-tells"),
        ({"rules": {"base_unit": 1}}, "disclosure/rules/base_unit", "protects-too-little"),
        ({"width": 0}, "disclosure/width", "protects-too-little"),
        ({"homogeneity": 2}, "disclosure/homogeneity", "out-of-range"),
    ],
)
def test_no_plan_protects_less_than_the_floor(rules, place, kind):
    assert faults(changed(disclosure=rules)) == [(kind, place)]


def test_at_the_floor_a_plan_is_read():
    assert read(changed(disclosure={"width": 3, "rules": {"hide_below": 5}})).policy.audit.threshold == 5
    assert (
        read(changed(disclosure={"method": "exact", "rules": {"base_unit": 1}})).policy.rules.base_unit == 1
    )


def test_a_title_is_read_from_what_may_be_half_written():
    assert title_of(json.dumps(PLAN)) == {"en": "Living here", "de": "Hier leben"}
    assert title_of("title: {en: 'Half, de: 3") == {}
    assert title_of("title: {en: Half, de: 3}") == {"en": "Half"}
    assert title_of("title: Half") == {}
