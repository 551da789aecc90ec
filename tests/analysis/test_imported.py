import io
import json

import numpy as np
import pytest
import yaml

import stores
from analysis import cli, store
from analysis.errors import DataError
from analysis.imported import described, imported
from surveys.questionnaire import read
from tests.analysis.conftest import MODEL, WAVE

MAP = [
    {
        "column": "v1",
        "concept": "trust.people",
        "recode": {"1": "help", "2": "self"},
        "missing": {"9": "refused"},
    },
    {"column": "v2", "concept": "gender"},
    {"column": "v3", "wording": {"de": "Haben Sie einen Garten?"}, "order": ["yes", "no"]},
]
META = {
    "key": "citizens-2019",
    "survey": "living-here",
    "label": {"en": "Citizens 2019"},
    "dates": ["2019-03-01", "2019-05-31"],
    "weights": "w",
    "population": 14000,
    "mode": "paper",
    "frame": "register sample",
    "languages": ["de"],
    "variables": MAP,
}


def table(rows=240):
    rng = np.random.default_rng(3)
    lines = ["v1;v2;v3;w"]
    for _ in range(rows):
        cells = (
            rng.choice(["1", "1", "2", "9"]),
            rng.choice(["female", "male"]),
            rng.choice(["yes", "no"]),
            str(rng.integers(50, 150) / 100),
        )
        lines.append(";".join(cells))
    return ("\n".join(lines) + "\n").encode()


@pytest.fixture(scope="module")
def questionnaire():
    return read(json.loads(MODEL.read_text(encoding="utf-8")))


def refused(code, questionnaire=None, content=None, kind="csv", **changes):
    with pytest.raises(DataError) as error:
        imported(described({**META, **changes}), content or table(), kind, questionnaire)
    assert error.value.code == code
    return error.value


def test_a_concept_takes_name_answers_and_words_of_the_question(questionnaire):
    data = imported(described(META), table(), "csv", questionnaire)
    assert list(data.items) == ["trust", "gender", "v3"]
    assert data.items["trust"].categories == ("help", "self")
    assert data.items["gender"].categories == ("female", "male", "diverse")
    assert data.items["trust"].label["en"]
    assert data.items["v3"].label == {"de": "Haben Sie einen Garten?"}
    assert data.items["v3"].categories == ("yes", "no")
    assert data.design.weights.sum() == pytest.approx(14000)
    refusals = sum(line.startswith(b"9;") for line in table().splitlines())
    assert int((data.design.data["trust"].values < 0).sum()) == refusals > 0
    assert data.time == 2019 + 4 / 12


def test_without_a_questionnaire_concepts_name_the_items():
    data = imported(described(META), table(), "csv", None)
    assert list(data.items) == ["trust.people", "gender", "v3"]


def test_joined_answers_are_another_scale(questionnaire):
    whole = imported(described(META), table(), "csv", questionnaire)
    joined = [{**MAP[0], "recode": {"1": "help", "2": "self", "3": "self"}}]
    other = imported(described({**META, "variables": joined}), table(), "csv", questionnaire)
    assert whole.fieldings["trust"].scale != other.fieldings["trust"].scale
    assert whole.fieldings["trust"].wording == ""
    assert whole.fieldings["trust"].population == ""


def test_a_sav_file_reads_alike(questionnaire, tmp_path):
    import polars
    import pyreadstat

    rows = [line.split(";") for line in table().decode().split()]
    frame = polars.DataFrame(rows[1:], schema=rows[0], orient="row").with_columns(polars.col("w").cast(float))
    path = tmp_path / "wave.sav"
    pyreadstat.write_sav(frame, str(path))
    plain = imported(described(META), table(), "csv", questionnaire)
    data = imported(described(META), path.read_bytes(), "sav", questionnaire)
    assert data.design.weights == pytest.approx(plain.design.weights)
    assert data.design.data["trust"].values.tolist() == plain.design.data["trust"].values.tolist()


