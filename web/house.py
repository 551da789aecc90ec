"""The application's class: what residents and machines ask for passes by what concerns staff only.

Sessions, accounts, CSRF tokens and the limits of the sign-in belong to staff rooms (web/rooms.py).  In a rush
they would cost more time than the answer itself, and a session that is never looked at cannot leak.
"""

from __future__ import annotations

from typing import cast

from flask import Flask, Response, request
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue

from web import errors, headers
from web.rooms import Room, room_of


class House(Flask):
    """Flask, whose rooms for others than staff run only their own functions around a request."""

    def preprocess_request(self) -> ResponseReturnValue | None:
        """As Flask does it for staff; elsewhere only what every address needs, and the room's own."""
        room = self._room_of_others()
        if room is None:
            return super().preprocess_request()
        answer = errors.refuse_broken_text()
        if answer is not None:
            return answer
        for function in self.before_request_funcs.get(room.name, ()):
            stopped = cast(ResponseReturnValue | None, self.ensure_sync(function)())
            if stopped is not None:
                return stopped
        return None

    def process_response(self, response: Response) -> Response:
        """As Flask does it for staff; elsewhere the room's own functions and the security headers."""
        room = self._room_of_others()
        if room is None:
            return super().process_response(response)
        for function in request_ctx._after_request_functions:
            response = self.ensure_sync(function)(response)
        for function in reversed(self.after_request_funcs.get(room.name, [])):
            response = self.ensure_sync(function)(response)
        return headers.add_headers(response)

    def _room_of_others(self) -> Room | None:
        room = room_of(request.endpoint)
        return room if room is not None and room.audience != "staff" else None
