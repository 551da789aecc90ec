"""What goes wrong in a hall, each through the pages: late votes, two ballots, nothing at all, only ties."""

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from participation.conference import closing, store
from participation.conference.ballotform import METHODS
from participation.conference.desk.views import publish
from stores import office
from tests.participation.conference.conftest import Hall

PLAIN = {"title-de": "Plenum", "method": "ranking", "places": "3", "level": "open"}
ENGLISH = {"Accept-Language": "en"}


def _plan(hall: Hall, **settings: str) -> None:
    place = f"/office/conferences/{hall.slug}/rounds/r2"
    assert hall.post(place, place, **(PLAIN | settings)).status_code == 302


def _send(hall: Hall, **ballot: Any) -> Any:
    body = {"submission": secrets.token_hex(16), **ballot}
    return hall.client.post(f"/c/{hall.slug}/r2/ballot", json=body)


def _text(hall: Hall, path: str) -> str:
    return hall.client.get(f"/c/{hall.slug}{path}", headers=ENGLISH).get_data(as_text=True)


def _desk(hall: Hall) -> str:
    return hall.desk.get(f"/office/conferences/{hall.slug}", headers=ENGLISH).get_data(as_text=True)


# ---------------------------------------------------------------- late votes


def test_phases_of_a_round() -> None:
    noon = datetime(2027, 6, 1, 12, tzinfo=UTC)
    open_ = {"state": "open", "closes": noon.isoformat(), "grace": 60, "paper": False}
    closed = {**open_, "state": "closed"}

    def at(round_: dict[str, Any], seconds: int) -> str:
        return closing.phase(round_, noon + timedelta(seconds=seconds))

    assert [at(open_, s) for s in (-1, 0, 59, 60)] == ["open", "closing", "closing", "closed"]
    assert [at(closed, s) for s in (0, 59, 60)] == ["closing", "closing", "closed"]
    assert at({**closed, "grace": 0}, 0) == "closed"
    assert at({**open_, "closes": None}, 9999) == "open"
    paper = {**open_, "state": "paper", "paper": True}
    assert [at(paper, s) for s in (0, 59, 60)] == ["closing", "closing", "paper"]
    assert at({**paper, "grace": 0}, 0) == "paper"


def test_votes_in_the_grace_are_taken_and_after_it_refused(hall: Hall) -> None:
    hall.make()
    _plan(hall, grace="3")
    hall.open_round("r2")
    hall.step("r2", "closed")
    closed = time.monotonic()
    assert _send(hall, ranking=[["o1"]]).json == {"state": "received"}
    live = hall.client.get(f"/c/{hall.slug}/state").json
    assert live["state"] == "closing"
    assert datetime.fromisoformat(live["until"]) > datetime.now(UTC)
    assert 'id="ballot"' in _text(hall, "/r2")
    assert "Phones may still send until" in _desk(hall)
    assert hall.desk.get(f"/office/conferences/{hall.slug}/live", lint=False).json["state"] == "closing"
    hall.tick()
    hall.step("r2", "revealed")
    assert hall.data_of_round("r2")["state"] == "closed", "nothing is counted while ballots may come"
    time.sleep(max(0.0, closed + 3.2 - time.monotonic()))
    hall.forget()
    late = _send(hall, ranking=[["o2"]])
    assert (late.status_code, late.json) == (410, {"code": "closed"})
    form = hall.client.post(f"/c/{hall.slug}/r2/ballot?lang=en", data={"o-o2": "1"})
    assert form.status_code == 410
    # A form without script keeps nothing on the phone, so it promises nothing of the kind.
    assert "Voting has closed. This ballot no longer counts." in form.get_data(as_text=True)
    assert "selected>1" in form.get_data(as_text=True)
    assert "Voting has closed." in _text(hall, "/r2")
    hall.tick()
    hall.step("r2", "revealed")
    outcome = hall.desk.get(f"/office/conferences/{hall.slug}/rounds/r2/outcome.json", lint=False).json
    assert (outcome["cast"], outcome["order"][0]["option"]) == (1, "o1")


