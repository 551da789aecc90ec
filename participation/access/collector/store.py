"""Receiving into the waiting room, and the mix that lets answers out of it.

Every function takes the collector's session first, except `open_batch`, `run_mix` and `sweep`, which are
whole operations over transactions and the key folder, done by the one worker that holds the folder's lock.
"""

from __future__ import annotations

import json
import random as pseudo
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sqlalchemy import Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from participation.access import admission, sealing
from participation.access.collector.models import Batch, CollectorState, Spent, Waiting
from participation.access.sealing import KeyFolder
from stores import Store, insert_new, published, published_all, random_id

#: Moves opened submissions out of the waiting room, inside the mix's transaction: session, key id, documents
#: in random order, whether this is the key's last mix.
Move = Callable[[Session, str, Sequence[dict[str, Any]], bool], None]

#: Advisory lock of PostgreSQL under which the one worker mixes.
_WORKER_LOCK = 0x4D49_5845

#: Tries to empty SQLite's log after a mix, while readers still hold it.
_CHECKPOINT_TRIES = 40


#: The table itself: rows that many send at once pass by the objects of the session.
_WAITING = cast(Table, Waiting.__table__)


class Refused(Exception):
    """A submission that is not taken; ``code`` is ``closed``, ``not_open``, ``spent`` or ``older``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Submission:
    """What is received under a key: who sent it is in none of these.

    ``token`` is the digest of the spent token, ``submission`` that of the submission's id; ``document`` is
    sealed as JSON.  A ``revisable`` one may be replaced by a higher revision until the mix.
    """

    key_id: str
    token: bytes
    submission: bytes
    document: Mapping[str, Any]
    revision: int = 0
    revisable: bool = False


# ---------------------------------------------------------------- receiving


def receive_all(session: Session, submissions: Sequence[Submission]) -> list[str | Refused]:
    """Spend each token and let each sealed document wait: ``received``, ``again`` or Refused.

    The same submission is told the same, also after the close; everything happens in the caller's
    transaction, so nothing may be acknowledged before its commit.  Outcomes stand in the order of the
    submissions; of a token that comes twice, the first counts.
    """
    rooms, shut = _rooms(session, {submission.key_id for submission in submissions})
    told: dict[int, str | Refused] = {}
    fresh: dict[tuple[str, bytes], int] = {}
    later = []
    for number, submission in enumerate(submissions):
        if submission.key_id in shut:
            again = was_received(session, submission)
            told[number] = "again" if again else Refused(shut[submission.key_id])
        elif fresh.setdefault((submission.key_id, submission.token), number) != number:
            later.append(number)
    drawn = {number: random_id() for number in fresh.values()}
    # Inserting first makes the usual way the shortest, and lets the database decide between fifty at once.
    # Two processes that insert the same tokens do it in the same order, so that neither waits for the other.
    rows = [_spent_row(submissions[number], drawn[number]) for _, number in sorted(fresh.items())]
    new = insert_new(session, Spent, rows)
    waiting = []
    for pair, number in fresh.items():
        if pair in new:
            waiting.append(_sealed(rooms[pair[0]], drawn[number], submissions[number].document))
            told[number] = "received"
        else:
            later.append(number)
    _wait(session, waiting)
    for number in sorted(later):
        told[number] = _repeated(session, submissions[number], rooms[submissions[number].key_id])
    return [told[number] for number in range(len(submissions))]


def receive(session: Session, submission: Submission) -> str:
    """One submission by itself, see `receive_all`.  Raises Refused."""
    (told,) = receive_all(session, [submission])
    if isinstance(told, Refused):
        raise told
    return told


def _rooms(session: Session, keys: set[str]) -> tuple[dict[str, OpenBatch], dict[str, str]]:
    """The open waiting rooms, and why the others take nothing."""
    rooms, shut = {}, {}
    for key_id in sorted(keys):
        try:
            rooms[key_id] = open_for_writing(session, key_id)
        except Refused as refusal:
            shut[key_id] = refusal.code
    return rooms, shut


def _repeated(session: Session, submission: Submission, room: OpenBatch) -> str | Refused:
    """A token that was spent before: the same submission, a higher revision in its place, or neither."""
    spent = session.get_one(
        Spent,
        (submission.key_id, submission.token),
        with_for_update=_row_lock(session),
        populate_existing=True,
    )
    if spent.submission == submission.submission:
        return "again"
    if not submission.revisable or spent.waiting is None:
        return Refused("spent")
    if submission.revision <= spent.revision:
        return Refused("older")
    session.execute(delete(Waiting).where(Waiting.key_id == spent.key_id, Waiting.id == spent.waiting))
    waiting = random_id()
    spent.submission, spent.revision, spent.waiting = submission.submission, submission.revision, waiting
    session.flush()
    _wait(session, [_sealed(room, waiting, submission.document)])
    return "received"


def was_received(session: Session, submission: Submission) -> bool:
    """Whether exactly this submission was acknowledged before."""
    spent = session.get(Spent, (submission.key_id, submission.token))
    return spent is not None and spent.submission == submission.submission


def _row_lock(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _spent_row(submission: Submission, waiting: bytes) -> dict[str, Any]:
    return {
        "key_id": submission.key_id,
        "token": submission.token,
        "submission": submission.submission,
        "revision": submission.revision,
        "waiting": waiting if submission.revisable else None,
    }


class OpenBatch(Protocol):
    """What a waiting row is made with: a batch's row, or its columns alone."""

    @property
    def key_id(self) -> Any: ...
    @property
    def sealing(self) -> Any: ...


