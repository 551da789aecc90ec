"""What of a store was read for a search of its bytes, and the search, however large it is."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from surveys.rehearsal.attacker import positions

#: How a store was read: SQLite's files, PostgreSQL's files and rows, or rows alone and why.
Way = Literal["sqlite", "cluster", "shared", "rows"]

#: Why PostgreSQL's files were not read.
Reason = Literal["", "elsewhere", "rights"]

#: Bytes that are searched at once.
_PIECE = 1 << 26

#: PostgreSQL's own databases, made before the product's.
_TEMPLATES = ("1", "4", "5")


@dataclass(frozen=True)
class Reading:
    """What was read of one store: in which way, how many files, how many bytes.

    ``logged`` are settings of the database server that let its own log tell when somebody was there.
    """

    store: str
    way: Way
    files: int
    size: int
    reason: Reason = ""
    logged: tuple[str, ...] = ()


def cluster_identifier(folder: Path) -> int | None:
    """The number that PostgreSQL gave the cluster in this folder; None where it cannot be read.

    It stands first in ``global/pg_control`` (PostgreSQL's ``catalog/pg_control.h``).  A server elsewhere may
    name a folder that exists here too, and is another one's.
    """
    try:
        with (folder / "global/pg_control").open("rb") as file:
            return int(struct.unpack("=Q", file.read(8))[0])
    except (OSError, struct.error):
        return None


def cluster_files(folder: Path) -> list[Path]:
    """Every file of a cluster: tables, indexes, TOAST, write-ahead log, the server's own log.

    Log and tablespaces may lie elsewhere, behind links, which are followed.
    """
    found = []
    for place, _folders, names in os.walk(folder, followlinks=True):
        if Path(place).name not in _TEMPLATES:
            found += [Path(place) / name for name in names]
    return sorted(found)


def contents(files: Iterable[Path]) -> Iterator[bytes]:
    """The bytes of files in pieces; a database removes files of its own while it is read."""
    for path in files:
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
        except OSError:
            continue


def count_found(needles: Sequence[bytes], pieces: Iterable[bytes]) -> tuple[int, int]:
    """How many of the needles lie in the pieces, put one behind the other, and how many bytes these are."""
    kept = max(map(len, needles), default=1) - 1
    found: set[bytes] = set()
    size, held = 0, bytearray()
    for piece in pieces:
        size += len(piece)
        held += piece
        if len(held) >= _PIECE:
            found.update(positions(needles, bytes(held)))
            # What lies across two pieces is found with the second.
            del held[: len(held) - kept]
    found.update(positions(needles, bytes(held)))
    return len(found), size
