"""An editor adapts a model to a city without meeting JSON."""

import re

import pytest

from stores import office
from surveys.authoring import adapting, store, views
from surveys.authoring.forms import RESERVED
from surveys.checks import check, stops
from tests.surveys.documents import load


def adaptation(**changes):
    listed = [one["id"] for one in adapting.items_of(load("small"))]
    data = {
        "language": ["de", "en"],
        "placeholder:city:de": "Bielefeld",
        "placeholder:city:en": "Bielefeld",
        "filled:districts": "1",
        "list:districts:de": "Mitte\nSüd\n",
        "list:districts:en": "Centre\r\nSouth",
        "item": [name for name in listed if name != "priorities"],
    }
    return data | changes


def test_a_model_becomes_a_survey_of_ones_own(app, editor, newest):
    page = editor.get("/office/surveys")
    assert "living-here" in page.text
    reply = editor.submit(
        "/office/surveys/new",
        {"model": "living-here", "survey": "ours"},
        at="/office/surveys",
        follow_redirects=True,
    )
    assert reply.request.path == "/office/surveys/ours/adapt"
    assert (newest().version, newest().document["id"]) == (1, "ours")
    for name in ("ours", "Not A Name"):
        reply = editor.submit(
            "/office/surveys/new",
            {"model": "living-here", "survey": name},
            at="/office/surveys",
            follow_redirects=True,
        )
        assert 'role="alert"' in reply.text


def test_adapting_writes_what_was_typed_and_shows_what_is_left(app, editor, ours, newest):
    assert 'name="list:districts:fa-AF"' in editor.get(f"{ours}/adapt").text
    reply = editor.submit(f"{ours}/adapt", adaptation(), follow_redirects=True)
    assert reply.status_code == 200
    document = newest().document
    assert document["languages"] == ["de", "en"]
    assert document["placeholders"]["city"]["value"] == {"de": "Bielefeld", "en": "Bielefeld"}
    assert [option["code"] for option in document["scales"]["districts"]["options"]] == ["mitte", "south"]
    assert "priorities" not in [one["id"] for one in adapting.items_of(document)]
    left = [
        (fault.kind, fault.params.get("code")) for fault in check(document, final=True) if not fault.advice
    ]
    # The example's shares named the districts of the example.
    assert left == [("shares-unknown-code", None)]


def test_lines_that_do_not_match_keep_everything_that_was_typed(app, editor, ours, newest):
    before = newest().document
    reply = editor.submit(f"{ours}/adapt", adaptation(**{"list:districts:en": "Centre"}))
    assert reply.status_code == 422
    assert "Bielefeld" in reply.text
    assert ">Centre</textarea>" in reply.text
    assert newest().document == before


def test_what_depends_on_a_dropped_item_is_named(editor, ours):
    kept = [name for name in adaptation()["item"] if name != "born"]
    reply = editor.submit(f"{ours}/adapt", adaptation(item=kept), follow_redirects=True)
    assert "arrival, obstacles" in reply.text


@pytest.fixture
def of_a_model(editor):
    """A survey made from a model of ours, and the ids of all its items."""
    data = {"model": "living-together", "survey": "together"}
    editor.submit("/office/surveys/new", data, at="/office/surveys", follow_redirects=True)
    return [one["id"] for one in adapting.items_of(views.model_documents()["living-together"])]


def ticked(page):
    """Per item of the list whether it is ticked."""
    found = re.findall(r'name="item" value="([^"]+)"[^>]*?( checked)?>', page.text)
    return {name: bool(mark) for name, mark in found}


def test_what_was_left_out_can_be_ticked_again(app, editor, of_a_model):
    address = "/office/surveys/together/adapt"
    assert ticked(editor.get(address)) == dict.fromkeys(of_a_model, True)
    gone = of_a_model[-1]
    some = [name for name in of_a_model if name != gone]
    page = editor.submit(address, {"language": ["de", "en"], "item": some}, follow_redirects=True)
    assert ticked(page) == {name: name != gone for name in of_a_model}
    assert list(ticked(page)) == of_a_model
    page = editor.submit(address, {"language": ["de", "en"], "item": of_a_model}, follow_redirects=True)
    assert ticked(page) == dict.fromkeys(of_a_model, True)
    with app.app_context(), office.read() as session:
        asked = [one["id"] for one in adapting.items_of(store.newest(session, "together").document)]
    assert asked == of_a_model


def test_a_questionnaire_that_asks_nothing_is_refused(app, editor, of_a_model):
    page = editor.submit("/office/surveys/together/adapt", {"language": ["de"], "item": []})
    assert (page.status_code, "Behalten Sie mindestens eine Frage." in page.text) == (422, True)
    assert list(ticked(page)) == of_a_model
    with app.app_context(), office.read() as session:
        document = store.newest(session, "together").document
    assert [one["id"] for one in adapting.items_of(document)] == of_a_model


def test_faults_speak_german_to_a_german(editor, of_a_model):
    editor.submit("/office/language", {"language": "de"}, at="/office")
    page = editor.submit(
        "/office/surveys/together/adapt", {"language": ["de"], "item": of_a_model}, follow_redirects=True
    ).text.split("Was die Kontrolle sagt")[1]
    assert "Name der Stadt" in page
    assert "auf Englisch" in page
    assert [words for words in views.ABOUT if words in page] == []


def test_names_of_addresses_below_s_are_taken(app, editor):
    below = {rule.rule.split("/")[2] for rule in app.url_map.iter_rules() if rule.rule.startswith("/s/")}
    assert set(RESERVED) == {name for name in below if re.fullmatch("[a-z0-9-]+", name)}
    for name in RESERVED:
        data = {"model": "living-here", "survey": name}
        page = editor.submit("/office/surveys/new", data, at="/office/surveys", follow_redirects=True)
        assert "Diesen Namen braucht die Software selbst." in page.text
        assert editor.get(f"/office/surveys/{name}/adapt").status_code == 404


def test_a_published_version_is_never_changed(app, editor, ours):
    with app.app_context(), office.begin() as session:
        store.set_published(session, "ours", 1)
    editor.submit(f"{ours}/adapt", adaptation(), follow_redirects=True)
    with app.app_context(), office.read() as session:
        states = [(one.version, one.state) for one in store.versions(session, "ours")]
    assert states == [(1, "published"), (2, "draft")]


def test_sounds_by_their_first_bytes():
    from surveys.authoring.sounds import kind

    heads = {b"\xff\xfb\x90": "mp3", b"OggS": "ogg", b"RIFF0000WAVE": "wav", b"0000ftypM4A ": "m4a"}
    assert {kind(head)[1] for head in heads} == set(heads.values())


def test_a_language_whose_every_item_has_sound_is_announced():
    document = load("single")
    for name in ("one", "two"):
        assert "audio" not in document
        document = adapting.attach_sound(document, name, "de", f"{name}.mp3")
    assert (document["audio"], stops(check(document))) == (["de"], False)


@pytest.mark.parametrize("role", ["analyst", "register_clerk", "moderator"])
def test_other_roles_stay_outside(as_role, role):
    assert as_role(role).get("/office/surveys").status_code == 403


def test_an_unknown_survey(editor):
    assert editor.get("/office/surveys/none/adapt").status_code == 404
