"""Margins of a plan beside the answers: the check says what the run would stumble over."""

import io
import re

import pytest
import yaml

import stores
from analysis import cli, margin_checks, store, views
from analysis.margins import Margin
from analysis.plan import read
from surveys.faults import Fault
from tests.analysis.conftest import KEYS, WAVE

ABOUT = {"source": "Register", "date": "2024", "definition": "adults"}
TOTAL = sum(n for n, _ in KEYS.values())
HALVES = {"f": TOTAL / 2, "m": TOTAL / 2}


def of_keys(**changed):
    return Margin.from_counts("_key", {**{key: n for key, (n, _) in KEYS.items()}, **changed}, **ABOUT)


@pytest.fixture
def wave(fielded):
    with fielded.app_context(), stores.collector.begin() as session:
        store.note_waves(session)
        return store.load(session, WAVE)[0]


def plan_of(*names, outside=None):
    step = {"step": "rake", "margins": list(names), **({"outside": outside} if outside else {})}
    return read(
        {
            "plan": 1,
            "name": "x",
            "title": {"en": "X"},
            "languages": ["en"],
            "waves": [WAVE],
            "weighting": [step],
            "tables": [{"items": ["trust"], "groups": []}],
        }
    )


def kinds(wave, margins, *names, outside=None):
    found = margin_checks.check(plan_of(*names, outside=outside), {WAVE: wave}, margins)
    return [(fault.kind, fault.params["name"]) for fault in found]


def test_what_stops_the_weighting_is_named_before_the_run(wave):
    gender = wave.items["gender"].categories
    whole = dict.fromkeys(gender, TOTAL / len(gender))
    margins = {
        "keys": of_keys(),
        "keys-again": of_keys(),
        "other": Margin.from_counts("shoe-size", HALVES, **ABOUT),
        "gender": Margin.from_counts("gender", whole, **ABOUT),
        "part": Margin.from_counts("gender", dict.fromkeys(gender[:2], TOTAL / 2), **ABOUT),
        "more": Margin.from_counts("gender", {**dict.fromkeys(gender, TOTAL / 4), "elf": TOTAL / 4}, **ABOUT),
        "large": of_keys(**{"key-a": 10_000}),
    }
    assert kinds(wave, margins, "keys", "gender") == []
    assert kinds(wave, margins, "keys", "keys-again") == [("margin-repeated", "keys-again")]
    assert kinds(wave, margins, "other") == [("margin-no-variable", "other")]
    assert kinds(wave, margins, "part") == [("margin-lacks-answer", "part")]
    rule = {"gender": dict.fromkeys(gender, "random")}
    assert kinds(wave, margins, "part", outside=rule) == []
    wrong = {"gender": dict.fromkeys(gender, "elf")}
    assert kinds(wave, margins, "part", outside=wrong) == [("margin-rule", "part")]
    assert kinds(wave, margins, "part", outside={"gender": ["x"]}) == [("margin-lacks-answer", "part")]
    assert ("margin-without-answers", "more") in kinds(wave, margins, "more")
    assert kinds(wave, margins, "gender", "large") == [("margins-disagree", "large")]


def test_a_wave_uses_its_own_margin(wave):
    margins = {"keys@elsewhere": of_keys(), f"keys@{WAVE}": of_keys()}
    assert margin_checks.names(margins, [WAVE]) == ["keys"]
    assert margin_checks.names(margins, [WAVE, "another"]) == []
    assert kinds(wave, margins, "keys") == []


def test_a_new_plan_takes_one_margin_for_each_variable_and_runs(fielded, as_role):
    client = as_role("analyst")
    client.get("/office/analysis/")
    with fielded.app_context(), stores.collector.begin() as session:
        data = store.load(session, WAVE)[0]
        two = data.items["gender"].categories[:2]
        gender = Margin.from_counts("gender", dict.fromkeys(two, TOTAL / 2), **ABOUT)
        named = {"keys": of_keys(), f"keys@{WAVE}": of_keys(), "keys@2020": of_keys(), "strata": of_keys()}
        named |= {"gender@2020": gender, "gender": gender}
        named["bad"] = Margin.from_counts("age", {"none": TOTAL}, **ABOUT)
        for name, margin in named.items():
            store.save_margin(session, name, margin, "a@example.org", cli.now())
    client.submit("/office/analysis/plans/new", {"name": "first", "title": "Living here", "wave": WAVE})
    address = "/office/analysis/plans/first"
    page = client.get(address)
    assert "bad, strata" in page.text
    with fielded.app_context(), stores.collector.read() as session:
        source = yaml.safe_load(store.plan(session, "first").source)
    rest = dict.fromkeys(data.items["gender"].categories[2:], "random")
    assert source["weighting"] == [
        {"step": "rake", "margins": ["gender", "keys"], "outside": {"gender": rest}}
    ]
    assert client.get(f"{address}/weights").status_code == 200


