"""Liveness and readiness, for load balancers and `make run`."""

from __future__ import annotations

from flask import current_app

from stores import NAMES, Stores, reachable
from web.rooms import Room

room = Room(
    "health",
    __name__,
    audience="machine",
    processes=("public", "register", "office", "analysis", "entry"),
    url_prefix="/health",
)


@room.get("/live")
def live() -> tuple[dict[str, str], int]:
    """The process answers."""
    return {"status": "live"}, 200


@room.get("/ready")
def ready() -> tuple[dict[str, object], int]:
    """The process can reach every store of its role; 503 names those it cannot."""
    open_stores: Stores = current_app.extensions["stores"]
    states = {name: reachable(open_stores.get(name)) for name in NAMES if name in open_stores.available}
    for name, answers in states.items():
        if not answers:
            current_app.logger.error("the %s store cannot be reached; check its address and server", name)
    good = all(states.values())
    return {"status": "ready" if good else "unavailable", "stores": states}, 200 if good else 503
