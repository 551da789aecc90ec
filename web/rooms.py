"""Rooms: blueprints that say who may enter and which processes serve them.

Security headers, CSRF, access control and logging follow from a room's audience, so a new route cannot
forget them (tests/web/test_headers.py goes through the whole URL map).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, Flask, current_app, request
from flask_wtf.csrf import CSRFProtect

if TYPE_CHECKING:
    from web.accounts import SignedIn

Audience = Literal["respondent", "public", "staff", "machine"]
AUDIENCES: tuple[Audience, ...] = ("respondent", "public", "staff", "machine")

STAFF_ROLES = (
    "administrator",
    "register_clerk",
    "entry_clerk",
    "editor",
    "translator",
    "moderator",
    "analyst",
    "reviewer",
)

#: Who meets an unknown address, by how it begins.
_BEGINNINGS: tuple[tuple[str, Audience], ...] = (
    ("/office", "staff"),
    ("/s/", "respondent"),
    ("/c/", "respondent"),
    ("/health", "machine"),
)


@dataclass(frozen=True)
class Task:
    """One thing that waits for somebody, as their start page says it: where to go, and what to do there."""

    address: str
    text: str


#: What waits for an account in one room, most urgent first.
NextSteps = Callable[["SignedIn"], list[Task]]


class Room(Blueprint):
    """A blueprint with an audience.

    respondent: no cookie, no session, no CSRF token, nothing logged; public: no cookie;
    staff: signed in and holding one of ``roles`` (empty: any signed-in account);
    machine: health and the like.

    ``processes`` names the roles of processes that serve it; "all" always does.
    ``menu`` is the room's part of the staff navigation: (endpoint, lazy label) pairs, e.g.
    ``menu=(("access.waves", lazy_gettext("Invitations")),)``; staff see the entries of rooms they may enter.
    ``about`` says in one sentence what is done here; a room tells what waits in it by ``@room.next_steps``.
    ``anonymous`` names the view functions of a staff room that strangers may call (the sign-in itself).
    """

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        audience: Audience,
        roles: tuple[str, ...] = (),
        processes: tuple[str, ...] = (),
        menu: tuple[tuple[str, Any], ...] = (),
        about: Any = "",
        anonymous: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        super().__init__(name, import_name, **options)
        unknown = set(roles) - set(STAFF_ROLES)
        if audience not in AUDIENCES or unknown:
            raise ValueError(f"room {name}: unknown audience {audience!r} or roles {sorted(unknown)}")
        if roles and audience != "staff":
            raise ValueError(f"room {name}: roles are for staff rooms only")
        if audience == "staff" and not (options.get("url_prefix") or "").startswith("/office"):
            raise ValueError(f"room {name}: staff rooms live below /office, where the session cookie goes")
        self.audience: Audience = audience
        self.roles = roles
        self.processes = processes
        self.menu = menu
        self.about = about
        self.waiting: NextSteps | None = None
        self.open_endpoints = frozenset(f"{name}.{function}" for function in anonymous)

    def next_steps(self, function: NextSteps) -> NextSteps:
        """Decorator: the function that tells what waits for an account in this room."""
        self.waiting = function
        return function


def furnish(app: Flask, room: Room, csrf: CSRFProtect, role: str) -> None:
    """Register a room in the app if this process serves it."""
    # Known even where another process serves it: the staff navigation leads there.
    app.extensions.setdefault("known_rooms", {})[room.name] = room
    if role != "all" and role not in room.processes:
        return
    app.register_blueprint(room)
    app.extensions.setdefault("rooms", {})[room.name] = room
    if room.audience != "staff":
        csrf.exempt(room)


def room_of(endpoint: str | None) -> Room | None:
    """The room of an endpoint of the current app, or None."""
    rooms: dict[str, Room] = current_app.extensions.get("rooms", {})
    return rooms.get((endpoint or "").rsplit(".", 1)[0])


def rooms_here() -> list[Room]:
    """The rooms that this process serves, in the order in which they were furnished."""
    rooms: dict[str, Room] = current_app.extensions.get("rooms", {})
    return list(rooms.values())


def audience_of(app: Flask, endpoint: str | None) -> Audience:
    """The audience of an endpoint; what belongs to no room is treated as public."""
    if endpoint is None:
        return "public"
    if endpoint.startswith("security."):
        return "staff"
    rooms: dict[str, Room] = app.extensions.get("rooms", {})
    room = rooms.get(endpoint.rsplit(".", 1)[0])
    return room.audience if room is not None else "public"


def audience_here() -> Audience:
    """The audience of the request being answered; unknown addresses are judged by their beginning."""
    if request.endpoint is not None:
        return audience_of(current_app, request.endpoint)
    for beginning, audience in _BEGINNINGS:
        if request.path.startswith(beginning):
            return audience
    return "public"
