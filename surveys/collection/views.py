"""What a phone sends to and fetches from the collector: the answers, and the wave's public keys.

No cookie, no session, no log.  With script the body is JSON and carries a token; without it a form carries
the access code, for which this process asks the register, server to server (level ``two_office``).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, current_app, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from localtext import NAMES
from participation.access.blind import Token
from participation.access.collector.store import Refused, key_documents
from participation.access.collector.views import STATUS, accept, token_from
from participation.access.signing.store import Unsigned
from participation.access.signing.views import secure_context, token_address, token_for_code
from stores import collector, published
from surveys.answers import Checked, check
from surveys.collection.store import published_key
from surveys.faults import Fault
from surveys.player.answered import listed
from surveys.player.markup import plain
from surveys.questionnaire import Questionnaire, read
from web.i18n import resident as r_
from web.promise import isolated
from web.rooms import Room

room = Room("collection", __name__, audience="respondent", processes=("public",), url_prefix="/s")

#: Seconds for which a published wave is believed without asking again.
BELIEVED = 1.0

#: Fields of a form that belong to the envelope and not to the answers.
_ENVELOPE = ("_code", "_version", "_variant", "_language", "_token", "_submission")


def problem_text(problem: str, group: int = 0) -> str:
    """Why answers sent without script were not taken, and what to do, in the reader's language."""
    if group:
        return r_("Please check the code: group %(group)s is not right.", group=group)
    table = {
        "empty": lambda: r_("Please type the access code from your letter."),
        "answers": lambda: r_("Some answers cannot be right. Please go back and check them."),
        "unknown": lambda: r_("This access code is not known. Please compare it with your letter."),
        "other_key": lambda: r_("This access code belongs to another survey."),
        "used": lambda: r_(
            "This access code was used already. If you have just sent it, your answers have arrived."
        ),
        "spent": lambda: r_(
            "This access code was used already. If you have just sent it, your answers have arrived."
        ),
        "withdrawn": lambda: r_("This access code is no longer valid."),
        "needs_script": lambda: r_(
            "Please switch on JavaScript in your browser, or ask for help by telephone."
        ),
        "closed": lambda: r_("The survey is over. Your answers were not sent. You can print this page."),
    }
    fallback = r_("Your answers were not sent yet. Please wait a moment and try again.")
    return table[problem]() if problem in table else fallback


@dataclass
class Published:
    """A wave and its public keys as they were read at ``read_at``; ``sent`` is what `keys` makes of them."""

    read_at: float
    wave: dict[str, Any]
    keys: dict[str, dict[str, Any]]
    sent: bytes | None = None


@dataclass(frozen=True)
class Fielded:
    """The wave that answers came for, and the questionnaire they must fit."""

    wave: Mapping[str, Any]
    keys: dict[str, dict[str, Any]]
    questionnaire: Questionnaire
    version: int


