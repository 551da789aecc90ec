"""Assisted interviews: the survey's own page, many people in a row, level `two_office`, mode `assisted`.

The page keeps nothing on the device.  Its script (static/interview.js) sends without leaving the page, holds
what cannot be sent in the page's memory only, and clears the form for the next person.  The page speaks the
language of the person who answers; the script speaks the interviewer's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from localtext import direction
from participation.access.blind import Token
from participation.access.collector.store import Refused, key_documents
from participation.access.collector.views import STATUS, accept, token_from
from participation.access.signing.store import Unsigned
from participation.access.signing.views import token_for_code
from stores import collector, published
from surveys.answers import Checked, check
from surveys.collection.views import problem_text
from surveys.entry.store import wave_of
from surveys.entry.views import questionnaire_of, wave_or_404
from surveys.interview.forms import words
from surveys.player import views as player
from surveys.player.rendered import style_hash
from surveys.player.words import fault_sentence
from surveys.questionnaire import Questionnaire
from web import headers
from web.i18n import STAFF_LANGUAGES, best_of, speaking
from web.i18n import resident as r_
from web.rooms import Room

room = Room(
    "interview",
    __name__,
    audience="staff",
    roles=("entry_clerk",),
    processes=("entry",),
    url_prefix="/office/entry/interviews",
)

#: Refusals after which the same answers may be sent again with the token that was drawn.
_AGAIN = ("busy", "not_open")


@dataclass(frozen=True)
class Chair(player.Place):
    """The place of an interview: its addresses lie in this room."""

    wave: str = ""

    @property
    def base(self) -> str:
        """The address of the wave's interviews."""
        return f"/office/entry/interviews/{self.wave}"


@dataclass(frozen=True)
class Refusal:
    """Why answers were not taken: code, sentence, HTTP status, and the token where one was drawn."""

    code: str
    text: str
    status: int
    token: Token | None = None
    faults: tuple[Any, ...] = ()


@room.get("/<wave>/<language>", defaults={"variant": None})
@room.get("/<wave>/<language>/v<int:variant>")
def page(wave: str, language: str, variant: int | None) -> ResponseReturnValue:
    """The questionnaire for one person; the variant is drawn afresh unless the address names it."""
    found = wave_or_404(wave)
    questionnaire = questionnaire_of(found["survey"], found["versions"][-1])
    if language not in found["languages"] or (variant or 1) > len(questionnaire.variants):
        return redirect(url_for("entry.home"))
    drawn = variant or 1 + secrets.randbelow(len(questionnaire.variants))
    return _page(found, questionnaire, language, drawn)


def _page(
    found: Mapping[str, Any],
    questionnaire: Questionnaire,
    language: str,
    variant: int,
    *,
    problems: list[player.Problem] | None = None,
    old: Mapping[str, Any] | None = None,
    kept: Mapping[str, str] | None = None,
) -> str:
    place = Chair(found["survey"], "sample", language, variant, found["id"])
    again = {
        "old": old or {},
        "problems": problems or (),
        "kept": {"csrf_token": generate_csrf(), **(kept or {})},
    }
    with collector.read() as store:
        head = published(store, "register", "letterhead", found["access"])
    wave = {**found, "levels": ["two_office"], "register": head}
    data = _data(found["id"], len(questionnaire.variants))
    with speaking(language):
        css = player._css(questionnaire)
        context = player._context(wave, questionnaire, place, css, again)
        context |= {
            # For the check characters of codes; nothing else of it is used.
            "token_js": url_for("static", filename="token.js"),
            "player_js": url_for("static", filename="interview.js"),
            "data": data,
        }
        headers.allow(style_hashes=(style_hash(css),))
        return render_template("player/page.html", **context)


def _clerks_language() -> str:
    """What the interviewer reads: the language of staff pages, whatever the questionnaire's is."""
    stored = session.get("language")
    if stored in STAFF_LANGUAGES:
        return stored
    return best_of(request.accept_languages.values(), STAFF_LANGUAGES)


def _data(wave: str, variants: int) -> Markup:
    """What the script says and must know, as JSON that cannot end its element."""
    tag = _clerks_language()
    with speaking(tag):
        said = words(r_)
    data = {
        "token": url_for("interview.form_token", wave=wave),
        "variants": variants,
        "language": tag,
        "direction": direction(tag),
        "words": said,
    }
    return Markup(json.dumps(data).replace("<", "\\u003c"))  # noqa: S704 - JSON without an opening bracket


@room.get("/<wave>/form-token")
def form_token(wave: str) -> ResponseReturnValue:
    """A fresh form token, for a page that was open for hours."""
    return jsonify(csrf_token=generate_csrf())