def open_for_writing(session: Session, key_id: str) -> OpenBatch:
    """The open batch of a key, held with a shared lock, so that no mix runs before this transaction ends.

    Raises:
        Refused: ``not_open`` before the worker has made the key's batch, ``closed`` after its last mix.
    """
    query = select(Batch.key_id, Batch.sealing, Batch.is_open).where(Batch.key_id == key_id)
    batch = session.execute(query.with_for_update(read=True)).one_or_none()
    if batch is None:
        raise Refused("not_open")
    if not batch.is_open:
        raise Refused("closed")
    return batch


def _wait(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Sealed rows into the waiting room, by their random names: not even the order of a moment stays."""
    if rows:
        session.execute(insert(_WAITING), sorted(rows, key=lambda row: row["id"]))


def _sealed(batch: OpenBatch, waiting: bytes, document: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a document in an open waiting room."""
    plain = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = sealing.seal(_public(batch), plain, _context(batch.key_id, waiting))
    return {"key_id": batch.key_id, "id": waiting, "sealed": sealed}


def _public(batch: OpenBatch) -> bytes:
    if batch.sealing is None:
        raise Refused("closed")
    return bytes(batch.sealing)


def _context(key_id: str, waiting: bytes) -> bytes:
    return key_id.encode() + b"\x00" + waiting


def admit(session: Session, key_id: str, documents: Sequence[Mapping[str, Any]]) -> None:
    """Put documents into the waiting room without tokens: keyed paper whose total equals the booked slips."""
    batch = open_for_writing(session, key_id)
    _wait(session, [_sealed(batch, random_id(), document) for document in documents])


# ---------------------------------------------------------------- counts, in steps only


def moved(session: Session) -> dict[str, int]:
    """How many submissions of each key left the waiting room; changes only in a mix."""
    rows = session.execute(select(Batch.key_id, Batch.moved)).all()
    return {row.key_id: row.moved for row in rows}


def is_known(session: Session, key_id: str) -> bool:
    """Whether the key has a waiting room, open or closed."""
    return session.get(Batch, key_id) is not None


def is_closed(session: Session, key_id: str) -> bool:
    """Whether the key's last mix is done."""
    batch = session.get(Batch, key_id)
    return batch is not None and not batch.is_open


def waiting_count(session: Session, key_id: str) -> int:
    """How many wait now: for the mix and for quorums in steps; never shown as it is."""
    return session.scalar(select(func.count()).select_from(Waiting).where(Waiting.key_id == key_id)) or 0


def key_documents(session: Session, access_key: str | None = None) -> dict[str, dict[str, Any]]:
    """Published public halves by key id; of one wave or round where ``access_key`` names it."""
    keys = published_all(session, "register", "key")
    if access_key is None:
        return keys
    return {
        key_id: document
        for key_id, document in keys.items()
        if admission.key_of(document["admission"], document["round"]) == access_key
    }


def access(session: Session, access_key: str) -> admission.Access | None:
    """What the office published under that key."""
    document = published(session, "office", "access", access_key)
    return None if document is None else admission.read(document)


def accesses(session: Session) -> list[admission.Access]:
    """Everything that codes admit to."""
    return [admission.read(document) for document in published_all(session, "office", "access").values()]


def state(session: Session, key: str) -> dict[str, Any] | None:
    """What the worker last said under that key."""
    row = session.get(CollectorState, key)
    return None if row is None else row.value


def say(session: Session, key: str, value: Mapping[str, Any]) -> None:
    """The worker's word for the office, without a time."""
    row = session.get(CollectorState, key)
    if row is None:
        session.add(CollectorState(key=key, value=dict(value)))
    elif row.value != value:
        row.value = dict(value)


# ---------------------------------------------------------------- the mix


@dataclass(frozen=True)
class Mixed:
    """What one mix did."""

    key_id: str
    moved: int
    stayed: int
    closed: bool


def open_batch(store: Store, folder: KeyFolder, key_id: str) -> bool:
    """Open the waiting room of a key: its first batch key is on the disk before its row; True when new."""
    with store.read() as session:
        if session.get(Batch, key_id) is not None:
            return False
    name, (private, public) = secrets.token_hex(16), sealing.new_pair()
    folder.write(name, private)
    with store.begin() as session:
        session.add(Batch(key_id=key_id, name=name, sealing=public, is_open=True, moved=0))
    return True


def run_mix(
    store: Store,
    folder: KeyFolder,
    key_id: str,
    move: Move,
    *,
    pool: int | None,
    closing: bool = False,
    random: pseudo.Random | None = None,
) -> Mixed | None:
    """Mix a key if it is due: twice the pool waits, or everything is to go because it closes.

    As many pools leave as can while one stays: the same as mixes of one pool each, in a row, but a rush of
    answers is opened and sealed once.  ``pool`` of None waits for the close.  The next batch key is synced to
    disk before the transaction, the old one destroyed after it, and SQLite's log emptied; a crash in between
    is mended by `sweep`.  Only the worker that holds the folder's lock may call this.

    Raises:
        sealing.SealingError: a key or a row cannot be read; then nothing has changed and nothing is lost.
    """
    if not closing and not _due(store, key_id, pool):
        return None
    random = random or pseudo.SystemRandom()
    name, (private, public) = secrets.token_hex(16), sealing.new_pair()
    if not closing:
        folder.write(name, private)
    with store.begin() as session:
        batch = session.execute(
            select(Batch).where(Batch.key_id == key_id).with_for_update()
        ).scalar_one_or_none()
        if batch is None or not batch.is_open or batch.name is None:
            return None
        old = batch.name
        documents = _opened(session, key_id, folder.read(old))
        leaving = documents if closing else random.sample(documents, _leaving(len(documents), pool))
        gone = {id(one) for one in leaving}
        staying = [one for one in documents if id(one) not in gone]
        move(session, key_id, random.sample(leaving, len(leaving)), closing)
        session.execute(delete(Waiting).where(Waiting.key_id == key_id))
        batch.name, batch.sealing, batch.is_open = (None, None, False) if closing else (name, public, True)
        batch.moved += len(leaving)
        batch.retired = old
        session.flush()
        _wait(session, [_sealed(batch, random_id(), document) for document in staying])
        if closing:
            session.execute(
                update(Spent).where(Spent.key_id == key_id, Spent.waiting.is_not(None)).values(waiting=None)
            )
    folder.destroy(old)
    empty_log(store)
    return Mixed(key_id, len(leaving), len(staying), closing)


def _leaving(waiting: int, pool: int | None) -> int:
    """Whole pools, so that counts keep moving in steps, while at least one pool stays."""
    return max(0, waiting // pool - 1) * pool if pool else 0


def _due(store: Store, key_id: str, pool: int | None) -> bool:
    if pool is None:
        return False
    with store.read() as session:
        return waiting_count(session, key_id) >= 2 * pool


def _opened(session: Session, key_id: str, private: bytes) -> list[dict[str, Any]]:
    rows = session.execute(select(Waiting.id, Waiting.sealed).where(Waiting.key_id == key_id)).all()
    return [json.loads(sealing.unseal(private, sealed, _context(key_id, row_id))) for row_id, sealed in rows]


def empty_log(store: Store) -> bool:
    """Empty SQLite's write-ahead log, tried again while in use; PostgreSQL clears away dead rows."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM waiting"))
        return True
    for _ in range(_CHECKPOINT_TRIES):
        if store.checkpoint():
            return True
        time.sleep(0.05)
    return False


def sweep(store: Store, folder: KeyFolder) -> None:
    """Destroy what a crash between a mix's commit and its end has left behind: retired private keys."""
    with store.read() as session:
        retired = [name for name in session.scalars(select(Batch.retired)) if name is not None]
    for name in retired:
        folder.destroy(name)
    if retired:
        empty_log(store)


def without_key(store: Store, folder: KeyFolder) -> dict[str, int]:
    """Open waiting rooms whose private key is in no place, and how many rows nobody can read any more there.

    So it is after the collector was restored from a backup that is older than its last mix.
    """
    there = folder.names()
    with store.read() as session:
        names = session.execute(select(Batch.key_id, Batch.name).where(Batch.is_open)).all()
        return {row.key_id: waiting_count(session, row.key_id) for row in names if row.name not in there}


def reopen(store: Store, folder: KeyFolder, key_id: str) -> int:
    """Give a waiting room without a key a new one; its unreadable rows are given up, returns how many.

    Their tokens stay spent: what they held may have been mixed already, before the backup was put back.

    Raises:
        sealing.SealingError: ``in_use`` where the key is there after all.
    """
    if key_id not in without_key(store, folder):
        raise sealing.SealingError("in_use", key_id)
    name, (private, public) = secrets.token_hex(16), sealing.new_pair()
    folder.write(name, private)
    with store.begin() as session:
        batch = session.get_one(Batch, key_id, with_for_update=_row_lock(session))
        given_up = waiting_count(session, key_id)
        session.execute(delete(Waiting).where(Waiting.key_id == key_id))
        batch.name, batch.sealing = name, public
    empty_log(store)
    return given_up


@contextmanager
def worker_lock(store: Store) -> Iterator[bool]:
    """Whether this is the one worker of the database; held inside the block."""
    if store.engine.dialect.name != "postgresql":
        yield True
        return
    # Outside any transaction: an idle one would hold up the clearing away of dead rows.
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = bool(connection.scalar(select(func.pg_try_advisory_lock(_WORKER_LOCK))))
        try:
            yield got
        finally:
            # A database that went away has let go of the lock by itself.
            if got:
                with suppress(DBAPIError):
                    connection.scalar(select(func.pg_advisory_unlock(_WORKER_LOCK)))
