"""Outcomes for the organisers: figures, groups, method panel, comparison, files, protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from flask import Response, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, format_time
from flask_babel import gettext as _

import typeset
from localtext import direction, isolate, pick
from participation.conference import ballotfiles, ballotform, figures, pabulib, preflib, report, store
from participation.conference.compare import Link
from participation.conference.desk.forms import METHOD_NAMES, STATE_NAMES
from participation.conference.desk.views import conference_or_404, page, said
from participation.conference.hall import store as hall_store
from participation.conference.hall.forms import counting_sentences, method_sentences
from participation.conference.needs import store as needs_store
from participation.conference.panel import RULES, panel, ranked
from participation.conference.recount import recount_file
from participation.conference.results import protocol
from participation.conference.results.forms import (
    RULE_NAMES,
    finding_text,
    in_no_order,
    listed,
    places_text,
    score_text,
    step_text,
)
from participation.conference.tiebreak import lot_decided
from stores import collector, office
from web.i18n import language
from web.i18n import resident as r_
from web.rooms import Room

room = Room(
    "outcomes",
    __name__,
    audience="staff",
    roles=("moderator",),
    processes=("office",),
    url_prefix="/office/conferences",
)

FIGURES = ("outcome", "groups", "pairs", "shift")


def _revealed(slug: str, code: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Conference, round document and outcome; 404 before the reveal."""
    with office.read() as session:
        row = conference_or_404(session, slug)
        found = store.round_of(session, row, code)
        if found is None or found.state == "draft":
            abort(404)
        key = store.access_of(row, found).key
    with collector.read() as session:
        round_ = hall_store.round_document(session, key)
        outcome = hall_store.outcome(session, round_) if round_ else None
    if round_ is None or outcome is None:
        abort(404)
    return row, round_, outcome


def _labels(round_: Mapping[str, Any]) -> dict[str, str]:
    return {o["id"]: said(o["label"]) for o in round_["options"]}


def _group_name(round_: Mapping[str, Any], joined: str) -> str:
    names = {g["code"]: said(g["label"]) for g in round_["groups"]}
    codes = joined.replace(" + ", "+").split("+")
    return " + ".join(names.get(code, code or _("without group")) for code in codes)


@room.get("/<slug>/rounds/<code>/outcome")
def outcome(slug: str, code: str) -> ResponseReturnValue:
    """One round's outcome with everything that qualifies it."""
    row, round_, found = _revealed(slug, code)
    labels = _labels(round_)
    told = panel(found["report"], k=row.choose, order=ranked(found))
    with office.read() as session:
        others = [
            r
            for r in store.rounds(session, conference_or_404(session, slug))
            if r.state == "revealed" and r.code != code and not r.practice
        ]
    return page(
        "outcome_desk",
        row,
        round=round_,
        found=found,
        labels=labels,
        told=told,
        findings=[finding_text(f, labels) for f in told.findings],
        rule_names=RULE_NAMES,
        rules=RULES[found["report"]["kind"]],
        step_text=step_text,
        listed=listed,
        agreed=all(group.get("share") for group in round_["groups"]),
        group_name=lambda joined: _group_name(round_, joined),
        how=method_sentences(round_) + counting_sentences(round_["method"], round_["seed"]),
        others=others,
        svg={name: svg for name in FIGURES if (svg := _figure(name, slug, row, round_, found))},
        wall=_with_wall(round_, found),
    )


# ---------------------------------------------------------------- figures


@room.get("/<slug>/rounds/<code>/<name>.svg")
def figure(slug: str, code: str, name: str) -> ResponseReturnValue:
    """One figure as a file."""
    row, round_, found = _revealed(slug, code)
    svg = _figure(name, slug, row, round_, found) if name in FIGURES else ""
    if not svg:
        abort(404)
    return Response(svg, mimetype="image/svg+xml")


def _figure(name: str, slug: str, row: Any, round_: dict[str, Any], found: dict[str, Any]) -> str:
    labels = _labels(round_)
    rtl = direction(language()) == "rtl"
    order = [place["option"] for place in found["order"]]
    if not order:
        return ""
    if name == "outcome":
        intervals = (found["report"].get("rank_intervals") or {}).get(found["headline"], {})
        bars = [
            figures.Bar(labels[o], n, intervals.get(o, {}).get("low"), intervals.get(o, {}).get("high"))
            for n, o in enumerate(order, 1)
        ]
        return figures.intervals(bars, title=r_("Outcome"), rtl=rtl)
    if name == "groups":
        parts = found["report"].get("groups") or {}
        if len(parts) < 2:
            return ""
        places = {
            f"{_group_name(round_, key)} ({part['ballots']})": _places(
                part["rules"], found["headline"], order
            )
            for key, part in parts.items()
        }
        return figures.groups([labels[o] for o in order], places, title=_("Groups"), rtl=rtl)
    if name == "pairs":
        n = found["report"]["rules"].get("pairwise", {}).get("n")
        if not n:
            return ""
        wins = [[0.0 if x == y else float(n[x][y]) for y in order] for x in order]
        return figures.pairs([labels[o] for o in order], wins, title=_("Head to head"), rtl=rtl)
    return _shift_figure(slug, row, round_, rtl)


