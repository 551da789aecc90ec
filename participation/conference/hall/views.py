"""What participants meet on their phones: joining, needs, the ballot, the live state, the outcome."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from participation.access import blind
from participation.access.collector.store import Refused
from participation.access.collector.views import STATUS, accept, present, token_from
from participation.access.signing.store import Unsigned
from participation.access.signing.views import token_address, token_for_code
from participation.conference import ballotform, receipts
from participation.conference.ballotform import BallotError
from participation.conference.closing import phase, until
from participation.conference.hall import store
from participation.conference.hall.forms import (
    closing_sentence,
    counting_sentences,
    fault_sentences,
    method_sentences,
    raw_sentences,
    receipt_hint,
    sentence,
    words,
)
from participation.conference.panel import panel, ranked
from participation.conference.recount import recount_file
from participation.conference.results.forms import finding_text, in_no_order, places_text
from participation.conference.tiebreak import lot_decided
from stores import Store, collector
from web import headers
from web.i18n import language
from web.i18n import resident as r_
from web.rooms import Room
from web.shell import in_order

room = Room("hall", __name__, audience="respondent", processes=("public",), url_prefix="/c")

#: Seconds for which a process believes what it read last; phones poll, the store is asked once.
BELIEVED = 1.0

#: Phases of a round in which there is a ballot to fill.
TAKING = ("open", "closing")


def count_chore(now: datetime) -> None:
    """Tell the turnout and count what has been mixed: done by the worker in every round of work."""
    store.tell_turnout(_store())
    store.count_due(_store(), now)


#: For the worker: which processes do it, and what.
CHORE = (("public",), count_chore)


# ---------------------------------------------------------------- what is published, at most a second old


def _fresh(kind: str, key: str, read: Any) -> Any:
    kept: dict[tuple[str, str], tuple[float, Any]] = current_app.extensions.setdefault("hall_kept", {})
    read_at, value = kept.get((kind, key), (-BELIEVED, None))
    if time.monotonic() - read_at >= BELIEVED:
        with collector.read() as session:
            value = read(session)
        kept[kind, key] = (time.monotonic(), value)
    return value


def _conference(slug: str) -> dict[str, Any]:
    document = _fresh("conference", slug, lambda session: store.conference_document(session, slug))
    if document is None:
        abort(404)
    return dict(document)


def _rounds(slug: str) -> list[dict[str, Any]]:
    return list(_fresh("rounds", slug, lambda session: store.round_documents(session, slug)))


def _round(slug: str, code: str) -> dict[str, Any]:
    found = next((r for r in _rounds(slug) if r["round"] == code), None)
    if found is None:
        abort(404)
    return dict(found)


def _keys(round_: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    keys = _fresh("keys", round_["access"], lambda session: store.round_keys(session, round_))
    return dict(keys)


def _current(slug: str) -> dict[str, Any] | None:
    found = _fresh("current", slug, lambda session: store.current_round(session, slug))
    return dict(found) if found else None


def _links(conference: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(tag, f"{request.path}?lang={tag}") for tag in in_order(conference["languages"])]


def _page(template: str, conference: Mapping[str, Any], **values: Any) -> str:
    return render_template(
        f"conference/{template}.html",
        conference=conference,
        language_links=_links(conference),
        words=words,
        **values,
    )


# ---------------------------------------------------------------- joining and voting


@room.get("/<slug>")
def join(slug: str) -> ResponseReturnValue:
    """The conference on a phone: what can be done now."""
    conference = _conference(slug)
    round_ = _current(slug)
    if round_ is not None and phase(round_, present()) in TAKING:
        return _ballot_page(conference, round_)
    return _waiting_page(conference, round_)


@room.get("/<slug>/<code>")
def ballot(slug: str, code: str) -> ResponseReturnValue:
    """The ballot of one round, by its own address."""
    conference, round_ = _conference(slug), _round(slug, code)
    if phase(round_, present()) not in TAKING:
        return _waiting_page(conference, round_)
    return _ballot_page(conference, round_)


def _waiting_page(conference: Mapping[str, Any], round_: Mapping[str, Any] | None) -> str:
    now = phase(round_, present()) if round_ is not None else ""
    return _page(
        "join",
        conference,
        round=round_,
        phase=now,
        outcomes=_outcomes(conference),
        state=live_state(conference["slug"]),
    )


def _outcomes(conference: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rounds whose outcome is published."""
    if not conference["publish_as"]:
        return []
    return [one for one in _rounds(conference["slug"]) if one["state"] == "revealed" and not one["practice"]]


