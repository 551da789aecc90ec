"""Waves in the office's store, what of them is published, and responses in the collector's.

Published by the office, so that residents can be answered without it:

* kind ``fielding``, key ``wave-<id>``: every wave whose levels are frozen (`wave_document`), for the register
* kind ``wave``, key ``<survey>`` (the sample) or ``<survey>/open``: that of them which residents meet there
* kind ``access``, key ``wave-<id>``: what codes admit to (participation/access/admission.py)
* kind ``questionnaire``, key ``<survey>/<version>``: the questionnaire (surveys/authoring/store.py)
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from participation.access import admission
from participation.access.admission import Access
from participation.access.collector import store as collector_store
from participation.access.returns import STEP, in_steps
from stores import publish, published, random_id
from surveys.authoring.store import publish_version, unready_languages
from surveys.collection.models import Response, ResponseText, Wave

#: Days begin and end where the city is.
ZONE = ZoneInfo("Europe/Berlin")

#: Seconds after the close in which answers begun in time are still taken.
GRACE = 900

#: What only a person can know before a wave opens; the rest of the checklist is worked out.
TICKS = ("legal_basis", "letters_tested", "hotline", "translations_read", "deletion_dates")

#: The same where nobody is invited: there are neither letters nor a sample.
OPEN_TICKS = ("legal_basis", "hotline", "translations_read", "deletion_dates")


#: The number that `copy_wave` put behind a title; a year in brackets stays.
_NUMBERED = re.compile(r" \(\d{1,3}\)$")


class WaveFault(Exception):
    """Something a wave does not allow now; ``code`` says what."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


# ---------------------------------------------------------------- waves


def ticks(channel: str) -> tuple[str, ...]:
    """The points that a person ticks before a wave of this channel opens."""
    return TICKS if channel == "sample" else OPEN_TICKS


def create_wave(session: Session, survey: str, channel: str, title: str, languages: Sequence[str]) -> Wave:
    """A draft with the next number of its survey; a sample is ``sealed`` and ``two_office``."""
    highest = select(func.max(Wave.number)).where(Wave.survey == survey)
    wave = Wave(
        id=secrets.token_hex(8),
        survey=survey,
        number=(session.scalar(highest) or 0) + 1,
        channel=channel,
        title=title,
        population="",
        frame="",
        languages=list(languages),
        levels=["sealed", "two_office"] if channel == "sample" else ["open"],
        versions=[],
        checklist=[],
        state="draft",
    )
    session.add(wave)
    session.flush()
    return wave


def copy_wave(session: Session, source: Wave) -> Wave:
    """A draft like an earlier wave: its safeguards are copied with it, its dates are not.

    Its number stands behind the title, so that the two can be told apart wherever only titles are listed.
    """
    wave = create_wave(session, source.survey, source.channel, source.title, source.languages)
    wave.title = f"{_NUMBERED.sub('', source.title)} ({wave.number})"
    wave.population, wave.frame, wave.levels = source.population, source.frame, list(source.levels)
    session.flush()
    return wave


def wave(session: Session, wave_id: str) -> Wave | None:
    """The wave, or None."""
    return session.get(Wave, wave_id)


def waves(session: Session, survey: str | None = None) -> list[Wave]:
    """All waves (of a survey), newest first."""
    query = select(Wave).order_by(Wave.survey, Wave.number.desc(), Wave.channel)
    return list(session.scalars(query if survey is None else query.where(Wave.survey == survey)))


def access_key(wave_id: str) -> str:
    """The name of the wave's admission, in the register and as published."""
    return f"wave-{wave_id}"


def access_of(wave: Wave) -> Access:
    """What codes of this wave admit to."""
    return Access(
        admission=access_key(wave.id),
        kind="survey",
        levels=tuple(wave.levels),
        state={"open": "open", "closed": "closed"}.get(wave.state, "announced"),
        opens=start_of(wave.opens_on),
        closes=start_of(wave.closes_on + timedelta(days=1)) if wave.closes_on else None,
        grace=GRACE,
        pool=admission.POOL,
    )


def start_of(day: date | None) -> datetime | None:
    """The first moment of a day in the city."""
    return None if day is None else datetime.combine(day, time(), ZONE).astimezone(UTC)


