"""The front door for residents: what is open now, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from localtext import Picked, pick
from stores import collector, published_all
from web.i18n import language
from web.rooms import Room

room = Room("front", __name__, audience="public", processes=("public",))

#: Where the documents of a kind lead: the address of one that is open.
ADDRESSES = {"wave": "/s/{slug}", "round": "/c/{slug}"}


@dataclass(frozen=True)
class Offer:
    """Something that residents can take part in now."""

    title: Picked
    address: str


def offers(documents: Mapping[str, Mapping[str, Any]], kind: str, tag: str) -> list[Offer]:
    """The open ones among published documents of a kind, each address once, by title."""
    found: dict[str, Offer] = {}
    for key, document in documents.items():
        if document.get("state", "open") != "open" or not document.get("listed", True):
            continue
        slug = document.get("slug") or document.get("survey") or document.get("conference") or key
        title = document.get("title") or slug
        words = pick(title, tag) if isinstance(title, Mapping) else Picked(str(title), "")
        address = ADDRESSES[kind].format(slug=slug)
        found.setdefault(address, Offer(words, address))
    return sorted(found.values(), key=lambda offer: offer.title.casefold())


@room.get("/")
def start() -> ResponseReturnValue:
    """Open surveys and conferences; in the demo also the way to the tour."""
    with collector.read() as session:
        waves = published_all(session, "office", "wave")
        rounds = published_all(session, "office", "round")
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    return render_template(
        "front.html",
        surveys=offers(waves, "wave", language()),
        conferences=offers(rounds, "round", language()),
        tour="/tour" if current_app.config["SETTINGS"].demo and "/tour" in rules else None,
    )
