"""A hall for tests: a moderator, phones, and the worker's rounds of work done by hand."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from participation.access import blind
from participation.access.collector.views import batch_folder
from participation.access.worker.cli import tend
from participation.conference import presets
from participation.conference.hall import store as hall_store
from participation.conference.hall.views import count_chore
from participation.conference.slips import store as slips_store
from participation.conference.slips import views as slips_views
from tests.pages import PageClient

#: What every phone of the tests draws, as if all had chosen it on purpose.
RECEIPT = [1, 2, 3, 4, 5, 6]


@dataclass
class Hall:
    """One app with a moderator, and what the test knows of its slips."""

    app: Flask
    client: PageClient
    desk: PageClient
    slug: str = ""
    codes: dict[str, list[str]] = field(default_factory=dict)

    def tick(self) -> None:
        """One round of the worker's work."""
        with self.app.app_context():
            settings = self.app.config["SETTINGS"]
            collector = self.app.extensions["stores"].get("collector")
            folder = batch_folder(settings)
            with folder.locked() as got:
                assert got
                tend(collector, folder, self.app.extensions["moves"], datetime.now(UTC), settings.demo)
            count_chore(datetime.now(UTC))
        self.forget()

    def forget(self) -> None:
        """Let the pages read anew what they would believe for another second."""
        self.app.extensions.pop("hall_kept", None)
        receiver = self.app.extensions.get("receiver")
        if receiver is not None:
            receiver._accesses.clear()
        desk = self.app.extensions.get("signing_desk")
        if desk is not None:
            desk._accesses.clear()

    def post(self, path: str, form: str | None = None, **data: Any) -> Any:
        """Post a staff form with the token of the page that holds it."""
        page = self.desk.get(form or f"/office/conferences/{self.slug}").get_data(as_text=True)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        answer = self.desk.post(path, data={"csrf_token": token[1], **data})
        self.forget()
        return answer

    def make(self, preset: str = "priorities", **changes: Any) -> str:
        """Set up a conference with eight topics and four groups of ten; its address."""
        data: dict[str, Any] = {
            "title": "Integrationskonferenz",
            "preset": preset,
            "languages": ["de", "en", "ar"],
            "choose": "3",
            "topics": "\n".join(f"Thema {n}" for n in range(1, 9)),
        }
        for n in range(4):
            data |= {f"group-{n}-label-de": f"Gruppe {n + 1}", f"group-{n}-seats": "10"}
        answer = self.post("/office/conferences/new", "/office/conferences/new", **(data | changes))
        assert answer.status_code == 302, answer.get_data(as_text=True)
        self.slug = answer.location.rsplit("/", 1)[1]
        return self.slug

    def step(self, code: str, state: str, **data: Any) -> None:
        """One step of a round."""
        assert self.post(f"/office/conferences/{self.slug}/rounds/{code}/{state}", **data).status_code == 302

    def print_slips(self, monkeypatch: Any, **amounts: int) -> None:
        """Print slips and remember their codes, as people in the hall would hold them."""
        made: dict[str, list[str]] = {}
        original = slips_store.make_slips

        def remembered(session: Any, slug: str, group: str, amount: int, today: Any, key: bytes) -> Any:
            codes = original(session, slug, group, amount, today, key)
            made.setdefault(group, []).extend(code.text for code in codes)
            return codes

        monkeypatch.setattr(slips_views.store, "make_slips", remembered)
        data = {f"n-{group}": str(n) for group, n in amounts.items()}
        answer = self.post(f"/office/slips/{self.slug}/print", f"/office/slips/{self.slug}/", **data)
        assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
        if answer.mimetype == "application/zip":
            assert len(zipfile.ZipFile(io.BytesIO(answer.data)).namelist()) == len(amounts)
        else:
            assert answer.data.startswith(b"%PDF")
        for group, codes in made.items():
            self.codes.setdefault(group, []).extend(codes)
        self.forget()

    def open_round(self, code: str) -> None:
        """Announce, let the worker open the waiting rooms, open."""
        self.step(code, "announced")
        self.tick()
        self.step(code, "open")
        self.tick()

    def phone(self, round_code: str, slip: str) -> Phone:
        """A phone that holds a slip."""
        return Phone(self, round_code, slip)

    def key_one_sheet(self, as_role: Callable[[str], PageClient], option: str) -> None:
        """One paper ballot of the second round: keyed, confirmed by a second person, admitted."""
        first, second = as_role("entry_clerk"), as_role("entry_clerk")
        desk = f"/office/paper/{self.slug}/r2"
        key = first.get(desk).get_data(as_text=True).split('<option value="')[1].split('"')[0]
        typed = {"key": key, f"o-{option}": "1"}
        assert first.submit(desk, typed).status_code == 302
        assert second.submit(f"{desk}/confirm", typed).status_code == 302
        first.submit(f"{desk}/admit", {"key": key, "total": "1"}, at=desk)
        self.forget()

    def close_and_reveal(self, code: str) -> None:
        """Close, mix, count, reveal."""
        self.step(code, "closed")
        self.tick()
        self.step(code, "revealed")
        self.tick()

    def data_of_round(self, round_code: str) -> dict[str, Any]:
        """The round as it is published."""
        with self.app.app_context(), self.app.extensions["stores"].get("collector").read() as session:
            found = hall_store.round_documents(session, self.slug)
        return next(document for document in found if document["round"] == round_code)

    def data(self, round_code: str) -> dict[str, Any]:
        """What the ballot page tells its script."""
        page = self.client.get(f"/c/{self.slug}/{round_code}").get_data(as_text=True)
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
        assert found is not None, page
        return dict(json.loads(found[1]))