@room.get("/<survey>/keys.json", defaults={"channel": "sample"})
@room.get("/<survey>/open/keys.json", defaults={"channel": "open"})
def keys(survey: str, channel: str) -> Response:
    """Public key halves and token address of the survey's wave: the same bytes for everyone."""
    found = _published(survey, channel)
    if found.sent is None:
        found.sent = _key_list(found)
    response = Response(found.sent, mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=60"
    response.add_etag()
    response.make_conditional(request)
    return response


def _key_list(found: Published) -> bytes:
    wave = found.wave
    response = jsonify(
        wave=wave["id"],
        state=wave["state"],
        levels=wave["levels"] if secure_context(current_app.config["SETTINGS"]) else _without_sealed(wave),
        closes_on=wave["closes_on"],
        round="",
        token=token_address(),
        keys=sorted(found.keys.values(), key=lambda one: one["mark"]),
    )
    return response.get_data()


def _without_sealed(wave: Mapping[str, Any]) -> list[str]:
    # Over plain http browsers have no WebCrypto: rather say so than fail in the middle.
    return [level for level in wave["levels"] if level != "sealed"]


@room.post("/<survey>/answers", defaults={"channel": "sample"})
@room.post("/<survey>/open/answers", defaults={"channel": "open"})
def answers(survey: str, channel: str) -> ResponseReturnValue:
    """Take one person's answers; "received" is said when they are durable, and again for a retry."""
    if request.is_json:
        return _from_script(survey, channel)
    return _from_form(survey, channel)


def _from_script(survey: str, channel: str) -> ResponseReturnValue:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        return jsonify(code="malformed"), 400
    try:
        fielded = _fielded(survey, channel, body.get("version"))
        checked = check(fielded.questionnaire, body.get("answers", {}), _number(body.get("variant", 1)))
        if checked.faults:
            return jsonify(code="answers", faults=_as_json(checked)), 422
        state = accept(body, fielded.wave["access"], _document(fielded, checked, body.get("variant", 1)))
    except Refused as refusal:
        return jsonify(code=refusal.code), STATUS[refusal.code]
    return jsonify(state=state)


def _from_form(survey: str, channel: str) -> ResponseReturnValue:
    form = request.form
    language = form.get("_language", "")
    if language in NAMES:
        g.language = language
    token: Token | None = None
    try:
        fielded = _fielded(survey, channel, form.get("_version"))
        variant = _number(form.get("_variant", "1"))
    except Refused as refusal:
        abort(STATUS[refusal.code])
    try:
        raw = {name: values for name, values in form.to_dict(flat=False).items() if name not in _ENVELOPE}
        checked = check(fielded.questionnaire, raw, variant)
        # Answers off the path are named once before they are left out; the page then carries `_seen`.
        if checked.faults or (checked.discarded and not form.get("_seen")):
            return _again(fielded, channel, variant, "answers", checked=checked)
        token = _token(fielded, form)
        body = {"submission": form.get("_submission") or secrets.token_hex(16)}
        accept(body, fielded.wave["access"], _document(fielded, checked, variant), token)
    except Unsigned as refusal:
        if refusal.code == "closed":
            return _too_late(fielded, checked)
        return _again(fielded, channel, variant, refusal.code, group=refusal.group)
    except Refused as refusal:
        if refusal.code == "malformed":
            abort(400)
        if refusal.code == "closed":
            return _too_late(fielded, checked)
        return _again(fielded, channel, variant, refusal.code, token=token, submission=body.get("submission"))
    shown = g.get("language") or fielded.wave["languages"][0]
    return redirect(url_for("collection.received", survey=survey, language=shown), 303)


def _token(fielded: Fielded, form: Mapping[str, str]) -> Token | None:
    """The token for the typed code, or the one a failed try left in the form; None at level ``open``."""
    levels = fielded.wave["levels"]
    if levels == ["open"]:
        return None
    if form.get("_token"):
        try:
            return token_from(json.loads(form["_token"]))
        except (ValueError, TypeError):
            raise Refused("malformed") from None
    if "two_office" not in levels:
        raise Unsigned("needs_script")
    return token_for_code(form.get("_code", ""), "", fielded.keys)


@room.get("/<survey>/<language>/received")
def received(survey: str, language: str) -> str:
    """Said to everyone alike: the answers have arrived."""
    if language not in NAMES:
        abort(404)
    return render_template("collection/received.html", survey=survey)


def _published(survey: str, channel: str) -> Published:
    """The published wave and its public keys, at most a second old; 404 where there is none."""
    kept: dict[str, Published] = current_app.extensions.setdefault("collection_waves", {})
    key = published_key(survey, channel)
    known = kept.get(key)
    if known is None or time.monotonic() - known.read_at >= BELIEVED:
        with collector.read() as session:
            wave = published(session, "office", "wave", key)
            documents = key_documents(session, wave["access"]) if wave is not None else {}
        if wave is None:
            abort(404)
        known = kept[key] = Published(time.monotonic(), wave, documents)
    return known


def _fielded(survey: str, channel: str, version: object) -> Fielded:
    """The wave and the questionnaire in this version; raises Refused where the wave never took it."""
    found = _published(survey, channel)
    number = _number(version)
    if number not in found.wave["versions"]:
        raise Refused("malformed")
    return Fielded(found.wave, found.keys, _questionnaire(survey, number), number)


def _questionnaire(survey: str, number: int) -> Questionnaire:
    """The published version; it never changes, so it is read once per process."""
    kept: dict[tuple[str, int], Questionnaire] = current_app.extensions.setdefault("questionnaires", {})
    if (survey, number) not in kept:
        with collector.read() as session:
            document = published(session, "office", "questionnaire", f"{survey}/{number}")
        if document is None:
            raise Refused("not_open")
        kept[survey, number] = read(document)
    return kept[survey, number]


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdecimal() and len(value) < 6:
        return int(value)
    raise Refused("malformed")


def _document(fielded: Fielded, checked: Checked, variant: object, mode: str = "self") -> dict[str, Any]:
    """What is sealed: what a response will have, and nothing of how it came."""
    return {
        "wave": fielded.wave["id"],
        "version": fielded.version,
        "variant": _number(variant),
        "mode": mode,
        "answers": checked.answers,
        "texts": checked.texts,
    }


def _as_json(checked: Checked) -> list[dict[str, Any]]:
    return [
        {"code": fault.kind, "place": fault.place, "params": dict(fault.params)} for fault in checked.faults
    ]


def _too_late(fielded: Fielded, checked: Checked) -> ResponseReturnValue:
    """The wave is over: nothing is kept here, so the page gives the answers back, to print or to copy."""
    questionnaire, language = fielded.questionnaire, g.get("language") or fielded.wave["languages"][0]
    page = render_template(
        "collection/too_late.html",
        title=plain(questionnaire.pick(questionnaire.title, language)),
        problem=problem_text("closed"),
        listed=listed(questionnaire, language, r_, checked),
    )
    return page, STATUS["closed"]


def _without_code(fielded: Fielded) -> list[Fault]:
    """That the form has no code, where it needs one: said together with what else is missing."""
    given = request.form.get("_code", "").strip() or request.form.get("_token")
    needed = "two_office" in fielded.wave["levels"]
    return [Fault("code-missing", "_c")] if needed and not given else []


def _again(
    fielded: Fielded,
    channel: str,
    variant: int,
    problem: str,
    *,
    group: int = 0,
    checked: Checked | None = None,
    token: Token | None = None,
    submission: str | None = None,
) -> ResponseReturnValue:
    """The form once more with every answer kept: the player's own page, where faults lie in answers."""
    status = 422 if checked is not None or group else STATUS.get(problem, 409)
    show = current_app.extensions.get("answers_again")
    if checked is not None and show is not None:
        faults = (*_without_code(fielded), *checked.faults)
        return show(fielded.wave, fielded.questionnaire, variant, request.form, faults), status
    carried = {
        name: values
        for name, values in request.form.to_dict(flat=False).items()
        if name not in ("_code", "_token", "_submission")
    }
    if token is not None and problem in ("busy", "not_open"):
        # The code is used up by now, so its token travels with the form until it arrives.
        parts = {"prefix": token.prefix, "token": token.token, "signature": token.signature}
        carried["_token"] = [
            json.dumps({"key": token.key_id} | {name: part.hex() for name, part in parts.items()})
        ]
        carried["_submission"] = [submission or secrets.token_hex(16)]
    with collector.read() as session:
        head = published(session, "register", "letterhead", fielded.wave["access"]) or {}
    page = render_template(
        "collection/again.html",
        phone=isolated(head["phone"]) if head.get("phone") else "",
        action=url_for("collection.answers", survey=fielded.wave["survey"], channel=channel),
        problem=problem_text(problem, group),
        other_letter=problem in ("used", "spent"),
        carried=carried,
        ask_code="_token" not in carried and problem != "answers",
        retry=problem != "answers",
    )
    return page, status
