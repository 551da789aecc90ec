"""The staff navigation: one table per room (``Room.menu``), shown to those who may enter."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for
from werkzeug.routing import BuildError

from web.accounts import SignedIn
from web.rooms import Room


@dataclass(frozen=True)
class Entry:
    """One link of the navigation; ``current`` where the reader is in that room now."""

    url: str
    label: str
    current: bool


def entries(account: SignedIn | None) -> list[Entry]:
    """The links for an account, in the order in which the rooms are registered."""
    if account is None:
        return []
    rooms: dict[str, Room] = current_app.extensions.get("known_rooms", {})
    found = []
    for room in rooms.values():
        if room.menu and (not room.roles or account.may(*room.roles)):
            found += [
                Entry(_address(room, endpoint), str(label), _is_current(room, endpoint))
                for endpoint, label in room.menu
            ]
    return found


def _address(room: Room, endpoint: str) -> str:
    """The view's address; where another process serves the room, the room's front door."""
    try:
        return url_for(endpoint)
    except BuildError:
        return f"{room.url_prefix}/"


def _is_current(room: Room, endpoint: str) -> bool:
    here = request.endpoint or ""
    if len(room.menu) == 1:
        return here.rsplit(".", 1)[0] == room.name
    return here == endpoint