def _let_time_run_out(hall: Hall) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with hall.app.app_context():
        with office.begin() as session:
            row = store.conference(session, hall.slug)
            assert row is not None
            store.extend(session, row, "r2", past, now=past - timedelta(seconds=9))
        publish(hall.slug)
    hall.forget()


def test_a_round_whose_time_is_over_closes_by_itself_and_cannot_be_extended(hall: Hall) -> None:
    hall.make()
    _plan(hall, grace="0")
    hall.open_round("r2")
    _let_time_run_out(hall)
    assert hall.client.get(f"/c/{hall.slug}/state").json["state"] == "closed"
    assert _send(hall, ranking=[["o1"]]).status_code == 410
    assert "Voting has closed." in _text(hall, "")
    hall.post(f"/office/conferences/{hall.slug}/rounds/r2/extend", minutes="5")
    assert "Zeit dieser Runde ist vorbei" in _desk(hall)
    hall.close_and_reveal("r2")
    assert hall.data_of_round("r2")["state"] == "revealed"


@pytest.mark.slow
def test_phones_have_their_grace_while_paper_is_keyed(hall: Hall, monkeypatch: Any, as_role: Any) -> None:
    hall.make()
    _plan(hall, grace="3", paper="1", level="codes")
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=3)
    hall.step("r2", "open")
    hall.tick()
    in_time, late, _paper = hall.codes["g1"]
    in_time, late = hall.phone("r2", in_time), hall.phone("r2", late)
    assert late.get_token().status_code == 200
    hall.step("r2", "closed")
    closed = time.monotonic()
    assert hall.data_of_round("r2")["state"] == "paper"
    assert in_time.send(ranking=[["o1"]]).json == {"state": "received"}
    assert "Phones may still send until" in _desk(hall)
    assert hall.client.get(f"/c/{hall.slug}/state").json["state"] == "closing"
    hall.key_one_sheet(as_role, "o3")
    # All paper is in before the grace has passed: what is on its way from a phone is waited for all the same.
    hall.step("r2", "closed")
    assert hall.data_of_round("r2")["state"] == "closed"
    hall.tick()
    hall.step("r2", "revealed")
    assert hall.data_of_round("r2")["state"] == "closed", "nothing is counted while ballots may come"
    time.sleep(max(0.0, closed + 3.2 - time.monotonic()))
    hall.forget()
    assert late.send(ranking=[["o1"]]).json == {"code": "closed"}
    hall.close_and_reveal("r2")
    outcome = hall.desk.get(f"/office/conferences/{hall.slug}/rounds/r2/outcome.json", lint=False).json
    assert outcome["cast"] == 2


@pytest.mark.slow
def test_paper_is_still_admitted_where_the_clock_closed_the_phones(
    hall: Hall, monkeypatch: Any, as_role: Any
) -> None:
    hall.make()
    _plan(hall, grace="0", paper="1", level="codes")
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=2)
    hall.step("r2", "open")
    hall.tick()
    assert hall.phone("r2", hall.codes["g1"][0]).send(ranking=[["o1"]]).json == {"state": "received"}
    late = hall.phone("r2", hall.codes["g1"][1])
    assert late.get_token().status_code == 200
    _let_time_run_out(hall)
    assert late.send(ranking=[["o1"]]).json == {"code": "closed"}
    # The worker looks before anybody presses the button; nothing may be mixed without the paper.
    hall.tick()
    hall.step("r2", "closed")
    hall.key_one_sheet(as_role, "o3")
    hall.close_and_reveal("r2")
    outcome = hall.desk.get(f"/office/conferences/{hall.slug}/rounds/r2/outcome.json", lint=False).json
    assert outcome["cast"] == 2


def test_closing_twice_from_two_devices_is_closing_once(hall: Hall, as_role: Any) -> None:
    hall.make()
    _plan(hall, grace="30")
    hall.open_round("r2")
    second = as_role("moderator")
    for device in (hall.desk, second):
        page = device.get(f"/office/conferences/{hall.slug}").get_data(as_text=True)
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        place = f"/office/conferences/{hall.slug}/rounds/r2/closed"
        assert device.post(place, data={"csrf_token": token}).status_code == 302
        if device is hall.desk:
            until = hall.data_of_round("r2")["closes"]
    assert hall.data_of_round("r2")["closes"] == until, "the second press gives no new grace"
    shown = second.get(f"/office/conferences/{hall.slug}", headers=ENGLISH).get_data(as_text=True)
    assert "alert-danger" not in shown


