"""The staff navigation: one table per room (``Room.menu``), shown to those who may enter."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for
from werkzeug.routing import BuildError

from web.accounts import SignedIn
from web.rooms import Room, Task, room_of, rooms_here
from web.sessions import STAFF_PATH


@dataclass(frozen=True)
class Entry:
    """One link of the navigation; ``current`` where the reader is in that room now, ``about`` what is done
    there."""

    url: str
    label: str
    current: bool
    about: str = ""


def entries(account: SignedIn | None) -> list[Entry]:
    """The links for an account, in the order in which the rooms are registered."""
    if account is None:
        return []
    rooms: dict[str, Room] = current_app.extensions.get("known_rooms", {})
    found: list[Entry] = []
    for room in rooms.values():
        if room.menu and (not room.roles or account.may(*room.roles)):
            found += [
                Entry(_address(room, endpoint), str(label), _is_current(room, endpoint), str(room.about))
                for endpoint, label in room.menu
            ]
    return found


def tasks(account: SignedIn) -> list[Task]:
    """What waits for an account in the rooms that this process serves."""
    found: list[Task] = []
    for room in rooms_here():
        if room.waiting is not None and (not room.roles or account.may(*room.roles)):
            found += room.waiting(account)
    return found


def _address(room: Room, endpoint: str) -> str:
    """The view's address; where another process serves the room, the room's front door."""
    try:
        return url_for(endpoint)
    except BuildError:
        return f"{room.url_prefix}/"


def _is_current(room: Room, endpoint: str) -> bool:
    """True in the room itself, and on pages of rooms without an entry of their own that lie below it."""
    here = request.endpoint or ""
    if len(room.menu) > 1:
        return here == endpoint
    inside = room_of(here)
    if inside is None or inside.menu:
        return here.rsplit(".", 1)[0] == room.name
    prefix = (room.url_prefix or "").rstrip("/")
    return prefix != STAFF_PATH and f"{request.path}/".startswith(f"{prefix}/")
