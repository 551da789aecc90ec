"""The register's journal of issued codes: a file beside the database that survives its loss.

A register restored from a backup has forgotten who used a code since.  So every issue is appended here and
synced before its signature leaves; a restored register stays locked until the journal is replayed.  A line
holds what the table ``issue`` holds: digests and a day, never a code, a name or a time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path

_CHECK = 16


@dataclass(frozen=True)
class Entry:
    """One issued code."""

    holder: bytes
    round: str
    digest: bytes
    admission: str
    mark: str
    issued_on: date
    request: bytes


class JournalError(RuntimeError):
    """A journal that cannot be replayed; names file and line."""


def line(entry: Entry) -> str:
    """The entry as one line, with a check at its end that tells a torn write."""
    fields = (
        entry.holder.hex(),
        entry.round,
        entry.digest.hex(),
        entry.admission,
        entry.mark,
        entry.issued_on.isoformat(),
        entry.request.hex(),
    )
    body = "\t".join(fields)
    return f"{body}\t{_check(body)}\n"


def _check(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:_CHECK]


def append(path: Path, entries: Iterable[Entry]) -> None:
    """Append the entries in one write and sync them to disk; several processes may do so at once."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _held(path):
        _append(path, entries)


def _append(path: Path, entries: Iterable[Entry]) -> None:
    fresh = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        data = "".join(map(line, entries)).encode()
        # A torn line of an earlier crash must not swallow the first of ours.
        if not fresh and not _ends_whole(path):
            data = b"\n" + data
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if fresh:
        _sync_folder(path.parent)


def forget(path: Path, admissions: Collection[str]) -> int:
    """Write the journal anew without these admissions, whose people are deleted; returns lines taken out."""
    if not path.exists():
        return 0
    with _held(path):
        everything = list(entries(path))
        kept = [entry for entry in everything if entry.admission not in admissions]
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        _append(draft, kept)
        draft.replace(path)
        _sync_folder(path.parent)
    return len(everything) - len(kept)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Only one process at a time writes: a line appended to a file that is being replaced would be lost."""
    with path.with_suffix(".lock").open("a") as handle:
        flock(handle, LOCK_EX)
        try:
            yield
        finally:
            flock(handle, LOCK_UN)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(0, os.SEEK_END)
        if handle.tell() == 0:
            return True
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) == b"\n"


def entries(path: Path) -> Iterator[Entry]:
    """All entries, in their order; torn lines are passed over, because nothing left for them.

    Raises:
        JournalError: a line is whole but is no entry.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as handle:
        for number, text in enumerate(handle, start=1):
            body, _, check = text.rstrip("\n").rpartition("\t")
            if not text.endswith("\n") or check != _check(body):
                continue
            fields = body.split("\t")
            try:
                holder, round_, digest, admission, mark, day, request = fields
                yield Entry(
                    bytes.fromhex(holder),
                    round_,
                    bytes.fromhex(digest),
                    admission,
                    mark,
                    date.fromisoformat(day),
                    bytes.fromhex(request),
                )
            except ValueError:
                raise JournalError(f"{path}, line {number}") from None
