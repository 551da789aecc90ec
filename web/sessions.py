"""Sessions exist for staff pages only.

The cookie's path is ``/office``: browsers do not even send it to the pages of residents and of the public,
so nobody's answers can meet a staff session, and those pages can neither read nor write one.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

#: Every staff page lives below this path.
STAFF_PATH = "/office"


def is_staff_path(path: str) -> bool:
    """Whether the path belongs to the staff side of the house."""
    return path == STAFF_PATH or path.startswith(STAFF_PATH + "/")


class StaffSessions(SecureCookieSessionInterface):
    """Signed cookies below ``/office``; elsewhere an empty session that is never saved."""

    # Flask's own choice is SHA-1.
    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> Any:
        """The session of a staff request; an empty one elsewhere."""
        if is_staff_path(request.path):
            return super().open_session(app, request)
        return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie for staff requests only."""
        if is_staff_path(request.path):
            super().save_session(app, session, response)
