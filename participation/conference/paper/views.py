"""Entering paper ballots and walls of sticker dots: typed by one person, confirmed by another.

The audit log names batches and persons, never a code together with a sheet.
"""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from localtext import pick
from participation.access.collector.store import Refused
from participation.conference import ballotform
from participation.conference.ballotform import BallotError
from participation.conference.hall import store as hall_store
from participation.conference.hall.forms import fault_sentences
from participation.conference.paper import store
from participation.conference.paper.store import PaperFault
from stores import collector, office, published_all
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import language
from web.rooms import Room, Task

room = Room(
    "paper",
    __name__,
    audience="staff",
    roles=("entry_clerk",),
    processes=("entry",),
    url_prefix="/office/paper",
    menu=(("paper.index", _l("Paper ballots")),),
    about=_l("Enter ballots of a conference that were cast on paper, and confirm those of others."),
)

FAULTS: dict[str, Any] = {
    "same_person": _l("Only your own entry reads like this. A second person has to confirm it."),
    "differs": _l(
        "Nobody else has typed a sheet of this group that reads like this. Look at the sheet again. If your "
        "entry is right, keep it: somebody else confirms it, and the wrong one is left over."
    ),
    "gone": _l("This entry is not there any more, or it is confirmed."),
    "unconfirmed": _l("Sheets that are not confirmed yet: %(num)s."),
    "total": _l(
        "%(keyed)s sheets were keyed, but %(booked)s slips are booked. Compare both before you admit them."
    ),
    "empty": _l("There is nothing to admit."),
    "closed": _l("The round is mixed already. These sheets can no longer be counted."),
    "not_open": _l("Nobody can vote in this round yet."),
}


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """Rounds that take paper now."""
    return [
        Task(
            url_for("paper.enter", slug=one["conference"], code=one["round"]),
            _("Enter paper ballots: %(title)s", title=_said(one["round_title"])),
        )
        for one in _rounds()
    ]


def _said(text: dict[str, str]) -> str:
    return pick(text, language())


def _rounds() -> list[dict[str, Any]]:
    with collector.read() as session:
        found = published_all(session, "office", "round").values()
    return [d for d in found if d["state"] in ("open", "paper") and d["level"] == "codes"]


def _round(slug: str, code: str) -> dict[str, Any]:
    for document in _rounds():
        if (document["conference"], document["round"]) == (slug, code):
            return document
    return abort(404)


def _keys(round_: dict[str, Any]) -> dict[str, str]:
    """Key id -> names of the groups whose sheets bear its mark."""
    names = {g["code"]: _said(g["label"]) for g in round_["groups"]}
    with collector.read() as session:
        shared = hall_store.groups_by_mark(session, round_["conference"])
        keys = hall_store.round_keys(session, round_)
    return {key: ", ".join(names.get(c, c) for c in shared.get(d["mark"], [])) for key, d in keys.items()}


@room.get("/")
def index() -> ResponseReturnValue:
    """Rounds that take paper now."""
    return render_template("conference/paper_index.html", rounds=_rounds(), said=_said)


@room.route("/<slug>/<code>", methods=["GET", "POST"])
def enter(slug: str, code: str) -> ResponseReturnValue:
    """Key one sheet after the other; nothing of the last one is shown."""
    round_, problems = _round(slug, code), []
    keys = _keys(round_)
    if request.method == "POST":
        try:
            ballot = _ballot(round_)
            key = request.form.get("key", "")
            if key not in keys:
                problems = [_("Please choose the group of the sheet.")]
            else:
                with collector.begin() as session:
                    store.add(session, round_["access"], key, ballot, current_account().email)
                flash(_("The sheet is kept. A second person has to confirm it."), "success")
                return redirect(url_for("paper.enter", slug=slug, code=code, key=key))
        except BallotError as error:
            problems = fault_sentences(error.faults)
    with collector.read() as session:
        batches = store.batches(session, round_["access"])
        me = current_account().email
        mine = [
            s for s in store.sheets(session, round_["access"]) if s.entered_by != me and not s.confirmed_by
        ]
    page = render_template(
        "conference/paper.html",
        round=round_,
        keys=keys,
        problems=problems,
        batches=batches,
        to_confirm=len(mine),
        said=_said,
        left=_left(round_, keys),
        labels={option["id"]: _said(option["label"]) for option in round_["options"]},
        form=request.form if problems else {},
    )
    return page, 422 if problems else 200


