"""The moderator's desk: conferences, their groups, topics, needs and what is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from localtext import NAMES, pick
from participation.access.admission import Access
from participation.conference import interchange, presets, store
from participation.conference.ballots import BallotFileError
from participation.conference.compare import CHANGES, Link, check_mapping
from participation.conference.desk.forms import (
    METHOD_NAMES,
    PRESET_NAMES,
    STATE_NAMES,
    fault_text,
    file_faults,
    group_rows,
    new_conference,
    option_text,
    texts,
)
from participation.conference.hall import store as hall_store
from participation.conference.hall.forms import turnout_sentences, turnout_text
from participation.conference.models import Conference
from participation.conference.needs import store as needs_store
from participation.conference.store import ConferenceFault, OptionText
from stores import collector, office
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import language, resident_languages
from web.rooms import Room, Task
from web.shell import in_order

room = Room(
    "conferences",
    __name__,
    audience="staff",
    roles=("moderator",),
    processes=("office",),
    url_prefix="/office/conferences",
    menu=(("conferences.index", lazy_gettext("Conferences")),),
    about=lazy_gettext("Collect topics, vote, show and publish the outcome."),
)


#: What the moderator does next with a round in this state.
_NEXT = {
    "open": lazy_gettext("%(round)s is open: watch the turnout and close it (%(conference)s)"),
    "paper": lazy_gettext("%(round)s waits for paper ballots (%(conference)s)"),
    "closed": lazy_gettext("%(round)s has closed: reveal the outcome (%(conference)s)"),
    "announced": lazy_gettext("%(round)s is announced: open it (%(conference)s)"),
}


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """Rounds on their way, those that people vote in first."""
    found = []
    with office.read() as session:
        for row in store.conferences(session):
            for one in store.rounds(session, row):
                if one.state in _NEXT and not (one.state == "closed" and one.practice):
                    words = {"round": said(one.title), "conference": said(row.title)}
                    address = url_for("conferences.overview", slug=row.slug, _anchor="rounds")
                    found.append((one.state, Task(address, str(_NEXT[one.state]) % words)))
    return [task for _state, task in sorted(found, key=lambda pair: list(_NEXT).index(pair[0]))]


def conference_or_404(session: Any, slug: str) -> Conference:
    """The conference of the address."""
    row = store.conference(session, slug)
    if row is None:
        abort(404)
    return row


def said(text: Mapping[str, str]) -> str:
    """A text in the moderator's language, else in any."""
    return pick(text, language())


def publish(slug: str) -> None:
    """Publish what the office store says now; harmless to repeat."""
    with office.read() as session, collector.begin() as published:
        store.publish_all(session, published, conference_or_404(session, slug))


def log(action: str, slug: str, **details: Any) -> None:
    """One entry of the audit log."""
    audit(office, current_account(), f"conference.{action}", slug, details)


def page(template: str, row: Conference, **values: Any) -> str:
    """A page of one conference."""
    return render_template(
        f"conference/{template}.html", row=row, said=said, states=STATE_NAMES, methods=METHOD_NAMES, **values
    )


# ---------------------------------------------------------------- list, new


@room.get("/")
def index() -> ResponseReturnValue:
    """All conferences."""
    with office.read() as session:
        rows = store.conferences(session)
    return render_template("conference/index.html", rows=rows, said=said)


@room.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """One form makes a usable conference."""
    problems: list[str] = []
    if request.method == "POST":
        wanted, problems = new_conference(request.form, language())
        if wanted is not None:
            with office.begin() as session:
                row = store.create(session, wanted.title, wanted.languages, wanted.held_on, wanted.choose)
                store.set_groups(session, row, wanted.groups)
                _fill(session, row, presets.PRESETS[wanted.preset], wanted.topics)
            publish(row.slug)
            log("create", row.slug, preset=wanted.preset)
            return redirect(url_for("conferences.overview", slug=row.slug))
    form = request.form if request.method == "POST" else None
    tags = in_order(resident_languages() | {"de", "en", "ar"})
    return (
        render_template(
            "conference/new.html",
            problems=problems,
            form=form,
            preset_names=PRESET_NAMES,
            tags=tags,
            groups=[pick(label, language()) for label in presets.GROUPS],
            topics="\n".join(pick(label, language()) for label in presets.FIELDS),
        ),
        422 if problems else 200,
    )


def _fill(session: Any, row: Conference, preset: presets.Preset, topics: list[str]) -> None:
    """Topics (known ones in all their languages) and rounds of the template."""
    known = {text: label for label in presets.FIELDS for text in label.values()}
    for topic in topics:
        label = known.get(topic, {row.languages[0]: topic})
        kept = {tag: text for tag, text in label.items() if tag in row.languages}
        store.add_option(session, row, OptionText(kept or {row.languages[0]: topic}))
    for title, changes, practice in preset.rounds:
        label = {t: text for t, text in presets.TITLES[title].items() if t in row.languages}
        settings = presets.settings({"places": row.choose, **changes})
        first = {row.languages[0]: presets.TITLES[title]["en"]}
        store.add_round(session, row, label or first, settings, practice=practice)


