import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import yaml

import stores
from analysis import calibration, cli, store
from analysis.diagnostics import Move, describe
from analysis.estimates import mean
from analysis.plan import loads, read
from analysis.planning import views as planned
from tests.analysis.conftest import WAVE

KEYS = {
    "name": "keys",
    "variable": "_key",
    "source": "Register",
    "date": "2024",
    "definition": "adults",
    "table": "key-a;9.500\nkey-b;4.500",
}


def plan_text(client, name="first"):
    client.submit("/office/analysis/plans/new", {"name": name, "title": "Living here", "wave": WAVE})
    return client.get(f"/office/analysis/plans/{name}")


@pytest.fixture
def analyst(fielded, as_role):
    client = as_role("analyst")
    client.get("/office/analysis/")
    return client


def test_overview_and_wave(analyst):
    assert "Living here 2024" in analyst.get("/office/analysis/").text
    page = analyst.get(f"/office/analysis/waves/{WAVE}")
    assert page.status_code == 200
    assert "500" in page.text
    assert analyst.get("/office/analysis/waves/none").status_code == 404


@pytest.mark.parametrize(
    "kind", ["csv", "labels.csv", "parquet", "xlsx", "sav", "sps", "dta", "ddi.xml", "sss", "sss.csv"]
)
def test_sealed_exports(analyst, kind):
    answer = analyst.get(f"/office/analysis/waves/{WAVE}/export/{kind}?labels=ar")
    assert answer.status_code == 200
    assert len(answer.data) > 500
    assert "_record_key" not in answer.data[:100_000].decode(errors="ignore")


def test_unknown_export(analyst):
    assert analyst.get(f"/office/analysis/waves/{WAVE}/export/exe").status_code == 404


def test_margins_with_faults_and_without(analyst):
    form = {
        "name": "keys",
        "variable": "_key",
        "source": "Register",
        "date": "2024",
        "definition": "adults",
        "table": "key-a;9.000\nkey-b;5.000\nSumme;14.000",
    }
    wrong = analyst.submit("/office/analysis/margins", {**form, "table": "key-a;viele\nkey-b;5.000"})
    assert wrong.status_code == 422
    right = analyst.submit("/office/analysis/margins", form)
    assert right.status_code == 302
    assert "9.000" in analyst.get("/office/analysis/margins").text
    other = {**form, "name": "more", "table": "key-a;9.001\nkey-b;5.000"}
    analyst.submit("/office/analysis/margins", other)
    assert "alert" in analyst.get("/office/analysis/margins").text


def test_merged_cells_are_named(analyst):
    book = openpyxl.Workbook()
    book.active.append(["key-a", 3])
    book.active.merge_cells("A1:A2")
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    data = {
        "name": "m",
        "variable": "_key",
        "source": "s",
        "date": "d",
        "definition": "x",
        "file": (file, "margins.xlsx"),
    }
    answer = analyst.submit("/office/analysis/margins", data)
    assert answer.status_code == 422
    assert "A1:A2" in answer.text


def test_plan_book_and_files(fielded, analyst, small_plan):
    assert plan_text(analyst, "whole").status_code == 200
    analyst.submit("/office/analysis/margins", KEYS)
    small_plan(analyst)
    analyst.submit("/office/analysis/plans/first/run", {}, at="/office/analysis/plans/first")
    with fielded.app_context():
        assert cli.run_next() == "done"
        assert cli.run_next() is None
    page = analyst.get("/office/analysis/plans/first")
    assert "book.xlsx" in page.text
    assert analyst.get("/office/analysis/plans/first/book").status_code == 200
    for kind in ("html", "xlsx", "pdf", "json"):
        answer = analyst.get(f"/office/analysis/plans/first/book.{kind}", lint=False)
        assert answer.status_code == 200
    weights = analyst.get("/office/analysis/plans/first/weights")
    assert "_key: key-a" in weights.text
    assert weights.text.count("<svg") == 1


def test_a_faulty_plan_names_every_fault(analyst):
    plan_text(analyst)
    answer = analyst.submit("/office/analysis/plans/first", {"source": "plan: 1\nwaves: []\ncolour: red\n"})
    assert answer.status_code == 422
    for place in ("colour", "waves", "tables", "name"):
        assert f">{place}<" in answer.text


def test_stopping_and_restarting_a_batch(fielded, analyst):
    plan_text(analyst)
    analyst.submit("/office/analysis/plans/first/run", {}, at="/office/analysis/plans/first")
    analyst.submit("/office/analysis/plans/first/stop", {}, at="/office/analysis/plans/first")
    with fielded.app_context():
        assert cli.run_next() is None
        with stores.collector.read() as session:
            assert [job.state for job in store.jobs(session)] == ["cancelled"]
            assert store.book(session, "first") is None


def test_only_analysts_enter(fielded, as_role):
    for role in ("reviewer", "editor", "administrator"):
        assert as_role(role).get("/office/analysis/").status_code == 403


