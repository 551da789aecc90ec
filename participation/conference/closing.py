"""When a round takes ballots: until it is closed, and then for its grace, so that nobody is cut off while
pressing "send".

Where paper is entered, keying begins at the close and the grace runs beside it; nothing is mixed before both
have ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def last_moment(round_: Mapping[str, Any]) -> datetime | None:
    """Until when ballots are taken, if a time is set; ``round_`` is a published round."""
    if not round_["closes"]:
        return None
    closes = datetime.fromisoformat(round_["closes"])
    return closes + timedelta(seconds=round_.get("grace") or 0)


def until(round_: Mapping[str, Any]) -> str | None:
    """`last_moment` as phones and stage are told it."""
    last = last_moment(round_)
    return None if last is None else last.isoformat()


def phase(round_: Mapping[str, Any], now: datetime) -> str:
    """The state of a published round as people meet it: ``closing`` is the grace, ``closed`` begins after it,
    also where nobody pressed a button at the announced time, and ``paper`` where it is still being keyed."""
    state = str(round_["state"])
    last = last_moment(round_)
    if state not in ("open", "paper", "closed") or last is None:
        return state
    if now >= last:
        return "paper" if state == "paper" else "closed"
    return "closing" if now >= datetime.fromisoformat(round_["closes"]) else state
