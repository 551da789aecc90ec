"""A conference through the house of separate processes: slips from the register, ballots without script."""

import re

import psycopg
import pymupdf
import pytest

from tests.databases import plain
from tests.processes.house import House, Visitor, wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

CODE = re.compile(r"[0-9A-Z]{5}(?:-\s*[0-9A-Z]{5}){4}")


def printed_codes(house: House, moderator: Visitor, slug: str, group: str, amount: int) -> list[str]:
    """Slips as PDF from the register's process; the codes as people in the hall would read them."""
    page = house.at("register", f"/office/slips/{slug}/")
    pdf = moderator.submit(f"{page}print", {f"n-{group}": str(amount)}, at=page)
    assert pdf.headers["content-type"] == "application/pdf", moderator.get(page).text
    with pymupdf.open(stream=pdf.body, filetype="pdf") as document:
        text = " ".join(page.get_text() for page in document)
    return sorted({re.sub(r"\s", "", code) for code in CODE.findall(text)})


def counted(house: House) -> int:
    with psycopg.connect(plain(house.urls["collector"])) as connection:
        found = connection.execute("SELECT count(*) FROM conference_outcome").fetchone()
    return 0 if found is None else int(found[0])


def test_a_round_from_slips_to_the_revealed_outcome(house: House) -> None:
    moderator = house.sign_in("moderator")
    new = house.at("office", "/office/conferences/new")
    fields = {
        "title": "Conference",
        "preset": "priorities",
        "languages": ["de", "en"],
        "choose": "2",
        "topics": "\n".join(f"Topic {number}" for number in range(1, 6)),
        "group-0-label-en": "Group",
        "group-0-seats": "12",
    }
    made = moderator.submit(new, fields)
    assert made.status == 302, made.text
    slug = made.headers["location"].rsplit("/", 1)[1]
    desk = house.at("office", f"/office/conferences/{slug}")

    def step(state: str) -> None:
        assert moderator.submit(f"{desk}/rounds/r2/{state}", {}, at=desk).status == 302

    # Nobody waits here for phones that are about to send.
    plan = {"title-en": "Plenum", "method": "ranking", "places": "2", "level": "codes", "grace": "0"}
    assert moderator.submit(f"{desk}/rounds/r2", plan).status == 302
    step("announced")
    slips = printed_codes(house, moderator, slug, "g1", 6)
    assert len(slips) == 6, slips
    step("open")
    ballot = house.at("public", f"/c/{slug}/r2/ballot")
    form = {"o-o1": "2", "o-o2": "1"}

    def cast(code: str) -> int:
        return Visitor().post(ballot, {**form, "code": code}).status

    # The worker opens the waiting room within a second; until then people are told to try again.
    first = {**form, "code": slips[0]}
    reply = Visitor().post(ballot, first)
    if reply.status == 503:
        token = re.search(r'name="token" value="([^"]*)"', reply.text)
        assert token is not None, "the code is used up, so its token must travel with the form"
        carried = {**first, "token": token[1].replace("&#34;", '"').replace("&quot;", '"')}
        wait_for(lambda: Visitor().post(ballot, carried).status == 303, "ballots are taken", house)
    else:
        assert reply.status == 303, reply.text
    assert [cast(code) for code in slips[1:]] == [303] * 5
    state = house.at("public", f"/c/{slug}/state")
    wait_for(lambda: Visitor().get(state).json()["turnout"] == 5, "turnout moves in steps of five", house)
    wait_for(lambda: "turnout" in house_said(house), "the worker tells the office the turnout", house)
    step("closed")
    wait_for(lambda: counted(house) == 2, "the worker mixes and counts", house)
    outcome = f"{desk}/rounds/r2/outcome.json"
    assert moderator.get(outcome).status == 404
    step("revealed")
    found = moderator.get(outcome).json()
    assert (found["cast"], found["order"][0]["option"]) == (6, "o2")
    assert "Traceback" not in house.log("public")


def house_said(house: House) -> str:
    with psycopg.connect(plain(house.urls["collector"])) as connection:
        rows = connection.execute("SELECT key FROM collector_state").fetchall()
    return " ".join(str(row[0]) for row in rows)
