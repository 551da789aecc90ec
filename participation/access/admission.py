"""What codes admit to, as the office publishes it: the document of kind ``access``.

Surveys publish one per wave, conferences one per round.  The register makes keys and issues tokens by it, the
collector receives by it, the worker mixes by it; none of them asks anyone else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

LEVELS = ("sealed", "two_office", "open")

#: Submissions of a survey's key leave the waiting room in this number, out of twice as many.
POOL = 50

#: Fewest answers that a key must be expected to bring.
SMALLEST = {"survey": 50, "conference": 10}


class AccessError(ValueError):
    """A document that cannot be published or used; ``code`` names the fault."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Access:
    """One thing that codes admit to.

    ``admission`` names the sample or the conference in the register, ``round`` is empty for a survey.
    ``pool`` is None where everything is mixed once, at the close; ``revisable`` where a token may send a
    higher revision until then.  ``state`` is announced, open or closed; ``grace`` counts seconds after
    ``closes``.  ``held`` says that more is admitted by hand after ``closes`` (paper), so that nothing is over
    before the state says so.
    """

    admission: str
    kind: str
    levels: tuple[str, ...]
    state: str
    round: str = ""
    opens: datetime | None = None
    closes: datetime | None = None
    grace: int = 0
    pool: int | None = POOL
    revisable: bool = False
    held: bool = False

    @property
    def key(self) -> str:
        """The key it is published under."""
        return f"{self.admission}/{self.round}" if self.round else self.admission

    @property
    def ends(self) -> datetime | None:
        """When the grace is over, if a time is set."""
        return None if self.closes is None else self.closes + timedelta(seconds=self.grace)

    def accepts(self, now: datetime) -> bool:
        """Whether codes and answers are taken now; the grace belongs to those who began in time."""
        if self.state != "open" or (self.opens is not None and now < self.opens):
            return False
        return self.ends is None or now < self.ends

    def over(self, now: datetime) -> bool:
        """Whether nothing more will come, so that the last mix may run."""
        if self.state == "closed":
            return True
        return self.state == "open" and self.ends is not None and now >= self.ends and not self.held


def document(access: Access) -> dict[str, Any]:
    """The document to publish under ``access.key``.

    Raises:
        AccessError: ``levels`` (none, unknown, or ``open`` beside others), ``kind``, ``state``, ``pool``,
            ``dates`` (without time zone, or in the wrong order).
    """
    if not access.levels or set(access.levels) - set(LEVELS):
        raise AccessError("levels")
    if "open" in access.levels and len(access.levels) > 1:
        raise AccessError("levels")
    if access.kind not in SMALLEST:
        raise AccessError("kind")
    if access.state not in ("announced", "open", "closed"):
        raise AccessError("state")
    if access.pool is not None and (access.pool < POOL or access.revisable):
        raise AccessError("pool")
    dates = [date for date in (access.opens, access.closes) if date is not None]
    if any(date.tzinfo is None for date in dates) or dates != sorted(dates):
        raise AccessError("dates")
    return {
        "admission": access.admission,
        "kind": access.kind,
        "levels": list(access.levels),
        "state": access.state,
        "round": access.round,
        "opens": _text(access.opens),
        "closes": _text(access.closes),
        "grace": access.grace,
        "pool": access.pool,
        "revisable": access.revisable,
        "held": access.held,
    }


def read(published: Mapping[str, Any]) -> Access:
    """The access that `document` wrote."""
    return Access(
        admission=published["admission"],
        kind=published["kind"],
        levels=tuple(published["levels"]),
        state=published["state"],
        round=published["round"],
        opens=_time(published["opens"]),
        closes=_time(published["closes"]),
        grace=published["grace"],
        pool=published["pool"],
        revisable=published["revisable"],
        # A wave that was published before this was known holds nothing.
        held=published.get("held", False),
    )


def key_of(admission: str, round_: str = "") -> str:
    """The key under which that access is published."""
    return f"{admission}/{round_}" if round_ else admission


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