# ---------------------------------------------------------------- ballots that cannot be


def test_rewording_while_a_round_is_open_waits_for_the_next(hall: Hall) -> None:
    hall.make()
    _plan(hall)
    hall.open_round("r2")
    before = hall.data_of_round("r2")
    answer = hall.post(f"/office/conferences/{hall.slug}/topics/o1", **{"label-de": "Ganz anders"})
    said = hall.desk.get(answer.location, headers=ENGLISH).get_data(as_text=True)
    assert "Als Version 2 gespeichert. Runden, die schon angekündigt sind" in said
    assert hall.data_of_round("r2")["options"] == before["options"]
    shown = _text(hall, "/r2")
    assert "Thema 1" in shown
    assert "Ganz anders" not in shown
    assert _send(hall, ranking=[["o1"]], version=before["version"]).json == {"state": "received"}
    other = _send(hall, ranking=[["o1"]], version=before["version"] + 100)
    assert (other.status_code, other.json["code"]) == (422, "reworded")


@pytest.mark.parametrize(
    ("method", "ballot", "code"),
    [
        ("dots", {"dots": {"o1": 2, "o2": 2, "o3": 2}}, "too_many_dots"),
        ("dots", {"dots": {"o1": 3}}, "too_many_on_one"),
        ("dots", {"dots": {"o1": -1}}, "out_of_range"),
        ("dots", {"dots": {"nowhere": 1}}, "option_unknown"),
        ("ranking", {"ranking": [["o1"], ["o1"]]}, "option_twice"),
        ("ranking", {"ranking": [["o9"]]}, "option_unknown"),
        ("approval", {"approve": ["o1", "zz"]}, "option_unknown"),
    ],
)
def test_ballots_that_cannot_be(hall: Hall, method: str, ballot: Any, code: str) -> None:
    hall.make()
    _plan(hall, method=method)
    hall.open_round("r2")
    answer = _send(hall, **ballot)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    # No page can name a topic twice, so that one has the general sentence.
    assert code in hall.data("r2")["sentences"] or code == "option_twice"


@pytest.mark.parametrize(
    "body",
    [
        [{"ranking": [["o1"]]}, {"ranking": [["o2"]]}],
        {"ranking": [[["o1"]], [["o2"]]]},
        {"ranking": {"a": ["o1"]}},
        {"ballots": [{"ranking": [["o1"]]}, {"ranking": [["o2"]]}]},
        "o1",
    ],
)
def test_two_ballots_in_one_body_are_none(hall: Hall, body: Any) -> None:
    hall.make()
    _plan(hall)
    hall.open_round("r2")
    if isinstance(body, dict):
        body = {"submission": secrets.token_hex(16), **body}
    answer = hall.client.post(f"/c/{hall.slug}/r2/ballot", json=body)
    assert answer.status_code in (400, 422)
    twice = '{"submission": "%s", "ranking": [["o1"]], "ranking": [["o2"]]}' % ("ab" * 16)
    answer = hall.client.post(f"/c/{hall.slug}/r2/ballot", data=twice, content_type="application/json")
    assert (answer.status_code, answer.json) == (400, {"code": "malformed"})
    assert hall.client.get(f"/c/{hall.slug}/state").json["turnout"] == 0


@pytest.mark.slow
def test_two_ballots_by_one_token_the_higher_revision_counts(hall: Hall, monkeypatch: Any) -> None:
    hall.make()
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=1)
    hall.step("r2", "open")
    hall.tick()
    phone = hall.phone("r2", hall.codes["g1"][0])
    phone.revision = 4
    assert phone.send(ranking=[["o1"]]).json == {"state": "received"}
    for lower in (3, 4):
        phone.revision = lower
        answer = phone.send(ranking=[["o2"]])
        # The fifth, sent again under another name, is as old as the one that is here.
        assert (answer.status_code, answer.json) == ((409, {"code": "older"}))
    assert "Der neuere zählt." in hall.data("r2")["sentences"]["older"]
    phone.revision = 6
    assert phone.send(ranking=[["o3"]]).json == {"state": "received"}
    hall.close_and_reveal("r2")
    outcome = hall.desk.get(f"/office/conferences/{hall.slug}/rounds/r2/outcome.json", lint=False).json
    assert (outcome["cast"], outcome["order"][0]["option"]) == (1, "o3")