@room.get("/<slug>")
def overview(slug: str) -> ResponseReturnValue:
    """One conference: what is ready, what comes next."""
    with office.read() as session:
        row = conference_or_404(session, slug)
        groups = store.groups(session, row)
        every = store.options(session, row, dropped=True)
        rounds = store.rounds(session, row)
        taken = needs_store.sources(session, row)
    with collector.read() as session:
        needs = hall_store.needs(session, slug)
        facts = {
            r.code: hall_store.desk_facts(session, access.key) | {"grace_ends": _grace_ends(r, access)}
            for r in rounds
            for access in (store.access_of(row, r),)
        }
    waiting = [need for need in needs if need.id.hex() not in taken]
    settings = current_app.config["SETTINGS"]
    return page(
        "overview",
        row,
        groups=groups,
        options=[option for option in every if not option.dropped],
        dropped=[option for option in every if option.dropped],
        rounds=rounds,
        facts=facts,
        turnout=turnout_sentences(),
        turnout_text=turnout_text,
        waiting=len(waiting),
        needs=len(needs),
        names=NAMES,
        join=f"{settings.base_url}/c/{slug}",
        secure=settings.base_url.startswith("https://") or "127.0.0.1" in settings.base_url,
    )


def _grace_ends(round_: Any, access: Access) -> datetime | None:
    """Until when phones may still send to a round that was closed; None where nothing more will come."""
    grace = round_.state in ("paper", "closed") and access.accepts(datetime.now(UTC))
    return access.ends if grace else None


# ---------------------------------------------------------------- groups, topics


@room.route("/<slug>/groups", methods=["GET", "POST"])
def groups(slug: str) -> ResponseReturnValue:
    """Groups with seats and agreed shares."""
    problems: list[str] = []
    with office.read() as session:
        row = conference_or_404(session, slug)
        present = store.groups(session, row)
    if request.method == "POST":
        wanted, problems = group_rows(request.form, row.languages)
        if not problems:
            try:
                with office.begin() as session:
                    store.set_groups(session, conference_or_404(session, slug), wanted)
            except ConferenceFault as fault:
                problems = [fault_text(fault)]
            else:
                publish(slug)
                log("groups", slug, groups=len(wanted))
                flash(_("The groups are saved."), "success")
                return redirect(url_for("conferences.overview", slug=slug))
    return page("groups", row, groups=present, problems=problems, names=NAMES), 422 if problems else 200


@room.route("/<slug>/topics/add", methods=["POST"])
def add_topics(slug: str) -> ResponseReturnValue:
    """Add topics from lines of text or from a file (CSV, JSON, list of fields of action)."""
    upload = request.files.get("file")
    try:
        with office.begin() as session:
            row = conference_or_404(session, slug)
            if upload is not None and upload.filename:
                text = upload.read().decode("utf-8-sig")
                lines = interchange.read(text, upload.filename, chosen=request.form.get("list", "").strip())
            else:
                plain = [" ".join(x.split()) for x in request.form.get("topics", "").splitlines()]
                lines = [interchange.OptionLine("", {row.languages[0]: x}) for x in plain if x]
            for line in lines:
                store.add_option(
                    session, row, OptionText(line.label, line.explanation, {}, line.cost), line.code
                )
    except UnicodeDecodeError:
        flash(_("The file is no text in UTF-8."), "danger")
    except BallotFileError as error:
        for problem in file_faults(error):
            flash(problem, "danger")
    else:
        log("topics", slug, added=len(lines))
        flash(_("Topics added: %(num)s.", num=len(lines)), "success")
    return redirect(url_for("conferences.overview", slug=slug) + "#topics")


@room.route("/<slug>/topics/<code>", methods=["GET", "POST"])
def topic(slug: str, code: str) -> ResponseReturnValue:
    """One topic in every language; saving makes a new version, rounds that run keep theirs."""
    problems: list[str] = []
    with office.read() as session:
        row = conference_or_404(session, slug)
        found = next((o for o in store.options(session, row, dropped=True) if o.code == code), None)
        merged = [s for s in needs_store.sources(session, row).values() if s.option == code]
        history = sorted(v for (c, v) in store.versions(session, row) if c == code)
    if found is None:
        abort(404)
    if request.method == "POST":
        text, problems = option_text(request.form, row.languages)
        if not problems:
            with office.begin() as session:
                version = store.reword(session, conference_or_404(session, slug), code, text)
            log("topic", slug, option=code, version=version)
            flash(
                _(
                    "Saved as version %(num)s. Rounds that were announced keep the words they had.",
                    num=version,
                ),
                "success",
            )
            return redirect(url_for("conferences.overview", slug=slug) + "#topics")
    return (
        page("topic", row, option=found, sources=merged, history=history, problems=problems, names=NAMES),
        422 if problems else 200,
    )


