"""Running a wave on its pages; and that nobody changes its levels afterwards."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml.html import fromstring
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from analysis import store as analysis_store
from participation.access import blind
from participation.access.collector import store as collector_store
from participation.access.collector.models import Batch
from stores import publish, published
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


def set_up(channel="sample", **changes):
    return {
        "title": "First wave",
        "population": "Adults",
        "frame": "Register of residents",
        "versions": ["1"],
        "languages": ["en"],
        "levels": ["sealed"] if channel == "sample" else ["open"],
        "opens_on": TODAY.isoformat(),
        "closes_on": (TODAY + timedelta(days=30)).isoformat(),
        "checklist": list(store.ticks(channel)),
    } | changes


def freeze(editor, page, channel="sample", **changes):
    """Save the set-up and freeze the levels, with one press."""
    return editor.submit(page, set_up(channel, freeze="1", **changes))


def open_it(editor, page, channel="sample", **changes):
    """Save the set-up and open the wave, with one press."""
    return editor.submit(page, set_up(channel, open="1", **changes), follow_redirects=True)


def create(editor, channel):
    made = editor.submit("/office/surveys/small/waves", {"title": "First wave", "channel": channel})
    return made.headers["Location"]


def test_an_open_wave_goes_through_its_whole_life_on_pages(app, editor):
    page = create(editor, "open")
    for action, state in (("freeze", "frozen"), ("open", "open")):
        assert editor.submit(page, set_up("open", **{action: "1"})).status_code == 302
        assert waves(app)[0].state == state
    assert app.test_client().get("/s/small/open/keys.json").get_json()["state"] in ("open", "frozen")
    for _ in range(2):
        assert editor.submit(f"{page}/close", {}, at=page).status_code == 302
        assert waves(app)[0].state == "closed"
    assert "being mixed" in editor.get(page).text
    assert "Anybody" not in editor.get("/office/waves").text
    assert "First wave" in editor.get("/office/waves").text


def test_who_was_meant_and_drawn_from_reaches_the_analysis(app, editor):
    page = create(editor, "open")
    freeze(editor, page, "open")
    open_it(editor, page, "open")
    editor.submit(f"{page}/close", {}, at=page)
    wave = waves(app)[0]
    with app.extensions["stores"].get("collector").begin() as session:
        analysis_store.note_waves(session)
        session.flush()
        noted = analysis_store.wave(session, wave.id).document
    assert (noted["population"], noted["frame"]) == ("Adults", "Register of residents")


def test_a_sample_opens_only_when_the_checklist_is_complete(app, editor):
    page = create(editor, "sample")
    assert "Freeze the levels first." in open_it(editor, page, checklist=["hotline"]).text
    freeze(editor, page, checklist=["hotline"])
    reply = open_it(editor, page, checklist=["hotline", "legal_basis"])
    assert "A point of the checklist is still open" in reply.text
    assert waves(app)[0].checklist == ["hotline", "legal_basis"]
    assert "The register clerk makes them" in reply.text
    assert waves(app)[0].state == "frozen"


def test_dates_in_the_wrong_order_and_past_extensions_are_refused(app, editor):
    page = create(editor, "open")
    wrong = set_up("open", closes_on=(TODAY - timedelta(days=1)).isoformat())
    reply = editor.submit(page, wrong)
    assert reply.status_code == 422
    assert "The last day is before the first day." in reply.text
    freeze(editor, page, "open")
    open_it(editor, page, "open")
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
        freeze(editor, page, "open")
        open_it(editor, page, "open")
    assert [wave.state for wave in waves(app)] == ["frozen", "open"]
    with pytest.raises(DBAPIError), app.extensions["stores"].get("office").begin() as session:
        session.execute(text("UPDATE wave SET state = 'open'"))


def test_a_copied_wave_keeps_its_safeguards(app, editor):
    page = create(editor, "sample")
    freeze(editor, page)
    editor.submit(f"{page}/copy", {}, at=page)
    copy, source = waves(app)
    assert (copy.levels, copy.state, copy.opens_on) == (source.levels, "draft", None)
    assert (copy.population, copy.frame) == ("Adults", "Register of residents")
    assert (copy.number, copy.title, source.title) == (2, "First wave (2)", "First wave")
    editor.submit(f"/office/surveys/small/waves/{copy.id}/copy", {}, at=page)
    assert waves(app)[0].title == "First wave (3)"
    create(editor, "open")
    assert [wave.number for wave in waves(app)] == [4, 3, 2, 1]


def test_freezing_saves_what_was_just_typed_and_asks_first(app, editor):
    page = create(editor, "sample")
    form = fromstring(editor.get(page).text).xpath("//form[.//input[@name='title']]")[0]
    # The first button is the one that the Enter key presses.
    buttons = form.xpath(".//button | .//input[@type='submit']")
    assert [button.get("name") for button in buttons] == ["submit", "freeze"]
    assert buttons[1].xpath("ancestor::details/@class") == ["confirm"]
    assert freeze(editor, page, title="", levels=["two_office"]).status_code == 422
    assert waves(app)[0].state == "draft"
    assert freeze(editor, page, title="Typed just now", levels=["two_office"]).status_code == 302
    (wave,) = waves(app)
    assert (wave.title, wave.levels, wave.state) == ("Typed just now", ["two_office"], "frozen")


def test_dates_saved_after_the_freeze_reach_the_register(app, editor):
    page = create(editor, "sample")
    freeze(editor, page, opens_on="", closes_on="")
    editor.submit(page, set_up(closes_on=TODAY.strftime("%d.%m.%Y")))
    (wave,) = waves(app)
    with app.extensions["stores"].get("collector").read() as session:
        access = published(session, "office", "access", store.access_key(wave.id))
        told = published(session, "office", "fielding", store.access_key(wave.id))
    midnights = [store.start_of(day).isoformat() for day in (TODAY, TODAY + timedelta(days=1))]
    assert [access["opens"], access["closes"]] == midnights
    assert (told["opens_on"], told["closes_on"]) == (TODAY.isoformat(), TODAY.isoformat())


def test_a_wave_without_codes_asks_nothing_about_codes(app, editor):
    page = create(editor, "open")
    shown = editor.get(page).text
    assert "printed letter" not in shown
    assert "Deletion dates are set for the sample" not in shown
    assert "A deletion date is set for the responses" in shown
    answer = editor.submit(page, set_up("open", freeze="1"), follow_redirects=True).text
    assert "keys" not in answer.partition("<main")[2].partition("<h2")[0]
    assert "levels frozen<" in answer
    assert "The wave is open." in open_it(editor, page, "open").text


def test_the_register_must_have_counted_somebody(app, editor):
    page = create(editor, "sample")
    freeze(editor, page)
    (wave,) = waves(app)
    access = store.access_key(wave.id)
    full = {"N": 1000, "n": 120}
    with app.extensions["stores"].get("collector").begin() as session:
        publish(session, "register", "key", "k1", {"id": "k1", "admission": access, "round": "", "mark": "m"})
        found = []
        for keys in (None, {}, {"k1": full | {"n": 0}}, {"k1": full | {"N": None}}, {"k1": full}):
            document = None if keys is None else {"keys": keys}
            publish(session, "register", "returns", access, document)
            session.flush()
            found.append(store.checklist(session, wave, TODAY, True)["returns"])
    assert found == [False, False, False, False, True]


def test_what_was_set_up_can_be_read_while_the_wave_runs_and_after(app, editor):
    page = create(editor, "open")
    freeze(editor, page, "open")
    open_it(editor, page, "open")
    for state in ("open", "closed"):
        shown = " ".join(fromstring(editor.get(page).text).xpath("string(//main)").split())
        for words in ("Adults", "Register of residents", "English", "Version 1", "The hotline knows"):
            assert words in shown, (state, words)
        editor.submit(f"{page}/close", {}, at=page)


def test_closing_says_what_is_true(app, editor):
    page = create(editor, "open")
    freeze(editor, page, "open")
    open_it(editor, page, "open")
    shown = editor.get(page).text
    assert "extended only until they are mixed" not in shown
    assert "A closed wave cannot be opened again or extended." in shown


def test_frozen_levels_stay_through_page_and_sql(app, editor):
    page = create(editor, "sample")
    freeze(editor, page)
    assert 'name="levels"' not in editor.get(page).text
    editor.submit(page, set_up(levels=["two_office"], title="Changed"))
    assert (waves(app)[0].levels, waves(app)[0].title) == (["sealed"], "Changed")
    again = editor.submit(page, set_up(freeze="1"), follow_redirects=True)
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
    counts = {"issued": 122, "final": False, "keys": {}}
    for final, words in ((False, "at least 122 (shown"), (True, "<dd>122</dd>")):
        with app.extensions["stores"].get("collector").begin() as session:
            publish(session, "register", "returns", phone.fielding.access, counts | {"final": final})
        assert words in editor.get(page).text
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