def _ballot_page(
    conference: Mapping[str, Any],
    round_: Mapping[str, Any],
    *,
    problems: list[str] | None = None,
    kept: Mapping[str, str] | None = None,
    token: str = "",
) -> str:
    address = token_address()
    if not address.startswith("/"):
        headers.allow(connect=(address.rsplit("/token", 1)[0],))
    options = list(round_["options"])
    # Every ballot lists the options in an order of its own, so that no place on the list wins votes.
    random.SystemRandom().shuffle(options)
    return _page(
        "ballot",
        conference,
        round=round_,
        options=options,
        pairs=_pairs(options) if round_["method"] == "pairwise" else [],
        how=method_sentences(round_),
        counting=counting_sentences(round_["method"], round_["seed"]),
        problems=problems or [],
        kept=kept or {},
        token=token,
        submission=(kept or {}).get("submission") or secrets.token_hex(16),
        receipt=receipts.parse((kept or {}).get("receipt", "")) or receipts.draw(secrets.randbelow),
        receipt_words=receipts.shown,
        receipt_hint=receipt_hint(),
        outcomes=_outcomes(conference),
        data=_script_data(conference, round_, address),
    )


def _pairs(options: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs for the plain form: every option meets the next two of this ballot's order."""
    size = len(options)
    steps = (1, 2) if size > 3 else (1,)
    pairs = [(options[i], options[(i + step) % size]) for step in steps for i in range(size)]
    return pairs[: ballotform.MOST_PAIRS] if size > 2 else pairs[:1]


def _script_data(conference: Mapping[str, Any], round_: Mapping[str, Any], address: str) -> dict[str, Any]:
    keys = [{"id": key, **document} for key, document in _keys(round_).items() if document]
    return {
        "conference": conference["slug"],
        "access": round_["access"],
        "round": round_["round"],
        "level": round_["level"],
        "method": round_["method"],
        "version": round_["version"],
        "places": round_.get("places") or 0,
        "dots": round_.get("dots") or 0,
        "per_option": round_.get("per_option") or 0,
        "budget": round_.get("budget") or 0,
        "costs": {o["id"]: o["cost"] for o in round_["options"]},
        "labels": {o["id"]: str(words(o["label"])) for o in round_["options"]},
        "keys": keys,
        "tokenAddress": address,
        "answersAddress": url_for("hall.cast", slug=conference["slug"], code=round_["round"]),
        "stateAddress": url_for("hall.state", slug=conference["slug"]),
        "here": url_for("hall.join", slug=conference["slug"], lang=language()),
        "words": receipts.words(language()),
        "receiptLength": ballotform.RECEIPT,
        "sentences": raw_sentences(),
        "texts": _texts(),
    }


def _texts() -> dict[str, str]:
    return {
        "place": r_("Place %(num)s"),
        "open": r_("Left open"),
        "up": r_("Higher: %(topic)s"),
        "down": r_("Lower: %(topic)s"),
        "equal": r_("Equally important as the one above: %(topic)s"),
        "left": r_("%(num)s left"),
        "sending": r_("Sending …"),
        "received": r_("Your ballot has been received. You can change it until voting closes."),
        "final": r_("Your ballot has been received."),
        "receipt": r_("Your receipt"),
        "receiptHint": receipt_hint(),
        "closed": r_("Voting has closed."),
        "closing": closing_sentence(),
        "next": r_("Something new: continue here"),
        "change": r_("Send again"),
        "slip": r_("Your slip is read."),
        "pair": r_("Which of the two is more important? Stop whenever you like."),
    }


@room.post("/<slug>/<code>/ballot")
def cast(slug: str, code: str) -> ResponseReturnValue:
    """Take one ballot; it is acknowledged when it is durable, and again for a retry."""
    round_ = _round(slug, code)
    if request.is_json:
        return _cast_by_script(round_)
    return _cast_by_form(_conference(slug), round_)


def _refuse_early(round_: Mapping[str, Any]) -> None:
    """While paper is keyed the access may look announced; for a voter it is over after the grace. A closed
    round may have its grace, which the waiting room knows."""
    if phase(round_, present()) in ("paper", "revealed", "withdrawn"):
        raise Refused("closed")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names stand once: of two ballots in one body none is chosen silently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _cast_by_script(round_: Mapping[str, Any]) -> ResponseReturnValue:
    try:
        body = json.loads(request.get_data(), object_pairs_hook=_once)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return jsonify(code="malformed"), 400
    try:
        document = ballotform.check(round_, body)
        _refuse_early(round_)
        state = accept(body, round_["access"], document)
    except BallotError as error:
        faults = [{"code": f.code, "params": dict(f.params)} for f in error.faults]
        return jsonify(code=error.faults[0].code, params=dict(error.faults[0].params), faults=faults), 422
    except Refused as refusal:
        return jsonify(code=refusal.code), STATUS[refusal.code]
    return jsonify(state=state)


def _cast_by_form(conference: Mapping[str, Any], round_: Mapping[str, Any]) -> ResponseReturnValue:
    form = request.form.to_dict()
    token: blind.Token | None = None
    try:
        sent = ballotform.from_fields(round_, form)
        sent["receipt"] = receipts.parse(form.get("receipt", "")) or receipts.draw(secrets.randbelow)
        document = ballotform.check(round_, sent)
        _refuse_early(round_)
        if ballotform.is_blank(document) and not form.get("blank"):
            form["blank"] = "1"
            return _ballot_page(conference, round_, problems=[sentence("blank")], kept=form), 422
        token = _form_token(round_, form)
        body = {"submission": form.get("submission") or secrets.token_hex(16)}
        accept(body, round_["access"], document, token)
    except BallotError as error:
        return _ballot_page(conference, round_, problems=fault_sentences(error.faults), kept=form), 422
    except Unsigned as refusal:
        problem = sentence(refusal.code, {"group": refusal.group})
        return _ballot_page(conference, round_, problems=[problem], kept=form), 422
    except Refused as refusal:
        problems = [sentence("closed_form" if refusal.code == "closed" else refusal.code)]
        page = _ballot_page(conference, round_, problems=problems, kept=form, token=_packed(token))
        return page, STATUS[refusal.code]
    return redirect(
        url_for(
            "hall.received",
            slug=conference["slug"],
            code=round_["round"],
            lang=language(),
        ),
        303,
    )


def _packed(token: blind.Token | None) -> str:
    """A token that was signed but not taken, to be carried by the form: the code is used by now."""
    if token is None:
        return ""
    return json.dumps(
        {
            "key": token.key_id,
            "prefix": token.prefix.hex(),
            "token": token.token.hex(),
            "signature": token.signature.hex(),
        }
    )


def _form_token(round_: Mapping[str, Any], form: Mapping[str, str]) -> blind.Token | None:
    if round_["level"] == "open":
        return None
    if form.get("token"):
        try:
            return token_from(json.loads(form["token"]))
        except (ValueError, TypeError):
            raise Refused("malformed") from None
    return token_for_code(form.get("code", ""), round_["round"], _keys(round_))


@room.get("/<slug>/<code>/received")
def received(slug: str, code: str) -> ResponseReturnValue:
    """Said after the plain form. The receipt stood in the form: in an address it would be logged and kept."""
    return _page("received", _conference(slug), round=_round(slug, code))


# ---------------------------------------------------------------- live state


def live_state(slug: str) -> dict[str, Any]:
    """What phones poll: round, state, close, turnout in steps of five. Computed once a second."""

    def read(session: Any) -> dict[str, Any] | None:
        conference = store.conference_document(session, slug)
        if conference is None:
            return None
        round_ = store.current_round(session, slug)
        found: dict[str, Any] = {
            "collecting": conference["collecting"],
            "published": conference["publish_as"],
            "round": None,
        }
        if round_ is not None:
            found |= {
                "round": round_["round"],
                "state": phase(round_, present()),
                "closes": round_["closes"],
                "until": until(round_),
                "turnout": store.turnout(session, round_),
                "counted": store.is_counted(session, round_["access"]),
            }
        found["version"] = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
        return found

    state = _fresh("state", slug, read)
    if state is None:
        abort(404)
    return dict(state)


@room.get("/<slug>/state")
def state(slug: str) -> ResponseReturnValue:
    """The live state as JSON, with its version as ETag."""
    found = live_state(slug)
    response = jsonify(found)
    response.set_etag(found["version"])
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)


