"""A wave through the whole house of separate processes: what each does, and what the database refuses it."""

import csv
import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from participation.access import blind, codes
from surveys.collection.store import TICKS
from tests.databases import as_process, plain
from tests.processes.house import PROCESSES, House, Visitor, status, wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

SURVEY = "living-here"
ANSWERS = {"_consent": "yes"}
PEOPLE = 10


@dataclass(frozen=True)
class Played:
    """A wave that was played to its end: its id, and what was answered on the way."""

    wave: str
    by_script: dict
    again: dict
    by_form: int
    wrong_code: str
    interviewed: int
    codes: list[str]
    logs: dict[str, str]


def set_up() -> dict[str, str | list[str]]:
    """Everything about the wave, as an editor fills the form."""
    today = datetime.now(UTC).date()
    return {
        "title": "First wave",
        "population": "Adults",
        "frame": "Register of residents",
        "versions": ["1"],
        "languages": ["de", "en"],
        "levels": ["sealed", "two_office"],
        "opens_on": (today - timedelta(days=1)).isoformat(),
        "closes_on": (today + timedelta(days=30)).isoformat(),
        "checklist": list(TICKS),
    }


def frozen_wave(house: House) -> str:
    """An editor begins a survey from a model, sets a wave up and freezes its levels; the wave's id."""
    editor = house.sign_in("editor")
    office = house.at("office", "/office/surveys")
    assert editor.submit(f"{office}/new", {"model": SURVEY, "survey": SURVEY}, at=office).status == 302
    made = editor.submit(f"{office}/{SURVEY}/waves", {"title": "First wave", "channel": "sample"})
    page = house.at("office", made.headers["location"])
    assert editor.submit(page, set_up() | {"freeze": "1"}).status == 302
    return page.rsplit("/", 1)[1]


def made_codes(house: House, wave: str) -> list[str]:
    """A register clerk, signed in at the office, makes keys and codes at the register's process."""
    clerk = house.sign_in("register-clerk")
    home = house.at("register", "/office/register/")
    base = f"{home}wave-{wave}"
    assert clerk.submit(f"{base}/set-up", {}, at=home).status == 302
    until = (datetime.now(UTC).date() + timedelta(days=300)).isoformat()
    dates = {"title": "First wave", "delete_on": until}
    assert clerk.submit(f"{base}/dates", dates, at=f"{base}/").status == 302
    strata = {"code": "a", "label": "Everybody", "population": "1000", "invited": "400"}
    row = {f"strata-0-{name}": value for name, value in strata.items()}
    assert clerk.submit(f"{base}/strata", row).status == 302
    assert clerk.submit(f"{base}/keys", {"response-0": "25"}).status == 302
    head = {
        "name": "City",
        "contact": "Square 1, 12345 City",
        "return_line": "City, Square 1",
        "phone": "0000 123456",
        "website": "city.example",
        "address": house.at("public", f"/s/{SURVEY}"),
        "answer_until": until,
    }
    letters = f"{base}/letters"
    assert clerk.submit(f"{letters}/head", head, at=letters).status == 302
    batch = {
        "stratum": "a",
        "label": "Desk",
        "amount": str(PEOPLE),
        "languages": "de en",
        "format": "csv",
    }
    table = clerk.submit(f"{letters}/batch", batch, at=letters)
    assert table.headers["content-type"].startswith("text/csv"), table.text
    rows = csv.DictReader(io.StringIO(table.text.lstrip("\ufeff")), delimiter=_delimiter(table.text))
    return [row["code"] for row in rows]


def _delimiter(text: str) -> str:
    return ";" if ";" in text.splitlines()[0] else ","


def envelope(house: House, typed: str) -> dict:
    """What a phone does with a code: keys from the public process, a blind signature from the register."""
    phone = Visitor()
    keys = phone.get(house.at("public", f"/s/{SURVEY}/keys.json")).json()
    assert keys["token"] == house.at("register", "/token")
    code = codes.read_code(typed)
    key = next(one for one in keys["keys"] if one["mark"] == code.mark)
    public = blind.PublicKey(int(key["n"], 16), key["e"])
    started = blind.start(public)
    asked = {"code": typed, "round": "", "key": started.key_id, "blinded": started.blinded.hex()}
    reply = phone.post_json(keys["token"], asked)
    assert reply.status == 200, reply.text
    assert reply.headers["access-control-allow-origin"] == "*"
    token = blind.finish(public, started, bytes.fromhex(reply.json()["signature"]))
    return {
        "key": token.key_id,
        "prefix": token.prefix.hex(),
        "token": token.token.hex(),
        "signature": token.signature.hex(),
        "submission": secrets.token_hex(16),
        "version": 1,
        "variant": 1,
        "answers": ANSWERS,
    }


def by_form(house: House, code: str) -> tuple[int, str]:
    """The page without script: the public process asks the register itself."""
    form = {"_code": code, "_version": "1", "_language": "en", "_seen": "1", **ANSWERS}
    reply = Visitor().post(house.at("public", f"/s/{SURVEY}/answers"), form)
    return reply.status, reply.text


def interviewed(house: House, wave: str, code: str) -> int:
    """An entry clerk asks a person on the telephone, at the entry process."""
    clerk = house.sign_in("entry-clerk")
    page = house.at("entry", f"/office/entry/interviews/{wave}/en/v1")
    form = {"_code": code, "_version": "1", "_variant": "1", "_language": "en", "_seen": "1", **ANSWERS}
    return clerk.submit(house.at("entry", f"/office/entry/interviews/{wave}/answers"), form, at=page).status


