"""The resident's pages of a survey: language choice, the questionnaire, its assets.

A questionnaire page is rendered and compressed once per version, language and state of the wave, and sent
with the same bytes to everyone. What it is made from is asked of the collector store at most once per second.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Response, abort, current_app, g, redirect, render_template, request, send_file
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from markupsafe import Markup

from localtext import LocalText, Picked, digits, in_digits
from participation.access.signing.views import token_address
from stores import collector, published
from surveys.answers import check
from surveys.collection.store import GRACE, published_key, start_of
from surveys.collection.views import problem_text
from surveys.faults import Fault
from surveys.player import answered, markup, sheet
from surveys.player.promise import promises
from surveys.player.rendered import Rendered, plain_script, rendered, squeezed, style_hash
from surveys.player.words import fault_sentence, words, words_of_kept
from surveys.questionnaire import Questionnaire, read
from web import headers
from web.i18n import language as page_language
from web.i18n import resident as r_
from web.i18n import speaking
from web.promise import facts
from web.rooms import Room

room = Room("player", __name__, audience="respondent", processes=("public",), url_prefix="/s")

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
ASSETS = dict.fromkeys(("player.js", "token.js", "kept.js"), "text/javascript")
BELIEVED = 1.0
"""Seconds for which a published wave is believed without asking again."""
YEAR = 31_536_000
_MAKING = threading.Lock()


@dataclass(frozen=True)
class Page:
    """A rendered page and the hash of its style."""

    document: Rendered
    style: str


@dataclass(frozen=True)
class Place:
    """Where a page stands: survey, channel, language and, without script, the variant."""

    survey: str
    channel: str
    language: str
    variant: int | None = None

    @property
    def base(self) -> str:
        """The address of the wave's pages."""
        return f"/s/{self.survey}" if self.channel == "sample" else f"/s/{self.survey}/open"


# ---------------------------------------------------------------- what is published


def _wave(survey: str, channel: str) -> dict[str, Any]:
    """The published wave, at most a second old; 404 where there is none."""
    kept: dict[str, tuple[float, dict[str, Any] | None]] = current_app.extensions.setdefault(
        "player_waves", {}
    )
    key = published_key(survey, channel)
    read_at, wave = kept.get(key, (-BELIEVED, None))
    if wave is None or time.monotonic() - read_at >= BELIEVED:
        with collector.read() as session:
            wave = published(session, "office", "wave", key)
            head = None if wave is None else published(session, "register", "letterhead", wave["access"])
        if wave is None:
            abort(404)
        # What the register tells everybody: hotline, where to check that this is genuine, deletion date.
        wave = {**wave, "register": head}
        kept[key] = (time.monotonic(), wave)
    return wave


def _questionnaire(wave: Mapping[str, Any]) -> Questionnaire:
    """The newest version of the wave; 404 where it is not published."""
    found = _questionnaire_or_none(wave)
    if found is None:
        abort(404)
    return found


def _questionnaire_or_none(wave: Mapping[str, Any]) -> Questionnaire | None:
    """As `_questionnaire`; published versions never change, so each is read once per process."""
    kept: dict[str, Questionnaire] = current_app.extensions.setdefault("player_questionnaires", {})
    key = f"{wave['survey']}/{wave['versions'][-1]}"
    if key not in kept:
        with collector.read() as session:
            document = published(session, "office", "questionnaire", key)
        if document is None:
            return None
        kept[key] = read(document)
    return kept[key]


# ---------------------------------------------------------------- addresses


@room.get("/<survey>", defaults={"channel": "sample"})
@room.get("/<survey>/open", defaults={"channel": "open"})
def choice(survey: str, channel: str) -> ResponseReturnValue:
    """Language choice, or when the survey will be there."""
    wave = _wave(survey, channel)
    if wave["state"] != "open":
        return _not_now(wave)
    place = Place(survey, channel, page_language())
    questionnaire = _questionnaire(wave)
    html = render_template(
        "player/choice.html",
        title=markup.plain(questionnaire.pick(questionnaire.title, page_language())),
        tags=wave["languages"],
        base=place.base,
        player_js=_asset_address("player.js"),
    )
    return html, {"Vary": "Accept-Language", "Cache-Control": "no-cache"}


