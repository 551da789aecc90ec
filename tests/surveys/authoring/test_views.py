"""An editor adapts a model to a city without meeting JSON."""

import io

import pytest

from stores import collector, office, published
from surveys.authoring import adapting, store
from surveys.checks import check, stops
from tests.surveys.documents import load

MP3 = b"ID3" + bytes(200)


@pytest.fixture
def editor(as_role):
    return as_role("editor")


@pytest.fixture
def ours(app, editor):
    """The small example as the draft of a survey called `ours`."""
    with app.app_context(), office.begin() as session:
        store.save_draft(session, "ours", load("small"))
    return "/office/surveys/ours"


def newest(app):
    with app.app_context(), office.read() as session:
        return store.newest(session, "ours")


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


def test_a_model_becomes_a_survey_of_ones_own(app, editor):
    page = editor.get("/office/surveys")
    assert "living-here" in page.text
    reply = editor.submit(
        "/office/surveys/new",
        {"model": "living-here", "survey": "ours"},
        at="/office/surveys",
        follow_redirects=True,
    )
    assert reply.request.path == "/office/surveys/ours/adapt"
    assert (newest(app).version, newest(app).document["id"]) == (1, "ours")
    for name in ("ours", "Not A Name"):
        reply = editor.submit(
            "/office/surveys/new",
            {"model": "living-here", "survey": name},
            at="/office/surveys",
            follow_redirects=True,
        )
        assert 'role="alert"' in reply.text


def test_adapting_writes_what_was_typed_and_shows_what_is_left(app, editor, ours):
    assert 'name="list:districts:fa-AF"' in editor.get(f"{ours}/adapt").text
    reply = editor.submit(f"{ours}/adapt", adaptation(), follow_redirects=True)
    assert reply.status_code == 200
    document = newest(app).document
    assert document["languages"] == ["de", "en"]
    assert document["placeholders"]["city"]["value"] == {"de": "Bielefeld", "en": "Bielefeld"}
    assert [option["code"] for option in document["scales"]["districts"]["options"]] == ["mitte", "south"]
    assert "priorities" not in [one["id"] for one in adapting.items_of(document)]
    left = [
        (fault.kind, fault.params.get("code")) for fault in check(document, final=True) if not fault.advice
    ]
    # The example's shares named the districts of the example.
    assert left == [("shares-unknown-code", None)]


def test_lines_that_do_not_match_keep_everything_that_was_typed(app, editor, ours):
    before = newest(app).document
    reply = editor.submit(f"{ours}/adapt", adaptation(**{"list:districts:en": "Centre"}))
    assert reply.status_code == 422
    assert "Bielefeld" in reply.text
    assert ">Centre</textarea>" in reply.text
    assert newest(app).document == before


def test_what_depends_on_a_dropped_item_is_named(editor, ours):
    kept = [name for name in adaptation()["item"] if name != "born"]
    reply = editor.submit(f"{ours}/adapt", adaptation(item=kept), follow_redirects=True)
    assert "arrival, obstacles" in reply.text


def test_a_published_version_is_never_changed(app, editor, ours):
    with app.app_context(), office.begin() as session:
        store.set_published(session, "ours", 1)
    editor.submit(f"{ours}/adapt", adaptation(), follow_redirects=True)
    with app.app_context(), office.read() as session:
        states = [(one.version, one.state) for one in store.versions(session, "ours")]
    assert states == [(1, "published"), (2, "draft")]


def test_native_readings_go_stale_when_the_texts_change(app, editor, ours):
    form = {"language": "fa-AF", "reader": "Reader One", "read_on": "2026-05-04"}
    reply = editor.submit(f"{ours}/readers", form, follow_redirects=True)
    assert "Reader One" in reply.text
    document = newest(app).document
    with app.app_context(), office.read() as session:
        assert store.unready_languages(session, "ours", 1, ["de", "fa-AF"]) == {"de": ["unread"]}
        with pytest.raises(LookupError):
            store.unready_languages(session, "ours", 9, [])
    document["consent"]["fa-AF"] = "بلی"
    with app.app_context(), office.begin() as session:
        store.save_draft(session, "ours", document)
        assert store.unready_languages(session, "ours", 1, ["fa-AF"]) == {"fa-AF": ["stale"]}
    page = editor.get(f"{ours}/readers").text
    assert "04.05.2026" in page
    assert page.count("<strong>") == 1


def upload(editor, ours, content, **changes):
    data = {"item": "district", "language": "de", "file": (io.BytesIO(content), "any.mp3")} | changes
    return editor.submit(f"{ours}/sounds", data, follow_redirects=True, content_type="multipart/form-data")


def test_a_sound_is_attached_published_and_played(app, editor, ours, client, field):
    reply = upload(editor, ours, MP3, synthetic="y")
    assert ".mp3" in reply.text
    document = newest(app).document
    name = next(one for one in adapting.items_of(document) if one["id"] == "district")["audio"]["de"]
    with app.app_context(), office.begin() as session, collector.begin() as other:
        assert store.unready_languages(session, "ours", 1, ["de"]) == {"de": ["unread", "synthetic"]}
        store.publish_version(session, other, "ours", 1)
        assert published(other, "office", "sound", name)["type"] == "audio/mpeg"
        with pytest.raises(LookupError):
            store.set_published(session, "ours", 7)
    field(document, "sample")
    assert f'preload="none" src="/s/ours/sound/{name}"' in client.get("/s/ours/de").text
    sound = client.get(f"/s/ours/sound/{name}", headers={"Range": "bytes=0-2"}, lint=False)
    assert (sound.status_code, sound.data, sound.content_type) == (206, b"ID3", "audio/mpeg")


def test_what_is_no_sound_is_refused(app, editor, ours):
    before = newest(app).document
    for content in (b"<svg onload=alert(1)>", b"ID3" + bytes(2_000_001), b""):
        assert 'role="alert"' in upload(editor, ours, content).text or content == b""
    assert newest(app).document == before


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


def test_the_questionnaire_on_paper(editor, ours):
    reply = editor.get(f"{ours}/v1/fa-AF.pdf?variant=2", lint=False)
    assert (reply.status_code, reply.data[:5]) == (200, b"%PDF-")
    for path in ("/v1/tr.pdf", "/v9/de.pdf", "/v1/de.pdf?variant=3"):
        assert editor.get(ours + path).status_code == 404


@pytest.mark.parametrize("role", ["analyst", "register_clerk", "moderator"])
def test_other_roles_stay_outside(as_role, role):
    assert as_role(role).get("/office/surveys").status_code == 403


def test_an_unknown_survey(editor):
    for page in ("adapt", "readers", "sounds"):
        assert editor.get(f"/office/surveys/none/{page}").status_code == 404
