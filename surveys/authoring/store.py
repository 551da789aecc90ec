"""Queries and writes of questionnaire versions, native readings and sounds. The session comes first."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stores import publish
from surveys.authoring.adapting import reading_digest
from surveys.authoring.models import NativeReading, QuestionnaireVersion, Sound
from surveys.digests import questionnaire_digest
from surveys.questionnaire import read


def version(session: Session, survey: str, number: int) -> QuestionnaireVersion | None:
    """Return one version of a survey's questionnaire."""
    return session.get(QuestionnaireVersion, (survey, number))


def versions(session: Session, survey: str | None = None) -> list[QuestionnaireVersion]:
    """Return all versions of a survey (of all surveys), by survey and number."""
    query = select(QuestionnaireVersion).order_by(QuestionnaireVersion.survey, QuestionnaireVersion.version)
    if survey is not None:
        query = query.where(QuestionnaireVersion.survey == survey)
    return list(session.scalars(query))


def newest(session: Session, survey: str) -> QuestionnaireVersion | None:
    """Return the newest version of a survey, draft or not."""
    numbers = select(func.max(QuestionnaireVersion.version)).where(QuestionnaireVersion.survey == survey)
    number = session.scalar(numbers)
    return None if number is None else version(session, survey, number)


def save_draft(session: Session, survey: str, document: Mapping[str, Any]) -> QuestionnaireVersion:
    """Write ``document`` into the survey's draft, or begin one after the newest published version.

    The document's own ``id`` and ``version`` are set to the survey and the draft's number.
    """
    last = newest(session, survey)
    if last is not None and last.state == "draft":
        number = last.version
    else:
        number = 1 if last is None else last.version + 1
    content = {**document, "id": survey, "version": number}
    if last is not None and last.version == number:
        last.document = content
        return last
    draft = QuestionnaireVersion(survey=survey, version=number, state="draft", document=content)
    session.add(draft)
    session.flush()
    return draft


def set_published(session: Session, survey: str, number: int) -> QuestionnaireVersion:
    """Freeze a draft; what is already published stays as it is. Raises ``LookupError`` for an unknown one."""
    found = version(session, survey, number)
    if found is None:
        raise LookupError(f"{survey} has no version {number}")
    if found.state == "draft":
        found.digest = questionnaire_digest(found.document)
        found.state = "published"
        session.flush()
    return found


def publish_version(session: Session, collector: Session, survey: str, number: int) -> dict[str, Any]:
    """Freeze a version and copy it, with its sounds, to where residents are answered; returns the document.

    Kind ``questionnaire``, key ``survey/number``; sounds as kind ``sound``, key: the file's name.
    Raises ``LookupError`` where there is no such version.
    """
    found = set_published(session, survey, number)
    publish(collector, "office", "questionnaire", f"{survey}/{number}", found.document)
    names = {name for item in read(found.document).items for name in item.audio.values()}
    for sound in sounds(session, names):
        content = base64.b64encode(sound.content).decode()
        publish(collector, "office", "sound", sound.name, {"type": sound.media_type, "content": content})
    return found.document


def record_reading(
    session: Session, survey: str, number: int, language: str, reader: str, on: date, digest: str
) -> None:
    """Record that ``reader`` has read the texts with that digest; a new reading replaces the old one."""
    session.merge(
        NativeReading(
            survey=survey, version=number, language=language, reader=reader, read_on=on, digest=digest
        )
    )


def readings(session: Session, survey: str, number: int) -> dict[str, NativeReading]:
    """Return the native readings of a version by language."""
    query = select(NativeReading).where(NativeReading.survey == survey, NativeReading.version == number)
    return {reading.language: reading for reading in session.scalars(query)}


def add_sound(session: Session, content: bytes, media_type: str, ending: str, *, synthetic: bool) -> str:
    """Keep a sound file and return its name; the same bytes are kept once."""
    name = f"{hashlib.sha256(content).hexdigest()[:24]}.{ending}"
    if session.get(Sound, name) is None:
        session.add(Sound(name=name, media_type=media_type, content=content, synthetic=synthetic))
        session.flush()
    return name


def unready_languages(
    session: Session, survey: str, number: int, languages: Iterable[str]
) -> dict[str, list[str]]:
    """Return what keeps languages from opening outside the demo: ``unread``, ``stale`` or ``synthetic``.

    Stale: the texts that a native reader read have changed since. Raises ``LookupError`` for an unknown
    version.
    """
    found = version(session, survey, number)
    if found is None:
        raise LookupError(f"{survey} has no version {number}")
    read_by, items = readings(session, survey, number), read(found.document).items
    result: dict[str, list[str]] = {}
    for tag in languages:
        reasons = []
        if tag not in read_by:
            reasons.append("unread")
        elif read_by[tag].digest != reading_digest(found.document, tag):
            reasons.append("stale")
        if any(sound.synthetic for sound in sounds(session, {item.audio.get(tag, "") for item in items})):
            reasons.append("synthetic")
        if reasons:
            result[tag] = reasons
    return result


def sounds(session: Session, names: Iterable[str]) -> list[Sound]:
    """Return the sound files of these names that are there."""
    return list(session.scalars(select(Sound).where(Sound.name.in_(list(names))).order_by(Sound.name)))
