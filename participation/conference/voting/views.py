"""Rounds at the desk and on the stage: announce, open, extend, close, reveal; live state by server-sent
events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import segno
from flask import Response, abort, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from localtext import direction, pick
from participation.conference import store
from participation.conference.ballots import POLICIES
from participation.conference.closing import phase, until
from participation.conference.desk.forms import (
    METHOD_NAMES,
    STATE_NAMES,
    fault_text,
    round_settings,
)
from participation.conference.desk.views import conference_or_404, log, page, publish, said
from participation.conference.hall import store as hall_store
from participation.conference.hall.forms import (
    closing_sentence,
    counting_sentences,
    method_sentences,
    turnout_sentences,
)
from participation.conference.presets import DEFAULTS, TITLES, settings
from participation.conference.results.forms import in_no_order, reach
from participation.conference.store import ConferenceFault
from participation.conference.tiebreak import lot_decided
from stores import Store, collector, office
from web.accounts import current_account
from web.i18n import resident as r_
from web.i18n import speaking
from web.rooms import Room

room = Room(
    "voting",
    __name__,
    audience="staff",
    roles=("moderator",),
    processes=("office",),
    url_prefix="/office/conferences",
)

#: How long one stream lives before the browser opens the next: no thread is held for ever.
STREAM_SECONDS = 600
_PAUSE = 1.0


def _now() -> datetime:
    clock = current_app.extensions.get("clock")
    return clock() if clock is not None else datetime.now(UTC)


# ---------------------------------------------------------------- planning


@room.post("/<slug>/rounds/add")
def add(slug: str) -> ResponseReturnValue:
    """Plan another round: like the last one, or in writing after the conference."""
    with office.begin() as session:
        row = conference_or_404(session, slug)
        present = store.rounds(session, row)
        based = {k: v for k, v in present[-1].settings.items() if k != "seed"} if present else {}
        counted = sum(not one.practice for one in present)
        kind = "written" if request.form.get("written") else ("first", "second", "further")[min(counted, 2)]
        words = {tag: text % {"num": counted + 1} for tag, text in TITLES[kind].items()}
        title = {tag: text for tag, text in words.items() if tag in row.languages}
        changes = {**settings({**DEFAULTS, **based}), "level": based.get("level", "codes")}
        if len(present) == 1 and present[0].practice:
            changes["level"] = "codes"
        made = store.add_round(session, row, title or {row.languages[0]: words["en"]}, changes)
        code = made.code
    log("add_round", slug, round=code)
    return redirect(url_for("voting.plan", slug=slug, code=code))


@room.route("/<slug>/rounds/<code>", methods=["GET", "POST"])
def plan(slug: str, code: str) -> ResponseReturnValue:
    """Method, places, what unranked means, grace, quorum: fixed when the round is announced."""
    problems: list[str] = []
    with office.read() as session:
        row = conference_or_404(session, slug)
        found = store.round_of(session, row, code)
    if found is None:
        abort(404)
    if request.method == "POST" and found.state == "draft":
        title, wanted, problems = round_settings(request.form, row.languages)
        if not problems:
            with office.begin() as session:
                kept = store.round_of(session, conference_or_404(session, slug), code)
                if kept is not None and kept.state == "draft":
                    kept.title, kept.settings = title, {"seed": kept.settings["seed"], **wanted}
                    kept.practice = bool(request.form.get("practice"))
            log("round", slug, round=code)
            flash(_("Saved."), "success")
            return redirect(url_for("conferences.overview", slug=slug) + "#rounds")
    values = {**DEFAULTS, **found.settings}
    return page("plan", row, round=found, values=values, problems=problems), 422 if problems else 200


# ---------------------------------------------------------------- the round's steps


@room.post("/<slug>/rounds/<code>/<state>")
def step(slug: str, code: str, state: str) -> ResponseReturnValue:
    """Announce, open, close, reveal or withdraw; the same step twice, from two devices, is one step."""
    if state not in STATE_NAMES:
        abort(404)
    try:
        _step(slug, code, state)
    except ConferenceFault as fault:
        flash(fault_text(fault), "danger")
    else:
        publish(slug)
        log(f"round_{state}", slug, round=code)
    return redirect(url_for("conferences.overview", slug=slug) + "#rounds")


def _step(slug: str, code: str, state: str) -> None:
    now = _now()
    minutes = request.form.get("minutes", "")
    closes = now + timedelta(minutes=int(minutes)) if minutes.isdecimal() and int(minutes) else None
    with office.begin() as session:
        row = conference_or_404(session, slug)
        found = store.round_of(session, row, code)
        if found is None:
            raise ConferenceFault("no_round", round=code)
        key = store.access_of(row, found).key
        if state == "closed" and found.state == "open" and found.settings.get("paper"):
            state = "paper"
        with collector.read() as reading:
            if state == "revealed" and found.state != state and not hall_store.is_counted(reading, key):
                raise ConferenceFault("not_counted")
            if state == "closed" and found.state == "paper" and hall_store.has_sheets(reading, key):
                raise ConferenceFault("batches_open")
        store.advance(session, row, code, state, now=now, closes=closes)


@room.post("/<slug>/rounds/<code>/extend")
def extend(slug: str, code: str) -> ResponseReturnValue:
    """Give more time, from now."""
    minutes = request.form.get("minutes", "")
    closes = _now() + timedelta(minutes=int(minutes)) if minutes.isdecimal() and int(minutes) else None
    try:
        with office.begin() as session:
            store.extend(session, conference_or_404(session, slug), code, closes, now=_now())
    except ConferenceFault as fault:
        flash(fault_text(fault), "danger")
    else:
        publish(slug)
        log("extend", slug, round=code, minutes=minutes)
    return redirect(url_for("conferences.overview", slug=slug) + "#rounds")


# ---------------------------------------------------------------- stage and live state


def snapshot(reading: Store, slug: str, tags: tuple[str, ...]) -> dict[str, Any] | None:
    """What stage and desk show now; the outcome only after it was revealed."""
    with reading.read() as session:
        conference = hall_store.conference_document(session, slug)
        if conference is None:
            return None
        round_ = hall_store.current_round(session, slug)
        found: dict[str, Any] = {"title": _in(conference["title"], tags), "round": None}
        if round_ is None:
            return found
        facts = hall_store.desk_facts(session, round_["access"])
        found |= {
            "round": round_["round"],
            "round_title": _in(round_["round_title"], tags),
            "state": phase(round_, datetime.now(UTC)),
            "until": until(round_),
            "practice": round_["practice"],
            "closes": round_["closes"],
            "seed": round_["seed"],
            "method": round_["method"],
            "policy": round_.get("policy") or "last",
            "quorum": round_.get("quorum", 0),
            **facts,
        }
        outcome = hall_store.outcome(session, round_)
        if outcome is not None:
            labels = {o["id"]: _in(o["label"], tags) for o in round_["options"]}
            if conference["publish_as"] == "focus" and not round_["practice"] and outcome["order"]:
                names = {option: label[0]["text"] for option, label in labels.items()}
                chosen = in_no_order(outcome["order"], conference["choose"], names)
                found["focus"] = [labels[option] for option in chosen]
                found["by_lot"] = lot_decided(outcome["order"], conference["choose"])
            else:
                found["order"] = _order(outcome, labels)
            found["ballots"] = outcome["cast"]
    return found


def _in(text: dict[str, str], tags: tuple[str, ...]) -> list[dict[str, str]]:
    """A text in one or two languages, each with its tag."""
    shown: list[dict[str, str]] = []
    for tag in tags:
        picked = pick(text, tag)
        if picked and picked not in [one["text"] for one in shown]:
            shown.append({"text": str(picked), "lang": picked.language or tag})
    return shown


def _order(outcome: dict[str, Any], labels: dict[str, list[dict[str, str]]]) -> list[dict[str, Any]]:
    intervals = (outcome["report"].get("rank_intervals") or {}).get(outcome["headline"], {})
    return [
        {
            "label": labels[place["option"]],
            "step": place["step"],
            "reach": reach(intervals[place["option"]]) if place["option"] in intervals else None,
        }
        for place in outcome["order"]
    ]


def _tags(row_languages: list[str]) -> tuple[str, ...]:
    asked = [request.args.get("first", ""), request.args.get("second", "")]
    chosen = [tag for tag in asked if tag in row_languages]
    return tuple(dict.fromkeys(chosen)) or (row_languages[0],)


@room.get("/<slug>/stage")
def stage(slug: str) -> ResponseReturnValue:
    """For the beamer: join code, turnout, then the outcome step by step (space key), in any two languages."""
    with office.read() as session:
        row = conference_or_404(session, slug)
    tags = _tags(row.languages)
    address = f"{current_app.config['SETTINGS'].base_url}/c/{slug}"
    return render_template(
        "conference/stage.html",
        row=row,
        tags=tags,
        said=said,
        join=address.removeprefix("https://").removeprefix("http://"),
        qr=segno.make(address, error="m", micro=False).svg_inline(border=1, omitsize=True),
        texts=[_stage_texts(tag) for tag in tags],
    )


def _stage_texts(tag: str) -> dict[str, Any]:
    """What the stage says in one of its languages; the stage fills in numbers and the seed."""
    with speaking(tag):
        return {
            "lang": tag,
            "dir": direction(tag),
            "turnout": turnout_sentences(),
            "quorum": r_("needed: %(num)s"),
            "waiting": r_("Voting has not begun yet."),
            "closed": r_("Voting has closed."),
            "closing": closing_sentence(),
            "practice": r_("This is a practice round. It is not counted."),
            "places": r_("Places it could have"),
            "lot": r_("tie decided by lot"),
            "head_to_head": r_("tie decided head to head"),
            "first_ranks": r_("tie decided by first places"),
            "ballots": r_("Ballots: %(num)s"),
            "none": r_("There were no ballots."),
            "no_order": r_("These topics stand in no order."),
            "by_lot": r_("Topics were tied for the last place; the lot decided between them."),
            "open_places": {
                policy: method_sentences({"method": "ranking", "policy": policy})[1:] for policy in POLICIES
            },
            "counting": {method: counting_sentences(method, "%(seed)s") for method in METHOD_NAMES},
        }


@room.get("/<slug>/live")
def live(slug: str) -> ResponseReturnValue:
    """The snapshot as JSON with an ETag, for browsers without a stream."""
    with office.read() as session:
        row = conference_or_404(session, slug)
    found = snapshot(_opened(), slug, _tags(row.languages))
    response = jsonify(found)
    response.add_etag()
    return response.make_conditional(request)


@room.get("/<slug>/events")
def events(slug: str) -> ResponseReturnValue:
    """Server-sent events: the snapshot whenever it changes, a comment every fifteen seconds."""
    with office.read() as session:
        row = conference_or_404(session, slug)
    stream = changes(_opened(), slug, _tags(row.languages))
    response = Response(stream, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _opened() -> Store:
    opened: Store = current_app.extensions["stores"].get("collector")
    return opened


def changes(
    reading: Store, slug: str, tags: tuple[str, ...], seconds: float = STREAM_SECONDS, pause: float = _PAUSE
) -> Iterator[str]:
    """The stream itself, outside any request."""
    last, quiet, until = "", 0.0, time.monotonic() + seconds
    yield "retry: 2000\n\n"
    while time.monotonic() < until:
        text = json.dumps(snapshot(reading, slug, tags), ensure_ascii=False)
        if text != last:
            last, quiet = text, 0.0
            yield f"data: {text}\n\n"
        elif quiet >= 15:
            quiet = 0.0
            yield ": still here\n\n"
        time.sleep(pause)
        quiet += pause


# ---------------------------------------------------------------- walls of sticker dots


@room.route("/<slug>/rounds/<code>/wall", methods=["GET", "POST"])
def wall(slug: str, code: str) -> ResponseReturnValue:
    """Totals of a wall of sticker dots: typed by one person, typed again by another."""
    with office.read() as session:
        row = conference_or_404(session, slug)
        found = store.round_of(session, row, code)
        texts = store.versions(session, row)
    if found is None or found.settings["method"] != "dots" or found.state in ("draft", "revealed"):
        abort(404)
    options = [(name, said(texts[name, version].label)) for name, version in found.options]
    problem = ""
    if request.method == "POST":
        typed = {name: request.form.get(f"o-{name}", "").strip() or "0" for name, _label in options}
        if not all(text.isdecimal() for text in typed.values()):
            problem = _("Please type whole numbers.")
        else:
            problem = _keep_wall(slug, code, {name: int(text) for name, text in typed.items()})
        if not problem:
            publish(slug)
            log("wall", slug, round=code)
            flash(_("The totals are kept."), "success")
            return redirect(url_for("conferences.overview", slug=slug) + "#rounds")
    return page("wall", row, round=found, options=options, problem=problem), 422 if problem else 200


def _keep_wall(slug: str, code: str, totals: dict[str, int]) -> str:
    """Keep the totals, or confirm them; a sentence where the second person typed something else."""
    me = current_account().email
    with office.begin() as session:
        found = store.round_of(session, conference_or_404(session, slug), code)
        if found is None:
            return _("This round is gone.")
        kept = found.wall
        if kept and kept["entered_by"] != me and not kept.get("confirmed_by"):
            if kept["totals"] != totals:
                return _("This differs from what was typed first. Count the wall again together.")
            found.wall = {**kept, "confirmed_by": me}
        elif kept and kept["totals"] == totals and not kept.get("confirmed_by"):
            return _("A second person has to type the totals again.")
        else:
            found.wall = {"totals": totals, "entered_by": me, "confirmed_by": ""}
    return ""