def _places(rules: Mapping[str, Any], headline: str, order: list[str]) -> list[float]:
    """Mean place of every option in the classes of one rule."""
    classes = rules.get(headline, {}).get("classes") or [order]
    place, found = 0, {}
    for tied in classes:
        for name in tied:
            found[name] = place + (len(tied) + 1) / 2
        place += len(tied)
    return [found[name] for name in order]


def _shift_figure(slug: str, row: Any, round_: dict[str, Any], rtl: bool) -> str:
    with collector.read() as session:
        rounds = hall_store.round_documents(session, slug)
        earlier = [
            r
            for r in rounds
            if int(r["round"][1:]) < int(round_["round"][1:]) and hall_store.outcome(session, r) is not None
        ]
        before = earlier[-1] if earlier else None
        links: list[Link] = []
        if before is None and row.mapping.get("earlier"):
            past = [
                r
                for r in hall_store.round_documents(session, row.mapping["earlier"])
                if hall_store.outcome(session, r) is not None
            ]
            before = past[-1] if past else None
            links = [Link(tuple(x["earlier"]), tuple(x["later"]), x["change"]) for x in row.mapping["links"]]
        if before is None:
            return ""
        rng = np.random.default_rng(report.SEED)
        moved = hall_store.shifts(session, before, round_, links, rng)
    labels = _labels(round_)
    rows = [
        (labels[s.link.later[0]], s.rank_then, s.rank_now, s.low > 0 or s.high < 0)
        for s in moved
        if s.moved is not None
    ]
    if not rows:
        return ""
    return figures.shift(
        rows, before=said(before["round_title"]), after=said(round_["round_title"]), title=_("Shift"), rtl=rtl
    )


def _with_wall(round_: Mapping[str, Any], found: Mapping[str, Any]) -> list[tuple[str, Any, int, Any]]:
    """Dots of ballots, of the wall of stickers, and both together; empty where there is no wall."""
    wall = round_.get("wall") or {}
    if not wall or round_["method"] != "dots":
        return []
    labels, scores = _labels(round_), found["report"]["rules"]["dots"]["scores"]
    rows = [
        (labels[o], scores[o], int(wall["totals"].get(o, 0)), scores[o] + int(wall["totals"].get(o, 0)))
        for o in scores
    ]
    return sorted(rows, key=lambda row: -row[3])


# ---------------------------------------------------------------- files


def _download(content: str | bytes, name: str, kind: str) -> Response:
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@room.get("/<slug>/rounds/<code>/ballots.<form>")
def ballots(slug: str, code: str, form: str) -> ResponseReturnValue:
    """The ballots as CSV, JSON, PrefLib or Pabulib file; groups under five are merged in every one."""
    _row, round_, _found = _revealed(slug, code)
    with collector.read() as session:
        cast = hall_store.ballot_list(session, round_)
    profile = report.with_shown_groups(ballotform.profile(round_, cast))
    name = f"{slug}-{code}.{form}"
    try:
        if form == "csv":
            return _download(ballotfiles.write_csv(profile), name, "text/csv")
        if form == "json":
            return _download(ballotfiles.write_json(profile), name, "application/json")
        if form == "pb":
            return _download(pabulib.write(profile), name, "text/plain")
        if f".{form}" in preflib.SUFFIXES:
            suffix = preflib.suffix_for(profile)
            return _download(preflib.write(profile), f"{slug}-{code}{suffix}", "text/plain")
    except ValueError:
        flash(_("These ballots do not fit into a .%(form)s file.", form=form), "danger")
        return redirect(url_for("outcomes.outcome", slug=slug, code=code))
    return abort(404)


@room.get("/<slug>/rounds/<code>/outcome.json")
def outcome_file(slug: str, code: str) -> ResponseReturnValue:
    """The whole outcome as JSON."""
    _row, _round, found = _revealed(slug, code)
    return _download(
        json.dumps(found, ensure_ascii=False, indent=1), f"{slug}-{code}-outcome.json", "application/json"
    )


@room.get("/<slug>/rounds/<code>/list.json")
def recount_list(slug: str, code: str) -> ResponseReturnValue:
    """The list for sworn recounters, also where topics are published in no order."""
    _row, round_, _found = _revealed(slug, code)
    with collector.read() as session:
        kept = hall_store.recount_document(session, round_)
    return _download(recount_file(round_, kept), f"{slug}-{code}-list.json", "application/json")


