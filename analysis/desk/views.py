"""The release desk: what is about to be published, with the auditor's findings; the decision of a second
person.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from analysis import store
from analysis.desk import store as desk
from analysis.errors import AnalysisError
from analysis.exchange.bookfiles import html_book
from analysis.forms import DecisionForm
from analysis.marks import weaker
from analysis.models import Release
from analysis.published.views import finding, words_in
from analysis.views import told
from stores import collector, office
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import language
from web.rooms import Room, Task

room = Room(
    "releases",
    __name__,
    audience="staff",
    roles=("analyst", "reviewer"),
    processes=("analysis",),
    url_prefix="/office/releases",
    menu=(("releases.all_releases", lazy_gettext("Releases")),),
    about=lazy_gettext("What is about to be published, with the auditor's findings, and who decided."),
)

STATES = {
    "requested": lazy_gettext("waiting for a decision"),
    "released": lazy_gettext("published"),
    "refused": lazy_gettext("refused"),
    "withdrawn": lazy_gettext("withdrawn"),
}


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """Publications that this person can decide on."""
    if not account.may("reviewer"):
        return []
    with collector.read() as session:
        found = store.releases(session, "requested")
    return [
        Task(
            url_for("releases.one", release_id=one.id.hex()),
            _("Decide whether /results/%(slug)s is published", slug=one.slug),
        )
        for one in found
        if one.requested_by != account.email
    ]


def _one(release_id: str) -> Release:
    try:
        key = bytes.fromhex(release_id)
    except ValueError:
        abort(404)
    with collector.read() as session:
        row = store.release(session, key)
    if row is None:
        abort(404)
    return row


def _refused_before(row: Release) -> list[Release]:
    """Earlier refusals that this request answers."""
    with collector.read() as session:
        return [one for one in desk.refusals(session, row.plan) if one.requested_at < row.requested_at]


@room.get("/")
def all_releases() -> ResponseReturnValue:
    """Every request and decision."""
    with collector.read() as session:
        found = store.releases(session)
    return render_template("releases/all.html", releases=found, states=STATES)


@room.route("/<release_id>", methods=["GET", "POST"])
def one(release_id: str) -> ResponseReturnValue:
    """One request: the auditor's findings, what would be published, the decision."""
    row, form, account = _one(release_id), DecisionForm(), current_account()
    may_decide = account.may("reviewer") and account.email != row.requested_by
    if form.validate_on_submit():
        if not account.may("reviewer"):
            abort(403)
        yes = request.form.get("decision") == "yes"
        if may_decide and not yes and not (form.note.data or "").strip():
            form.note.errors = [_("Say what speaks against it; the analyst has to answer your objection.")]
            return _page(row, form, may_decide), 422
        try:
            with collector.begin() as session:
                store.decide(session, row.id, account.email, yes, form.note.data or "", datetime.now(UTC))
        except AnalysisError as error:
            flash(told(error), "danger")
        else:
            action = "analysis.release.publish" if yes else "analysis.release.refuse"
            audit(office, account, action, f"results {row.slug}", {"digest": row.digest[:16]})
            flash(_("It is published.") if yes else _("It is refused."), "success")
        return redirect(url_for("releases.one", release_id=release_id))
    return _page(row, form, may_decide)


def _page(row: Release, form: DecisionForm, may_decide: bool) -> str:
    with collector.read() as session:
        replaced = desk.public_day(session, row.slug) if row.state == "requested" else None
    cells = [c for table in row.document["tables"] for line in table["rows"] for c in line["cells"]]
    hidden = sum("percent" not in cell for cell in cells)
    return render_template(
        "releases/one.html",
        one=row,
        form=form,
        states=STATES,
        may_decide=may_decide,
        replaced=replaced,
        may_withdraw=current_account().may("reviewer"),
        headlines=[finding(entry, language()) for entry in row.document["headlines"]],
        shown=len(cells) - hidden,
        hidden=hidden,
        weaker=weaker(row.document["rules"]),
        refused=_refused_before(row) if row.state == "requested" else [],
    )


@room.get("/<release_id>/preview")
def preview(release_id: str) -> ResponseReturnValue:
    """The whole book as a file to read before deciding."""
    row = _one(release_id)
    page = html_book(row.document, language(), words_in(language()))
    name = f"{row.slug}.html"
    return Response(
        page, mimetype="text/html", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@room.post("/<release_id>/withdraw")
def withdraw(release_id: str) -> ResponseReturnValue:
    """Take a publication off the public pages."""
    row, account = _one(release_id), current_account()
    if not account.may("reviewer"):
        abort(403)
    try:
        with collector.begin() as session:
            store.withdraw(session, row.id, account.email, _("Withdrawn"))
    except AnalysisError as error:
        flash(told(error), "danger")
    else:
        audit(office, account, "analysis.release.withdraw", f"results {row.slug}")
    return redirect(url_for("releases.one", release_id=release_id))
