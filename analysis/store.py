"""Every query and write of the analysis room.  The session of the collector is the first argument."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from analysis.assemble import Answers, Frame, wave_data
from analysis.disclosure import at_release, from_document
from analysis.errors import AnalysisError, DataError
from analysis.imported import described, imported, row_ids
from analysis.margins import Margin
from analysis.missing_answers import counts, missing
from analysis.models import Job, KnownWave, Release, StoredBook, StoredMargin, StoredPlan
from analysis.plan import Step, loads
from analysis.plan import read as read_plan
from analysis.tables import WaveData
from stores import publish, published, published_all
from surveys.collection import store as collection
from surveys.faults import Faulty
from surveys.questionnaire import Questionnaire, read

STALE = timedelta(minutes=2)
ATTEMPTS = 3
PUBLICATION = "publication"


class ReleaseFault(AnalysisError):
    """A release that cannot be made as asked; ``code`` says why."""


# -- waves
# -----------------------------------------------------------------------------------------------------


def note_waves(session: Session) -> None:
    """Remember every closed wave that the office has published."""
    for wave in published_all(session, "office", "fielding").values():
        if wave.get("state") != "closed":
            continue
        document = {
            "label": {"en": wave.get("title") or wave["id"]},
            "time": _year(wave),
            "channel": wave.get("channel", "sample"),
            "versions": wave.get("versions", [1]),
            "languages": wave.get("languages", []),
            "access": wave.get("access", ""),
            "mode": "web",
            # Unknown of waves that were published before this was; unknown is never the same.
            "frame": wave.get("frame", ""),
            "population": wave.get("population", ""),
        }
        known = session.get(KnownWave, wave["id"])
        if known is None:
            session.add(KnownWave(key=wave["id"], survey=wave["survey"], kind="own", document=document))


def _year(wave: Mapping[str, Any]) -> float:
    day = wave.get("closes_on") or wave.get("opens_on") or ""
    return float(day[:4]) + (float(day[5:7]) - 1) / 12 if len(day) >= 7 else 0.0


def waves(session: Session) -> list[KnownWave]:
    """All waves that can be analysed, by survey and time."""
    found = session.scalars(select(KnownWave).order_by(KnownWave.survey, KnownWave.key))
    return sorted(found, key=lambda wave: (wave.survey, wave.document.get("time", 0.0), wave.key))


def wave(session: Session, key: str) -> KnownWave:
    """One wave; raises :class:`DataError` when nobody knows it."""
    found = session.get(KnownWave, key)
    if found is None:
        raise DataError("unknown_wave", f"there is no wave {key}", key)
    return found


def questionnaire_of(session: Session, known: KnownWave) -> Questionnaire:
    """The questionnaire that the wave asked, in its last version."""
    version = known.document["versions"][-1]
    document = published(session, "office", "questionnaire", f"{known.survey}/{version}")
    if document is None:
        raise DataError(
            "no_questionnaire", f"version {version} of {known.survey} is not published", known.key
        )
    return read(document)


def frame_of(session: Session, known: KnownWave) -> Frame:
    """Population and invitations per key, as the register published them."""
    returns = published(session, "register", "returns", known.document.get("access", "")) or {}
    keys: Mapping[str, Mapping[str, Any]] = returns.get("keys", {})
    population = {key: float(entry["N"]) for key, entry in keys.items() if entry.get("N") is not None}
    return Frame(
        key=known.key,
        label=known.document["label"],
        time=float(known.document.get("time", 0.0)),
        mode=known.document.get("mode", "web"),
        frame=known.document.get("frame", ""),
        population_text=known.document.get("population", ""),
        population=population,
        invited={key: int(entry["n"]) for key, entry in keys.items()},
        open_participation=known.document.get("channel") == "open",
    )


def answers(session: Session, key: str) -> list[Answers]:
    """The responses of a closed wave; raises :class:`DataError` while answers may still be mixed."""
    try:
        rows = collection.responses(session, key)
    except collection.WaveFault as fault:
        raise DataError(
            fault.code, f"wave {key} is not closed yet; answers are read after the last mix", key
        ) from None
    return [
        Answers(row.id.hex(), row.key_id, row.mode, row.record_key, row.version, row.answers) for row in rows
    ]


def load(
    session: Session, key: str, steps: Sequence[Step] = (), margins: Mapping[str, Margin] | None = None
) -> tuple[WaveData, list[str]]:
    """A wave with its weights, and the ids of its responses in the order of the rows.

    An imported wave keeps the weights it came with: the chain of a plan belongs to the waves fielded here.
    """
    known = wave(session, key)
    if known.kind == "imported":
        return _load_imported(session, known)
    found = answers(session, key)
    data = wave_data(questionnaire_of(session, known), found, frame_of(session, known), steps, margins)
    return data, [answer.id for answer in found]


def add_imported(session: Session, description: Mapping[str, Any], content: bytes, kind: str) -> WaveData:
    """Keep a wave that ran elsewhere, after reading all of it; the same file again changes nothing.

    Raises :class:`DataError` naming the setting, or the column and row; ``wave_exists`` for a key that is
    taken by other data.
    """
    about = described(description)
    newest = _newest_questionnaire(session, about.survey)
    questionnaire = (
        None if newest is None else read(published(session, "office", "questionnaire", newest) or {})
    )
    data = imported(about, content, kind, questionnaire)
    document = {
        "label": dict(about.label),
        "time": about.time,
        "channel": "imported",
        "mode": about.description.mode,
        "frame": about.description.frame,
        "population": about.description.population_text,
        "languages": list(about.description.languages),
        "file_kind": kind,
        "questionnaire": newest,
        "description": json.loads(json.dumps(description, default=str)),
    }
    known = session.get(KnownWave, about.key)
    if known is not None:
        if known.data != content or known.document.get("description") != document["description"]:
            raise DataError(
                "wave_exists",
                f"there is a wave {about.key} already; choose another key",
                "key",
                name=about.key,
            )
        return data
    session.add(
        KnownWave(key=about.key, survey=about.survey, kind="imported", document=document, data=content)
    )
    session.flush()
    return data


def delete_imported(session: Session, key: str) -> None:
    """Forget an imported wave; raises :class:`DataError` where something was released of it."""
    known = wave(session, key)
    if known.kind != "imported":
        raise DataError("wave_own", f"wave {key} was fielded here and stays", key)
    if any(key in row.statements for row in session.scalars(select(Release))):
        raise DataError("wave_released", f"wave {key} stands in a request for release and stays", key)
    session.delete(known)


def _newest_questionnaire(session: Session, survey: str) -> str | None:
    keys = [
        key for key in published_all(session, "office", "questionnaire") if key.rpartition("/")[0] == survey
    ]
    return max(keys, key=lambda key: int(key.rpartition("/")[2]), default=None)


def _load_imported(session: Session, known: KnownWave) -> tuple[WaveData, list[str]]:
    newest = known.document["questionnaire"]
    document = published(session, "office", "questionnaire", newest) if newest else None
    about = described(known.document["description"])
    data = imported(
        about, known.data or b"", known.document["file_kind"], read(document) if document else None
    )
    return data, row_ids(known.key, data.responses)


def overview(session: Session, key: str) -> dict[str, Any]:
    """Returns per key, modes, and the share of missing answers per item: what an analyst looks at first."""
    known = wave(session, key)
    frame = frame_of(session, known)
    data, _ = load(session, key)
    columns = data.design.data
    by_key = counts(columns["_key"])
    labels = (published(session, "register", "returns", known.document.get("access", "")) or {}).get(
        "keys", {}
    )
    return {
        "responses": data.responses,
        "keys": [
            {
                "key": name,
                "label": labels.get(name, {}).get("label") or name[:8],
                "population": frame.population.get(name),
                "invited": frame.invited.get(name),
                "responses": by_key.get(name, 0),
            }
            for name in {**dict.fromkeys(frame.invited), **by_key}
        ],
        "modes": counts(columns["_mode"]),
        "items": [missing(item.name, item.label, columns[item.columns[0]]) for item in data.items.values()],
    }


# -- margins and plans
# -----------------------------------------------------------------------------------------


def save_margin(session: Session, name: str, margin: Margin, who: str, now: datetime) -> None:
    """Store a margin under a name, replacing the one there."""
    session.merge(StoredMargin(name=name, document=margin.to_dict(), changed_by=who, changed_at=now))


def delete_margin(session: Session, name: str) -> None:
    """Forget a margin; forgetting twice is harmless."""
    session.execute(sa.delete(StoredMargin).where(StoredMargin.name == name))


def margins(session: Session) -> dict[str, Margin]:
    """All stored margins by name."""
    found = {}
    for row in session.scalars(select(StoredMargin).order_by(StoredMargin.name)):
        document = dict(row.document)
        found[row.name] = Margin.from_counts(document.pop("variables"), document.pop("counts"), **document)
    return found


def save_plan(session: Session, name: str, source: str, who: str, now: datetime) -> None:
    """Store a plan's text under its name."""
    session.merge(StoredPlan(name=name, source=source, changed_by=who, changed_at=now))