@room.get("/<survey>/<language>", defaults={"channel": "sample", "variant": None})
@room.get("/<survey>/<language>/v<int:variant>", defaults={"channel": "sample"})
@room.get("/<survey>/open/<language>", defaults={"channel": "open", "variant": None})
@room.get("/<survey>/open/<language>/v<int:variant>", defaults={"channel": "open"})
def page(survey: str, channel: str, language: str, variant: int | None) -> ResponseReturnValue:
    """The questionnaire in one language: everything in one document, the same bytes for everyone."""
    wave = _wave(survey, channel)
    if wave["state"] != "open":
        return _not_now(wave)
    if language not in wave["languages"]:
        abort(404)
    place = Place(survey, channel, language, variant)
    pages: dict[Place, tuple[Any, Any, Page]] = current_app.extensions.setdefault("player_pages", {})
    assets = _assets_changed()
    known = _current(pages.get(place), wave, assets)
    if known is None:
        # One thread makes the page and the rest wait for it: in the first second of a rush all come at once.
        with _MAKING:
            known = _current(pages.get(place), wave, assets)
            if known is None:
                questionnaire = _questionnaire(wave)
                if variant is not None and not 1 <= variant <= len(questionnaire.variants):
                    abort(404)
                known = _make(wave, questionnaire, place)
                pages[place] = (wave, assets, known)
    return _send(known)


def _current(
    known: tuple[Any, Any, Page] | None, wave: Mapping[str, Any], assets: tuple[int, ...]
) -> Page | None:
    """The page kept, where it was made from this wave and these assets."""
    if known is None or known[1] != assets:
        return None
    # Nearly always the very same object, so that nothing has to be compared.
    return known[2] if known[0] is wave or known[0] == wave else None


@room.get("/<survey>/<language>/start", defaults={"channel": "sample"})
@room.get("/<survey>/open/<language>/start", defaults={"channel": "open"})
def start(survey: str, channel: str, language: str) -> ResponseReturnValue:
    """Without script: draw a variant. Not kept anywhere, and not cached."""
    wave = _wave(survey, channel)
    if wave["state"] != "open" or language not in wave["languages"]:
        abort(404)
    number = 1 + secrets.randbelow(len(_questionnaire(wave).variants))
    response = redirect(f"{Place(survey, channel, language).base}/{language}/v{number}")
    response.headers["Cache-Control"] = "no-store"
    return response


@room.get("/<survey>/sound/<name>")
def sound(survey: str, name: str) -> ResponseReturnValue:
    """One sound file; asked for only when somebody taps."""
    _wave_of_any_channel(survey)
    with collector.read() as session:
        found = published(session, "office", "sound", name)
    if found is None:
        abort(404)
    content = io.BytesIO(base64.b64decode(found["content"]))
    response = send_file(content, found["type"], conditional=True, etag=name, max_age=YEAR)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


@room.get("/<survey>/<language>/kept", defaults={"channel": "sample"})
@room.get("/<survey>/open/<language>/kept", defaults={"channel": "open"})
def kept(survey: str, channel: str, language: str) -> ResponseReturnValue:
    """Where the script goes whose answers came too late: the same page as for everyone after the close."""
    # A wave just closed by its button may be remembered as open for a second.
    current_app.extensions.get("player_waves", {}).pop(published_key(survey, channel), None)
    wave = _wave(survey, channel)
    if language not in wave["languages"]:
        abort(404)
    closes = _closes(wave)
    if wave["state"] == "open" and (closes is None or datetime.now(UTC) < closes):
        return redirect(f"{Place(survey, channel, language).base}/{language}")
    return _not_now({**wave, "state": "closed"})


def _closes(wave: Mapping[str, Any]) -> datetime | None:
    """The moment after which nothing is taken any more, the grace included."""
    last = wave["closes_on"]
    ends = start_of(date.fromisoformat(last) + timedelta(days=1)) if last else None
    return ends and ends + timedelta(seconds=GRACE)


def _wave_of_any_channel(survey: str) -> None:
    with collector.read() as session:
        keys = (published_key(survey, channel) for channel in ("sample", "open"))
        if all(published(session, "office", "wave", key) is None for key in keys):
            abort(404)


@room.get("/assets/<name>")
def asset(name: str) -> ResponseReturnValue:
    """The scripts, compressed beforehand; their address changes with their content."""
    if name not in ASSETS:
        abort(404)
    return _encoded(_asset(name), ASSETS[name], f"public, max-age={YEAR}, immutable")


@room.get("/sw.js")
def worker() -> ResponseReturnValue:
    """The service worker: at this address, so that it may look after everything below /s/."""
    source = (STATIC / "sw.js").read_text("utf-8")
    return _encoded(rendered(plain_script(source)), "text/javascript", "no-cache")


