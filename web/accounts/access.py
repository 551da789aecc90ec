"""Who may enter which staff room: asked once, before every request."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from flask import Flask, abort, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import logout_user

from stores import office
from web.accounts import account_or_none
from web.audit import audit
from web.rooms import Room, audience_here, room_of

#: A session ends after this long even when it is in use.
LONGEST_SESSION_SECONDS = 12 * 60 * 60

LOGIN_PATH = "/office/login"

#: Flask-Security's mail to a help desk; here an administrator resets a second factor instead.
RESCUE = "security.two_factor_rescue"


def set_up(app: Flask) -> None:
    """Guard all staff rooms of the app."""
    app.before_request(guard)


def guard() -> ResponseReturnValue | None:
    """Let the request in, or answer with the login page or 403."""
    if audience_here() != "staff":
        return None
    session.permanent = True
    _end_old_session()
    room = room_of(request.endpoint)
    if request.endpoint == RESCUE:
        abort(404)
    # Flask-Security guards its own pages; an unknown address gets its 404 from the routing.
    if room is None or request.endpoint in room.open_endpoints:
        return None
    return refusal(room)


def refusal(room: Room) -> ResponseReturnValue | None:
    """The answer to somebody who may not enter the room; None for those who may."""
    account = account_or_none()
    if account is None:
        if request.method in ("GET", "HEAD"):
            return redirect(login_address())
        from web.errors import page_open_too_long

        return page_open_too_long()
    if room.roles and not account.may(*room.roles):
        audit(office, account, "access.refused", f"page {request.endpoint}")
        abort(403)
    return None


def login_address() -> str:
    """The login page, coming back to this page afterwards."""
    return f"{LOGIN_PATH}?{urlencode({'next': request.full_path.rstrip('?')})}"


def _end_old_session() -> None:
    began = session.get("fs_paa")
    if began is not None and time.time() - float(began) > LONGEST_SESSION_SECONDS:
        logout_user()
        session.clear()
        session.permanent = True