@pytest.mark.parametrize(
    ("code", "place", "changes"),
    [
        ("setting_needed", "survey", {"survey": ""}),
        ("setting_slug", "key", {"key": "Citizens 2019"}),
        ("setting_dates", "dates", {"dates": ["spring", "2019-04-01"]}),
        ("setting_dates", "dates", {"dates": ["2019-05-01", "2019-04-01"]}),
        ("setting_type", "label", {"label": [1]}),
        ("setting_type", "population", {"population": "many"}),
        ("setting_type", "variables", {"variables": {"v1": "trust"}}),
        ("setting_type", "variables/1", {"variables": [{"column": "v1", "recode": "x"}]}),
        ("setting_type", "variables/1", {"variables": [{"column": "v1", "order": "x"}]}),
        ("setting_needed", "variables/1", {"variables": [{"concept": "trust"}]}),
        ("unknown_setting", "variables/1", {"variables": [{"column": "v1", "colour": "red"}]}),
        ("unknown_setting", "colour", {"colour": "red"}),
        ("no_such_column", "v9", {"variables": [{"column": "v9"}]}),
        ("no_such_answer", "v1", {"variables": [{"column": "v1", "concept": "trust", "recode": {"1": "x"}}]}),
        (
            "measured_twice",
            "v2",
            {"variables": [MAP[0], {**MAP[0], "column": "v2", "recode": {"female": "help", "male": "self"}}]},
        ),
        ("reserved_name", "v1", {"variables": [{"column": "v1", "concept": "_key"}]}),
        ("file_kind", "exe", {"kind": "exe"}),
        ("missing_weight", "w", {"content": table().replace(b"w\n", b"w\n", 1) + b"1;male;no;\n"}),
    ],
)
def test_faults_are_located(questionnaire, code, place, changes):
    assert refused(code, questionnaire, **changes).place == place


def test_a_value_without_an_answer_is_named_with_its_row(questionnaire):
    error = refused("not_recoded", questionnaire, content=b"v1;v2;v3;w\n1;female;yes;1\n7;male;no;1\n")
    assert error.params["row"] == 2


def form(**changes):
    values = {
        "key": META["key"],
        "survey": "living-here",
        "label": "Citizens 2019",
        "first_day": "2019-03-01",
        "last_day": "2019-05-31",
        "mode": "paper",
        "frame": "register sample",
        "languages": "de",
        "weights": "w",
        "population": "14.000",
        "decimal": ".",
        "variables": yaml.safe_dump(MAP),
        "file": (io.BytesIO(table()), "citizens.csv"),
    }
    return {**values, **changes}


def kept(app):
    with app.app_context(), stores.collector.read() as session:
        return [known.key for known in store.waves(session) if known.kind == "imported"]


def test_the_page_keeps_a_wave_and_shows_it(fielded, as_role):
    client = as_role("analyst")
    wrong = client.submit("/office/analysis/waves/import", form(variables="- column: v7"))
    assert wrong.status_code == 422
    assert ">v7<" in wrong.text
    assert kept(fielded) == []
    assert client.submit("/office/analysis/waves/import", form(variables="- {")).status_code == 422
    assert client.submit("/office/analysis/waves/import", form(population="many")).status_code == 422
    assert client.submit("/office/analysis/waves/import", form(file="")).status_code == 422
    assert kept(fielded) == []
    assert client.submit("/office/analysis/waves/import", form()).status_code == 302
    assert kept(fielded) == ["citizens-2019"]
    page = client.get("/office/analysis/waves/citizens-2019")
    assert "240" in page.text
    assert "paper" in page.text
    assert client.get("/office/analysis/waves/citizens-2019/export/csv").status_code == 200
    again = client.submit(
        "/office/analysis/waves/import", form(mode="web", file=(io.BytesIO(table()), "c.csv"))
    )
    assert again.status_code == 422
    at = "/office/analysis/waves/citizens-2019"
    client.submit(f"{at}/delete", {}, at=at)
    assert kept(fielded) == []


def test_own_waves_cannot_be_deleted(fielded, as_role):
    client = as_role("analyst")
    client.get("/office/analysis/")
    client.submit(f"/office/analysis/waves/{WAVE}/delete", {}, at="/office/analysis/")
    assert client.get(f"/office/analysis/waves/{WAVE}").status_code == 200