# ---------------------------------------------------------------- rendering


def _assets_changed() -> tuple[int, ...]:
    names = ("player.css", *ASSETS)
    if not (current_app.debug or current_app.testing):
        return ()
    return tuple((STATIC / name).stat().st_mtime_ns for name in names)


def _asset(name: str) -> Rendered:
    kept: dict[str, tuple[Any, Rendered]] = current_app.extensions.setdefault("player_assets", {})
    changed = _assets_changed()
    if name not in kept or kept[name][0] != changed:
        kept[name] = (changed, rendered(plain_script((STATIC / name).read_text("utf-8"))))
    return kept[name][1]


def _asset_address(name: str) -> str:
    return f"/s/assets/{name}?{_asset(name).etag[:8]}"


def _css(questionnaire: Questionnaire) -> str:
    return (STATIC / "player.css").read_text("utf-8").replace("\n", "") + sheet.routing_css(questionnaire)


def _make(wave: Mapping[str, Any], questionnaire: Questionnaire, place: Place, **again: Any) -> Page:
    """Render one page; ``again`` holds what a faulty form brought back: old, problems, discarded, kept."""
    with speaking(place.language):
        css = _css(questionnaire)
        html = render_template("player/page.html", **_context(wave, questionnaire, place, css, again))
    return Page(rendered(squeezed(html)), style_hash(css))


def _context(
    wave: Mapping[str, Any],
    questionnaire: Questionnaire,
    place: Place,
    css: str,
    again: Mapping[str, Any],
) -> dict[str, Any]:
    def texts(text: LocalText) -> Markup:
        picked = questionnaire.pick(text, place.language)
        if picked.language == "und":
            picked = Picked(number(picked), "und")
        return markup.inline(picked, place.language)

    def number(value: object) -> str:
        """A number as readers of this language expect it: in Latin digits unless set up otherwise."""
        latin = current_app.config["SETTINGS"].latin_digits
        return str(value) if latin else in_digits(str(value), place.language)

    def plain(text: LocalText) -> str:
        return markup.plain(questionnaire.pick(text, place.language)) if text else ""

    choosing = place.variant is None and len(questionnaire.variants) > 1
    tail = f"/v{place.variant}" if place.variant else ""
    return {
        "q": questionnaire,
        "items": sheet.items_of(questionnaire, place.variant),
        "texts": texts,
        "plain": plain,
        "number": number,
        "addresses": lambda item: [field.address for field in item.fields],
        "wave": _levels(wave),
        "promise": promises(r_),
        "facts": facts(wave.get("register"), sample="open" not in wave["levels"]),
        "css": Markup(css),  # noqa: S704 - our own stylesheet and selectors made of checked ids
        "choosing": choosing,
        "variant": place.variant,
        "start": f"{place.base}/{place.language}/start",
        "action": f"{place.base}/answers",
        "language_links": [(tag, f"{place.base}/{tag}{tail}") for tag in wave["languages"]],
        "sound_base": f"/s/{place.survey}/sound/",
        "player_js": _asset_address("player.js"),
        "token_js": _asset_address("token.js"),
        "data": _data(wave, questionnaire, place),
        "old": again.get("old", {}),
        "problems": again.get("problems", ()),
        "discarded": again.get("discarded", ()),
        "kept": again.get("kept", {}),
    }


def _levels(wave: Mapping[str, Any]) -> dict[str, Any]:
    settings = current_app.config["SETTINGS"]
    return {
        "levels": wave["levels"],
        "codes": "open" not in wave["levels"],
        "one_office": settings.register_url is None,
    }


def _data(wave: Mapping[str, Any], questionnaire: Questionnaire, place: Place) -> Markup:
    """What the script must know, as JSON that cannot end its element."""
    modules, ends = questionnaire.variants[(place.variant or 1) - 1], _closes(wave)
    data = {
        "wave": wave["id"],
        "version": questionnaire.version,
        "levels": wave["levels"],
        "closes": ends.isoformat() if ends else None,
        "fixed": place.variant,
        "modules": sorted(modules),
        "variants": sheet.variants_as_data(questionnaire),
        "rules": sheet.rules_as_data(questionnaire),
        "answers": f"{place.base}/answers",
        "keys": f"{place.base}/keys.json",
        "kept": f"{place.base}/{place.language}/kept",
        "worker": "/s/sw.js",
        "digits": "" if current_app.config["SETTINGS"].latin_digits else digits(place.language),
        "thanks": markup.plain(questionnaire.pick(questionnaire.thanks, place.language)),
        "words": words(r_, problem_text),
    }
    return _json(data)


