"""The life of a conference through its pages: set up, collect, vote, understand, publish, reopen."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from participation.conference import ballotfiles, receipts
from tests.participation.conference.conftest import Hall

ENGLISH = {"Accept-Language": "en"}
RANKING = [["o2"], ["o1"], ["o5"]]


def _vote_all(hall: Hall, code: str, monkeypatch: Any) -> None:
    """Three groups, six phones each; the fourth group two."""
    hall.print_slips(monkeypatch, g1=6, g2=6, g3=6, g4=2)
    orders = [RANKING, [["o1"], ["o2"], ["o3"]], [["o2"], ["o3"]]]
    for group, slips in hall.codes.items():
        for n, slip in enumerate(slips):
            answer = hall.phone(code, slip).send(ranking=orders[(n + int(group[1])) % 3])
            assert answer.json == {"state": "received"}, answer.json


def test_the_front_page_leads_to_the_open_round_in_every_language(hall: Hall) -> None:
    slug = hall.make()
    hall.open_round("r2")
    for tag in ("de", "en", "ar", "tr"):
        page = hall.client.get(f"/?lang={tag}").get_data(as_text=True)
        (address,) = re.findall(rf'href="(/c/{slug}[^"]*)"', page)
        answer = hall.client.get(address)
        assert answer.status_code == 200, address
        # Turkish is not a language of this conference: what the page says is Turkish, its topics are German.
        assert f'<html lang="{tag}"' in answer.get_data(as_text=True)
        assert (
            '<span class="label" id="l-o1"><span lang="de" dir="ltr">' in answer.get_data(as_text=True)
        ) == (tag != "de")


@pytest.mark.slow
def test_from_set_up_to_publication(hall: Hall, monkeypatch: Any, tmp_path: Path) -> None:
    slug = hall.make()
    hall.step("r2", "announced")
    hall.tick()
    assert "Voting has not begun yet." in hall.client.get(f"/c/{slug}?lang=en").get_data(as_text=True)
    hall.step("r2", "open")
    hall.print_slips(monkeypatch, g1=1)
    hall.codes.clear()
    hall.tick()
    _vote_all(hall, "r2", monkeypatch)

    # Nothing is seen before the reveal, in no page and no file.
    hall.tick()
    state = hall.client.get(f"/c/{slug}/state").json
    assert (state["state"], state["turnout"]) == ("open", 20)
    for path in ("outcome", "ballots.csv", "outcome.json", "list.json", "outcome.svg"):
        assert hall.desk.get(f"/office/conferences/{slug}/rounds/r2/{path}", lint=False).status_code == 404
    assert hall.client.get(f"/c/{slug}/r2/list.json", lint=False).status_code == 404

    hall.step("r2", "closed")
    hall.step("r2", "closed")
    assert "Voting has closed." in hall.client.get(f"/c/{slug}/r2?lang=en").get_data(as_text=True)
    hall.step("r2", "revealed")
    assert hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome", lint=False).status_code == 404
    hall.tick()
    hall.step("r2", "revealed")
    hall.tick()
    page = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome").get_data(as_text=True)
    assert "Thema 2" in page
    outcome = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome.json", lint=False).json
    assert outcome["cast"] == 20
    assert outcome["order"][0]["option"] == "o2"
    assert all(part["ballots"] >= 5 for part in outcome["report"]["groups"].values())

    # Files hold what was counted, groups merged as on the page.
    text = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/ballots.csv", lint=False).get_data(
        as_text=True
    )
    profile = ballotfiles.read_csv(text)
    assert profile.total == 20
    toi = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/ballots.toi", lint=False).get_data(
        as_text=True
    )
    assert ballotfiles.read(toi, "x.toi").total == 20
    for kind, start in (("pdf", b"%PDF"), ("docx", b"PK")):
        assert hall.desk.get(f"/office/conferences/{slug}/protocol.{kind}", lint=False).data.startswith(start)
    for figure in ("outcome", "groups", "pairs"):
        svg = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/{figure}.svg", lint=False)
        assert svg.mimetype == "image/svg+xml"

    # The public sees nothing until it is published; as focus topics it never sees places or counts of topics.
    assert hall.client.get(f"/c/{slug}/r2/list.json", lint=False).status_code == 404
    hall.post(f"/office/conferences/{slug}/publish", publish_as="focus")
    public = hall.client.get(f"/c/{slug}/r2/outcome?lang=en").get_data(as_text=True)
    assert "<ol" not in public.split("<main")[1]
    assert hall.client.get(f"/c/{slug}/r2/list.json", lint=False).status_code == 404
    place = f"/c/{slug}/r2/own?lang=en"
    missing = "No ballot with this receipt was found."
    own = hall.client.post(place, data={"r": "acker Adler ahorn Alge Allee Ameise"}).get_data(as_text=True)
    assert own.count("<h2>") == 20
    assert missing in hall.client.post(place, data={"r": "acker Adler Ahorn Alge Allee Abend"}).get_data(
        as_text=True
    )
    # An address is logged and remembered: a receipt in it is not read.
    asked = hall.client.get(f"{place}&r=acker+Adler+ahorn+Alge+Allee+Ameise").get_data(as_text=True)
    assert (asked.count("<h2>"), missing in asked) == (0, False)
    hall.post(f"/office/conferences/{slug}/publish", publish_as="ranking")
    listed = hall.client.get(f"/c/{slug}/r2/list.json", lint=False).get_data(as_text=True)
    arabic = hall.client.get(f"/c/{slug}/r2/outcome?lang=ar").get_data(as_text=True)
    assert "ماذا تقول طرق العدّ" in arabic
    assert "يتفوق" in arabic
    file = tmp_path / "list.json"
    file.write_text(listed, "utf-8")
    script = Path(__file__).parents[3] / "static" / "recount.py"
    words = ["acker", "Adler", "Ahorn", "Alge", "Allee", "Ameise"]
    told = subprocess.run(
        [sys.executable, str(script), str(file), *words], capture_output=True, text=True, check=True
    ).stdout
    assert "as published" in told
    assert told.count("yours:") == 20
    told = told.partition("yours:")[0]
    scores = outcome["report"]["rules"]["borda"]["scores"]
    counted = {
        line.split("[")[1].split("]")[0]: int(line.split()[0])
        for line in told.splitlines()[2:]
        if "=" not in line
    }
    assert counted == {name: scores[name] for name in counted}

    # In writing after the meeting: a further round with the same slips, compared with the first.
    assert hall.post(f"/office/conferences/{slug}/rounds/add", written="1").status_code == 302
    hall.step("r3", "announced")
    with hall.app.app_context():
        from participation.conference.slips.views import make_missing_keys

        make_missing_keys(None)  # type: ignore[arg-type]
    hall.step("r3", "open")
    hall.tick()
    for slip in hall.codes["g1"] + hall.codes["g2"]:
        assert hall.phone("r3", slip).send(ranking=[["o1"], ["o2"]]).json == {"state": "received"}
    hall.close_and_reveal("r3")
    assert hall.desk.get(f"/office/conferences/{slug}/rounds/r3/shift.svg", lint=False).status_code == 200


def test_a_practice_round_is_never_counted(hall: Hall) -> None:
    slug = hall.make()
    hall.open_round("r1")
    sent = {"submission": "ab" * 8, "ranking": [["o1"]], "receipt": [3, 4, 5, 6, 7, 8]}
    assert hall.client.post(f"/c/{slug}/r1/ballot", json=sent).json == {"state": "received"}
    assert hall.client.post(f"/c/{slug}/r1/ballot", json=sent).json == {"state": "again"}
    hall.step("r1", "closed")
    hall.tick()
    hall.step("r1", "revealed")
    page = hall.desk.get(f"/office/conferences/{slug}").get_data(as_text=True)
    assert "rounds/r1/outcome" not in page
    assert hall.desk.get(f"/office/conferences/{slug}/rounds/r1/outcome", lint=False).status_code == 404


@pytest.mark.slow
def test_without_script_the_form_takes_code_and_ballot(hall: Hall, monkeypatch: Any) -> None:
    slug = hall.make()
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=2)
    hall.step("r2", "open")
    hall.tick()
    slip = hall.codes["g1"][0]
    form = hall.client.get(f"/c/{slug}?lang=en").get_data(as_text=True)
    (receipt,) = re.findall(r'name="receipt" value="([0-9-]+)"', form)
    fields = {"code": slip, "o-o1": "2", "o-o4": "1", "submission": "cd" * 16, "receipt": receipt}
    answer = hall.client.post(f"/c/{slug}/r2/ballot?lang=en", data=fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert answer.location == f"/c/{slug}/r2/received?lang=en", "no receipt in an address"
    page = hall.client.get(answer.location).get_data(as_text=True)
    assert "has been received" in page
    again = hall.client.post(f"/c/{slug}/r2/ballot?lang=en", data=fields | {"submission": "ef" * 16})
    assert again.status_code == 422
    assert "already used" in again.get_data(as_text=True)
    wrong = hall.client.post(
        f"/c/{slug}/r2/ballot?lang=en", data=fields | {"code": slip[:10] + "A" + slip[11:]}
    )
    assert "group 3" in wrong.get_data(as_text=True)
    many = hall.client.post(
        f"/c/{slug}/r2/ballot?lang=en", data={f"o-o{n}": str(min(n, 3)) for n in range(1, 6)} | {"code": "x"}
    )
    assert "at most 3" in many.get_data(as_text=True)
    assert "selected>3" in many.get_data(as_text=True)
    # What the form showed finds the ballot after the count.
    hall.close_and_reveal("r2")
    hall.post(f"/office/conferences/{slug}/publish", publish_as="focus")
    typed = {"r": " ".join(receipts.shown(receipts.parse(receipt), "en"))}
    own = hall.client.post(f"/c/{slug}/r2/own?lang=en", data=typed).get_data(as_text=True)
    assert own.count("<h2>") == 1


@pytest.mark.slow
def test_revisions_late_votes_and_foreign_slips(hall: Hall, monkeypatch: Any) -> None:
    slug = hall.make()
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=3, g2=1)
    hall.step("r2", "open")
    hall.tick()
    phone = hall.phone("r2", hall.codes["g1"][0])
    assert phone.send(ranking=[["o1"]]).json == {"state": "received"}
    assert phone.send(submission="aa" * 16, ranking=[["o7"]]).json == {"state": "received"}
    phone.revision -= 1
    assert phone.send(submission="aa" * 16, ranking=[["o7"]]).json == {"state": "again"}
    # The same slip from another phone.
    assert hall.phone("r2", hall.codes["g1"][0]).send(ranking=[["o1"]]).json == {"code": "used"}
    # A slip of another conference.
    first, codes = slug, dict(hall.codes)
    other = hall.make(title="Zweite")
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=1)
    foreign = hall.codes["g1"][-1]
    hall.slug = first
    with pytest.raises(StopIteration):
        hall.phone("r2", foreign).get_token()
    assert other != first
    # Faults of ballots.
    late = hall.phone("r2", codes["g1"][1])
    assert late.get_token().status_code == 200
    four = late.send(ranking=[["o1"], ["o2"], ["o3"], ["o4"]])
    assert (four.status_code, four.json["code"]) == (422, "too_many_places")
    assert late.send(ranking=[["o99"]]).json["code"] == "option_unknown"
    assert late.send(ranking=[["o1"]], version=1).json["code"] == "reworded"
    hall.step("r2", "closed")
    closed = late.send(ranking=[["o1"]])
    assert (closed.status_code, closed.json) == (410, {"code": "closed"})
    hall.tick()
    hall.step("r2", "revealed")
    outcome = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome.json", lint=False).json
    assert outcome["cast"] == 1
    assert outcome["order"][0] == {"option": "o7", "step": "rule"}


def test_needs_are_collected_and_merged(hall: Hall) -> None:
    slug = hall.make()
    assert "No topics are being collected now." in hall.client.get(f"/c/{slug}/needs?lang=en").get_data(
        as_text=True
    )
    hall.post(f"/office/conferences/{slug}/collect", collecting="1")
    for text in ("مساكن بأسعار معقولة", "Bezahlbare Wohnungen", "   "):
        answer = hall.client.post(f"/c/{slug}/needs?lang=ar", data={"text": text, "origin": "g1"})
        assert answer.status_code == (303 if text.strip() else 422)
    page = hall.desk.get(f"/office/conferences/{slug}/needs").get_data(as_text=True)
    ids = [part.split('"')[0] for part in page.split('name="need" value="')[1:]]
    assert len(ids) == 2
    desk = f"/office/conferences/{slug}"
    # Without a name nothing is merged: a need in Arabic would stand on ballots in German.
    hall.post(f"{desk}/needs", target="new", label=" ", need=ids)
    page = hall.desk.get(f"{desk}/needs", headers=ENGLISH).get_data(as_text=True)
    assert "Bitte geben Sie dem neuen Thema einen Namen (Deutsch)." in page
    assert page.count('name="need"') == 2
    hall.post(f"{desk}/needs", target="new", label="Wohnen", need=ids)
    page = hall.desk.get(f"{desk}/needs", headers=ENGLISH).get_data(as_text=True)
    assert "Gehört jetzt zu „Wohnen“." in page
    assert page.count("→ Wohnen") == 2
    topic = hall.desk.get(f"/office/conferences/{slug}/topics/o9").get_data(as_text=True)
    assert "Bezahlbare Wohnungen" in topic
    hall.post(f"/office/conferences/{slug}/needs", undo=ids[0])
    assert ids[0] in hall.desk.get(f"/office/conferences/{slug}/needs").get_data(as_text=True)
    hall.post(f"/office/conferences/{slug}/needs/add", text="Kita\nSport", origin="Tisch 3")
    assert "Sport" in hall.desk.get(f"/office/conferences/{slug}").get_data(as_text=True)


def test_topics_keep_their_versions(hall: Hall) -> None:
    slug = hall.make()
    hall.step("r2", "announced")
    hall.post(f"/office/conferences/{slug}/topics/o1", **{"label-de": "Neu gefasst", "label-ar": "جديد"})
    assert hall.data_of_round("r2")["options"][0]["label"] == {"de": "Thema 1"}
    hall.post(f"/office/conferences/{slug}/topics/o2/drop")
    hall.post(f"/office/conferences/{slug}/topics/o3/up")
    hall.post(f"/office/conferences/{slug}/rounds/add")
    hall.step("r3", "announced")
    listed = hall.data_of_round("r3")["options"]
    assert [o["id"] for o in listed] == ["o3", "o1", "o4", "o5", "o6", "o7", "o8"]
    assert hall.data_of_round("r3")["round_title"]["de"] == "Zweite Runde"
    hall.post(f"/office/conferences/{slug}/rounds/add")
    desk = hall.desk.get(f"/office/conferences/{slug}").get_data(as_text=True)
    assert "Runde 3" in desk
    assert "Zurück auf die Liste: Thema 2" in desk
    assert next(o for o in listed if o["id"] == "o1")["version"] == 2


def test_lists_of_fields_are_imported(hall: Hall, domain: Path) -> None:
    import io

    slug = hall.make("empty", topics="")
    content = (domain / "handlungsfelder.json").read_bytes()
    hall.post(
        f"/office/conferences/{slug}/topics/add",
        file=(io.BytesIO(content), "handlungsfelder.json"),
        list="rostock-2014",
    )
    page = hall.desk.get(f"/office/conferences/{slug}/topics.csv", lint=False).get_data(as_text=True)
    assert len(page.splitlines()) == 9
    assert "Culture of welcome" in page
    hall.post(f"/office/conferences/{slug}/topics/add", file=(io.BytesIO(content), "handlungsfelder.json"))
    assert "rostock-2021" in hall.desk.get(f"/office/conferences/{slug}").get_data(as_text=True)


def test_two_devices_and_wrong_steps(hall: Hall) -> None:
    slug = hall.make()
    hall.step("r2", "revealed")
    assert "rounds/r2/outcome" not in hall.desk.get(f"/office/conferences/{slug}").get_data(as_text=True)
    hall.step("r1", "announced")
    hall.step("r1", "open")
    hall.step("r2", "announced")
    hall.step("r2", "open")
    page = hall.desk.get(f"/office/conferences/{slug}").get_data(as_text=True)
    assert "extend" in page
    assert hall.data_of_round("r2")["state"] == "announced"
    hall.post(f"/office/conferences/{slug}/rounds/r1/extend", minutes="10")
    assert hall.data_of_round("r1")["closes"] is not None
    hall.step("r1", "withdrawn")
    assert hall.data_of_round("r1")["state"] == "withdrawn"


@pytest.mark.slow
def test_paper_is_confirmed_by_a_second_person(hall: Hall, monkeypatch: Any, as_role: Any) -> None:
    slug = hall.make()
    settings = {"title-de": "Plenum", "method": "ranking", "places": "3", "paper": "1", "level": "codes"}
    hall.post(f"/office/conferences/{slug}/rounds/r2", f"/office/conferences/{slug}/rounds/r2", **settings)
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=6)
    hall.step("r2", "open")
    hall.tick()
    for slip in hall.codes["g1"][:4]:
        hall.phone("r2", slip).send(ranking=[["o1"]])
    late = hall.phone("r2", hall.codes["g1"][5])
    assert late.get_token().status_code == 200
    hall.step("r2", "closed")
    assert hall.data_of_round("r2")["state"] == "paper"
    assert late.send(ranking=[["o1"]]).json == {"code": "closed"}
    first, second = as_role("entry_clerk"), as_role("entry_clerk")
    place = f"/office/paper/{slug}/r2"
    key = first.get(place).get_data(as_text=True).split('<option value="')[1].split('"')[0]
    for _sheet in range(2):
        assert first.submit(place, {"key": key, "o-o3": "1"}).status_code == 302
    assert first.submit(place, {"key": key, "o-o1": "1"}).status_code == 302
    # The first clerk sees nothing to confirm. Sheets bear no number: they are typed again in any order.
    assert "o-o3" not in first.get(f"{place}/confirm").get_data(as_text=True)

    def confirm(fields: dict[str, str], **headers: Any) -> Any:
        return second.submit(f"{place}/confirm", {"key": key, **fields}, **headers)

    assert confirm({"o-o1": "1"}).status_code == 302
    assert confirm({"o-o3": "1"}).status_code == 302
    # One sheet said o4, and the first clerk typed o3: nothing is lost, and the slip of the hand is left over.
    differs = confirm({"o-o4": "1"}, headers=ENGLISH)
    assert differs.status_code == 422
    assert "Nobody else has typed a sheet of this group that reads like this." in differs.get_data(
        as_text=True
    )
    assert 'name="o-o4" value="1"' in differs.get_data(as_text=True)
    assert second.submit(place, {"key": key, "o-o4": "1"}).status_code == 302
    own = confirm({"o-o4": "1"}, headers=ENGLISH)
    assert "Only your own entry reads like this." in own.get_data(as_text=True)
    assert first.submit(f"{place}/confirm", {"key": key, "o-o4": "1"}).status_code == 302
    shown = first.get(place, headers=ENGLISH).get_data(as_text=True)
    assert "4 keyed, 3 confirmed" in shown
    assert "Entries that nobody has confirmed: 1" in shown
    (left,) = re.findall(r'name="sheet" value="([0-9a-f]+)"', shown)
    token = shown.split('name="csrf_token" value="')[1].split('"')[0]
    for gone in ("00", left, left):
        first.post(f"{place}/remove", data={"csrf_token": token, "sheet": gone})
    assert "3 keyed, 3 confirmed" in first.get(place, headers=ENGLISH).get_data(as_text=True)
    hall.step("r2", "closed")
    assert hall.data_of_round("r2")["state"] == "paper", "sheets are not admitted yet"
    first.post(f"{place}/admit", data={"csrf_token": token, "key": key, "total": "4"})
    assert "3 keyed" in first.get(place, headers=ENGLISH).get_data(as_text=True)
    first.post(f"{place}/admit", data={"csrf_token": token, "key": key, "total": "3"})
    hall.forget()
    hall.close_and_reveal("r2")
    outcome = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome.json", lint=False).json
    assert outcome["cast"] == 7
    listed = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/list.json", lint=False).json
    # Three ballots on paper: the list does not say which.
    assert all(set(b) == {"ranking", "receipt", "group"} for b in listed["ballots"])


@pytest.mark.slow
def test_a_wall_of_dots_is_added_and_labelled(
    hall: Hall, as_role: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    slug = hall.make("dots")
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=1)
    hall.step("r2", "open")
    hall.tick()
    sent = hall.phone("r2", hall.codes["g1"][0]).send(dots={"o1": 2, "o2": 2})
    assert sent.json == {"state": "received"}
    place = f"/office/conferences/{slug}/rounds/r2/wall"
    hall.post(place, place, **{"o-o2": "7"})
    # Whoever typed the totals cannot confirm them by typing them again.
    assert hall.desk.submit(place, {"o-o2": "7"}).status_code == 422
    second = as_role("moderator")
    assert second.submit(place, {"o-o2": "8"}).status_code == 422
    assert second.submit(place, {"o-o2": "7"}).status_code == 302
    hall.forget()
    hall.close_and_reveal("r2")
    page = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome").get_data(as_text=True)
    outcome = hall.desk.get(f"/office/conferences/{slug}/rounds/r2/outcome.json", lint=False).json
    assert outcome["report"]["rules"]["dots"]["scores"]["o2"] == 2
    assert "<td>2</td><td>7</td><td>9</td>" in page
    # The order people see is that of the sums, and says so; counting again gives the same.
    assert [place["option"] for place in outcome["order"]][:2] == ["o2", "o1"]
    hall.post(f"/office/conferences/{slug}/publish", publish_as="ranking")
    shown = hall.client.get(f"/c/{slug}/r2/outcome?lang=de").get_data(as_text=True)
    assert shown.index("Thema 2") < shown.index("Thema 1")
    assert "Die Klebepunkte der Wand sind mitgezählt." in shown
    listed = hall.client.get(f"/c/{slug}/r2/list.json", lint=False)
    assert listed.json["wall"] == {"o2": 7} | {f"o{n}": 0 for n in (1, 3, 4, 5, 6, 7, 8)}
    # Whoever recounts the list comes to the same sums, wall and all.
    file = tmp_path / "list.json"
    file.write_bytes(listed.data)
    script = Path(__file__).parents[3] / "static" / "recount.py"
    told = subprocess.run(
        [sys.executable, str(script), str(file), *["2", "3", "4", "5", "6", "7"]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "as published" in told
    assert "wall of stickers: 7 for Thema 2 [o2]" in told
    assert "       9  Thema 2 [o2]\n       2  Thema 1 [o1]\n" in told
    assert told.count("yours:") == 1


def test_what_decides_is_said_before_the_vote(hall: Hall) -> None:
    """What an open place means, the rule, how ties are broken, and the seed: on phones and on the stage."""
    slug = hall.make()
    hall.open_round("r1")
    seed = hall.data_of_round("r1")["seed"]
    page = hall.client.get(f"/c/{slug}?lang=de").get_data(as_text=True)
    assert "Themen, die Sie offen lassen, zählen gemeinsam als letzte." in page
    assert "Punkte für jedes Thema, das unter ihm steht (Borda)" in page
    assert f"dann die ersten Plätze, dann das Los (Startwert {seed})." in page.translate(
        dict.fromkeys(map(ord, "\u2068\u2069"))
    )
    live = hall.desk.get(f"/office/conferences/{slug}/live", lint=False).json
    assert (live["seed"], live["method"], live["policy"]) == (seed, "ranking", "last")
    stage = hall.desk.get(f"/office/conferences/{slug}/stage?second=ar&first=de", lint=False)
    texts = json.loads(re.search(r'id="data">(.*?)</script>', stage.get_data(as_text=True))[1])["texts"]
    assert [(text["lang"], text["dir"]) for text in texts] == [("de", "ltr"), ("ar", "rtl")]
    assert "%(seed)s" in texts[1]["counting"]["ranking"][1]


def test_turnout_in_steps_is_said_as_a_sentence(hall: Hall) -> None:
    slug = hall.make()
    hall.open_round("r1")
    english = {"Accept-Language": "en"}
    for n in range(6):
        page = hall.desk.get(f"/office/conferences/{slug}", headers=english).get_data(as_text=True)
        assert (">Ballots: fewer than 5<" in page, ">Ballots: at least 5<" in page) == (n < 5, n == 5)
        hall.client.post(f"/c/{slug}/r1/ballot", json={"submission": f"{n:032x}", "ranking": [["o1"]]})
        hall.tick()
    stage = hall.desk.get(f"/office/conferences/{slug}/stage?first=de&second=ar", lint=False)
    texts = json.loads(re.search(r'id="data">(.*?)</script>', stage.get_data(as_text=True))[1])["texts"]
    assert texts[0]["turnout"] == {
        "few": "Stimmzettel: weniger als 5",
        "least": "Stimmzettel: mindestens %(num)s",
    }


def test_live_state_has_an_etag_and_the_stage_a_stream(hall: Hall) -> None:
    slug = hall.make()
    hall.open_round("r1")
    first = hall.client.get(f"/c/{slug}/state")
    again = hall.client.get(f"/c/{slug}/state", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    from participation.conference.voting.views import changes

    reading = hall.app.extensions["stores"].get("collector")
    told = list(changes(reading, slug, ("de",), seconds=0.3, pause=0.1))
    assert told[0].startswith("retry")
    state = json.loads(told[1].removeprefix("data: "))
    assert (state["round"], state["state"], len(told)) == ("r1", "open", 2)
    assert hall.desk.get(f"/office/conferences/{slug}/stage").status_code == 200
    assert hall.desk.get(f"/office/conferences/{slug}/live", lint=False).json["state"] == "open"


def _cells(made: bytes) -> list[str]:
    document = Document(io.BytesIO(made))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return [paragraph.text for paragraph in document.paragraphs] + cells


def _latin(made: bytes) -> set[str]:
    """Words in Latin letters, without digests and seeds."""
    texts = [re.sub(r"[0-9a-f]{8,}", "", text) for text in _cells(made)]
    return {word for text in texts for word in re.findall(r"[A-Za-z]{3,}", text)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "ballot", "fields"),
    [
        ("approval", {"approve": ["o1", "o2"]}, {"o-o1": "1"}),
        ("score", {"score": {"o1": 10, "o2": 0}}, {"o-o1": "7"}),
        ("consensing", {"resistance": {"o1": 0, "o2": 9}}, {"o-o1": "7"}),
        ("dots", {"dots": {"o1": 2, "o2": 1}}, {"o-o1": "2"}),
        ("pairwise", {"pairs": [["o1", "o2"], ["o2", "o3"]]}, {"pair-o1-o2": "o1|o2"}),
        ("budget", {"approve": ["o1"]}, {"o-o2": "1"}),
    ],
)
def test_every_method_from_ballot_to_outcome(hall: Hall, method: str, ballot: Any, fields: Any) -> None:
    slug = hall.make("empty", topics="\n".join(f"Thema {n}" for n in range(1, 4)))
    if method == "budget":
        for n in range(1, 4):
            hall.post(
                f"/office/conferences/{slug}/topics/o{n}", **{"label-de": f"Thema {n}", "cost": str(40 * n)}
            )
    hall.post(f"/office/conferences/{slug}/rounds/add")
    settings = {
        "title-de": "Runde",
        "method": method,
        "level": "open",
        "dots": "5",
        "per_option": "3",
        "budget": "100",
    }
    place = f"/office/conferences/{slug}/rounds/r1"
    assert hall.post(place, place, **settings).status_code == 302
    hall.open_round("r1")
    assert hall.client.get(f"/c/{slug}?lang=ar").status_code == 200
    for n in range(6):
        body = {"submission": f"{n:032x}", "receipt": [n] * 6, **ballot}
        assert hall.client.post(f"/c/{slug}/r1/ballot", json=body).json == {"state": "received"}
    assert hall.client.post(f"/c/{slug}/r1/ballot", data=fields).status_code == 303
    hall.close_and_reveal("r1")
    outcome = hall.desk.get(f"/office/conferences/{slug}/rounds/r1/outcome.json", lint=False).json
    assert outcome["cast"] == 7
    assert hall.desk.get(f"/office/conferences/{slug}/rounds/r1/outcome").status_code == 200
    for kind in ("pdf", "docx"):
        assert hall.desk.get(f"/office/conferences/{slug}/protocol.{kind}", lint=False).status_code == 200
    arabic = hall.desk.get(f"/office/conferences/{slug}/protocol.docx?lang=ar", lint=False).data
    assert _latin(arabic) <= {"Integrationskonferenz", "Runde", "Gruppe", "Thema", "SHA"}
    assert not any("None" in cell for cell in _cells(arabic))


def test_mapping_compares_conferences(hall: Hall) -> None:
    first = hall.make()
    second = hall.make(title="Jahr zwei", topics="Thema 1\nThema 9")
    place = f"/office/conferences/{second}/mapping"
    page = hall.desk.get(f"{place}?earlier={first}").get_data(as_text=True)
    assert "o1 &gt; o1 : same" in page
    wrong = hall.post(place, f"{place}?earlier={first}", earlier=first, link=["o1 > o1 : same"])
    assert wrong.status_code == 422
    links = ["o1 > o1 : same", " > o2 : new", *(f"o{n} >  : dropped" for n in range(2, 9))]
    assert hall.post(place, f"{place}?earlier={first}", earlier=first, link=links).status_code == 302


def test_only_moderators_enter(hall: Hall, client: Any, as_role: Any) -> None:
    hall.make()
    for stranger in (client, as_role("analyst"), as_role("register_clerk")):
        for place in (f"/office/conferences/{hall.slug}", f"/office/slips/{hall.slug}/"):
            assert stranger.get(place, lint=False).status_code in (302, 403)
