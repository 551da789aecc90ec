"""When a round takes ballots: until it is closed, and then for its grace, so that nobody is cut off while
pressing "send".

Rounds with paper have no grace once a moderator closes the phones: keying begins, and what is mixed is mixed
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def has_grace(settings: Mapping[str, Any]) -> bool:
    """Whether phones may still send for a while after a moderator has closed the round."""
    return bool(settings.get("grace")) and not settings.get("paper")


def last_moment(round_: Mapping[str, Any]) -> datetime | None:
    """Until when ballots are taken, if a time is set; ``round_`` is a published round."""
    if not round_["closes"]:
        return None
    closes = datetime.fromisoformat(round_["closes"])
    shut = round_["state"] == "closed" and not has_grace(round_)
    return closes if shut else closes + timedelta(seconds=round_.get("grace") or 0)


def until(round_: Mapping[str, Any]) -> str | None:
    """`last_moment` as phones and stage are told it."""
    last = last_moment(round_)
    return None if last is None else last.isoformat()


def phase(round_: Mapping[str, Any], now: datetime) -> str:
    """The state of a published round as people meet it: ``closing`` is the grace, ``closed`` begins after it,
    also where nobody pressed a button at the announced time."""
    last = last_moment(round_)
    if round_["state"] not in ("open", "closed") or last is None:
        return str(round_["state"])
    if now >= last:
        return "closed"
    return "closing" if now >= datetime.fromisoformat(round_["closes"]) else str(round_["state"])