def plan(session: Session, name: str) -> StoredPlan | None:
    """One stored plan."""
    return session.get(StoredPlan, name)


def plans(session: Session) -> list[StoredPlan]:
    """All stored plans by name."""
    return list(session.scalars(select(StoredPlan).order_by(StoredPlan.name)))


# -- jobs
# ------------------------------------------------------------------------------------------------------


def ask(session: Session, kind: str, subject: str, who: str, now: datetime) -> Job:
    """Queue a batch; asking again while it waits or runs gives the same one."""
    waiting = _waiting(session, kind, subject)
    if waiting is not None:
        return waiting
    job = Job(kind=kind, subject=subject, asked_by=who, asked_at=now)
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:
        found = _waiting(session, kind, subject)
        if found is None:
            raise
        return found
    return job


def _waiting(session: Session, kind: str, subject: str) -> Job | None:
    query = select(Job).where(Job.kind == kind, Job.subject == subject, Job.state.in_(("queued", "running")))
    return session.scalars(query).first()


def jobs(session: Session, subject: str | None = None) -> list[Job]:
    """Batches, newest first."""
    query = select(Job).order_by(Job.asked_at.desc())
    return list(session.scalars(query if subject is None else query.where(Job.subject == subject)).all())


def job(session: Session, job_id: bytes) -> Job | None:
    """One batch."""
    return session.get(Job, job_id)


