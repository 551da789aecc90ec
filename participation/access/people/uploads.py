"""A sample file on its way into the register: kept in a private folder, imported in the background, removed.

The state of an import is a small file beside the upload, replaced as a whole, so that every process of the
machine can show its progress.  Nothing of it outlives a day.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Seconds after which an upload that nobody finished is removed.
KEPT = 86_400

#: Seconds without a sign after which a running import counts as interrupted.
SILENT = 120

#: States in which an import is over.
OVER = ("done", "faulty", "stopped", "failed", "interrupted")


class Stopped(Exception):
    """Somebody asked for an end of the import."""


@dataclass(frozen=True)
class Upload:
    """One uploaded file by its random name."""

    folder: Path
    name: str

    @property
    def file(self) -> Path:
        """The file as it came; its lines hold names and addresses."""
        return self.folder / f"{self.name}.upload"

    @property
    def _state(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def _stop(self) -> Path:
        return self.folder / f"{self.name}.stop"

    def state(self, now: float | None = None) -> dict[str, Any]:
        """The last word of the import: ``state`` and its details; ``interrupted`` where it fell silent."""
        try:
            found: dict[str, Any] = json.loads(self._state.read_text("utf-8"))
            age = (now or time.time()) - self._state.stat().st_mtime
        except (OSError, ValueError):
            return {}
        if found.get("state") in ("reading", "checking", "writing") and age > SILENT:
            return found | {"state": "interrupted"}
        return found

    def say(self, state: str, **details: Any) -> None:
        """Replace the state, keeping what was said before under other names."""
        kept = {**self.state(), **details, "state": state}
        if state in OVER:
            # The first rows, shown on the mapping page, hold names.
            kept.pop("first", None)
        draft = self.folder / f".{self.name}.{secrets.token_hex(4)}"
        draft.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
        draft.replace(self._state)

    @property
    def _faults(self) -> Path:
        return self.folder / f"{self.name}.faults"

    def keep_faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Keep the list of faults, for download."""
        with self._faults.open("w", encoding="utf-8") as handle:
            handle.writelines(f"{json.dumps(fault)}\n" for fault in faults)

    def faults(self) -> Iterator[dict[str, Any]]:
        """The list, one by one."""
        if self._faults.exists():
            with self._faults.open(encoding="utf-8") as handle:
                yield from (json.loads(line) for line in handle)

    def stop(self) -> None:
        """Ask the import to end; it leaves nothing behind."""
        self._stop.touch(mode=0o600)

    def check(self) -> None:
        """Raises Stopped once somebody asked for it."""
        if self._stop.exists():
            raise Stopped

    def remove_file(self) -> None:
        """Overwrite and remove the uploaded lines; the state stays to be read."""
        if self.file.exists():
            with self.file.open("r+b") as handle:
                handle.write(bytes(self.file.stat().st_size))
                handle.flush()
                os.fsync(handle.fileno())
            self.file.unlink(missing_ok=True)
        self._stop.unlink(missing_ok=True)


def keep(folder: Path, data: bytes, details: Mapping[str, Any]) -> Upload:
    """Keep an uploaded file, readable by this process only; forgotten ones are cleared away."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    clear(folder)
    upload = Upload(folder, secrets.token_hex(16))
    descriptor = os.open(upload.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
    upload.say("uploaded", **details)
    return upload


def find(folder: Path, name: str) -> Upload | None:
    """The upload of that name, or None where it is unknown or was cleared away."""
    if len(name) != 32 or not all(letter in "0123456789abcdef" for letter in name):
        return None
    upload = Upload(folder, name)
    return upload if upload.state() else None


def clear(folder: Path, now: float | None = None) -> None:
    """Remove uploads and states older than a day."""
    for path in folder.iterdir() if folder.exists() else ():
        name = path.name.removesuffix(".json")
        if path.suffix == ".json" and (now or time.time()) - path.stat().st_mtime > KEPT:
            Upload(folder, name).remove_file()
            path.with_suffix(".faults").unlink(missing_ok=True)
            path.unlink(missing_ok=True)
