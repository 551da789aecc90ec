"""The entry clerk's pages: from the printed sheet to the response, seen by no one in between."""

from datetime import UTC, datetime

import pymupdf
import pytest
from lxml.html import fromstring

from participation.access.issuing import store as issuing
from participation.access.signing.views import digest_key
from stores import published
from surveys.collection import store as collection
from surveys.player import paper
from surveys.player.markup import plain
from tests.surveys.collection.conftest import close_wave, tend_now
from tests.surveys.documents import questionnaire
from web.audit import store as log


def stack(clerk, phone, sheets=1):
    (key_id,) = phone.fielding.keys.values()
    data = {"key": f"{phone.fielding.wave.id}/{key_id}", "label": "Stack 1", "sheets": str(sheets)}
    answer = clerk.submit("/office/entry/batches", data, at="/office/entry/")
    assert answer.status_code == 302, answer.text
    return answer.location


def key(clerk, place, turn, **typed):
    page = clerk.get(f"{place}/key/{turn}")
    assert page.status_code == 200
    number = page.text.split('name="sheet" value="')[1].split('"')[0]
    return clerk.submit(f"{place}/key/{turn}", {"sheet": number} | typed)


def book(app, phone, amount=1):
    with app.extensions["stores"].get("register").begin() as session:
        from datetime import date

        from participation.access import codes

        for person in phone.fielding.people[:amount]:
            digest = codes.digest(person.code, digest_key(app.config["SETTINGS"]))
            issuing.book_slip(session, digest, "", date(2026, 3, 2))
    (key_id,) = phone.fielding.keys.values()
    with app.extensions["stores"].get("collector").begin() as session:
        from stores import publish

        publish(session, "register", "slips", key_id, {"booked": amount})


def test_a_sheet_bears_the_mark_and_no_code(clerk, phone):
    (mark,) = phone.fielding.keys
    page = clerk.get("/office/entry/")
    assert mark in page.text
    answer = clerk.get(f"/office/entry/waves/{phone.fielding.wave.id}/sheet.pdf?language=en&mark={mark}")
    with pymupdf.open(stream=answer.data, filetype="pdf") as document:
        text = "".join(page.get_text() for page in document)
    assert mark in text
    assert "The immigration office receives nothing." in text.replace("\n", " ")
    assert not any(str(person.code) in text for person in phone.fielding.people)
    wrong = clerk.get(f"/office/entry/waves/{phone.fielding.wave.id}/sheet.pdf?language=xx&mark={mark}")
    assert wrong.status_code == 404


def test_keys_are_named_once_the_register_has_said_who_they_are(app, clerk, phone):
    ((mark, key_id),) = phone.fielding.keys.items()
    access = phone.fielding.wave.id
    with app.extensions["stores"].get("collector").begin() as session:
        from stores import publish

        named = {"keys": {key_id: {"label": "Old town", "N": 90, "n": 9, "strata": ["a"]}}}
        publish(session, "register", "returns", f"wave-{access}", named)
    page = clerk.get("/office/entry/").text
    assert f"<code>{mark}</code> Old town</th>" in page
    assert f"{mark} · Old town</option>" in page


def test_a_stack_goes_from_two_keyings_to_responses(app, clerk, colleague, phone):
    place = stack(clerk, phone, 2)
    assert key(clerk, place, 1, **{"f-happy": "1", "f-words": "thanks"}).status_code == 302
    wrong = key(clerk, place, 1, **{"f-happy": "9"})
    assert (wrong.status_code, "No box of this question bears “9”." in wrong.text) == (422, True)
    assert key(clerk, place, 1, void="yes").status_code == 302
    assert "keyed in this turn" in clerk.get(clerk.get(f"{place}/key/1").location).text
    own = key(clerk, place, 2, **{"f-happy": "1"})
    assert "must be done by somebody else" in own.text
    assert key(colleague, place, 2, **{"f-happy": "2", "f-words": "thanks"}).status_code == 302
    assert key(colleague, place, 2, void="yes").status_code == 302
    page = clerk.get(place)
    assert "<td>1 · Are you happy?</td><td>1</td><td>2</td>" in page.text
    answer = clerk.submit(f"{place}/admit", {}, at=place)
    assert "Differences still to settle: 1" in clerk.get(answer.location).text
    settle = f"{place}/sheets/1/settle"
    page = clerk.get(settle)
    assert "First: 1 · second: 2" in page.text
    assert "thanks</textarea>" in page.text
    assert clerk.submit(settle, {"sheet": "1", "f-happy": "2", "f-words": "thanks"}).status_code == 302
    answer = clerk.submit(f"{place}/admit", {}, at=place)
    assert "Ask the register clerk" in clerk.get(answer.location).text
    book(app, phone, 2)
    answer = clerk.submit(f"{place}/admit", {}, at=place)
    assert "Admitted sheets with answers: 1." in clerk.get(answer.location).text
    stores = app.extensions["stores"]
    close_wave(app, phone.fielding.wave.id)
    with app.app_context():
        tend_now(app)
    with stores.get("collector").read() as session:
        (response,) = collection.responses(session, phone.fielding.wave.id)
    assert response.answers["happy"] == "2"
    with stores.get("office").read() as session:
        entries = [entry.action for entry in log.every(session, log.Filter(action="entry."))]
    assert entries == ["entry.batch_new", "entry.batch_admit"]


