import pytest
import yaml

import stores
from analysis import cli, priorities, store
from analysis.plan import loads, read
from participation.conference.models import OutcomeRow
from stores import publish
from surveys.faults import Faulty
from tests.analysis.conftest import WAVE

OPTIONS = {"h": "Homes", "l": "Language", "j": "Jobs"}


def confer(state="revealed"):
    """Publish a conference whose only round puts homes first and the others level."""
    round_ = {
        "conference": "spring",
        "round": "r1",
        "access": "spring-r1",
        "title": {"en": "Spring <conference>"},
        "state": state,
        "practice": False,
        "options": [{"id": code, "label": {"en": label}} for code, label in OPTIONS.items()],
    }
    outcome = {"headline": "schulze", "report": {"rules": {"schulze": {"classes": [["h"], ["l", "j"]]}}}}
    with stores.collector.begin() as session:
        publish(session, "office", "conference", "spring", {"slug": "spring"})
        publish(session, "office", "round", "spring-r1", round_)
        session.merge(OutcomeRow(round="spring-r1", document=outcome))


def write(app, small_plan, client):
    small_plan(client)
    with app.app_context(), stores.collector.begin() as session:
        plan = yaml.safe_load(store.plan(session, "first").source)
        item = plan["findings"][0]["item"]
        category = plan["findings"][0]["categories"][0]
        plan["conferences"] = [{"conference": "spring", "item": item, "options": {"h": category}}]
        store.save_plan(session, "first", yaml.safe_dump(plan), "analyst-1@example.org", cli.now())
    return plan


def test_places_stand_beside_the_survey(fielded, small_plan, as_role):
    client = as_role("analyst")
    plan = write(fielded, small_plan, client)
    item = plan["findings"][0]["item"]
    with fielded.app_context():
        confer()
        _, publication, _, _ = cli.make_book(stores.collector, read(plan), lambda part: False)
        with stores.collector.begin() as session:
            store.ask(session, "book", "first", "analyst-1@example.org", cli.now())
        assert cli.run_next() == "done"
    document = publication.document
    (found,) = document["conferences"]
    rows = priorities.rows(document, found, "en")
    assert [(row["place"], row["label"]) for row in rows] == [(1, "Homes"), (2, "Language"), (2, "Jobs")]
    table = next(t for t in document["tables"] if (t["wave"], t["item"], t["group"]) == (WAVE, item, ""))
    cell = table["rows"][0]["cells"][table["categories"].index(plan["conferences"][0]["options"]["h"])]
    assert rows[0]["figure"].startswith(f"{cell['percent']:g}")
    assert rows[0]["interval"] == f"{cell['low']:g}–{cell['high']:g}"
    assert [row["figure"] for row in rows[1:]] == ["", ""]
    page = client.get(f"/office/analysis/plans/first/book?item={item}")
    assert "Spring &lt;conference&gt;" in page.text
    assert "Homes" in page.text
    with fielded.app_context(), stores.collector.begin() as session:
        publish(
            session,
            "results",
            store.PUBLICATION,
            "first",
            {**document, "slug": "first", "released_on": "2024-06-01", "digest": publication.digest},
        )
    assert "Spring &lt;conference&gt;" in client.get("/results/first").text


@pytest.mark.parametrize("state", ["open", "withdrawn"])
def test_a_round_that_is_not_revealed_is_no_published_conference(fielded, small_plan, as_role, state):
    plan = write(fielded, small_plan, as_role("analyst"))
    with fielded.app_context():
        confer(state)
        with pytest.raises(Faulty) as error:
            cli.make_book(stores.collector, read(loads(yaml.safe_dump(plan))), lambda part: False)
    assert [(fault.kind, fault.place) for fault in error.value.faults] == [
        ("unknown-conference", "conferences/1")
    ]
