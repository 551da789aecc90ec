"""How a conference of the demo is played: by the functions that pages call, and over the hall's door.

Phones ask the register for a blind signature; the clock is an argument that lives in the room.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import click
from flask import Flask

from config import Settings
from demo.conference import hall
from participation.access import blind, codes, journal
from participation.access.codes import AccessCode
from participation.access.collector import store as collector_store
from participation.access.collector.views import batch_folder
from participation.access.issuing import store as issuing
from participation.access.signing.views import desk, digest_key, signing_folder
from participation.access.worker.cli import tend
from participation.conference import presets, store
from participation.conference.hall import store as hall_store
from participation.conference.hall.views import count_chore
from participation.conference.models import Conference
from participation.conference.paper import store as paper
from participation.conference.slips import store as slips
from participation.conference.store import OptionText
from stores import Store, publish

LANGUAGES = ("de", "en", "ar")
#: The conference that visitors try speaks one language more: Dari, drafts as all of the demo's texts.
VISITORS_LANGUAGES = (*LANGUAGES, "fa-AF")
CLERKS = ("entry-clerk@demo.example.org", "second-entry-clerk@demo.example.org")
#: Threads that play phones.
CROWD = 6


@dataclass
class Room:
    """One conference while it is played; ``now`` is the clock that everybody in the hall goes by."""

    app: Flask
    slug: str
    now: datetime
    codes: dict[str, list[AccessCode]] = field(default_factory=dict)

    def store(self, name: str) -> Store:
        """One of the stores."""
        return cast(Mapping[str, Store], self.app.extensions["stores"].available)[name]

    @property
    def settings(self) -> Settings:
        """The app's settings."""
        return cast(Settings, self.app.config["SETTINGS"])

    def row(self, session: Any) -> Conference:
        """The conference in the office store."""
        found = store.conference(session, self.slug)
        assert found is not None
        return found

    def publish(self) -> None:
        """Publish what the office says now; pages read it anew."""
        with self.store("office").begin() as session, self.store("collector").begin() as published:
            store.publish_all(session, published, self.row(session))
        self.app.extensions.pop("hall_kept", None)

    def pass_time(self, **time: float) -> None:
        """Let the clock run."""
        self.now += timedelta(**time)
        now = self.now
        self.app.extensions["clock"] = lambda: now

    def work(self) -> None:
        """One round of the worker's work: open, mix, count."""
        tend(
            self.store("collector"),
            batch_folder(self.settings),
            self.app.extensions["moves"],
            self.now,
            demo=True,
        )
        count_chore(self.now)


# ---------------------------------------------------------------- set up


def set_up(
    app: Flask,
    name: str,
    held_on: date,
    *,
    choose: int,
    seats: Mapping[str, int],
    options: Sequence[tuple[str, OptionText]],
    languages: Sequence[str] = LANGUAGES,
) -> Room:
    """A conference with groups and options; ``name`` is its title in the shipped texts."""
    texts = hall.texts()
    room = Room(app, "", datetime(held_on.year, held_on.month, held_on.day, 8, tzinfo=UTC))
    with room.store("office").begin() as session:
        row = store.create(session, texts["titles"][name], languages, held_on, choose)
        row.note = texts["notes"].get(name) or texts["notes"]["leipzig"]
        labels = dict(zip(("g1", "g2", "g3", "g4"), presets.GROUPS, strict=True))
        share = f"1/{len(seats)}" if len(seats) > 1 else ""
        store.set_groups(session, row, [(code, labels[code], n, share) for code, n in seats.items()])
        for code, text in options:
            store.add_option(session, row, text, code)
        room.slug = row.slug
    room.publish()
    room.pass_time(minutes=0)
    return room


def from_list(name: str) -> list[tuple[str, OptionText]]:
    """A shipped list of fields as options."""
    return [(line.code, OptionText(line.label)) for line in hall.fields(name)]


def add_round(
    room: Room, title: Mapping[str, str], changes: Mapping[str, Any], *, practice: bool = False
) -> str:
    """Plan a round; its code."""
    with room.store("office").begin() as session:
        row = room.row(session)
        settings = presets.settings({"places": row.choose, **changes})
        return store.add_round(session, row, title, settings, practice=practice).code


def step(room: Room, code: str, *states: str) -> None:
    """Bring a round through these states; the worker works after each."""
    for state in states:
        with room.store("office").begin() as session:
            store.advance(session, room.row(session), code, state, now=room.now)
        room.publish()
        if state == "announced":
            _make_keys(room, code)
        # The grace of a close passes before anything is mixed.
        room.pass_time(minutes=2)
        room.work()