def claim(session: Session, now: datetime) -> Job | None:
    """The next batch for this process: one that waits, or one whose process has died.

    A batch that killed its process three times is given up and says so.
    """
    waiting = select(Job).where(Job.state == "queued").order_by(Job.asked_at).limit(1)
    dead = select(Job).where(Job.state == "running", Job.heartbeat < now - STALE).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        waiting, dead = waiting.with_for_update(skip_locked=True), dead.with_for_update(skip_locked=True)
    found = session.scalars(dead).first() or session.scalars(waiting).first()
    if found is None:
        return None
    if found.stop:
        found.state = "cancelled"
        return None
    if found.attempts >= ATTEMPTS:
        found.state, found.problem = "failed", {"code": "given_up", "message": "the batch failed three times"}
        return None
    found.state, found.heartbeat, found.attempts = "running", now, found.attempts + 1
    return found


def beat(session: Session, job_id: bytes, progress: float, now: datetime) -> bool:
    """Tell how far a batch is; True when its owner wants it stopped."""
    found = session.get(Job, job_id)
    if found is None or found.state != "running":
        return True
    found.progress, found.heartbeat = progress, now
    return found.stop


def finish(session: Session, job_id: bytes, state: str, problem: Mapping[str, Any] | None = None) -> None:
    """The end of a batch: done, failed or cancelled."""
    found = session.get_one(Job, job_id)
    found.state, found.problem = state, None if problem is None else dict(problem)
    if state == "done":
        found.progress = 1.0


def stop(session: Session, job_id: bytes) -> None:
    """Ask a batch to stop; one that has not begun is stopped at once."""
    found = session.get(Job, job_id)
    if found is not None and found.state in {"queued", "running"}:
        found.stop = True
        if found.state == "queued":
            found.state = "cancelled"


# -- books and releases
# ----------------------------------------------------------------------------------------


def save_book(session: Session, book: StoredBook) -> None:
    """Keep the finished book of a plan, replacing the last one."""
    session.merge(book)


def book(session: Session, name: str) -> StoredBook | None:
    """The last finished book of a plan."""
    return session.get(StoredBook, name)


def releases(session: Session, state: str | None = None) -> list[Release]:
    """Requests and decisions, newest first."""
    query = select(Release).order_by(Release.requested_at.desc())
    return list(session.scalars(query if state is None else query.where(Release.state == state)))


def release(session: Session, release_id: bytes) -> Release | None:
    """One request."""
    return session.get(Release, release_id)


def ever_released(session: Session, keys: Iterable[str]) -> dict[str, list[tuple[Any, list[str]]]]:
    """Per wave the statements of every release that was ever made of it, oldest first, with its responses.

    Withdrawn publications count: what was read once cannot be unread.
    """
    wanted = set(keys)
    found: dict[str, list[tuple[Any, list[str]]]] = {key: [] for key in wanted}
    query = select(Release).where(Release.state.in_(("released", "withdrawn"))).order_by(Release.decided_at)
    for row in session.scalars(query):
        for key in wanted & set(row.statements):
            number = len(found[key])
            found[key].append((at_release(from_document(row.statements[key]), number), row.members[key]))
    return found