# ---------------------------------------------------------------- needs


@room.route("/<slug>/needs", methods=["GET", "POST"])
def needs(slug: str) -> ResponseReturnValue:
    """Send in a need or proposal, in any language; nothing is known of the sender but what is typed."""
    conference = _conference(slug)
    problem = ""
    if not conference["collecting"]:
        return _page("needs", conference, problem="", closed=True, text=""), 200
    text = " ".join(request.form.get("text", "").split())
    if request.method == "POST":
        codes = {g["code"] for g in conference["groups"]}
        origin = request.form.get("origin", "")
        if not text:
            problem = r_("Please write your topic.")
        elif len(text) > store.LONGEST_NEED:
            problem = r_("Please write at most %(num)s letters.", num=store.LONGEST_NEED)
        else:
            with collector.begin() as session:
                taken = store.add_need(session, slug, text, language(), origin if origin in codes else "")
            if taken:
                return redirect(url_for("hall.needs", slug=slug, lang=language(), sent=1), 303)
            problem = sentence("busy")
    page = _page("needs", conference, problem=problem, closed=False, text=text)
    return page, 422 if problem else 200


# ---------------------------------------------------------------- outcome and recount


def _store() -> Store:
    opened: Store = current_app.extensions["stores"].get("collector")
    return opened