@room.get("/<slug>/protocol.<form>")
def protocol_file(slug: str, form: str) -> ResponseReturnValue:
    """The protocol as PDF or DOCX, in the language of the page."""
    if form not in ("pdf", "docx"):
        abort(404)
    document = _protocol(slug)
    if form == "pdf":
        return _download(typeset.pdf("protocol", document, language()), f"{slug}.pdf", "application/pdf")
    content = protocol.docx(document, language=language(), rtl=direction(language()) == "rtl")
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return _download(content, f"{slug}.docx", kind)


def _protocol(slug: str) -> dict[str, Any]:
    with office.read() as session:
        row = conference_or_404(session, slug)
        groups = store.groups(session, row)
        options = store.options(session, row, dropped=True)
        sources = needs_store.sources(session, row)
        rounds = store.rounds(session, row)
        versions = store.versions(session, row)
    tag = language()
    facts = [_("Held on %(day)s.", day=format_date(row.held_on, "long"))] if row.held_on else []
    facts.append(
        _("Groups: %(groups)s.", groups="; ".join(f"{said(g.label)} ({g.seats})" for g in groups) or "–")
    )
    sections: list[dict[str, Any]] = [
        {
            "title": _("Topics and what they were made of"),
            "table": {
                "head": [_("Topic"), _("Versions"), _("Needs merged into it")],
                "widths": [24, 28, 48],
                "rows": [
                    [
                        said(o.label) + (" (" + _("taken off the list") + ")" if o.dropped else ""),
                        "; ".join(
                            f"{v}: {said(versions[o.code, v].label)}"
                            for (c, v) in sorted(versions)
                            if c == o.code
                        ),
                        "\n".join(
                            f"• {isolate(s.text, tag)}" + (f" ({isolate(s.origin, tag)})" if s.origin else "")
                            for s in sources.values()
                            if s.option == o.code
                        ),
                    ]
                    for o in options
                ],
            },
        }
    ]
    aside = [s.text for s in sources.values() if not s.option]
    if aside:
        sections.append(
            {"title": _("Needs set aside"), "paragraphs": [f"• {isolate(text, tag)}" for text in aside]}
        )
    for found in rounds:
        if found.state != "draft":
            sections.append(_round_section(slug, row, found))
    if pick(row.note, language()):
        sections.append({"title": _("Note"), "paragraphs": [said(row.note)]})
    return {"title": said(row.title), "facts": facts, "sections": sections}


def _round_section(slug: str, row: Any, found: Any) -> dict[str, Any]:
    """Method, turnout and outcome of one round; ranks only where they are not to stay with the organisers."""
    with collector.read() as session:
        round_ = hall_store.round_document(session, store.access_of(row, found).key)
        outcome = hall_store.outcome(session, round_) if round_ else None
    title = f"{said(found.title)} ({METHOD_NAMES[found.settings['method']]})"
    texts = [
        _("State: %(state)s.", state=STATE_NAMES[found.state])
        + " "
        + " ".join(method_sentences(found.settings))
    ]
    if found.practice:
        texts.append(r_("This is a practice round. It is not counted."))
    if found.closes:
        moment = f"{format_date(found.closes, 'long')}, {format_time(found.closes, 'short')}"
        texts.append(_("Closed: %(time)s.", time=moment))
    section: dict[str, Any] = {"title": title, "paragraphs": texts}
    if outcome is None or round_ is None:
        return section
    labels = _labels(round_)
    texts.append(
        _("Ballots: %(num)s.", num=outcome["cast"]) + " " + r_("A vote speaks for those who took part.")
    )
    texts.append(" ".join(counting_sentences(round_["method"], round_["seed"])))
    if outcome.get("walled"):
        texts.append(r_("The dots of the wall of stickers are included."))
    texts.append(f"SHA-256: {outcome['digest']}")
    if not outcome["order"]:
        texts.append(r_("There were no ballots."))
        return section
    if row.publish_as == "focus":
        chosen = in_no_order(outcome["order"], row.choose, labels)
        texts.append(r_("These topics stand in no order.") + " " + "; ".join(labels[o] for o in chosen))
        if lot_decided(outcome["order"], row.choose):
            texts.append(r_("Topics were tied for the last place; the lot decided between them."))
        return section
    texts += [
        finding_text(f, labels)
        for f in panel(outcome["report"], k=row.choose, order=ranked(outcome)).findings
    ]
    scores = outcome["report"]["rules"].get(outcome["headline"], {}).get("scores", {})
    intervals = (outcome["report"].get("rank_intervals") or {}).get(outcome["headline"], {})
    section["table"] = {
        "head": [
            r_("Place"),
            _("Topic"),
            str(RULE_NAMES[outcome["headline"]]),
            r_("Places it could have"),
            _("Tie"),
        ],
        "widths": [9, 41, 15, 15, 20],
        "rows": [
            [
                str(n),
                labels[p["option"]],
                score_text(scores.get(p["option"])) or "–",
                places_text(intervals.get(p["option"])) or "–",
                step_text(p["step"]),
            ]
            for n, p in enumerate(outcome["order"], 1)
        ],
    }
    return section