def sheet_text(clerk, phone, variant=1):
    (mark,) = phone.fielding.keys
    query = f"language=en&mark={mark}&variant={variant}"
    answer = clerk.get(f"/office/entry/waves/{phone.fielding.wave.id}/sheet.pdf?{query}")
    with pymupdf.open(stream=answer.data, filetype="pdf") as document:
        return " ".join(" ".join(page.get_text() for page in document).split())


def hints(page):
    """Address to what the form says may be typed, in its words."""
    tree = fromstring(page.text)
    return {one.get("id")[2:]: " ".join(one.text_content().split()) for one in tree.xpath("//span[@id]")}


def test_what_is_printed_at_a_box_is_what_is_typed(app, clerk, colleague, survey):
    """Codes are words here, and a scale runs backwards: neither is ever typed."""
    phone = survey()
    printed = sheet_text(clerk, phone)
    assert "1 North 2 South ? I don't know – I don't want to say" in printed
    place = stack(clerk, phone)
    page = clerk.get(f"{place}/key/1?variant=1")
    said = hints(page)
    assert said["district"] == "1 = North; 2 = South; ? = I don't know; - = I don't want to say"
    assert said["satisfied"] == "0 = not satisfied at all; 10 = fully satisfied; - = I don't want to say"
    refused = clerk.submit(f"{place}/key/1?variant=1", {"sheet": "1", "f-district": "north"})
    assert "No box of this question bears “north”." in refused.text
    sheet = {"sheet": "1", "f-district": "2", "f-born.self": "2", "f-feel.hope": "1", "f-satisfied": "10"}
    assert clerk.submit(f"{place}/key/1?variant=1", sheet).status_code == 302
    assert colleague.submit(f"{place}/key/2?variant=1", sheet | {"f-feel.hope": "3"}).status_code == 302
    listed = [one.text_content() for one in fromstring(clerk.get(place).text).iterfind(".//td")]
    question = "7a · How true is this? – I am hopeful."
    assert listed == ["1", question, "1", "3", "Sheet 1"]
    page = clerk.get(f"{place}/sheets/1/settle")
    assert "First: 1 · second: 3" in page.text
    assert 'name="f-district" value="2"' in page.text
    settled = clerk.submit(f"{place}/sheets/1/settle", sheet)
    assert settled.status_code == 302
    book(app, phone)
    assert (
        "Admitted sheets with answers: 1."
        in clerk.get(clerk.submit(f"{place}/admit", {}, at=place).location).text
    )
    stores = app.extensions["stores"]
    close_wave(app, phone.fielding.wave.id)
    with app.app_context():
        tend_now(app)
    with stores.get("collector").read() as session:
        (response,) = collection.responses(session, phone.fielding.wave.id)
    made = questionnaire()
    first = made.by_address["feel.hope"].options[0].code
    given = {name: response.answers[name] for name in ("district", "born.self", "feel.hope", "satisfied")}
    assert given == {"district": "south", "born.self": "no", "feel.hope": first, "satisfied": "10"}


@pytest.mark.parametrize("variant", [1, 2])
def test_the_form_numbers_its_questions_as_the_sheet_of_that_variant(clerk, survey, variant):
    phone = survey()
    place = stack(clerk, phone)
    asked = clerk.get(f"{place}/key/1")
    links = [
        link.get("href") for link in fromstring(asked.text).xpath("//main//a[contains(@href, 'variant')]")
    ]
    assert (links, 'name="f-' in asked.text) == (["?variant=1", "?variant=2"], False)
    tree = fromstring(clerk.get(f"{place}/key/1?variant={variant}").text)
    made = questionnaire()
    heads = [one.text_content() for one in tree.iterfind(".//legend")]
    numbers = paper.numbers(made, variant)
    assert heads == [
        f"{numbers[item.id]} · {plain(made.pick(item.text, 'en'))}"
        for item in made.items
        if item.id in numbers
    ]
    parts = [one.text_content() for one in tree.iterfind(".//label[@class='form-label']")]
    assert [part for part in parts if part != "Answer"] == [
        f"{numbers[field.address]} · {plain(made.pick(field.text, 'en'))}"
        for field in made.fields
        if field.address in numbers and field.address != field.item
    ]
    assert clerk.get(f"{place}/key/1?variant=3").status_code == 404


