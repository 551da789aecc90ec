"""Answers arriving over HTTP, with and without script."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html

from participation.access import blind
from stores import publish
from surveys.collection import store as collection
from tests.surveys.collection.conftest import DOCUMENT, Phone, forget_cached, open_small_wave, tend_now


def received(app, wave):
    with app.extensions["stores"].get("collector").read() as session:
        return collection.responses(session, wave.id)


def close(app, phone):
    stores = app.extensions["stores"]
    with stores.get("office").begin() as session, stores.get("collector").begin() as published:
        wave = collection.wave(session, phone.fielding.wave.id)
        collection.close(session, published, wave, datetime.now(UTC))
    forget_cached(app)
    with app.app_context():
        tend_now(app)


def test_an_answer_goes_from_code_to_response(app, phone):
    token = phone.token(phone.fielding.people[0].code)
    reply = phone.post(phone.body(token, answers={"_consent": "yes", "happy": "2", "words": "hello"}))
    assert (reply.status_code, reply.get_json()) == (200, {"state": "received"})
    close(app, phone)
    (response,) = received(app, phone.fielding.wave)
    assert response.answers == {"happy": "2"}
    assert (response.version, response.variant, response.mode) == (1, 1, "other")
    assert len(response.record_key) == 4
    with app.extensions["stores"].get("collector").read() as session:
        (words,) = collection.texts(session, phone.fielding.wave.id)
    assert (words.address, words.words) == ("words", "hello")


def test_keys_are_one_static_file(phone):
    first = phone.app.test_client().get("/s/small/keys.json")
    assert "Set-Cookie" not in first.headers
    document = first.get_json()
    assert document["levels"] == ["sealed", "two_office"]
    assert document["token"] == "/token"
    (key,) = document["keys"]
    assert key["fingerprint"].replace(" ", "") == key["id"]
    again = phone.app.test_client().get(
        "/s/small/keys.json", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    assert phone.app.test_client().get("/s/unknown/keys.json").status_code == 404


def test_asking_consumes_nothing_and_using_does(app, phone):
    client = app.test_client()
    code = phone.fielding.people[0].code
    ask = lambda: client.post("/token/ask", json={"code": str(code)}).get_json()  # noqa: E731
    assert ask() == ask() == {"state": "good"}
    phone.token(code)
    assert ask() == {"state": "used"}


def test_a_lost_reply_costs_nothing_and_a_second_token_is_refused(phone):
    code = phone.fielding.people[0].code
    started = blind.start(phone.public(code))
    first, second = phone.ask_token(code, started), phone.ask_token(code, started)
    assert first.get_json() == second.get_json()
    other = phone.ask_token(code, blind.start(phone.public(code)))
    assert (other.status_code, other.get_json()) == (409, {"code": "used"})


@pytest.mark.parametrize(
    ("changes", "status", "body"),
    [
        ({"code": ""}, 422, {"code": "empty"}),
        ({"code": "ABCDE"}, 422, {"code": "check", "group": 1}),
        ({"key": "0" * 32}, 409, {"code": "other_key"}),
        ({"blinded": "00"}, 400, {"code": "malformed"}),
        ({"blinded": "zz"}, 400, {"code": "malformed"}),
        ({"blinded": "f" * 768}, 400, {"code": "malformed"}),
        ({"round": 3}, 400, {"code": "malformed"}),
        ({"code": "x" * 10_000}, 400, {"code": "malformed"}),
    ],
)
def test_what_the_register_refuses_to_sign(phone, changes, status, body):
    code = phone.fielding.people[0].code
    reply = phone.ask_token(code, blind.start(phone.public(code)), changes)
    assert (reply.status_code, reply.get_json()) == (status, body)


def test_an_unknown_code_is_named_and_guessing_slowed(app, phone):
    from participation.access import codes

    code = codes.new_code(phone.fielding.people[0].code.mark)
    started = blind.start(phone.public(code))
    assert phone.ask_token(code, started).get_json() == {"code": "unknown"}
    answers = Counter(phone.ask_token(code, started).get_json()["code"] for _ in range(300))
    assert set(answers) == {"unknown", "busy"}
    # Whoever has a good code is not held up by the guesser.
    assert phone.token(phone.fielding.people[0].code)


def test_the_token_address_answers_other_origins_without_cookies(app, phone):
    reply = app.test_client().post("/token", json={}, headers={"Origin": "https://other.example"})
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in reply.headers
    preflight = app.test_client().options("/token", headers={"Origin": "https://other.example"})
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert "Set-Cookie" not in reply.headers


def test_the_same_submission_is_told_the_same_another_is_refused(app, phone):
    token = phone.token(phone.fielding.people[0].code)
    body = phone.body(token)
    assert phone.post(body).get_json() == {"state": "received"}
    assert phone.post(body).get_json() == {"state": "again"}
    other = phone.post(phone.body(token))
    assert (other.status_code, other.get_json()) == (409, {"code": "spent"})
    close(app, phone)
    assert phone.post(body).get_json() == {"state": "again"}
    assert len(received(app, phone.fielding.wave)) == 1


def test_fifty_at_once_with_one_token_leave_one_answer(app, phone):
    token = phone.token(phone.fielding.people[0].code)
    bodies = [phone.body(token) for _ in range(25)]
    with ThreadPoolExecutor(50) as pool:
        replies = [one.get_json() for one in pool.map(phone.post, bodies * 2)]
    told = Counter(one.get("state", one.get("code")) for one in replies)
    assert told == {"received": 1, "again": 1, "spent": 48}
    close(app, phone)
    assert len(received(app, phone.fielding.wave)) == 1


def test_forged_tokens_are_refused(phone):
    token = phone.token(phone.fielding.people[0].code)
    good = phone.body(token)
    flipped = f"{int(good['signature'][:2], 16) ^ 1:02x}" + good["signature"][2:]
    for change in ({"signature": flipped}, {"token": "00" * 32}, {"prefix": "00" * 32}, {"key": "0" * 32}):
        reply = phone.post(good | change)
        assert (reply.status_code, reply.get_json()) == (403, {"code": "forged"})
    for change in (
        {"signature": "zz"},
        {"submission": "1"},
        {"version": 9},
        {"revision": -1},
        {"variant": "x"},
    ):
        reply = phone.post(good | change)
        assert (reply.status_code, reply.get_json()) == (400, {"code": "malformed"})
    assert phone.post(good).get_json() == {"state": "received"}


def test_tokens_of_another_wave_are_refused(app, phone, monkeypatch):
    # A generator of its own for the second wave: the first one's key is shared by the tests.
    monkeypatch.undo()
    other = open_small_wave(app, document={**DOCUMENT, "id": "other"})
    assert isinstance(other, Phone)
    token = other.token(other.fielding.people[0].code)
    reply = phone.post(phone.body(token))
    assert (reply.status_code, reply.get_json()) == (409, {"code": "other_wave"})
    # The other wave's code does not get a token under this wave's key either.
    mine = blind.start(phone.public(phone.fielding.people[0].code))
    reply = phone.ask_token(other.fielding.people[1].code, mine)
    assert reply.get_json() == {"code": "other_key"}


def test_faulty_answers_are_named_and_spend_nothing(phone):
    token = phone.token(phone.fielding.people[0].code)
    reply = phone.post(phone.body(token, answers={"happy": "9"}))
    assert reply.status_code == 422
    assert {fault["place"] for fault in reply.get_json()["faults"]} == {"_consent", "happy"}
    assert phone.post(phone.body(token)).get_json() == {"state": "received"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_bodies_that_are_no_objects_are_refused(app, phone, body):
    reply = app.test_client().post("/s/small/answers", data=body, content_type="application/json")
    assert (reply.status_code, reply.get_json()) == (400, {"code": "malformed"})


def test_after_the_close_nothing_new_is_taken_and_no_code_is_used(app, phone):
    code = phone.fielding.people[0].code
    token = phone.token(code)
    late = phone.fielding.people[1].code
    started = blind.start(phone.public(late))
    close(app, phone)
    reply = phone.post(phone.body(token))
    assert (reply.status_code, reply.get_json()) == (410, {"code": "closed"})
    reply = phone.ask_token(late, started)
    assert (reply.status_code, reply.get_json()) == (410, {"code": "closed"})
    assert app.test_client().post("/token/ask", json={"code": str(late)}).get_json() == {"state": "good"}


def test_answers_begun_in_time_have_their_grace(app, phone, monkeypatch):
    from participation.access.collector import views

    token = phone.token(phone.fielding.people[0].code)
    closes = collection.start_of(phone.fielding.wave.closes_on + timedelta(days=1))
    body = phone.body(token)
    with app.app_context():
        document = {"wave": phone.fielding.wave.id, "version": 1, "variant": 1, "mode": "self", "answers": {}}
        document["texts"] = {}
        late = closes + timedelta(seconds=collection.GRACE)
        with pytest.raises(views.Refused, match="closed"):
            views.accept(body, phone.fielding.access, document, now=late)
        in_time = late - timedelta(seconds=1)
        assert views.accept(body, phone.fielding.access, document, now=in_time) == "received"
        assert views.accept(body, phone.fielding.access, document, now=late) == "again"
        tend_now(app, late)
    assert len(received(app, phone.fielding.wave)) == 1


# ---------------------------------------------------------------- without script


def form(phone, code, **changes):
    return {"_code": str(code), "_version": "1", "_language": "en", "_consent": "yes", "happy": "1"} | changes


def test_a_form_without_script_arrives(app, client, phone):
    code = phone.fielding.people[0].code
    reply = client.post("/s/small/answers", data=form(phone, str(code).lower()))
    assert reply.status_code == 303
    assert reply.headers["Location"] == "/s/small/en/received"
    assert "have arrived" in client.get(reply.headers["Location"]).text
    again = client.post("/s/small/answers", data=form(phone, code))
    assert again.status_code == 409
    assert "used already" in again.text
    close(app, phone)
    assert len(received(app, phone.fielding.wave)) == 1


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("", 409, "type the access code"),
        ("{mark}-AAAAA-AAAAA-AAAAA-AAAAA", 422, "group 2 is not right"),
        ("{mark}-22222-2222", 422, "group 2 is not right"),
    ],
)
def test_a_wrong_code_keeps_every_answer(client, phone, typed, status, said):
    typed = typed.format(mark=phone.fielding.people[0].code.mark)
    reply = client.post("/s/small/answers", data=form(phone, typed))
    assert reply.status_code == status
    assert said in reply.text
    assert '<input type="hidden" name="happy" value="1">' in reply.text
    assert 'name="_code"' in reply.text
    assert "AAAAA" not in reply.text


def test_a_used_code_leaves_a_field_for_another_one(app, client, phone):
    """Somebody who took the wrong letter answers all the same."""
    first, second = (str(person.code) for person in phone.fielding.people[:2])
    assert client.post("/s/small/answers", data=form(phone, first)).status_code == 303
    with app.extensions["stores"].get("collector").begin() as session:
        publish(session, "register", "letterhead", phone.fielding.access, {"phone": "0000 1"})
    reply = client.post("/s/small/answers", data=form(phone, first, happy="2"))
    assert (reply.status_code, reply.text.count("used already")) == (409, 1)
    page = html.fromstring(reply.text)
    # The answers may have arrived, so the page does not say that they were not sent.
    assert (page.findtext(".//h1"), "0000 1" in page.text_content()) == ("There is a problem", True)
    fields = {one.name: one.value for one in html.fromstring(reply.text).iterfind(".//input")}
    assert fields == {"_version": "1", "_language": "en", "_consent": "yes", "happy": "2", "_code": None}
    assert client.post("/s/small/answers", data=fields | {"_code": second}).status_code == 303
    close(app, phone)
    assert sorted(one.answers["happy"] for one in received(app, phone.fielding.wave)) == ["1", "2"]


def test_a_form_for_a_closed_wave_lists_the_answers_and_says_that_none_was_kept(app, client, phone):
    code = phone.fielding.people[0].code
    close(app, phone)
    reply = client.post("/s/small/answers", data=form(phone, code, words="More <trees>!"))
    assert reply.status_code == 410
    page = html.fromstring(reply.text)
    terms, said = ([one.text_content() for one in page.iterfind(f".//{tag}")] for tag in ("dt", "dd"))
    assert list(zip(terms, said, strict=True)) == [
        ("Are you happy?", "Yes"),
        ("Anything else?", "More <trees>!"),
    ]
    assert page.findtext(".//h1") == "Small survey"
    assert "We have kept none of your answers." in reply.text
    assert list(page.iterfind(".//form")) == []


def test_the_form_once_more_promises_what_the_page_promises(app, client, phone):
    """Deletion date, telephone and website stand there too, where somebody must look twice."""
    with app.extensions["stores"].get("collector").begin() as session:
        head = {"phone": "0000 1", "website": "example.org", "delete_on": "2027-05-06"}
        publish(session, "register", "letterhead", phone.fielding.access, head)
    page = client.get("/s/small/en")
    again = client.post("/s/small/answers", data=form(phone, phone.fielding.people[0].code, happy="9"))
    facts = [
        [one.text_content() for one in html.fromstring(reply.text).iterfind(".//section[@id='_start']/ul/li")]
        for reply in (page, again)
    ]
    assert facts[0] == facts[1]
    assert [
        sum(word in fact for fact in facts[1])
        for word in ("6 May 2027", "May 6, 2027", "example.org", "0000 1")
    ] == [0, 1, 1, 2]


def test_a_stumbling_collector_burns_no_code_of_a_form(app, client, phone, monkeypatch):
    from participation.access.collector import views
    from participation.access.collector.store import Refused

    def stumble(self, submission):
        raise Refused("busy")

    with monkeypatch.context() as broken:
        broken.setattr(views.Receiver, "receive", stumble)
        reply = client.post("/s/small/answers", data=form(phone, phone.fielding.people[0].code))
    assert reply.status_code == 503
    fields = {one.name: one.value for one in html.fromstring(reply.text).iterfind(".//input")}
    assert "_token" in fields
    assert "_code" not in fields
    assert client.post("/s/small/answers", data=fields).status_code == 303
    assert client.post("/s/small/answers", data=fields).status_code == 303
    close(app, phone)
    assert len(received(app, phone.fielding.wave)) == 1


def test_faulty_answers_of_a_form_spend_no_code(app, client, phone):
    code = phone.fielding.people[0].code
    reply = client.post("/s/small/answers", data=form(phone, code, happy="9"))
    assert reply.status_code == 422
    assert client.post("/token/ask", json={"code": str(code)}).get_json() == {"state": "good"}


def test_a_damaged_form_is_refused(client, phone):
    for changes in ({"_version": "x"}, {"_version": "2"}, {"_token": "{"}, {"_token": "[]"}):
        assert client.post("/s/small/answers", data=form(phone, "", **changes)).status_code == 400


def test_a_wave_without_two_office_says_so(app, client, signing_pair, monkeypatch):
    monkeypatch.setattr(blind, "generate", lambda: signing_pair)
    phone = open_small_wave(app, levels=("sealed",))
    reply = client.post("/s/small/answers", data=form(phone, phone.fielding.people[0].code))
    assert "JavaScript" in reply.text


def test_received_speaks_known_languages_only(client, phone):
    assert client.get("/s/small/xx/received").status_code == 404


def test_a_wave_whose_questionnaire_is_missing_is_not_open_yet(app, client, phone):
    with app.extensions["stores"].get("collector").begin() as session:
        publish(session, "office", "questionnaire", "small/1", None)
    app.extensions.pop("questionnaires", None)
    assert client.post("/s/small/answers", data=form(phone, "x")).status_code == 503
    reply = client.post("/s/small/answers", json={"version": 1})
    assert (reply.status_code, reply.get_json()) == (503, {"code": "not_open"})


def test_half_an_emoji_loses_no_answer(app, phone):
    """A phone that cuts words at a length may cut a character in two; JSON carries the half of it."""
    body = phone.body(phone.token(phone.fielding.people[0].code))
    body["answers"]["words"] = "thank you \ud83d"
    assert phone.post(body).get_json() == {"state": "received"}
    close(app, phone)
    with app.extensions["stores"].get("collector").read() as session:
        assert [text.words for text in collection.texts(session, phone.fielding.wave.id)] == ["thank you"]


@pytest.mark.parametrize("blinded", ["00" * 384, "ff" * 384])
def test_what_cannot_be_signed_uses_no_code_up(app, phone, blinded):
    code = phone.fielding.people[0].code
    started = blind.start(phone.public(code))
    reply = phone.ask_token(code, started, {"blinded": blinded})
    assert (reply.status_code, reply.get_json()) == (400, {"code": "malformed"})
    assert phone.ask_token(code, started).status_code == 200
