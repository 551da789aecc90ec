"""Everything at rest: the bytes of all files of one side, over all backups."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

#: Bytes that are compared with what was seized before.
_BLOCK = 8192

#: PostgreSQL's template databases, written before the product starts.
_TEMPLATES = {"1", "4", "5"}


@dataclass
class Seizure:
    """All bytes of one side, over all backups; blocks that were seen before are kept once."""

    blocks: list[bytes] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, places: list[Path]) -> None:
        """Add what is new in these files and folders, and the environment."""
        for place in places:
            for path in [place] if place.is_file() else sorted(place.rglob("*")):
                if path.is_file() and path.parent.name not in _TEMPLATES:
                    self._add_file(path)
        self._add("\n".join(f"{name}={value}" for name, value in os.environ.items()).encode())

    def _add_file(self, path: Path) -> None:
        try:
            with path.open("rb") as handle:
                while block := handle.read(_BLOCK):
                    self._add(block)
        except OSError:
            return  # a database removes files of its own while it is read

    def _add(self, block: bytes) -> None:
        digest = hashlib.blake2b(block, digest_size=16).digest()
        if digest not in self.seen:
            self.seen.add(digest)
            self.blocks.append(block)

    def whole(self) -> bytes:
        """Everything in one piece."""
        return b"".join(self.blocks)
