"""Digests of every script and stylesheet as this server hands them out, for anybody who wants to compare.

Somebody who keeps a copy from a trusted release can see whether a page brings another script to some people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from flask import Response

from surveys.player import views as player
from web.rooms import Room
from web.shell import STATIC

room = Room("assurance", __name__, audience="public", processes=("public",))


@room.get("/digests.txt")
def digests() -> Response:
    """One line per file: SHA-256 and address, as `sha256sum` writes them."""
    text = "".join(f"{digest}  {address}\n" for address, digest in sorted(_served()))
    response = Response(text, mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _served() -> Iterator[tuple[str, str]]:
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and path.suffix in (".js", ".css", ".svg"):
            yield f"/static/{path.relative_to(STATIC)}", hashlib.sha256(path.read_bytes()).hexdigest()
    for name in player.ASSETS:
        # The questionnaire's scripts are sent without their comments, so what is sent is digested.
        yield f"/s/assets/{name}", hashlib.sha256(player._asset(name).identity).hexdigest()