def test_two_keyings_of_two_variants_are_settled_by_the_sheet(clerk, colleague, survey):
    phone = survey()
    place = stack(clerk, phone)
    assert clerk.submit(f"{place}/key/1?variant=1", {"sheet": "1", "f-district": "1"}).status_code == 302
    assert colleague.submit(f"{place}/key/2?variant=2", {"sheet": "1", "f-district": "1"}).status_code == 302
    assert "<td>variant</td><td>1</td><td>2</td>" in clerk.get(place).text
    page = clerk.get(f"{place}/sheets/1/settle?variant=2")
    assert "First: 1 · second: 2" in page.text
    assert (
        clerk.submit(f"{place}/sheets/1/settle?variant=2", {"sheet": "1", "f-district": "1"}).status_code
        == 302
    )
    assert "Differences" not in clerk.get(place).text


def test_a_stack_can_be_thrown_away(clerk, phone):
    place = stack(clerk, phone)
    key(clerk, place, 1, **{"f-happy": "1"})
    assert clerk.submit(f"{place}/remove", {}, at=place).status_code == 302
    assert clerk.get(place).status_code == 404
    bad = clerk.submit("/office/entry/batches", {"key": "x", "label": "", "sheets": "0"}, at="/office/entry/")
    assert bad.status_code == 422


@pytest.mark.parametrize("role", ["register_clerk", "analyst", "administrator", "editor"])
def test_nobody_else_may_enter(as_role, phone, role):
    other = as_role(role)
    assert other.get("/office/entry/").status_code == 403
    assert other.get(f"/office/entry/interviews/{phone.fielding.wave.id}/en").status_code == 403


def interview(clerk, phone, **data):
    place = f"/office/entry/interviews/{phone.fielding.wave.id}"
    fields = {"_consent": "yes", "_version": "1", "_variant": "1", "_language": "en", "happy": "1"} | data
    return clerk.submit(f"{place}/answers", fields, at=f"{place}/en")


def test_interviews_in_a_row_show_nothing_of_before(app, clerk, phone):
    first, second = (str(person.code) for person in phone.fielding.people[:2])
    answer = interview(clerk, phone, _code=first, words="secret words")
    assert answer.status_code == 303
    page = clerk.get(answer.location)
    assert "secret words" not in page.text
    assert first not in page.text
    assert "On this way" in page.text
    assert interview(clerk, phone, _code=second).status_code == 303
    used = interview(clerk, phone, _code=first, words="kept words")
    assert used.status_code == 409
    assert "kept words" in used.text
    stores = app.extensions["stores"]
    close_wave(app, phone.fielding.wave.id)
    with app.app_context():
        tend_now(app)
    with stores.get("collector").read() as session:
        assert len(collection.responses(session, phone.fielding.wave.id)) == 2
        assert published(session, "office", "wave", "small")["state"] == "closed"


def test_the_interviewers_script_is_answered_in_json(clerk, phone):
    place = f"/office/entry/interviews/{phone.fielding.wave.id}"
    token = clerk.get(f"{place}/form-token").get_json()["csrf_token"]
    fields = {"csrf_token": token, "_consent": "yes", "_variant": "1", "_language": "en", "happy": "1"}
    json = {"Accept": "application/json"}
    wrong = clerk.post(f"{place}/answers", data={**fields, "happy": "9"}, headers=json)
    assert (wrong.status_code, wrong.get_json()["place"]) == (422, "happy")
    wrong = clerk.post(f"{place}/answers", data={**fields, "_code": "x"}, headers=json)
    assert wrong.get_json()["text"].startswith("Please check the code")
    code = str(phone.fielding.people[0].code)
    good = clerk.post(f"{place}/answers", data={**fields, "_code": code}, headers=json)
    assert good.get_json() == {"state": "received"}
    assert clerk.post(f"{place}/answers", data={"_code": code}).status_code == 400


def test_a_variant_that_is_none_is_said_and_no_failure(clerk, phone):
    answer = interview(clerk, phone, _code=str(phone.fielding.people[0].code), _variant="99")
    assert answer.status_code == 422
    assert "Please answer this question again." in answer.text


def test_an_interview_whose_wave_was_closed_meanwhile_is_told_so(app, clerk, phone):
    place = f"/office/entry/interviews/{phone.fielding.wave.id}"
    token = clerk.get(f"{place}/form-token").get_json()["csrf_token"]
    fields = {"csrf_token": token, "_consent": "yes", "_code": str(phone.fielding.people[0].code)}
    stores = app.extensions["stores"]
    with stores.get("office").begin() as session, stores.get("collector").begin() as open_:
        collection.close(session, open_, collection.wave(session, phone.fielding.wave.id), datetime.now(UTC))
    told = clerk.post(f"{place}/answers", data=fields, headers={"Accept": "application/json"})
    assert (told.status_code, told.get_json()["code"]) == (410, "closed")
    assert clerk.post(f"{place}/answers", data=fields).status_code == 303
    assert "The survey is over." in clerk.get("/office/entry/").text


def test_the_list_of_differences_speaks_the_readers_language(clerk, colleague, phone):
    place = stack(clerk, phone)
    key(clerk, place, 1, **{"f-happy": "1"})
    key(colleague, place, 2, void="yes")
    clerk.submit("/office/language", {"language": "de"}, at="/office")
    page = clerk.get(place).text
    assert "<td>mit Antworten</td><td>ungültig</td>" in page
