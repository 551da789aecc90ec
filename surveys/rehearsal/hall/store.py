"""A conference set up from nothing, by the same functions that pages call: for the attack and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from participation.access.codes import AccessCode
from participation.access.sealing import KeyFolder
from participation.conference import store as conferences
from participation.conference.hall.store import LIST
from participation.conference.models import OutcomeRow
from participation.conference.presets import DEFAULTS, FIELDS, settings
from participation.conference.slips import store as slips
from stores import Store

LANGUAGES = ("de", "en", "ar")


@dataclass(frozen=True)
class Session:
    """A round that is announced: its people as (group, code of the slip), and its keys by mark."""

    slug: str
    code: str
    access: str
    slips: list[tuple[str, AccessCode]]
    keys: dict[str, str]


def announce_round(
    stores: Mapping[str, Store],
    folder: KeyFolder,
    digest_key: bytes,
    groups: Mapping[str, int],
    now: datetime,
) -> Session:
    """Groups with their seats, topics, one round with codes, keys, slips: the order of a moderator's work."""
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        row = conferences.create(session, {"en": "Rehearsal"}, LANGUAGES, now.date(), 3)
        wanted = [("", {"en": name}, seats, "") for name, seats in groups.items()]
        conferences.set_groups(session, row, wanted)
        for label in FIELDS:
            conferences.add_option(session, row, conferences.OptionText(label))
        round_ = conferences.add_round(session, row, {"en": "Plenum"}, settings(DEFAULTS))
        conferences.advance(session, row, round_.code, "announced", now=now)
        conferences.publish_all(session, published, row)
        access = conferences.access_of(row, round_)
        slug, code = row.slug, round_.code
        seats: list[dict[str, Any]] = [
            {"code": one.code, "label": one.label, "seats": one.seats}
            for one in conferences.groups(session, row)
        ]
    with stores["register"].begin() as session:
        shared = slips.set_up(session, slug, "Rehearsal", seats)
        keys = slips.make_keys(session, access, folder, now.date())
        made = [
            (group["code"], one)
            for group in seats
            for one in slips.make_slips(session, slug, group["code"], group["seats"], now.date(), digest_key)
        ]
    with stores["collector"].begin() as published:
        slips.publish_keys(published, slug, keys, shared)
    return Session(slug, code, access.key, made, {key.mark: key.id for key in keys})


def advance(stores: Mapping[str, Store], held: Session, state: str, now: datetime) -> None:
    """The round's next state, published."""
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        row = conferences.conference(session, held.slug)
        assert row is not None
        conferences.advance(session, row, held.code, state, now=now)
        conferences.publish_all(session, published, row)


def listed(collector: Store, access: str) -> list[str]:
    """The receipts in the order of the list of ballots that is kept for publishing."""
    with collector.read() as session:
        row = session.get(OutcomeRow, access + LIST)
        return [] if row is None else ["-".join(map(str, one["receipt"])) for one in row.document["ballots"]]
