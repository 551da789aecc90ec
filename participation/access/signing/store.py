"""The signing desk: from a code and a blinded message to a blind signature.

It joins the register's transaction, the journal and the private keys in the one order that loses nothing:
commit, journal synced, signature.  Pages and the public process reach it through `views`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from participation.access import blind, codes, journal
from participation.access.admission import Access, key_of, read
from participation.access.codes import AccessCode, CodeError
from participation.access.groupcommit import GroupWriter
from participation.access.issuing.store import (
    Asked,
    Issued,
    issue_all,
    missing_issues,
    request_digest,
    state_of,
)
from participation.access.limits import Limit
from participation.access.register import store as register_store
from participation.access.register.models import SigningKey
from participation.access.register.store import RegisterFault
from participation.access.sealing import KeyFolder
from stores import Store, published

#: Seconds for which a published document is believed without asking again.
_BELIEVED = 1.0


class Unsigned(Exception):
    """No signature; ``code`` says why, ``group`` which group of the code is wrong."""

    def __init__(self, code: str, group: int = 0) -> None:
        self.code = code
        self.group = group
        super().__init__(code)


@dataclass(frozen=True)
class SigningRequest:
    """What a phone sends on *Send*: the code as typed, the round, its key, and the blinded message."""

    code: str
    round: str
    key_id: str
    blinded: bytes


@dataclass
class SigningDesk:
    """One per process: its writer thread, its keys once they were opened, its limits."""

    register: Store
    collector: Store
    folder: KeyFolder
    digest_key: bytes
    journal_path: Path
    per_code: Limit = field(default_factory=lambda: Limit(0.2, 20, time.monotonic))
    unknown_per_mark: Limit = field(default_factory=lambda: Limit(2, 240, time.monotonic))
    unknown_overall: Limit = field(default_factory=lambda: Limit(20, 2000, time.monotonic))
    _private: dict[str, blind.PrivateKey] = field(default_factory=dict)
    _keys: dict[str, SigningKey] = field(default_factory=dict)
    _accesses: dict[str, tuple[float, Access | None]] = field(default_factory=dict)
    _ready: threading.Lock = field(default_factory=threading.Lock)
    _checked: bool = False

    def __post_init__(self) -> None:
        self._writer: GroupWriter[Session, Asked] = GroupWriter(
            self.register.begin, Session.begin_nested, issue_all, self._write_journal
        )

    def sign(self, request: SigningRequest, now: datetime) -> bytes:
        """The blind signature; the code is issued for this day, durably, before it leaves.

        Raises:
            Unsigned: a fault of the code (``empty``, ``length``, ``character``, ``check`` with its group),
                ``busy``, ``closed``, ``not_open``, ``malformed``, or a code of `RegisterFault`.
        """
        code = self._read(request.code)
        key = self._key(request.key_id)
        try:
            # Before the code is issued: what cannot be signed must not use it up.
            blind.read_blinded(blind.PublicKey(int(key.n, 16), key.e), request.blinded)
        except blind.BlindError:
            raise Unsigned("malformed") from None
        self._admit(code, key_of(key.admission, key.round), now)
        self.check_memory()
        digest, asked = codes.digest(code, self.digest_key), request_digest(request.blinded)
        if not self.per_code.allows(digest):
            raise Unsigned("busy")
        today = now.astimezone().date()
        try:
            self._writer.submit(Asked(digest, request.round, key, asked, today))
        except RegisterFault as fault:
            raise self._unsigned(fault, code) from None
        return blind.blind_sign(self._private_half(key.id), request.blinded)

    def ask(self, typed: str, round_: str) -> str:
        """Whether a code is still good: ``good``, ``used``, ``withdrawn``, ``unknown``; changes nothing."""
        code = self._read(typed)
        with self.register.read() as session:
            state = state_of(session, codes.digest(code, self.digest_key), round_)
        if state == "unknown":
            raise self._unsigned(RegisterFault("unknown"), code)
        return state

    def check_memory(self) -> None:
        """Lock a register that has forgotten what its journal knows: it was restored from a backup."""
        with self._ready:
            if self._checked:
                return
            with self.register.begin() as session:
                if missing_issues(session, journal.entries(self.journal_path)):
                    register_store.lock(session, "the journal knows issued codes that the register does not")
            self._checked = True

    def _read(self, typed: str) -> AccessCode:
        try:
            return codes.read_code(typed)
        except CodeError as error:
            raise Unsigned(error.fault, error.group) from None

    def _key(self, key_id: str) -> SigningKey:
        key = self._keys.get(key_id)
        if key is None:
            with self.register.read() as session:
                key = session.get(SigningKey, key_id)
            if key is None:
                raise Unsigned("other_key")
            # Keys never change, so what was read once stays true.
            self._keys[key_id] = key
        return key

    def _private_half(self, key_id: str) -> blind.PrivateKey:
        if key_id not in self._private:
            self._private[key_id] = blind.read_private(self.folder.read(key_id))
        return self._private[key_id]

    def _admit(self, code: AccessCode, access_key: str, now: datetime) -> None:
        access = self._access(access_key)
        if access is None or access.state == "announced":
            raise Unsigned("not_open")
        if not access.accepts(now):
            raise Unsigned("not_open" if access.opens is not None and now < access.opens else "closed")

    def _access(self, access_key: str) -> Access | None:
        read_at, access = self._accesses.get(access_key, (-_BELIEVED, None))
        if time.monotonic() - read_at >= _BELIEVED:
            with self.collector.read() as session:
                document = published(session, "office", "access", access_key)
            access = None if document is None else read(document)
            self._accesses[access_key] = (time.monotonic(), access)
        return access

    def _unsigned(self, fault: RegisterFault, code: AccessCode) -> Unsigned:
        # Guessing is hopeless at 80 bits; the limits keep a guesser from costing others their turn.
        if fault.code == "unknown":
            allowed = self.unknown_per_mark.allows(code.mark) and self.unknown_overall.allows("")
            return Unsigned("unknown" if allowed else "busy")
        return Unsigned(fault.code)

    def _write_journal(self, results: Sequence[Any]) -> None:
        # A repeated request is written again: its first line may have died with the process.
        journal.append(self.journal_path, [one.entry for one in results if isinstance(one, Issued)])
