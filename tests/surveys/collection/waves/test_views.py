"""Running a wave on its pages; and that nobody changes its levels afterwards."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from analysis import store as analysis_store
from participation.access import blind
from participation.access.collector import store as collector_store
from participation.access.collector.models import Batch
from surveys.authoring import store as authoring
from surveys.collection import store
from tests.surveys.collection.conftest import DOCUMENT, open_small_wave, tend_now

TODAY = datetime.now(UTC).date()


@pytest.fixture
def editor(app, as_role):
    with app.extensions["stores"].get("office").begin() as session:
        authoring.save_draft(session, "small", DOCUMENT)
    client = as_role("editor")
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def waves(app):
    with app.extensions["stores"].get("office").read() as session:
        return store.waves(session, "small")


def set_up(**changes):
    return {
        "title": "First wave",
        "population": "Adults",
        "frame": "Register of residents",
        "versions": ["1"],
        "languages": ["en"],
        "levels": ["sealed"],
        "opens_on": TODAY.isoformat(),
        "closes_on": (TODAY + timedelta(days=30)).isoformat(),
        "checklist": list(store.TICKS),
    } | changes


def create(editor, channel):
    made = editor.submit("/office/surveys/small/waves", {"title": "First wave", "channel": channel})
    return made.headers["Location"]


def test_an_open_wave_goes_through_its_whole_life_on_pages(app, editor):
    page = create(editor, "open")
    assert editor.submit(page, set_up(levels=["open"])).status_code == 302
    for action, state in (("freeze", "frozen"), ("open", "open"), ("close", "closed"), ("close", "closed")):
        assert editor.submit(f"{page}/{action}", {}, at=page).status_code == 302
        assert waves(app)[0].state == state
        assert app.test_client().get("/s/small/open/keys.json").get_json()["state"] in (state, "frozen")
    assert "being mixed" in editor.get(page).text
    assert "Anybody" not in editor.get("/office/waves").text
    assert "First wave" in editor.get("/office/waves").text


def test_who_was_meant_and_drawn_from_reaches_the_analysis(app, editor):
    page = create(editor, "open")
    editor.submit(page, set_up(levels=["open"]))
    for action in ("freeze", "open", "close"):
        editor.submit(f"{page}/{action}", {}, at=page)
    wave = waves(app)[0]
    with app.extensions["stores"].get("collector").begin() as session:
        analysis_store.note_waves(session)
        session.flush()
        noted = analysis_store.wave(session, wave.id).document
    assert (noted["population"], noted["frame"]) == ("Adults", "Register of residents")


def test_a_sample_opens_only_when_the_checklist_is_complete(app, editor):
    page = create(editor, "sample")
    editor.submit(page, set_up(checklist=["hotline"]))
    reply = editor.submit(f"{page}/open", {}, at=page, follow_redirects=True)
    assert "Freeze the levels first." in reply.text
    editor.submit(f"{page}/freeze", {}, at=page)
    reply = editor.submit(f"{page}/open", {}, at=page, follow_redirects=True)
    assert "A point of the checklist is still open" in reply.text
    assert "The register clerk makes them" in reply.text
    assert waves(app)[0].state == "frozen"


def test_dates_in_the_wrong_order_and_past_extensions_are_refused(app, editor):
    page = create(editor, "open")
    wrong = set_up(levels=["open"], closes_on=(TODAY - timedelta(days=1)).isoformat())
    reply = editor.submit(page, wrong)
    assert reply.status_code == 422
    assert "The last day is before the first day." in reply.text
    editor.submit(page, set_up(levels=["open"]))
    editor.submit(f"{page}/freeze", {}, at=page)
    editor.submit(f"{page}/open", {}, at=page)
    past = {"closes_on": (TODAY - timedelta(days=2)).isoformat()}
    assert "This day is over" in editor.submit(f"{page}/extend", past, at=page, follow_redirects=True).text
    bad = editor.submit(f"{page}/extend", {"closes_on": "soon"}, at=page, follow_redirects=True)
    assert "Please give a day" in bad.text
    later = TODAY + timedelta(days=60)
    editor.submit(f"{page}/extend", {"closes_on": later.isoformat()}, at=page)
    assert waves(app)[0].closes_on == later


def test_a_second_open_wave_of_a_survey_is_refused(app, editor):
    for _ in range(2):
        page = create(editor, "open")
        editor.submit(page, set_up(levels=["open"]))
        editor.submit(f"{page}/freeze", {}, at=page)
        editor.submit(f"{page}/open", {}, at=page)
    assert [wave.state for wave in waves(app)] == ["frozen", "open"]
    with pytest.raises(DBAPIError), app.extensions["stores"].get("office").begin() as session:
        session.execute(text("UPDATE wave SET state = 'open'"))


def test_a_copied_wave_keeps_its_safeguards(app, editor):
    page = create(editor, "sample")
    editor.submit(page, set_up(levels=["sealed"]))
    editor.submit(f"{page}/freeze", {}, at=page)
    editor.submit(f"{page}/copy", {}, at=page)
    copy, source = waves(app)
    assert (copy.levels, copy.state, copy.opens_on) == (source.levels, "draft", None)
    assert (copy.population, copy.frame) == ("Adults", "Register of residents")


def test_frozen_levels_stay_through_page_and_sql(app, editor):
    page = create(editor, "sample")
    editor.submit(page, set_up())
    editor.submit(f"{page}/freeze", {}, at=page)
    assert 'name="levels"' not in editor.get(page).text
    editor.submit(page, set_up(levels=["two_office"], title="Changed"))
    assert (waves(app)[0].levels, waves(app)[0].title) == (["sealed"], "Changed")
    again = editor.submit(f"{page}/freeze", {}, at=page, follow_redirects=True)
    assert "frozen already" in again.text
    office = app.extensions["stores"].get("office")
    for statement in (
        """UPDATE wave SET levels = '["two_office"]'""",
        "UPDATE wave SET state = 'draft'",
        "UPDATE wave SET state = 'draft', levels = '[]'",
        "DELETE FROM wave",
    ):
        with pytest.raises(DBAPIError, match=r"frozen|never back|stays"), office.begin() as session:
            session.execute(text(statement))


def test_a_frozen_waves_levels_cannot_be_changed_in_sql(stores_on):
    with stores_on.office.begin() as session:
        values = {"id": "w", "levels": '["sealed"]', "none": "[]"}
        columns = (
            "id, survey, number, channel, title, population, frame, languages, levels, versions, checklist"
        )
        row = ":id, 's', 1, 'sample', 't', '', '', :none, :levels, :none, :none"
        session.execute(text(f"INSERT INTO wave ({columns}, state) VALUES ({row}, 'draft')"), values)
        session.execute(text("UPDATE wave SET state = 'frozen'"))
    for statement in (
        """UPDATE wave SET levels = '["two_office"]'""",
        "UPDATE wave SET state = 'draft'",
        """UPDATE wave SET state = 'draft', levels = '["two_office"]'""",
        "UPDATE wave SET channel = 'open'",
        "DELETE FROM wave",
    ):
        with pytest.raises(DBAPIError, match=r"frozen|never back|stays"), stores_on.office.begin() as session:
            session.execute(text(statement))


def test_pages_of_other_surveys_and_waves_are_not_found(editor):
    assert editor.get("/office/surveys/unknown/waves").status_code == 404
    assert editor.get("/office/surveys/small/waves/unknown").status_code == 404


def test_other_staff_cannot_run_waves(as_role):
    for role in ("register_clerk", "analyst", "moderator"):
        assert as_role(role).get("/office/waves").status_code == 403


# ---------------------------------------------------------------- responses


def test_returns_move_in_steps_and_a_small_key_is_named(app, editor, signing_pair, monkeypatch):
    monkeypatch.setattr(blind, "generate", lambda: signing_pair)
    phone = open_small_wave(app, people=3)
    wave = phone.fielding.wave
    page = f"/office/surveys/small/waves/{wave.id}"
    for person in phone.fielding.people:
        assert phone.post(phone.body(phone.token(person.code))).status_code == 200
    assert "fewer than 50<" in editor.get(page).text
    editor.submit(f"{page}/close", {}, at=page)
    with app.app_context():
        tend_now(app)
    assert "fewer than 50 answers" in editor.get(page).text
    with app.extensions["stores"].get("collector").read() as session:
        assert store.returns(session, wave)["received"] == 3
        assert len(store.responses(session, wave.id)) == 3


def test_responses_are_read_after_the_last_mix_only(app, signing_pair, monkeypatch):
    monkeypatch.setattr(blind, "generate", lambda: signing_pair)
    phone = open_small_wave(app, people=1)
    collector = app.extensions["stores"].get("collector")
    with collector.read() as session, pytest.raises(store.WaveFault, match="not_closed"):
        store.responses(session, phone.fielding.wave.id)


def test_rare_modes_become_other_at_the_close(stores_on):
    def documents(mode, amount):
        fields = {"wave": "w", "version": 1, "variant": 1, "answers": {"a": "1"}, "texts": {"t": "words"}}
        return [fields | {"mode": mode} for _ in range(amount)]

    with stores_on.collector.begin() as session:
        session.add(Batch(key_id="k", name="n", sealing=bytes(32), is_open=True, moved=0))
        store.move_responses(session, "k", documents("self", 49), False)
        store.move_responses(session, "k", documents("assisted", 49), False)
        store.move_responses(session, "other", documents("assisted", 1), False)
        store.move_responses(session, "k", documents("self", 1), True)
        session.flush()
        batch = session.get_one(Batch, "k")
        batch.name, batch.sealing, batch.is_open = None, None, False
    with stores_on.collector.read() as session:
        modes = [(one.key_id, one.mode) for one in store.responses_before_close(session, "w")]
        assert len(store.texts(session, "w")) == 100
    assert sorted(set(modes)) == [("k", "other"), ("k", "self"), ("other", "assisted")]
    assert modes.count(("k", "self")) == 50


def test_a_response_cannot_be_changed_by_sql(stores_on):
    document = {"wave": "w", "version": 1, "variant": 1, "mode": "self", "answers": {"a": "1"}, "texts": {}}
    with stores_on.collector.begin() as session:
        store.move_responses(session, "k", [document], False)
    for change in ("""answers = '{"a": "2"}'""", "wave = 'x'", "mode = 'paper'"):
        with pytest.raises(DBAPIError, match="cannot be changed"), stores_on.collector.begin() as session:
            session.execute(text(f"UPDATE response SET {change}"))


def test_the_checklist_names_a_missing_mirror_outside_the_demo(app, editor):
    page = create(editor, "sample")
    wave = waves(app)[0]
    assert page.endswith(wave.id)
    collector = app.extensions["stores"].get("collector")
    with collector.begin() as session:
        assert store.checklist(session, wave, TODAY, demo=True)["key_folder"]
        assert not store.checklist(session, wave, TODAY, demo=False)["key_folder"]
        collector_store.say(session, "keys", {"fault": None})
        assert store.checklist(session, wave, TODAY, demo=False)["key_folder"]
