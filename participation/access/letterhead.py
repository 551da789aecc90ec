"""Who writes a letter and how to reach them: what the register keeps of it, and what it still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Letterhead:
    """Texts that are the same on every letter of an admission; none of them is translated.

    ``address`` is the page's address without a code, ``website`` where people can check that the letter is
    genuine, ``phone`` the hotline.
    """

    name: str = ""
    contact: str = ""
    return_line: str = ""
    phone: str = ""
    website: str = ""
    address: str = ""
    answer_until: str = ""

    @property
    def last_day(self) -> date | None:
        """The last day on which answers are taken, as printed."""
        return date.fromisoformat(self.answer_until) if self.answer_until else None

    def missing(self) -> list[str]:
        """Names of the fields without which no letter is printed."""
        return [field.name for field in fields(self) if not getattr(self, field.name)]

    def to_dict(self) -> dict[str, str]:
        """As the register keeps it."""
        return asdict(self)


def read(kept: Mapping[str, Any] | None) -> Letterhead:
    """The letterhead that `Letterhead.to_dict` wrote; unknown fields are passed over."""
    names = {field.name for field in fields(Letterhead)}
    return Letterhead(**{name: str(value) for name, value in (kept or {}).items() if name in names})
