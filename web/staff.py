"""The front door of the staff side: the rooms an account may enter, its language."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from web.accounts import current_account
from web.i18n import STAFF_LANGUAGES
from web.navigation import entries, tasks
from web.rooms import Room
from web.sessions import STAFF_PATH, is_staff_path

room = Room(
    "staff",
    __name__,
    audience="staff",
    processes=("register", "office", "analysis", "entry"),
    url_prefix=STAFF_PATH,
    anonymous=("set_language",),
)


@room.get("", strict_slashes=False)
def home() -> ResponseReturnValue:
    """What waits for this account, and the rooms it may enter."""
    account = current_account()
    return render_template("staff_home.html", account=account, rooms=entries(account), tasks=tasks(account))


@room.post("/language")
def set_language() -> ResponseReturnValue:
    """Remember the language of staff pages and go back to the page."""
    tag = request.form.get("language", "")
    if tag not in STAFF_LANGUAGES:
        abort(400)
    session["language"] = tag
    session.permanent = True
    return redirect(own_address(request.form.get("next")))


def own_address(address: str | None) -> str:
    """An address to come back to: only a path of the staff side, never another site."""
    address = address or ""
    path = address.partition("?")[0]
    odd = any(sign in address for sign in ("\\", "\n", "\r", ".."))
    if is_staff_path(path) and not odd:
        return address
    return STAFF_PATH