def _left(round_: dict[str, Any], keys: dict[str, str]) -> list[dict[str, Any]]:
    """Entries that nobody has confirmed, as they were typed."""
    with collector.read() as session:
        found = [sheet for sheet in store.sheets(session, round_["access"]) if not sheet.confirmed_by]
    return [
        {
            "id": sheet.id.hex(),
            "group": keys.get(sheet.key_id, ""),
            "by": sheet.entered_by,
            "ballot": sheet.ballot,
        }
        for sheet in found
    ]


def _ballot(round_: dict[str, Any]) -> dict[str, Any]:
    document = ballotform.check(round_, ballotform.from_fields(round_, request.form.to_dict()))
    return {name: value for name, value in document.items() if name != "receipt"} | {"receipt": []}


@room.route("/<slug>/<code>/confirm", methods=["GET", "POST"])
def confirm(slug: str, code: str) -> ResponseReturnValue:
    """The second person keys every sheet again, in any order and without seeing the first entries."""
    round_, keys, problems, differs = _round(slug, code), {}, [], False
    me = current_account().email
    if request.method == "POST":
        key = request.form.get("key", "")
        try:
            ballot = _ballot(round_)
            with collector.begin() as session:
                store.confirm(session, round_["access"], key, ballot, me)
        except BallotError as error:
            problems = fault_sentences(error.faults)
        except PaperFault as fault:
            problems, differs = [str(FAULTS[fault.code])], fault.code == "differs"
        else:
            flash(_("Both entries agree. The sheet is confirmed."), "success")
            return redirect(url_for("paper.confirm", slug=slug, code=code, key=key))
    with collector.read() as session:
        waiting = [
            s for s in store.sheets(session, round_["access"]) if not s.confirmed_by and s.entered_by != me
        ]
    keys = {key: name for key, name in _keys(round_).items() if key in {s.key_id for s in waiting}}
    page = render_template(
        "conference/paper.html",
        round=round_,
        keys=keys,
        problems=problems,
        batches=[],
        to_confirm=len(waiting),
        said=_said,
        confirming=True,
        differs=differs,
        form=request.form if problems else {},
    )
    return page, 422 if problems else 200


@room.post("/<slug>/<code>/remove")
def remove(slug: str, code: str) -> ResponseReturnValue:
    """Take back an entry that is left over."""
    round_ = _round(slug, code)
    try:
        with collector.begin() as session:
            store.remove(session, round_["access"], _hex(request.form.get("sheet", "")))
    except PaperFault as fault:
        flash(str(FAULTS[fault.code]), "danger")
    else:
        audit(office, current_account(), "conference.paper_removed", round_["access"])
        flash(_("The entry is taken back."), "success")
    return redirect(url_for("paper.enter", slug=slug, code=code))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


@room.post("/<slug>/<code>/admit")
def admit(slug: str, code: str) -> ResponseReturnValue:
    """Admit the confirmed sheets of a key when their number equals the booked slips."""
    round_ = _round(slug, code)
    typed = request.form.get("total", "").strip()
    key = request.form.get("key", "")
    try:
        with collector.begin() as session:
            total = int(typed) if typed.isdecimal() else None
            amount = store.admit(session, round_["access"], key, total=total)
    except PaperFault as fault:
        flash(str(FAULTS[fault.code]) % fault.params, "danger")
    except Refused as refusal:
        flash(str(FAULTS.get(refusal.code, FAULTS["closed"])), "danger")
    else:
        audit(office, current_account(), "conference.paper_batch", round_["access"], {"sheets": amount})
        flash(_("%(num)s paper ballots are admitted.", num=amount), "success")
    return redirect(url_for("paper.enter", slug=slug, code=code))


@room.post("/<slug>/<code>/wipe")
def wipe(slug: str, code: str) -> ResponseReturnValue:
    """Forget the keyed sheets of a key."""
    round_ = _round(slug, code)
    with collector.begin() as session:
        store.wipe(session, round_["access"], request.form.get("key", ""))
    audit(office, current_account(), "conference.paper_wiped", round_["access"])
    return redirect(url_for("paper.enter", slug=slug, code=code))
