"""A frozen wave in the office and its admission in the register, as the clerk's pages meet it."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask

from participation.access import blind
from participation.access.register import store as register_store
from participation.access.register.store import StratumSpec
from participation.access.register.views import today
from stores import Store
from surveys.collection import store as collection
from surveys.rehearsal.store import prepare_wave
from tests.pages import PageClient
from tests.surveys.collection.conftest import DOCUMENT

HEAD = {
    "name": "Stadt Musterstadt",
    "contact": "Rathausplatz 1, 12345 Musterstadt",
    "return_line": "Stadt Musterstadt, 12345 Musterstadt",
    "phone": "0341 123 0",
    "website": "www.musterstadt.example/umfrage",
    "address": "https://umfrage.musterstadt.example/s/small",
    "answer_until": "2027-01-31",
}


@dataclass(frozen=True)
class Office:
    """The product with a frozen wave; ``admission`` is its name in the register, ``base`` its address."""

    app: Flask
    admission: str
    clerk: PageClient

    @property
    def base(self) -> str:
        return f"/office/register/{self.admission}"

    @property
    def register(self) -> Store:
        return self.app.extensions["stores"].get("register")

    @property
    def collector(self) -> Store:
        return self.app.extensions["stores"].get("collector")

    def strata(self, *specs):
        with self.register.begin() as session:
            register_store.set_strata(session, self.admission, specs or [StratumSpec("a", "Stratum A", 1000)])

    def submit(self, place, data, at=None):
        return self.clerk.submit(
            f"{self.base}/{place}", data, at=f"{self.base}/{place if at is None else at}"
        )


def in_english(client: PageClient) -> PageClient:
    """The same client, with pages in the language of the sources."""
    client.submit("/office/language", {"language": "en"}, at="/office")
    return client


@pytest.fixture(scope="session")
def signing_pairs() -> list[blind.PrivateKey]:
    return [blind.generate(), blind.generate()]


@pytest.fixture
def desk(app, as_role, signing_pairs, monkeypatch) -> Office:
    pairs = iter(signing_pairs)
    monkeypatch.setattr(blind, "generate", lambda: next(pairs))
    day = today()
    with app.app_context():
        made = prepare_wave(
            app.extensions["stores"].available, DOCUMENT, ("sealed", "two_office"), ["de", "en"], day, 60
        )
    office = Office(app, collection.access_key(made.id), in_english(as_role("register_clerk")))
    answer = office.clerk.submit(f"{office.base}/set-up", {}, at="/office/register/")
    assert answer.status_code == 302
    return office


@pytest.fixture
def ready(desk) -> Office:
    """With strata, people, keys and letterhead: letters can be printed."""
    desk.strata()
    import_csv(desk, sample_csv(120))
    assert desk.submit("keys", {"response-0": "50"}).status_code == 302
    assert desk.submit("letters/head", HEAD, at="letters").status_code == 302
    later = (today() + timedelta(days=90)).isoformat()
    answer = desk.submit("dates", {"title": "Living here", "delete_on": later}, at="")
    assert answer.status_code == 302
    return desk


def sample_csv(amount: int, **changes: str) -> str:
    """A sample in one stratum, half of them Syrian, half German; age in two bands."""
    lines = ["Nummer;Name;Straße;PLZ;Ort;Schicht;Staatsangehörigkeit;Alter"]
    for number in range(amount):
        row = {
            "ref": f"R{number}",
            "name": f"Person {number:03}",
            "street": f"Weg {number}",
            "postcode": "12345",
            "place": "Musterstadt",
            "stratum": "a",
            "nation": ("Syrien", "Deutschland")[number % 2],
            "age": ("18-39", "40+")[number % 4 // 2],
        } | changes
        lines.append(";".join(row.values()))
    return "\n".join(lines) + "\n"


def import_csv(desk: Office, text: str, **columns: str):
    """Upload, confirm the guessed mapping, wait for the end; returns the last page."""
    return import_file(desk, text.encode(), **columns)


def import_file(desk: Office, content: bytes, **columns: str):
    """The same with the bytes of any file."""
    import io
    import time

    page = desk.clerk.get(f"{desk.base}/sample")
    import re

    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
    data = {"csrf_token": token, "file": (io.BytesIO(content), "sample.csv")}
    answer = desk.clerk.post(f"{desk.base}/sample", data=data, content_type="multipart/form-data")
    if answer.status_code != 302:
        return answer
    mapping = desk.clerk.get(answer.location)
    chosen = dict(
        re.findall(r'name="(column-\d+)".*?<option value="([^"]*)" selected>', mapping.text, re.DOTALL)
    )
    answer = desk.clerk.submit(answer.location, chosen | columns)
    if answer.status_code != 302:
        return answer
    end = time.monotonic() + 120
    while time.monotonic() < end:
        page = desk.clerk.get(answer.location)
        if " data-running" not in page.text:
            return page
        time.sleep(0.05)
    raise AssertionError("the import never ended")