def test_the_run_names_what_the_check_names(fielded, as_role, small_plan):
    client = as_role("analyst")
    address = small_plan(client)
    with fielded.app_context(), stores.collector.begin() as session:
        plan = yaml.safe_load(store.plan(session, "first").source)
        plan["weighting"] = [{"step": "rake", "margins": ["keys", "again"]}]
        store.save_plan(session, "first", yaml.safe_dump(plan), "a@example.org", cli.now())
        for name in ("keys", "again"):
            store.save_margin(session, name, of_keys(), "a@example.org", cli.now())
    words = "again und keys sind Randverteilungen derselben Variable (_key)."
    assert client.get(address).text.count(words) == 1
    client.submit(f"{address}/run", {}, at=address)
    with fielded.app_context():
        assert cli.run_next() == "failed"
    assert client.get(address).text.count(words) == 2
    assert client.get(f"{address}/weights").status_code == 302


def test_an_unknown_wave_is_named_beside_what_follows_from_it(fielded, as_role, small_plan):
    client = as_role("analyst")
    address = small_plan(client)
    with fielded.app_context(), stores.collector.begin() as session:
        plan = yaml.safe_load(store.plan(session, "first").source)
    plan |= {"waves": ["nope"], "trends": [{"item": "trust", "categories": ["help"]}]}
    answer = client.submit(address, {"source": yaml.safe_dump(plan)})
    assert answer.text.count("Eine Welle nope gibt es nicht.") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("new", "Diese Seite hat selbst die Adresse"), ("first", "Einen Plan first gibt es schon.")],
)
def test_names_that_no_new_plan_can_have(fielded, as_role, small_plan, name, words):
    client = as_role("analyst")
    small_plan(client)
    answer = client.submit(
        "/office/analysis/plans/new", {"name": name, "title": "Something else", "wave": WAVE}
    )
    assert answer.status_code == 422
    assert words in answer.text
    assert "Something else" in answer.text


def test_names_of_margins(fielded, as_role):
    client = as_role("analyst")
    form = {"variable": "_key", **ABOUT, "table": "key-a;9.000\nkey-b;5.000"}
    at = "/office/analysis/margins"
    assert client.submit(at, {**form, "name": "../x y"}).status_code == 422
    assert client.submit(at, {**form, "name": f"keys@{WAVE}"}).status_code == 302
    again = {**form, "name": f"keys@{WAVE}", "table": "key-a;9.001\nkey-b;5.000"}
    refused = client.submit(at, again)
    assert refused.status_code == 422
    assert 'name="replace"' in refused.text
    with fielded.app_context(), stores.collector.read() as session:
        assert store.margins(session)[f"keys@{WAVE}"].total == 14_000
    assert client.submit(at, {**again, "replace": "y"}).status_code == 302
    with fielded.app_context(), stores.collector.begin() as session:
        assert store.margins(session)[f"keys@{WAVE}"].total == 14_001
        store.save_margin(session, "../x y", of_keys(), "a@example.org", cli.now())
    client.submit(f"{at}/delete", {"margin": "../x y"}, at=at)
    with fielded.app_context(), stores.collector.read() as session:
        assert list(store.margins(session)) == [f"keys@{WAVE}"]


def test_faults_of_an_import_are_said_in_the_language(fielded, as_role):
    client = as_role("analyst")
    form = {
        "key": "city-2019",
        "survey": "living-here",
        "label": "City 2019",
        "first_day": "2019-03-01",
        "last_day": "2019-04-01",
        "decimal": ".",
    }

    def words(content, variables, name="city.csv"):
        file = {"file": (io.BytesIO(content), name)} if content else {}
        answer = client.submit("/office/analysis/waves/import", {**form, **file, "variables": variables})
        assert answer.status_code == 422
        return " ".join(re.findall(r"<ul class=\"mb-0\"><li>(.*?)</li>", answer.text))

    column = "- column: q1\n"
    assert words(b"", column) == "Datei: CSV oder SPSS (.sav) wird gebraucht."
    assert words(b"q1\n1\n", "{}") == "Zuordnung der Konzepte wird gebraucht."
    assert words(b"q2\r1\r", column).endswith("In der Datei gibt es keine Spalte q1.")
    assert words(b"none", column, "city.sav") == "Die Datei ist keine lesbare SPSS-Datei (.sav)."
    long = b"q1\n" + b"x" * 200_000 + b"\n"
    assert words(long, column).startswith("Zeile 2 lässt sich nicht als Tabelle lesen.")


def test_faults_of_a_margin_are_said_in_the_language(fielded, as_role):
    client = as_role("analyst")
    form = {"name": "keys", "variable": "_key", **ABOUT, "table": "key-a;30,5 %\nkey-b;58 %"}
    page = client.submit("/office/analysis/margins", form).text
    assert '<code dir="ltr">Grundgesamtheit' in page
    page = client.submit("/office/analysis/margins", {**form, "population": "1.000"}).text
    assert "88,5" in page
    assert "88.5" not in page


def test_a_break_is_told_by_titles_and_in_words(app):
    params = {"first": "w1", "second": "w2", "kinds": "languages, mode"}
    with app.test_request_context("/office/analysis/?lang=de"):
        fault = views._named(Fault("break-in-series", "trends/1", params), {"w1": "Umfrage 2016"})
        assert dict(fault.params) == {
            "first": "Umfrage 2016",
            "second": "w2",
            "kinds": "die Sprachen und die Art des Fragens",
        }