def request_release(
    session: Session, name: str, slug: str, who: str, now: datetime, answer: str = ""
) -> Release:
    """An analyst asks for the last book of a plan to be published under ``slug``.

    Raises :class:`ReleaseFault`: ``no_book``, ``stale`` (plan or releases changed since), ``sealed_only``,
    ``not_safe``, ``slug_taken`` (by another plan), ``already_released``, ``unanswered``.
    """
    found = book(session, name)
    if found is None:
        raise ReleaseFault("no_book", "run the plan first", name)
    if outdated(session, found):
        raise ReleaseFault("stale", "the plan or what is released changed since; run the plan again", name)
    if found.document["method"] == "exact":
        raise ReleaseFault("sealed_only", "exact counts stay in this office; choose another method", name)
    if not found.audit.get("safe"):
        raise ReleaseFault("not_safe", "the auditor refuses this book; see its findings", name)
    taken = select(Release).where(Release.slug == slug, Release.state == "released", Release.plan != name)
    if session.scalars(taken).first() is not None:
        raise ReleaseFault("slug_taken", "another plan is published under this address", slug)
    same = select(Release.state).where(Release.slug == slug, Release.digest == found.digest)
    before = set(session.scalars(same))
    if before - {"refused"}:
        raise ReleaseFault("already_released", "this very book was requested for this address before", slug)
    if before and not answer.strip():
        raise ReleaseFault("unanswered", "a reviewer refused this very book; answer the objection", slug)
    row = Release(
        plan=name,
        slug=slug,
        digest=found.digest,
        document=found.document,
        statements=found.statements,
        members=found.members,
        audit=found.audit,
        answer=answer.strip(),
        requested_by=who,
        requested_at=now,
    )
    session.add(row)
    session.flush()
    return row


def decide(session: Session, release_id: bytes, who: str, yes: bool, note: str, now: datetime) -> Release:
    """A second person publishes or refuses; both happen with the record in one transaction.

    Raises :class:`ReleaseFault`: ``gone``, ``decided`` (somebody was faster), ``same_person``, ``overtaken``
    (another release of a wave was made since the auditor looked).
    """
    row = session.get(Release, release_id)
    if row is None:
        raise ReleaseFault("gone", "there is no such request")
    if row.state != "requested":
        raise ReleaseFault("decided", "this request was decided already", row.slug)
    if row.requested_by == who:
        raise ReleaseFault("same_person", "a second person decides", row.slug)
    if yes and _overtaken(session, row.statements, row.requested_at):
        raise ReleaseFault("overtaken", "another release was made since; run the plan again", row.slug)
    row.state, row.decided_by, row.decided_at, row.note = "released" if yes else "refused", who, now, note
    if yes:
        document = {
            **row.document,
            "slug": row.slug,
            "released_on": now.date().isoformat(),
            "digest": row.digest,
        }
        publish(session, "results", PUBLICATION, row.slug, document)
    session.flush()
    return row


def outdated(session: Session, found: StoredBook) -> str:
    """Why a book is too old: ``plan`` was edited since, a ``release`` of its waves was made since, or not."""
    stored = plan(session, found.plan)
    try:
        same = stored is not None and read_plan(loads(stored.source)).digest == found.document["plan"]
    except Faulty:
        same = False
    if not same:
        return "plan"
    return "release" if _overtaken(session, found.statements, found.made_at) else ""


def _overtaken(session: Session, waves: Iterable[str], since: datetime) -> bool:
    """Whether something of these waves was released after a moment."""
    query = select(Release).where(Release.state.in_(("released", "withdrawn")), Release.decided_at > since)
    return any(set(other.statements) & set(waves) for other in session.scalars(query))


def withdraw(session: Session, release_id: bytes, who: str, note: str) -> None:
    """Take a publication off the public pages; the record stays, and so does what the auditor knows."""
    row = session.get(Release, release_id)
    if row is None or row.state != "released":
        raise ReleaseFault("gone", "there is no such publication")
    row.state, row.note = "withdrawn", f"{row.note} {note} ({who})".strip()
    current = published(session, "results", PUBLICATION, row.slug)
    if current is not None and current.get("digest") == row.digest:
        publish(session, "results", PUBLICATION, row.slug, None)