@room.post("/<slug>/topics/<code>/<what>")
def topic_step(slug: str, code: str, what: str) -> ResponseReturnValue:
    """Move a topic up or down, take it off the list, or put it back."""
    with office.begin() as session:
        row = conference_or_404(session, slug)
        if what in ("up", "down"):
            store.move_option(session, row, code, -1 if what == "up" else 1)
        elif what in ("drop", "keep"):
            store.drop_option(session, row, code, what == "drop")
        else:
            abort(404)
    if what == "drop":
        flash(_("Taken off the list. Rounds that were announced keep the topic."), "success")
    return redirect(url_for("conferences.overview", slug=slug) + "#topics")


@room.get("/<slug>/topics.csv")
def topics_file(slug: str) -> ResponseReturnValue:
    """The topics as a table, to translate or to use again."""
    with office.read() as session:
        row = conference_or_404(session, slug)
        listed = store.options(session, row)
    lines = [interchange.OptionLine(o.code, o.label, o.explanation, o.cost) for o in listed]
    content = interchange.write_csv(lines, row.languages)
    return Response(
        content,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="topics-{slug}.csv"'},
    )


# ---------------------------------------------------------------- needs


@room.post("/<slug>/collect")
def collect(slug: str) -> ResponseReturnValue:
    """Begin or end collecting."""
    with office.begin() as session:
        row = conference_or_404(session, slug)
        row.collecting = bool(request.form.get("collecting"))
    publish(slug)
    log("collect", slug, collecting=row.collecting)
    return redirect(url_for("conferences.overview", slug=slug))


# ---------------------------------------------------------------- publishing, mapping


@room.post("/<slug>/publish")
def publish_outcome(slug: str) -> ResponseReturnValue:
    """Publish as a ranking, as topics in no order, or take it back."""
    how = request.form.get("publish_as", "")
    if how not in ("", "ranking", "focus"):
        abort(400)
    with office.begin() as session:
        row = conference_or_404(session, slug)
        row.publish_as = how
        row.note = texts(request.form, "note", row.languages)
    publish(slug)
    log("publish", slug, publish_as=how)
    flash(_("Saved."), "success")
    return redirect(url_for("conferences.overview", slug=slug))


@room.route("/<slug>/mapping", methods=["GET", "POST"])
def mapping(slug: str) -> ResponseReturnValue:
    """Which topic of an earlier conference became which of this one."""
    problems: list[str] = []
    with office.read() as session:
        row = conference_or_404(session, slug)
        others = [c for c in store.conferences(session) if c.slug != slug]
        earlier_slug = request.values.get("earlier") or row.mapping.get("earlier") or ""
        earlier = store.conference(session, earlier_slug)
        before = store.options(session, earlier, dropped=True) if earlier else []
        now = store.options(session, row)
    if request.method == "POST" and earlier is not None:
        links = list(_links(request.form.getlist("link")))
        faults = check_mapping(links, [o.code for o in before], [o.code for o in now])
        problems = [f"{f.place}: {f.code} {dict(f.params)}" for f in faults]
        if not problems:
            with office.begin() as session:
                kept = conference_or_404(session, slug)
                kept.mapping = {
                    "earlier": earlier_slug,
                    "links": [
                        {"earlier": list(x.earlier), "later": list(x.later), "change": x.change}
                        for x in links
                    ],
                }
            flash(_("Saved."), "success")
            return redirect(url_for("conferences.overview", slug=slug))
    lines = request.form.getlist("link") or _lines(row, before, now)
    return (
        page(
            "mapping",
            row,
            others=others,
            earlier=earlier,
            before=before,
            now=now,
            lines=lines,
            problems=problems,
        ),
        422 if problems else 200,
    )


def _links(lines: Iterable[str]) -> Iterable[Link]:
    """Lines ``a,b > c : merged``."""
    for line in lines:
        left, _arrow, rest = line.partition(">")
        right, _colon, change = rest.partition(":")
        if change.strip() in CHANGES:
            earlier = tuple(x.strip() for x in left.split(",") if x.strip())
            later = tuple(x.strip() for x in right.split(",") if x.strip())
            yield Link(earlier, later, next(c for c in CHANGES if c == change.strip()))


def _lines(row: Conference, before: list[Any], now: list[Any]) -> list[str]:
    """The kept mapping, else a proposal: equal labels are the same, the rest is new or dropped."""
    if row.mapping.get("links"):
        return [
            f"{','.join(x['earlier'])} > {','.join(x['later'])} : {x['change']}" for x in row.mapping["links"]
        ]
    used, lines = set(), []
    for old in before:
        match = next((o for o in now if set(o.label.values()) & set(old.label.values())), None)
        if match is not None and match.code not in used:
            used.add(match.code)
            lines.append(f"{old.code} > {match.code} : same")
        else:
            lines.append(f"{old.code} >  : dropped")
    return lines + [f" > {o.code} : new" for o in now if o.code not in used]