def _make_keys(room: Room, code: str) -> None:
    """The register's part: groups, and the keys of a round that takes codes."""
    with room.store("collector").read() as session:
        conference = hall_store.conference_document(session, room.slug)
        access = collector_store.access(session, f"{room.slug}/{code}")
    if conference is None or access is None:
        return
    title, folder = conference["title"]["de"], signing_folder(room.settings)
    with room.store("register").begin() as session:
        shared = slips.set_up(session, room.slug, title, conference["groups"])
        keys = slips.make_keys(session, access, folder, room.now.date())
    with room.store("collector").begin() as session:
        slips.publish_keys(session, room.slug, keys, shared)


def hand_out(room: Room, amounts: Mapping[str, int]) -> None:
    """Slips for everybody, one each."""
    with room.store("register").begin() as session:
        for group, amount in amounts.items():
            room.codes[group] = slips.make_slips(
                session, room.slug, group, amount, room.now.date(), digest_key(room.settings)
            )


# ---------------------------------------------------------------- vote


def vote(room: Room, code: str, ballots: Sequence[hall.Cast]) -> None:
    """Everybody's phone at once; each asks for a signature and sends one ballot."""
    with room.store("collector").read() as session:
        round_ = next(d for d in hall_store.round_documents(session, room.slug) if d["round"] == code)
        keys = {d["mark"]: d for d in hall_store.round_keys(session, round_).values() if d}
    free = {group: iter(codes) for group, codes in room.codes.items()}
    slips_: list[AccessCode | None] = [next(free[one.group]) if one.group else None for one in ballots]
    with ThreadPoolExecutor(CROWD) as crowd:
        list(crowd.map(lambda pair: _send(room, code, keys, *pair), zip(ballots, slips_, strict=True)))


def _send(
    room: Room,
    round_: str,
    keys: Mapping[str, Mapping[str, Any]],
    ballot: hall.Cast,
    slip: AccessCode | None,
) -> None:
    """What a phone does: a token where the round takes codes, then the ballot."""
    body: dict[str, Any] = {
        "submission": secrets.token_hex(16),
        "ranking": ballot.ranking,
        "receipt": ballot.receipt,
    }
    client = room.app.test_client()
    if slip is not None:
        key = keys[slip.mark]
        public = blind.PublicKey(int(key["n"], 16), key["e"])
        started = blind.start(public)
        asked = {
            "code": str(slip),
            "round": round_,
            "key": started.key_id,
            "blinded": started.blinded.hex(),
        }
        reply = client.post("/token", json=asked)
        if reply.status_code != 200:
            raise click.ClickException(f"the register refused a slip of the demo: {reply.get_json()}")
        token = blind.finish(public, started, bytes.fromhex(reply.get_json()["signature"]))
        body |= {
            "key": token.key_id,
            "prefix": token.prefix.hex(),
            "token": token.token.hex(),
            "signature": token.signature.hex(),
            "revision": 1,
        }
    reply = client.post(f"/c/{room.slug}/{round_}/ballot", json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the hall refused a ballot of the demo: {reply.get_json()}")


def vote_on_paper(room: Room, code: str, group: str, ballots: Sequence[hall.Cast]) -> None:
    """Sheets of one group: typed by one clerk, typed again by another, admitted as one batch."""
    round_key = f"{room.slug}/{code}"
    with room.store("collector").read() as session:
        shared = hall_store.groups_by_mark(session, room.slug)
        mark = next(mark for mark, groups in shared.items() if group in groups)
        documents = collector_store.key_documents(session, round_key)
        key = next(key for key, document in documents.items() if document["mark"] == mark)
    book_slips(room, code, group, key, len(ballots))
    first, second = CLERKS
    with room.store("collector").begin() as session:
        for ballot in ballots:
            sheet = {"ranking": ballot.ranking, "receipt": []}
            paper.add(session, round_key, key, sheet, first)
            paper.confirm(session, round_key, key, sheet, second)
        paper.admit(session, round_key, key)


def book_slips(room: Room, code: str, group: str, key: str, amount: int) -> None:
    """The register books the slips of those who gave a sheet of paper, and publishes how many."""
    digests = [codes.digest(slip, digest_key(room.settings)) for slip in room.codes[group][-amount:]]
    with room.store("register").begin() as session:
        booked = [issuing.book_slip(session, digest, code, room.now.date()) for digest in digests]
    journal.append(desk().journal_path, [one.entry for one in booked])
    document = {"admission": room.slug, "round": code, "booked": len(booked)}
    with room.store("collector").begin() as session:
        publish(session, "register", "slips", key, document)


def publish_outcome(room: Room, how: str, note: Mapping[str, str] | None = None) -> None:
    """Publish as a ranking or as topics in no order."""
    with room.store("office").begin() as session:
        row = room.row(session)
        row.publish_as = how
        row.note = dict(note) if note is not None else row.note
    room.publish()


def outcome(room: Room, code: str) -> dict[str, Any]:
    """The outcome of a revealed round."""
    with room.store("collector").read() as session:
        round_ = next(d for d in hall_store.round_documents(session, room.slug) if d["round"] == code)
        found = hall_store.outcome(session, round_)
    assert found is not None
    return found
