"""Needs at the moderator's desk: read what came in, merge it into topics, set it aside, type more."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from localtext import NAMES
from participation.conference import store
from participation.conference.desk.views import conference_or_404, log, page, said
from participation.conference.hall import store as hall_store
from participation.conference.needs import store as needs_store
from participation.conference.store import OptionText
from stores import collector, office
from web.rooms import Room

room = Room(
    "needs",
    __name__,
    audience="staff",
    roles=("moderator",),
    processes=("office",),
    url_prefix="/office/conferences",
)


@room.route("/<slug>/needs", methods=["GET", "POST"])
def needs(slug: str) -> ResponseReturnValue:
    """Needs that came in: merge the marked ones into a topic, make one of them, or set them aside."""
    with office.read() as session:
        row = conference_or_404(session, slug)
        options = store.options(session, row)
        every = store.options(session, row, dropped=True)
        groups = store.groups(session, row)
        taken = needs_store.sources(session, row)
    labels = {g.code: said(g.label) for g in groups}
    with collector.read() as session:
        found = [
            {
                "id": need.id.hex(),
                "text": need.text,
                "language": need.language,
                "origin": labels.get(need.origin, need.origin),
            }
            for need in hall_store.needs(session, slug)
        ]
    if request.method == "POST":
        chosen = [need for need in found if need["id"] in request.form.getlist("need")]
        _merge(slug, chosen)
        return redirect(url_for("needs.needs", slug=slug))
    waiting = [need for need in found if need["id"] not in taken]
    topics = {option.code: said(option.label) for option in every}
    return page(
        "needs_desk", row, waiting=waiting, options=options, topics=topics, taken=taken.values(), names=NAMES
    )


def _merge(slug: str, chosen: list[dict[str, str]]) -> None:
    if request.form.get("undo"):
        with office.begin() as session:
            needs_store.unassign(session, conference_or_404(session, slug), request.form["undo"])
        return
    if not chosen:
        flash(_("Please mark at least one need."), "danger")
        return
    target = request.form.get("target", "")
    with office.begin() as session:
        row = conference_or_404(session, slug)
        if target == "new":
            label = " ".join(request.form.get("label", "").split())
            if not label:
                flash(
                    _("Please name the new topic in %(language)s.", language=NAMES[row.languages[0]]),
                    "danger",
                )
                return
            target = store.add_option(session, row, OptionText({row.languages[0]: label}))
        elif target and target not in {o.code for o in store.options(session, row)}:
            abort(400)
        needs_store.assign(session, row, chosen, target)
        named = {option.code: said(option.label) for option in store.options(session, row)}
    where = named.get(target, "")
    flash(_("Now part of “%(topic)s”.", topic=where) if where else _("Set aside."), "success")
    log("merge", slug, needs=len(chosen), option=target)


@room.post("/<slug>/needs/add")
def add_need(slug: str) -> ResponseReturnValue:
    """A table's host types what a table has said, one need per line."""
    with office.read() as session:
        row = conference_or_404(session, slug)
    lines = [" ".join(x.split()) for x in request.form.get("text", "").splitlines() if x.strip()]
    origin = " ".join(request.form.get("origin", "").split())[:80]
    with office.begin() as session:
        row = conference_or_404(session, slug)
        typed = [
            {
                "id": needs_store.typed_id(),
                "text": line[: hall_store.LONGEST_NEED],
                "language": row.languages[0],
                "origin": origin,
            }
            for line in lines
        ]
        for need in typed:
            label = {row.languages[0]: need["text"][:120]}
            needs_store.assign(session, row, [need], store.add_option(session, row, OptionText(label)))
    log("typed_needs", slug, needs=len(lines))
    flash(_("Topics added: %(num)s.", num=len(lines)), "success")
    return redirect(url_for("needs.needs", slug=slug))