@dataclass
class Phone:
    """What static/token.js does, in Python: a token for the slip, then ballots with rising revisions."""

    hall: Hall
    round_code: str
    slip: str
    token: blind.Token | None = None
    revision: int = 0

    def get_token(self) -> Any:
        """Ask the register; the answer of the register if it refuses."""
        data = self.hall.data(self.round_code)
        document = next(key for key in data["keys"] if key["mark"] == self.slip[:5])
        public = blind.PublicKey(int(document["n"], 16), document["e"])
        started = blind.start(public)
        answer = self.hall.client.post(
            "/token",
            json={
                "code": self.slip,
                "round": data["round"],
                "key": started.key_id,
                "blinded": started.blinded.hex(),
            },
        )
        if answer.status_code == 200:
            self.token = blind.finish(public, started, bytes.fromhex(answer.json["signature"]))
        return answer

    def send(self, submission: str = "", **ballot: Any) -> Any:
        """Send a ballot: a new revision, or a retry where ``submission`` is given again."""
        if self.token is None:
            answer = self.get_token()
            if answer.status_code != 200:
                return answer
        assert self.token is not None
        self.revision += 1
        body = {
            "key": self.token.key_id,
            "prefix": self.token.prefix.hex(),
            "token": self.token.token.hex(),
            "signature": self.token.signature.hex(),
            "submission": submission or secrets.token_hex(16),
            "revision": self.revision,
            "receipt": RECEIPT,
            **ballot,
        }
        return self.hall.client.post(f"/c/{self.hall.slug}/{self.round_code}/ballot", json=body)


@pytest.fixture(scope="session")
def key_pairs() -> list[blind.PrivateKey]:
    """Key pairs are dear; every test gets the same ones, each used once in it."""
    return [blind.generate() for _ in range(12)]


@pytest.fixture
def hall(
    app: Flask,
    client: PageClient,
    as_role: Callable[..., PageClient],
    key_pairs: list[blind.PrivateKey],
    monkeypatch: pytest.MonkeyPatch,
) -> Hall:
    # No grace, so that a test need not wait; those about the grace set one in the round's form.
    monkeypatch.setitem(presets.DEFAULTS, "grace", 0)
    fresh = iter(key_pairs)
    monkeypatch.setattr(blind, "generate", lambda: next(fresh))
    return Hall(app, client, as_role("moderator"))