def test_scripts_make_the_tables_again(fielded, analyst, small_plan, tmp_path):
    analyst.submit("/office/analysis/margins", KEYS)
    small_plan(analyst)
    with fielded.app_context(), stores.collector.read() as session:
        plan = loads(store.plan(session, "first").source)
        item, group = plan["tables"][0]["items"][0], plan["tables"][0]["groups"][0]
        data, _ = store.load(session, WAVE, read(plan).weighting, store.margins(session))
    page = analyst.get("/office/analysis/plans/first")
    for kind in ("R", "py"):
        assert f"/office/analysis/plans/first/scripts/{WAVE}.{kind}" in page.text
    script = analyst.get(f"/office/analysis/plans/first/scripts/{WAVE}.R").text
    assert "svydesign(ids = ~1, strata = ~`_key`, weights = ~`_design_weight`" in script
    assert "rake(design" in script
    (tmp_path / "make.py").write_text(analyst.get(f"/office/analysis/plans/first/scripts/{WAVE}.py").text)
    export = analyst.get(f"/office/analysis/waves/{WAVE}/export/csv?plan=first")
    (tmp_path / "living-here-2024.csv").write_bytes(export.data)
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True, env={"PYTHONPATH": str(root)})
    with (tmp_path / "book-from-python.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["item"], row["group"]) == (item, group)]
    found = mean(data.design, item, by=group)
    assert [float(row["estimate"]) for row in rows] == pytest.approx(found.estimate, abs=1e-8)
    assert [float(row["se"]) for row in rows] == pytest.approx(found.se, abs=1e-8)


def test_scripts_that_do_not_exist(analyst):
    plan_text(analyst)
    assert analyst.get(f"/office/analysis/plans/first/scripts/{WAVE}.exe").status_code == 404
    assert analyst.get("/office/analysis/plans/first/scripts/none.R").status_code == 404


def test_what_a_public_use_file_would_need(analyst):
    plan_text(analyst)
    at = "/office/analysis/plans/first/public-use"
    page = analyst.get(f"{at}?keys=gender+age+stay-city&sensitive=reason")
    assert page.status_code == 200
    assert "von 500 Datensätzen" in page.text
    assert "<table" in page.text
    assert analyst.get(f"{at}?keys=").status_code == 302
    assert analyst.get(f"{at}?keys=_record_key").status_code == 302


def test_the_drawing_of_a_step_shows_shares_of_the_margin(app):
    moves = (Move("sex", "f", 300.0, 360.0), Move("sex", "m", 600.0, 540.0))
    step = describe("raking", np.full(9, 100.0), moves=moves)
    with app.test_request_context("/office/analysis"):
        drawn = str(planned._moves_figure(step, 1))
    assert (drawn.count(">40<"), drawn.count(">60<")) == (1, 1)


def test_every_kind_of_weighting_step_has_a_name():
    methods = {f"{method} calibration" for method in calibration.DISTANCES}
    others = {"margin items", "nonresponse classes", "post-stratification", "raking", "trimming"}
    assert set(planned.STEP_NAMES) == others | methods


def test_saving_says_what_was_done_and_an_old_book_is_called_old(fielded, analyst, small_plan):
    address = small_plan(analyst)
    analyst.submit(f"{address}/run", {}, at=address)
    with fielded.app_context():
        assert cli.run_next() == "done"
    page = analyst.get(address).text
    assert ("kleine Gruppe" in page, 'name="slug"' in page, "älter als der Plan" in page) == (
        True,
        True,
        False,
    )
    with fielded.app_context(), stores.collector.read() as session:
        document = loads(store.plan(session, "first").source)
    saved = analyst.submit(address, {"source": yaml.safe_dump({**document, "title": {"de": "Anders"}})}).text
    assert "Der Plan ist gespeichert und ohne Fehler." in saved
    assert "<h1>Plan Anders</h1>" in saved
    assert ("kleine Gruppe" in saved, 'name="slug"' in saved, "älter als der Plan" in saved) == (
        False,
        False,
        True,
    )
    with fielded.app_context(), stores.collector.read() as session:
        column = store.load(session, WAVE)[0].design.data[document["tables"][0]["groups"][0]]
    counts = sorted(np.bincount(column.values[column.values >= 0]).tolist())
    least = ("hide_below", "bracket_below", "sensitive_hide_below", "sensitive_bracket_below")
    rules = {**document["disclosure"], "rules": dict.fromkeys(least, counts[-2])}
    advised = analyst.submit(address, {"source": yaml.safe_dump({**document, "disclosure": rules})})
    assert advised.status_code == 200
    assert "Der Plan ist gespeichert und kann laufen. Die Prüfung hat Hinweise." in advised.text
    faulty = analyst.submit(
        address, {"source": yaml.safe_dump({**document, "tables": [{"items": ["nope"]}]})}
    )
    assert faulty.status_code == 422
    assert "Der Plan ist gespeichert, kann aber nicht laufen" in faulty.text


def test_weights_name_their_wave(analyst, small_plan):
    address = small_plan(analyst)
    page = analyst.get(f"{address}/weights")
    assert "Welle: Living here 2024" in page.text
    assert analyst.get(f"{address}/weights?wave={WAVE}").status_code == 200
    assert analyst.get(f"{address}/weights?wave=other").status_code == 404


def test_files_are_called_by_the_title_of_the_wave(analyst, small_plan):
    address = small_plan(analyst)
    assert "<strong>Living here 2024</strong>" in analyst.get(address).text
    file = analyst.get(f"/office/analysis/waves/{WAVE}/export/csv").headers["Content-Disposition"]
    assert file == "attachment; filename=living-here-2024.csv"
    script = analyst.get(f"{address}/scripts/{WAVE}.R")
    assert script.headers["Content-Disposition"] == "attachment; filename=first-living-here-2024.R"
    assert 'read.csv("living-here-2024.csv"' in script.text
