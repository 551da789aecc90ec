"""Native readers, sounds and the questionnaire on paper, for editors and translators."""

import io

import pytest

from stores import collector, office, published
from surveys.authoring import adapting, store

MP3 = b"ID3" + bytes(200)


def test_a_translator_finds_what_waits_and_records_it(app, ours, as_role, newest):
    translator = as_role("translator")
    translator.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    languages = newest().document["languages"]
    start = translator.get("/office").text
    assert f"languages that wait: {len(languages)}" in start
    page = translator.get("/office/reading").text
    assert page.count("Nobody has read it yet.") == len(languages)
    assert "/office/surveys/ours/adapt" not in page
    for tag in languages:
        form = {"language": tag, "reader": "Reader One", "read_on": "2026-05-04"}
        translator.submit(f"{ours}/readers", form)
    assert translator.get("/office/reading").text.count("Read by Reader One") == len(languages)
    assert "languages that wait" not in translator.get("/office").text
    assert translator.get(f"{ours}/adapt").status_code == 403


def test_native_readings_go_stale_when_the_texts_change(app, editor, ours, newest):
    form = {"language": "fa-AF", "reader": "Reader One", "read_on": "2026-05-04"}
    reply = editor.submit(f"{ours}/readers", form, follow_redirects=True)
    assert "Reader One" in reply.text
    document = newest().document
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


def test_a_reading_of_tomorrow_is_refused(app, editor, ours):
    form = {"language": "de", "reader": "Reader One", "read_on": "2099-01-01"}
    page = editor.submit(f"{ours}/readers", form)
    assert (page.status_code, "Dieser Tag ist noch nicht gekommen." in page.text) == (422, True)
    with app.app_context(), office.read() as session:
        assert store.readings(session, "ours", 1) == {}


def upload(editor, ours, content, **changes):
    data = {"item": "district", "language": "de", "file": (io.BytesIO(content), "any.mp3")} | changes
    return editor.submit(f"{ours}/sounds", data, follow_redirects=True, content_type="multipart/form-data")


def test_a_sound_is_attached_published_and_played(app, editor, ours, client, field, newest):
    reply = upload(editor, ours, MP3, synthetic="y")
    assert ".mp3" in reply.text
    document = newest().document
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


def test_what_is_no_sound_is_refused(app, editor, ours, newest):
    before = newest().document
    for content in (b"<svg onload=alert(1)>", b"ID3" + bytes(2_000_001), b""):
        assert 'role="alert"' in upload(editor, ours, content).text or content == b""
    assert newest().document == before


def test_the_questionnaire_on_paper(editor, ours):
    reply = editor.get(f"{ours}/v1/fa-AF.pdf?variant=2", lint=False)
    assert (reply.status_code, reply.data[:5]) == (200, b"%PDF-")
    for path in ("/v1/tr.pdf", "/v9/de.pdf", "/v1/de.pdf?variant=3"):
        assert editor.get(ours + path).status_code == 404


@pytest.mark.parametrize("role", ["analyst", "register_clerk", "moderator", "entry_clerk"])
def test_other_roles_stay_outside(as_role, role):
    client = as_role(role)
    for page in ("/office/reading", "/office/surveys/ours/readers", "/office/surveys/ours/sounds"):
        assert client.get(page).status_code == 403


def test_an_unknown_survey(editor):
    for page in ("readers", "sounds"):
        assert editor.get(f"/office/surveys/none/{page}").status_code == 404