# ---------------------------------------------------------------- nothing, and only ties


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("publish_as", ["ranking", "focus"])
def test_no_ballots_at_all(hall: Hall, method: str, publish_as: str) -> None:
    hall.make()
    if method == "budget":
        for n in range(1, 9):
            fields = {"label-de": f"Thema {n}", "cost": "10"}
            hall.post(f"/office/conferences/{hall.slug}/topics/o{n}", **fields)
    _plan(hall, method=method)
    hall.open_round("r2")
    hall.close_and_reveal("r2")
    _everything_is_shown(hall, 0, publish_as)
    shown = _text(hall, "/r2/outcome")
    assert "There were no ballots." in shown
    assert 'class="places"' not in shown, "an order that only the lot made is nobody's will"
    shown = hall.desk.get(f"/office/conferences/{hall.slug}/rounds/r2/outcome", headers=ENGLISH)
    assert "There is nothing to count." in shown.get_data(as_text=True)
    assert "topics chosen fairly" not in shown.get_data(as_text=True)


@pytest.mark.parametrize("publish_as", ["ranking", "focus"])
@pytest.mark.parametrize(
    ("method", "ballots"),
    [
        ("ranking", [{"ranking": [["o1", "o2", "o3"]]}, {"ranking": []}]),
        ("ranking", [{"ranking": [[f"o{n}" for n in range(1, 9)]]}]),
        ("dots", [{"dots": {}}]),
        ("approval", [{"approve": [f"o{n}" for n in range(1, 9)]}]),
        ("score", [{"score": {f"o{n}": 5 for n in range(1, 9)}}]),
        ("consensing", [{"resistance": {}}]),
        ("pairwise", [{"pairs": [["o1", "o2"], ["o2", "o1"]]}]),
    ],
)
def test_ballots_that_only_tie(hall: Hall, method: str, ballots: list[Any], publish_as: str) -> None:
    hall.make()
    _plan(hall, method=method, places="0")
    hall.open_round("r2")
    for n in range(6):
        assert _send(hall, **ballots[n % len(ballots)]).json == {"state": "received"}
    hall.close_and_reveal("r2")
    _everything_is_shown(hall, 6, publish_as)
    order = hall.desk.get(f"/office/conferences/{hall.slug}/rounds/r2/outcome.json", lint=False).json["order"]
    if publish_as == "focus":
        by_lot = "the lot decided" in _text(hall, "/r2/outcome")
        assert by_lot == (order[2]["step"] == "lot"), "a lot is never silent"


def test_an_empty_ballot_is_asked_for_twice(hall: Hall) -> None:
    hall.make()
    _plan(hall)
    hall.open_round("r2")
    place, sent = f"/c/{hall.slug}/r2/ballot?lang=en", {"submission": secrets.token_hex(16)}
    asked = hall.client.post(place, data=sent)
    assert asked.status_code == 422
    page = asked.get_data(as_text=True)
    assert "You have not chosen anything. Send again to hand in an empty ballot." in page
    assert '<input type="hidden" name="blank" value="1">' in page
    assert hall.client.post(place, data=sent | {"blank": "1"}).status_code == 303


def test_all_published_outcomes_are_found_and_named(hall: Hall) -> None:
    hall.make()
    _plan(hall)
    hall.open_round("r2")
    assert _send(hall, ranking=[["o1"]]).json == {"state": "received"}
    hall.close_and_reveal("r2")
    desk = f"/office/conferences/{hall.slug}"
    assert "/r2/outcome" not in _text(hall, "")
    hall.post(f"{desk}/publish", publish_as="ranking")
    hall.post(f"{desk}/rounds/add", written="1")
    hall.open_round("r3")
    # While the next round takes ballots, the last one's outcome is still to be found.
    page = _text(hall, "")
    assert 'id="ballot"' in page
    assert 'Outcome: <span lang="de" dir="ltr">Plenum</span>' in page
    assert '<h1>Outcome: <span lang="de" dir="ltr">Plenum</span></h1>' in _text(hall, "/r2/outcome")


