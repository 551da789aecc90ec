"""Receiving over HTTP: what surveys and conferences share.  There is no page here, only the door.

A submission is verified outside the transaction, spent and sealed inside one that many share
(participation/access/groupcommit.py), and acknowledged after its commit.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from config import Settings
from participation.access import blind
from participation.access.admission import Access, key_of
from participation.access.collector import store
from participation.access.collector.store import Refused, Submission
from participation.access.groupcommit import Busy, GroupWriter
from participation.access.sealing import KeyFolder
from stores import Store, Stores

#: Seconds for which a published document is believed without asking again.
_BELIEVED = 1.0

#: What each refusal is in HTTP.
STATUS = {
    "malformed": 400,
    "forged": 403,
    "other_wave": 409,
    "spent": 409,
    "older": 409,
    "closed": 410,
    "not_open": 503,
    "busy": 503,
}


@dataclass
class Receiver:
    """One per process: its writer thread, and the published keys and accesses it has read."""

    collector: Store
    _keys: dict[str, tuple[blind.PublicKey, str]] = field(default_factory=dict)
    _accesses: dict[str, tuple[float, Access | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._writer: GroupWriter[Session, Submission] = GroupWriter(
            self.collector.begin, Session.begin_nested, store.receive_all
        )

    def access(self, access_key: str) -> Access | None:
        """What the office published there, at most a second old."""
        read_at, access = self._accesses.get(access_key, (-_BELIEVED, None))
        if time.monotonic() - read_at >= _BELIEVED:
            with self.collector.read() as session:
                access = store.access(session, access_key)
            self._accesses[access_key] = (time.monotonic(), access)
        return access

    def verify(self, token: blind.Token, access_key: str) -> None:
        """Raises Refused: ``forged`` (no signature of a published key) or ``other_wave``."""
        known = self._keys.get(token.key_id)
        if known is None:
            with self.collector.read() as session:
                document = store.key_documents(session).get(token.key_id)
            if document is None:
                raise Refused("forged")
            public = blind.PublicKey(int(document["n"], 16), document["e"])
            known = (public, key_of(document["admission"], document["round"]))
            self._keys[token.key_id] = known
        if not blind.verify(known[0], token):
            raise Refused("forged")
        if known[1] != access_key:
            raise Refused("other_wave")

    def receive(self, submission: Submission) -> str:
        """``received`` or ``again``, after the commit; raises Refused."""
        try:
            return str(self._writer.submit(submission))
        except (Busy, TimeoutError):
            raise Refused("busy") from None


def present() -> datetime:
    """The time by the app's clock; a rehearsal sets one that runs through weeks."""
    clock = current_app.extensions.get("clock")
    return clock() if clock is not None else datetime.now(UTC)


def receiver() -> Receiver:
    """The receiver of this process."""
    found: Receiver | None = current_app.extensions.get("receiver")
    if found is None:
        stores: Stores = current_app.extensions["stores"]
        found = current_app.extensions.setdefault("receiver", Receiver(stores.get("collector")))
    return found


def batch_folder(settings: Settings) -> KeyFolder:
    """The key folder of the waiting room; only the worker opens it."""
    assert settings.batch_keys is not None
    return KeyFolder(settings.batch_keys, settings.secret("BATCH_WRAP"), "batch", settings.batch_keys_mirror)


def token_from(body: Mapping[str, Any]) -> blind.Token:
    """The token of a posted body: ``key``, ``prefix``, ``token``, ``signature`` in hex.

    Raises:
        Refused: ``malformed``.
    """
    try:
        key_id = str(body["key"])
        return blind.Token(key_id, *(bytes.fromhex(body[name]) for name in ("prefix", "token", "signature")))
    except (KeyError, TypeError, ValueError):
        raise Refused("malformed") from None


def submission_digest(body: Mapping[str, Any]) -> bytes:
    """What is kept of a submission's id, 16 to 64 hex digits drawn on the phone.  Raises Refused."""
    drawn = body.get("submission")
    if not isinstance(drawn, str) or not 16 <= len(drawn) <= 64:
        raise Refused("malformed")
    return hashlib.sha256(drawn.encode()).digest()


def accept(
    body: Mapping[str, Any],
    access_key: str,
    document: Mapping[str, Any],
    token: blind.Token | None = None,
    now: datetime | None = None,
) -> str:
    """Verify, spend and keep one submission of a wave or round: ``received`` or ``again``.

    ``body`` carries token, submission id and revision as the page's script posts them; ``document`` is what
    was checked and will be sealed.  Level ``open`` has no token: there a submission's id counts once.

    Raises:
        Refused: see STATUS.
    """
    door = receiver()
    access = door.access(access_key)
    if access is None or access.state == "announced":
        raise Refused("not_open")
    submission = submission_digest(body)
    if access.levels == ("open",):
        key_id, spent = open_key(access), hashlib.sha256(b"open\x00" + submission).digest()
    else:
        token = token or token_from(body)
        door.verify(token, access_key)
        key_id, spent = token.key_id, blind.spent_digest(token)
    revision = body.get("revision", 0)
    if not isinstance(revision, int) or not 0 <= revision < 10_000:
        raise Refused("malformed")
    sent = Submission(key_id, spent, submission, document, revision, access.revisable)
    if not access.accepts(now or present()):
        # Too late for anything new; but who was acknowledged in time is told so again.
        with door.collector.read() as session:
            if store.was_received(session, sent):
                return "again"
        raise Refused("closed")
    return door.receive(sent)


def open_key(access: Access) -> str:
    """The name under which a wave of level ``open`` waits for its mix: it has no signing key."""
    return f"open-{access.admission}"
