"""The front door for residents: what is open now, in the reader's language."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from localtext import Picked, pick
from stores import collector, published, published_all
from web.i18n import language
from web.rooms import Room

room = Room("front", __name__, audience="public", processes=("public",))

ZONE = ZoneInfo("Europe/Berlin")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Offer:
    """Something that residents can take part in now."""

    title: Picked
    address: str
    until: datetime.date | None


def is_open(document: Document, today: datetime.date) -> bool:
    """Whether people can take part today; days are inclusive."""
    first, last = (_day(document.get(name)) for name in ("opens_on", "closes_on"))
    begun = first is None or first <= today
    over = last is not None and last < today
    return document.get("state") == "open" and bool(document.get("listed", True)) and begun and not over


def _day(text: object) -> datetime.date | None:
    return datetime.date.fromisoformat(text[:10]) if isinstance(text, str) and text else None


def offer(
    document: Document,
    address: str,
    title: object,
    tag: str,
    placeholders: Document | None = None,
    *,
    before_tag: str = "/",
) -> Offer:
    """The offer, leading to the reader's language where it is offered, else saying which it is.

    ``before_tag`` is what stands between address and language: surveys have it in the path, conferences in
    the query.
    """
    words = pick(title, tag) if isinstance(title, Mapping) else Picked(str(title), "")
    for name, found in (placeholders or {}).items():
        filled = words.replace("{" + name + "}", pick(found.get("value", {}), words.language or tag))
        words = Picked(filled, words.language)
    way = f"{address}{before_tag}{tag}" if tag in document.get("languages", ()) else f"{address}?lang={tag}"
    return Offer(words, way, _day(document.get("closes_on")))


def in_order(offers: list[Offer]) -> list[Offer]:
    """By title, whatever the case of its letters."""
    return sorted(offers, key=lambda one: (one.title.casefold(), one.address))


@room.get("/")
def start() -> ResponseReturnValue:
    """Open surveys and conferences; in the demo also the way to the tour."""
    today = datetime.datetime.now(ZONE).date()
    tag = language()
    surveys, conferences = [], []
    with collector.read() as session:
        for key, wave in published_all(session, "office", "wave").items():
            if is_open(wave, today):
                versions = wave.get("versions") or [None]
                text = published(
                    session, "office", "questionnaire", f"{wave.get('survey', key)}/{versions[-1]}"
                )
                title = (text or {}).get("title") or wave.get("title") or key
                surveys.append(offer(wave, f"/s/{key}", title, tag, (text or {}).get("placeholders")))
        for key, one in published_all(session, "office", "round").items():
            if is_open(one, today):
                slug = one.get("slug") or one.get("conference") or key
                conferences.append(
                    offer(one, f"/c/{slug}", one.get("title") or slug, tag, before_tag="?lang=")
                )
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    return render_template(
        "front.html",
        surveys=in_order(surveys),
        conferences=in_order(conferences),
        tour="/tour" if current_app.config["SETTINGS"].demo and "/tour" in rules else None,
    )