def wave_document(wave: Wave) -> dict[str, Any]:
    """What the resident's page needs to know of a wave, and what the analysis must: who was meant, and where
    they were drawn from, so that a change of either breaks the series."""
    return {
        "id": wave.id,
        "survey": wave.survey,
        "number": wave.number,
        "channel": wave.channel,
        "title": wave.title,
        "languages": wave.languages,
        "levels": wave.levels,
        "versions": wave.versions,
        "state": wave.state,
        "opens_on": wave.opens_on.isoformat() if wave.opens_on else None,
        "closes_on": wave.closes_on.isoformat() if wave.closes_on else None,
        "access": access_key(wave.id),
        "population": wave.population.strip(),
        "frame": wave.frame.strip(),
    }


def published_key(survey: str, channel: str) -> str:
    """The key under which the survey's wave is published."""
    return survey if channel == "sample" else f"{survey}/open"


def _publish(collector: Session, wave: Wave) -> None:
    access, document = access_of(wave), wave_document(wave)
    publish(collector, "office", "access", access.key, admission.document(access))
    publish(collector, "office", "fielding", access.key, document)
    address = published_key(wave.survey, wave.channel)
    if takes_address(published(collector, "office", "wave", address), document):
        publish(collector, "office", "wave", address, document)


def takes_address(current: Mapping[str, Any] | None, document: Mapping[str, Any]) -> bool:
    """Whether a wave's document replaces the one at the survey's address.

    What opens always does.  What is only announced pushes away neither an open wave nor one that is over, so
    that its residents are told so until the next one opens; of two that are announced the first to begin is
    shown.
    """
    if current is None or current["id"] == document["id"] or document["state"] == "open":
        return True
    if current["state"] in ("open", "closed"):
        return False
    return (document["opens_on"] or _NO_DAY) < (current["opens_on"] or _NO_DAY)


#: After every day that is one, as ISO 8601 writes it.
_NO_DAY = "~"


def freeze(session: Session, collector: Session, wave: Wave) -> None:
    """Freeze the levels and tell the register, which may then make keys.

    Raises:
        WaveFault: ``not_a_draft`` or ``levels`` (none, or such as cannot stand together).
    """
    if wave.state != "draft":
        raise WaveFault("not_a_draft")
    allowed = {"open"} if wave.channel == "open" else {"sealed", "two_office"}
    if not wave.levels or set(wave.levels) - allowed:
        raise WaveFault("levels")
    wave.state = "frozen"
    session.flush()
    _publish(collector, wave)


def announce(session: Session, collector: Session, wave: Wave) -> None:
    """After a change of the set-up: the register and residents learn what is frozen as it is now.

    Raises:
        WaveFault: ``running`` where the wave has been opened meanwhile.
    """
    if wave.state not in ("draft", "frozen"):
        raise WaveFault("running")
    session.flush()
    if wave.state == "frozen":
        _publish(collector, wave)


def checklist(collector: Session, wave: Wave, today: date, demo: bool) -> dict[str, bool]:
    """What must be true before the wave opens, each point with whether it is."""
    keys = collector_store.key_documents(collector, access_key(wave.id))
    said = collector_store.state(collector, "keys")
    other = published(collector, "office", "wave", published_key(wave.survey, wave.channel))
    points = {
        "frozen": wave.state != "draft",
        "versions": bool(wave.versions),
        "languages": bool(wave.languages),
        "population": bool(wave.population.strip()) and bool(wave.frame.strip()),
        "dates": wave.opens_on is not None and wave.closes_on is not None and wave.closes_on >= today,
        "alone": other is None or other["id"] == wave.id or other["state"] != "open",
        "key_folder": demo or (said is not None and said.get("fault") is None),
    }
    if wave.channel == "sample":
        points["keys"] = bool(keys)
        points["returns"] = _counted(published(collector, "register", "returns", access_key(wave.id)), keys)
    return points | {tick: tick in wave.checklist for tick in ticks(wave.channel)}


def _counted(returned: Mapping[str, Any] | None, keys: Collection[str]) -> bool:
    """Whether the register has told for every key of how many people how many are invited."""
    told: Mapping[str, Any] = (returned or {}).get("keys", {})
    complete = {key for key, one in told.items() if one["N"] is not None and one["n"] > 0}
    return bool(keys) and complete >= set(keys)