def write(tmp_path, **changes):
    (tmp_path / "c.csv").write_bytes(table())
    (tmp_path / "c.json").write_text(json.dumps({**META, **changes}), encoding="utf-8")
    return ["analyse-import", str(tmp_path / "c.csv"), "--meta", str(tmp_path / "c.json")]


def test_the_command_keeps_a_wave_once(fielded, tmp_path):
    runner = fielded.test_cli_runner()
    for _ in range(2):
        result = runner.invoke(args=write(tmp_path))
        assert (result.exit_code, result.output) == (0, "citizens-2019: 240 responses, 3 items\n")
    assert kept(fielded) == ["citizens-2019"]
    result = runner.invoke(args=write(tmp_path, key="other", weights="none"))
    assert result.exit_code == 1
    assert "none" in result.output
    (tmp_path / "c.json").write_text("[", encoding="utf-8")
    assert (
        runner.invoke(
            args=["analyse-import", str(tmp_path / "c.csv"), "--meta", str(tmp_path / "c.json")]
        ).exit_code
        == 1
    )
    assert kept(fielded) == ["citizens-2019"]


def plan(**trend):
    return {
        "plan": 1,
        "name": "series",
        "title": {"en": "Series"},
        "languages": ["en", "de"],
        "waves": ["citizens-2019", WAVE],
        "tables": [{"items": ["trust"], "groups": ["gender"]}],
        "trends": [{"item": "trust", "categories": ["help"], "waves": ["citizens-2019", WAVE], **trend}],
    }


def booked(app, document):
    from analysis.plan import read as read_plan

    with app.app_context():
        with stores.collector.begin() as session:
            store.note_waves(session)
            items = store.load(session, WAVE)[0].items
        sensitive = [name for name, item in items.items() if item.sensitive >= 2]
        document = {
            **document,
            "disclosure": {"sensitive": sensitive if document["waves"][-1] == WAVE else []},
        }
        return cli.make_book(stores.collector, read_plan(document), lambda part: False)


def test_the_series_breaks_between_an_imported_wave_and_ours(fielded, tmp_path):
    assert fielded.test_cli_runner().invoke(args=write(tmp_path)).exit_code == 0
    book, publication, _, members = booked(fielded, plan())
    (trend,) = book.trends
    assert [point.wave for point in trend.points] == ["citizens-2019", WAVE]
    assert trend.runs == (("citizens-2019",), (WAVE,))
    assert trend.changes == ()
    assert {"wording", "mode", "frame", "population", "languages"} - {"frame"} <= set(trend.breaks[0].kinds)
    assert publication.document["trends"][0]["breaks"][0]["first"] == "citizens-2019"
    assert len(set(members["citizens-2019"])) == 240


def test_a_stated_reason_bridges_the_break(fielded, tmp_path):
    assert fielded.test_cli_runner().invoke(args=write(tmp_path)).exit_code == 0
    bridge = {
        "first": "citizens-2019",
        "second": WAVE,
        "kinds": ["wording", "scale", "mode", "frame", "languages", "population"],
        "reason": "A split half of 2024 asked as in 2019 and found no difference.",
        "stated_by": "analyst",
    }
    book, publication, _, _ = booked(fielded, plan(bridges=[bridge]))
    assert len(book.trends[0].changes) == 1
    assert "split half" in publication.document["trends"][0]["notes"][0]


def test_an_answer_that_the_earlier_wave_lacks_is_named(fielded, tmp_path):
    variables = [{"column": "v3", "concept": "stay-forever-then", "order": ["yes", "no"]}, MAP[0]]
    assert fielded.test_cli_runner().invoke(args=write(tmp_path, variables=variables)).exit_code == 0
    document = plan()
    document["waves"] = [WAVE, "citizens-2019"]
    document["tables"] = [{"items": ["trust"], "groups": []}]
    document["trends"] = []
    document["findings"] = [
        {"item": "stay-forever-then", "categories": ["yes"], "text": {"en": "stay", "de": "bleiben"}}
    ]
    book, _, _, _ = booked(fielded, document)
    assert book.headlines[0].wave == "citizens-2019"