def test_groups_of_the_template_speak_every_language_of_the_conference(hall: Hall) -> None:
    known = {"group-1-label-de": "Zivilgesellschaft", "group-1-seats": "5", "languages": ["de", "en", "ar"]}
    hall.make(**known)
    with hall.app.app_context(), office.read() as session:
        row = store.conference(session, hall.slug)
        assert row is not None
        labels = {group.label["de"]: group.label for group in store.groups(session, row)}
    assert labels["Zivilgesellschaft"] == {
        "de": "Zivilgesellschaft",
        "en": "Civil society",
        "ar": "المجتمع المدني",
    }
    assert labels["Gruppe 1"] == {"de": "Gruppe 1"}


def _everything_is_shown(hall: Hall, cast: int, publish_as: str) -> None:
    """Outcome at the desk and in public, figures, protocol, stage and every file."""
    desk = f"/office/conferences/{hall.slug}"
    assert hall.desk.get(f"{desk}/rounds/r2/outcome").status_code == 200
    assert hall.desk.get(f"{desk}/rounds/r2/outcome.json", lint=False).json["cast"] == cast
    for kind, start in (("pdf", b"%PDF"), ("docx", b"PK")):
        assert hall.desk.get(f"{desk}/protocol.{kind}", lint=False).data.startswith(start)
    for figure in ("outcome", "groups", "pairs", "shift"):
        answer = hall.desk.get(f"{desk}/rounds/r2/{figure}.svg", lint=False)
        assert answer.status_code in (200, 404)
    for form in ("csv", "json", "toi", "pb"):
        answer = hall.desk.get(f"{desk}/rounds/r2/ballots.{form}", lint=False)
        assert answer.status_code in (200, 302)
    live = hall.desk.get(f"{desk}/live", lint=False).json
    assert (live["state"], live["ballots"]) == ("revealed", cast)
    assert hall.desk.get(f"{desk}/rounds/r2/list.json", lint=False).status_code == 200
    hall.post(f"{desk}/publish", publish_as=publish_as)
    assert _text(hall, "/r2/outcome")
    if publish_as == "ranking":
        listed = hall.client.get(f"/c/{hall.slug}/r2/list.json", lint=False)
        assert len(json.loads(listed.get_data(as_text=True))["ballots"]) == cast


@pytest.mark.slow
def test_codes_of_elsewhere_are_refused_with_a_clear_word(hall: Hall, monkeypatch: Any) -> None:
    """Without script the code is typed into the form: of another conference, of nobody, or used up."""
    hall.make(title="Zweite")
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=1)
    hall.step("r2", "open")
    hall.tick()
    foreign = hall.codes["g1"][0]
    hall.codes.clear()
    hall.make()
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=1)
    hall.step("r2", "open")
    hall.tick()
    own = hall.codes["g1"][0]

    def said(code: str) -> str:
        fields = {"code": code, "o-o3": "1", "submission": secrets.token_hex(16)}
        answer = hall.client.post(f"/c/{hall.slug}/r2/ballot?lang=en", data=fields)
        text = answer.get_data(as_text=True)
        if answer.status_code != 303:
            assert answer.status_code == 422
            assert "selected>1" in text, "what was chosen stays in the form"
        return text

    assert "belongs to another group or conference" in said(foreign)
    assert "compare the code with your slip" in said(own[:-2] + ("0" if own[-2] != "0" else "1") + own[-1])
    assert "compare the code with your slip" in said("x")
    assert "Please type the code on your slip." in said(" ")
    assert "error-summary" not in said(own)
    assert "already used" in said(own)
    # Whatever was tried with it elsewhere, the foreign slip is still good where it belongs.
    hall.slug = "zweite"
    assert hall.phone("r2", foreign).send(ranking=[["o1"]]).json == {"state": "received"}