@room.post("/<wave>/answers")
def answers(wave: str) -> ResponseReturnValue:
    """Take one person's answers: the code is exchanged for a token, server to server, and forgotten."""
    with collector.read() as store:
        found = wave_of(store, wave)
    if found is None:
        return _over()
    questionnaire = questionnaire_of(found["survey"], found["versions"][-1])
    language = request.form.get("_language", found["languages"][0])
    language = language if language in found["languages"] else found["languages"][0]
    if _wants_json():
        with speaking(_clerks_language()):
            return _as_json(_take(found, questionnaire))
    with speaking(language):
        refusal = _take(found, questionnaire)
        if refusal is None:
            return redirect(url_for("interview.page", wave=wave, language=language), 303)
        return _again(found, questionnaire, language, refusal), refusal.status


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _problem(code: str, group: int = 0) -> str:
    """Why an interview was not taken."""
    if code == "closed":
        with speaking(_clerks_language()):
            return _("The survey is over. The answers of this interview were not taken.")
    return problem_text(code, group)


def _over() -> ResponseReturnValue:
    """The wave was closed during the interview: its script is told why, and so is a clerk without script."""
    text = _problem("closed")
    if _wants_json():
        return _as_json(Refusal("closed", text, STATUS["closed"]))
    flash(text, "danger")
    return redirect(url_for("entry.home"), 303)


def _take(found: Mapping[str, Any], questionnaire: Questionnaire) -> Refusal | None:
    form = request.form
    variant = form.get("_variant", 1, type=int)
    raw = {
        name: values
        for name, values in form.to_dict(flat=False).items()
        if not name.startswith("_") and name != "csrf_token"
    }
    raw["_consent"] = form.getlist("_consent")
    checked = check(questionnaire, raw, variant)
    if checked.faults:
        text = fault_sentence(r_, checked.faults[0].kind, dict(checked.faults[0].params))
        return Refusal("answers", text, 422, None, checked.faults)
    token: Token | None = None
    try:
        token = _token(found)
        body = {"submission": form.get("_submission") or secrets.token_hex(16)}
        accept(body, found["access"], _document(found, questionnaire, checked, variant), token)
    except Unsigned as refusal:
        status = STATUS.get(refusal.code, 422 if refusal.group else 409)
        return Refusal(refusal.code, _problem(refusal.code, refusal.group), status)
    except Refused as refusal:
        kept = token if refusal.code in _AGAIN else None
        return Refusal(refusal.code, _problem(refusal.code), STATUS[refusal.code], kept)
    return None


def _token(found: Mapping[str, Any]) -> Token:
    """The token that an earlier try left in the form, or one for the typed code."""
    kept = request.form.get("_token")
    if kept:
        try:
            return token_from(json.loads(kept))
        except (ValueError, TypeError):
            raise Refused("malformed") from None
    with collector.read() as store:
        keys = key_documents(store, found["access"])
    return token_for_code(request.form.get("_code", ""), "", keys)


def _document(
    found: Mapping[str, Any], questionnaire: Questionnaire, checked: Checked, variant: int
) -> dict[str, Any]:
    return {
        "wave": found["id"],
        "version": questionnaire.version,
        "variant": variant,
        "mode": "assisted",
        "answers": checked.answers,
        "texts": checked.texts,
    }


def _carried(token: Token) -> str:
    parts = {"prefix": token.prefix, "token": token.token, "signature": token.signature}
    return json.dumps({"key": token.key_id} | {name: part.hex() for name, part in parts.items()})


def _as_json(refusal: Refusal | None) -> ResponseReturnValue:
    if refusal is None:
        return jsonify(state="received")
    body: dict[str, Any] = {"code": refusal.code, "text": refusal.text}
    if refusal.token is not None:
        body["token"] = _carried(refusal.token)
    if refusal.faults:
        body["place"] = refusal.faults[0].place
    return jsonify(body), refusal.status


def _again(found: Mapping[str, Any], questionnaire: Questionnaire, language: str, refusal: Refusal) -> str:
    """Without script: the page once more with every answer and, where one was drawn, the token."""
    old = {
        name: values if name != "_code" else values[0]
        for name, values in request.form.to_dict(flat=False).items()
        if name not in ("csrf_token", "_token", "_submission")
    }
    places = [fault.place or "_start" for fault in refusal.faults] or ["_c"]
    kept: dict[str, str] = {}
    if refusal.token is not None:
        kept = {"_token": _carried(refusal.token)}
    problems = [player.Problem(place, refusal.text) for place in places[:1]]
    variant = request.form.get("_variant", 1, type=int)
    if not 1 <= variant <= len(questionnaire.variants):
        variant = 1
    return _page(found, questionnaire, language, variant, problems=problems, old=old, kept=kept)