@room.get("/<slug>/<code>/outcome")
def outcome(slug: str, code: str) -> ResponseReturnValue:
    """The published outcome: a ranking with its certainty, or topics in no order."""
    conference, round_ = _conference(slug), _round(slug, code)
    with _store().read() as session:
        found = store.outcome(session, round_)
    if found is None or not conference["publish_as"]:
        return _waiting_page(conference, round_)
    labels = {o["id"]: words(o["label"]) for o in round_["options"]}
    focus = [labels[name] for name in in_no_order(found["order"], conference["choose"], labels)]
    told = panel(found["report"], k=conference["choose"], order=ranked(found))
    return _page(
        "outcome",
        conference,
        round=round_,
        how=method_sentences(round_),
        counting=counting_sentences(round_["method"], round_["seed"]),
        places=len(found["order"]),
        ranking=conference["publish_as"] == "ranking",
        focus=focus,
        by_lot=lot_decided(found["order"], conference["choose"]),
        labels=labels,
        outcome=found if conference["publish_as"] == "ranking" else None,
        findings=[finding_text(f, labels) for f in told.findings],
        places_text=places_text,
        walled=found.get("walled", False),
        cast=found["cast"],
        digest=found["digest"],
    )


@room.get("/<slug>/<code>/list.json")
def ballot_list(slug: str, code: str) -> ResponseReturnValue:
    """Receipts and ballots for recounting; with topics in no order only the organisers have it."""
    conference, round_ = _conference(slug), _round(slug, code)
    if conference["publish_as"] != "ranking":
        abort(404)
    with _store().read() as session:
        kept = store.recount_document(session, round_)
    return Response(recount_file(round_, kept), mimetype="application/json")


@room.route("/<slug>/<code>/own", methods=["GET", "POST"])
def own(slug: str, code: str) -> ResponseReturnValue:
    """Find the own ballot by its receipt, in both ways of publishing.

    The receipt comes in the body: an address would stay in the phone's history and in a proxy's log.
    """
    conference, round_ = _conference(slug), _round(slug, code)
    asked = request.form.get("r", "")
    meant = receipts.find(asked)
    with _store().read() as session:
        listed = store.ballot_list(session, round_) if conference["publish_as"] and meant else []
    found = [ballot for ballot in listed if ballot["receipt"] in meant]
    labels = {o["id"]: words(o["label"]) for o in round_["options"]}
    return _page("own", conference, round=round_, asked=asked, found=found, labels=labels)