@pytest.fixture(scope="session")
def played(house: House) -> Played:
    before = {process: len(house.log(process)) for process in PROCESSES}
    wave = frozen_wave(house)
    letters = made_codes(house, wave)
    assert len(letters) == PEOPLE
    editor = house.sign_in("editor")
    page = house.at("office", f"/office/surveys/{SURVEY}/waves/{wave}")
    assert editor.submit(page, set_up() | {"open": "1"}).status == 302
    assert state(house) == "open", editor.get(page).text
    answers = house.at("public", f"/s/{SURVEY}/answers")
    first = envelope(house, letters[0])
    # The worker opens the waiting room within a second; until then phones are told to try again.
    wait_for(lambda: Visitor().post_json(answers, first).status == 200, "answers are taken", house)
    script = Visitor().post_json(answers, envelope(house, letters[1])).json()
    again = Visitor().post_json(answers, first).json()
    form, _ = by_form(house, letters[2])
    _, wrong = by_form(house, letters[2])
    spoken = interviewed(house, wave, letters[3])
    assert editor.submit(f"{page}/close", {}, at=page).status == 302
    wait_for(lambda: mixed(house), "the public process's worker mixes the rest", house)
    logs = {process: house.log(process)[start:] for process, start in before.items()}
    return Played(wave, script, again, form, wrong, spoken, letters, logs)


def state(house: House) -> str:
    return Visitor().get(house.at("public", f"/s/{SURVEY}/keys.json")).json()["state"]


def mixed(house: House) -> bool:
    with psycopg.connect(plain(house.urls["collector"])) as connection:
        closed = connection.execute("SELECT count(*) FROM batch WHERE NOT is_open").fetchone()
    return closed is not None and closed[0] == 1


@contextmanager
def connected(house: House, process: str, store: str) -> Iterator["psycopg.Connection[tuple]"]:
    with psycopg.connect(as_process(plain(house.urls[store]), process), autocommit=True) as connection:
        yield connection


def test_answers_reach_the_analysis_and_nobody_before_it(house: House, played: Played) -> None:
    assert (played.by_script, played.again) == ({"state": "received"}, {"state": "again"})
    assert played.by_form == 303
    assert "used already" in played.wrong_code
    assert played.interviewed == 303
    analyst = house.sign_in("analyst")
    assert "First wave" in analyst.get(house.at("analysis", "/office/analysis/")).text
    export = analyst.get(house.at("analysis", f"/office/analysis/waves/{played.wave}/export/csv"))
    assert export.headers["content-type"].startswith("text/csv"), export.text
    assert len(list(csv.reader(io.StringIO(export.text)))) == 1 + 4


def test_every_staff_process_writes_into_the_audit_log_of_the_office(house: House, played: Played) -> None:
    administrator = house.sign_in("administrator")
    house.sign_in("analyst").get(house.at("analysis", f"/office/analysis/waves/{played.wave}/export/csv"))
    text = administrator.get(house.at("office", "/office/audit/log.csv")).text
    found = {(row["process"], row["action"]) for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff")))}
    assert {
        ("office", "wave.open"),
        ("register", "register.keys"),
        ("register", "register.batch"),
        ("analysis", "analysis.export"),
    } <= found


@pytest.mark.parametrize("process", ["public", "register", "office", "entry"])
@pytest.mark.parametrize("table", ["response", "response_text"])
def test_the_database_shows_answers_to_the_analysis_alone(
    house: House, played: Played, process: str, table: str
) -> None:
    with connected(house, "analysis", "collector") as connection:
        assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() is not None
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with connected(house, process, "collector") as connection, refused:
        connection.execute(f"SELECT * FROM {table}".encode())


@pytest.mark.parametrize("process", ["public", "office", "analysis", "entry"])
def test_nobody_but_the_register_gets_into_its_cluster(house: House, process: str) -> None:
    """Their roles do not even exist there: the register is a cluster of its own."""
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(as_process(plain(house.urls["register"]), process))


def test_a_role_opens_only_its_own_rooms(house: House, played: Played) -> None:
    everyone = {
        "administrator": house.at("office", "/office/audit/"),
        "register-clerk": house.at("register", "/office/register/"),
        "analyst": house.at("analysis", "/office/analysis/"),
        "entry-clerk": house.at("entry", "/office/entry/"),
    }
    for role in everyone:
        visitor = house.sign_in(role)
        found = {other: visitor.get(address).status for other, address in everyone.items()}
        assert found == {other: 200 if other == role else 403 for other in everyone}


def test_processes_serve_their_own_rooms_only(house: House) -> None:
    paths = {
        "/token": "register",
        "/office/login": "office",
        "/office/register/": "register",
        "/office/analysis/": "analysis",
        "/office/entry/": "entry",
        f"/s/{SURVEY}/keys.json": "public",
    }
    for path, owner in paths.items():
        served = {process for process in PROCESSES if status(house.at(process, path)) != 404}
        assert served == {owner}, path


def test_nothing_at_all_is_logged_while_people_answer(played: Played) -> None:
    assert played.logs == dict.fromkeys(PROCESSES, "")


def test_no_process_ever_writes_a_code_or_a_residents_address_down(house: House, played: Played) -> None:
    for process in PROCESSES:
        text = house.log(process)
        assert not any(code in text or code.replace("-", "") in text for code in played.codes)
        assert "/answers" not in text
        assert "/token" not in text