def open_wave(session: Session, collector: Session, wave: Wave, now: datetime, demo: bool) -> None:
    """Publish the questionnaire's versions and the wave, and open it.

    Raises:
        WaveFault: ``not_frozen``, ``checklist`` while a point of it is not true, or ``unread`` where, outside
            the demo, no native reader has read a language or a machine speaks it.
    """
    if wave.state != "frozen":
        raise WaveFault("not_frozen")
    shown = wave.versions[-1] if wave.versions else 0
    if not demo and shown and unready_languages(session, wave.survey, shown, wave.languages):
        raise WaveFault("unread")
    if not all(checklist(collector, wave, now.astimezone(ZONE).date(), demo).values()):
        raise WaveFault("checklist")
    for version in wave.versions:
        publish_version(session, collector, wave.survey, version)
    wave.state, wave.opened_at = "open", now
    session.flush()
    _publish(collector, wave)


def extend(session: Session, collector: Session, wave: Wave, closes_on: date, now: datetime) -> None:
    """Move the last day.  Raises WaveFault: ``not_open``, ``past`` or ``over`` (it was mixed for good)."""
    if wave.state != "open":
        raise WaveFault("not_open")
    if closes_on < now.astimezone(ZONE).date():
        raise WaveFault("past")
    if any(collector_store.is_closed(collector, key_id) for key_id in _keys(collector, wave)):
        raise WaveFault("over")
    wave.closes_on = closes_on
    session.flush()
    _publish(collector, wave)


def close(session: Session, collector: Session, wave: Wave, now: datetime) -> None:
    """Close the wave now; the worker mixes the rest.  Closing twice is harmless."""
    if wave.state == "closed":
        return
    if wave.state != "open":
        raise WaveFault("not_open")
    wave.state, wave.closed_at = "closed", now
    session.flush()
    _publish(collector, wave)


def _keys(collector: Session, wave: Wave) -> list[str]:
    if wave.channel == "open":
        return [f"open-{access_key(wave.id)}"]
    return list(collector_store.key_documents(collector, access_key(wave.id)))


def returns(collector: Session, wave: Wave) -> dict[str, Any]:
    """Received answers in steps, per key and in all, and whether every key is closed for good."""
    moved = collector_store.moved(collector)
    keys = _keys(collector, wave)
    closed = bool(keys) and all(collector_store.is_closed(collector, key_id) for key_id in keys)
    counts = {
        key_id: moved.get(key_id, 0) if closed else in_steps(moved.get(key_id, 0), STEP["survey"])
        for key_id in keys
    }
    return {
        "keys": counts,
        "received": sum(counts.values()),
        "closed": closed,
        "small": [key_id for key_id, count in counts.items() if closed and 0 < count < admission.POOL],
        "register": published(collector, "register", "returns", access_key(wave.id)),
    }


# ---------------------------------------------------------------- responses


def move_responses(
    session: Session, key_id: str, documents: Sequence[Mapping[str, Any]], closing: bool
) -> None:
    """Out of the waiting room into ``response``: fresh random ids, in the random order given; texts apart.

    When the key closes the database coarsens the modes by itself.
    """
    if documents:
        session.execute(
            insert(Response),
            [
                {
                    "id": random_id(),
                    "wave": one["wave"],
                    "key_id": key_id,
                    "version": one["version"],
                    "variant": one["variant"],
                    "mode": one["mode"],
                    "record_key": secrets.token_bytes(4),
                    "answers": one["answers"],
                }
                for one in documents
            ],
        )
    words = [
        {"id": random_id(), "wave": one["wave"], "address": address, "words": text}
        for one in documents
        for address, text in one["texts"].items()
    ]
    if words:
        # Shuffled over all people of the batch, so that two texts of one person do not lie side by side.
        session.execute(insert(ResponseText), secrets.SystemRandom().sample(words, len(words)))


def responses(session: Session, wave_id: str) -> list[Response]:
    """The responses of a wave, in the order of their random ids.

    Raises:
        WaveFault: ``not_closed`` while a key may still mix: modes are not coarsened, and a reader could watch
            batches arrive.
    """
    keys = set(session.scalars(select(Response.key_id).where(Response.wave == wave_id).distinct()))
    keys |= set(collector_store.key_documents(session, access_key(wave_id)))
    if not all(collector_store.is_closed(session, key_id) for key_id in keys):
        raise WaveFault("not_closed")
    return responses_before_close(session, wave_id)


def responses_before_close(session: Session, wave_id: str) -> list[Response]:
    """What has been mixed so far: for copies that the attack examines, never for analysis."""
    return list(session.scalars(select(Response).where(Response.wave == wave_id).order_by(Response.id)))


def texts(session: Session, wave_id: str) -> list[ResponseText]:
    """Words written in a wave, connected with no response."""
    query = select(ResponseText).where(ResponseText.wave == wave_id)
    return list(session.scalars(query.order_by(ResponseText.address, ResponseText.id)))