def _json(data: Mapping[str, Any]) -> Markup:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - JSON without an opening bracket


def _encoded(document: Rendered, kind: str, caching: str) -> Response:
    """The smallest form that this browser reads; a few bytes where it has the document already."""
    tag = f'W/"{document.etag}"'
    if tag in request.headers.get("If-None-Match", ""):
        response = Response(status=304)
    else:
        body, encoding = document.encoded(request.headers.get("Accept-Encoding", ""))
        response = Response(body, content_type=f"{kind}; charset=utf-8")
        if encoding:
            response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = caching
    return response


def _send(page: Page) -> Response:
    """Send a finished page."""
    _allow(page)
    return _encoded(page.document, "text/html", "no-cache")


def _allow(page: Page) -> None:
    address = token_address()
    origin = ("/".join(address.split("/")[:3]),) if "://" in address else ()
    headers.allow(style_hashes=(page.style,), connect=origin)


def _not_now(wave: Mapping[str, Any]) -> ResponseReturnValue:
    """Say when the survey will be there, or that it is over; then a phone shows what it could not send."""
    over = wave["state"] == "closed"
    opens = None if over or not wave["opens_on"] else _date(wave["opens_on"])
    tag, place = page_language(), Place(wave["survey"], wave["channel"], page_language())
    questionnaire = _questionnaire_or_none(wave)
    page = render_template(
        "player/not_now.html",
        title=markup.plain(questionnaire.pick(questionnaire.title, tag)) if questionnaire else "",
        over=over,
        opens=opens,
        kept=_to_keep(wave, questionnaire, tag) if over and questionnaire else None,
        kept_js=_asset_address("kept.js"),
        language_links=[(one, f"{place.base}/{one}") for one in wave["languages"]],
    )
    return page, 410 if over else 200


def _to_keep(wave: Mapping[str, Any], questionnaire: Questionnaire, tag: str) -> Markup:
    """What the script needs to say a phone's own answers: the same for everyone, nothing is asked later."""
    return _json(
        {
            "wave": wave["id"],
            "survey": wave["survey"],
            "fields": answered.worded(questionnaire, tag, r_),
            "words": words_of_kept(r_, problem_text),
        }
    )


def _date(text: str) -> str:
    return str(format_date(date.fromisoformat(text), "long"))


# ---------------------------------------------------------------- the form once more


@dataclass(frozen=True)
class Problem:
    """One fault of an answer: the id to go to, what to do, and the question it is about (or nothing)."""

    place: str
    sentence: str
    about: str = ""


def answers_again(
    wave: Mapping[str, Any],
    questionnaire: Questionnaire,
    variant: int,
    form: Any,
    faults: tuple[Fault, ...],
) -> str:
    """The page without script with every answer kept, what is wrong on top, what does not belong named."""
    language = form.get("_language", "")
    if language not in wave["languages"]:
        language = wave["languages"][0]
    g.language = language
    old = form.to_dict(flat=False)
    fixed = (
        variant if len(questionnaire.variants) > 1 and 1 <= variant <= len(questionnaire.variants) else None
    )
    place = Place(wave["survey"], wave["channel"], language, fixed)
    discarded = check(questionnaire, old, variant).discarded
    ids = {item.id for item in questionnaire.items} | set(questionnaire.by_address) | {"_consent", "_c"}
    made = _make(
        # With what the register tells everybody, which the collection does not read.
        {**wave, "register": _wave(wave["survey"], wave["channel"])["register"]},
        questionnaire,
        place,
        old={**old, "_code": form.get("_code", ""), "_consent": form.get("_consent")},
        problems=[
            Problem(
                fault.place if fault.place in ids else "_start",
                fault_sentence(r_, fault.kind, dict(fault.params)),
                answered.name(questionnaire, fault.place, language)
                if fault.place in questionnaire.by_address
                else "",
            )
            for fault in faults
        ],
        discarded=[answered.name(questionnaire, address, language) for address in discarded],
        kept={"_seen": "1"},
    )
    _allow(made)
    return made.document.identity.decode()


@room.record_once
def _offer(state: BlueprintSetupState) -> None:
    """The collection shows a faulty form by our function."""
    state.app.extensions["answers_again"] = answers_again
