"""The register clerk's room: admissions, strata, keys, figures, letter languages, lock after a restore."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config import Settings
from participation.access import citizenship, journal
from participation.access.admission import Access
from participation.access.collector import store as collector_store
from participation.access.issuing import store as issuing
from participation.access.people import store as people_store
from participation.access.register import setup, store
from participation.access.register.forms import (
    SPARE_ROWS,
    DatesForm,
    KeysForm,
    ReplayForm,
    RuleForm,
    StrataForm,
    fault_text,
    rule_text,
)
from participation.access.register.models import Admission, Stratum
from participation.access.register.store import RegisterFault
from participation.access.returns import STEP, in_steps
from participation.access.signing.views import signing_folder
from stores import collector, office, published_all, register
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import language
from web.rooms import Room, Task

room = Room(
    "register",
    __name__,
    audience="staff",
    roles=("register_clerk",),
    processes=("register",),
    url_prefix="/office/register",
    menu=(("register.admissions", lazy_gettext("Invitations")),),
    about=lazy_gettext("Samples, codes, letters, reminders and the hotline; answers never come here."),
)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def today() -> date:
    """The day here."""
    return datetime.now().astimezone().date()


# ---------------------------------------------------------------- what the office published


def published_accesses() -> dict[str, list[Access]]:
    """Everything with codes that the office published: admission -> its accesses (rounds)."""
    with collector.read() as session:
        found = collector_store.accesses(session)
    by_admission: dict[str, list[Access]] = {}
    for access in sorted(found, key=lambda access: (access.admission, access.round)):
        if "open" not in access.levels:
            by_admission.setdefault(access.admission, []).append(access)
    return by_admission


def published_waves() -> dict[str, dict[str, Any]]:
    """What the office published of every wave whose levels are frozen: admission -> its document."""
    with collector.read() as session:
        return published_all(session, "office", "fielding")


def is_final(accesses: list[Access]) -> bool:
    """Whether nothing more can come, so that exact figures tell nobody's day."""
    now = datetime.now(UTC)
    return bool(accesses) and all(access.over(now) for access in accesses)


def admission_or_404(name: str) -> Admission:
    """The admission, set up in the register."""
    with register.read() as session:
        row = store.admission_of(session, name)
    if row is None:
        abort(404)
    return row


# ---------------------------------------------------------------- list and overview


def _waiting(known: set[str]) -> list[dict[str, Any]]:
    """What the office published and nobody has set up here."""
    waves = published_waves()
    return [
        {
            "id": name,
            "kind": accesses[0].kind,
            "title": waves.get(name, {}).get("title", name),
            "wave": waves.get(name),
        }
        for name, accesses in published_accesses().items()
        if name not in known
    ]


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """A locked register, what waits to be set up, what lacks its day of deletion or has reached it."""
    with register.read() as session:
        rows = [row for row in store.admission_list(session) if row.purged_on is None]
        known = {row.id for row in store.admission_list(session)}
        locked = store.lock_reason(session)
    here, found = url_for("register.admissions"), []
    if locked:
        found.append(Task(url_for("register.lock"), _("Unlock the register: no code is issued now")))
    found += [
        Task(here, _("Set up the invitations of %(title)s", title=one["title"])) for one in _waiting(known)
    ]
    for row in rows:
        address = url_for("register.overview", admission=row.id)
        if row.delete_on is None and row.kind == "survey":
            text = _("Set the day on which names and codes of %(title)s are deleted", title=row.title)
            found.append(Task(address, text))
        elif row.delete_on is not None and row.delete_on <= today():
            found.append(Task(here, _("Delete names and codes of %(title)s: they are due", title=row.title)))
    return found


@room.get("/")
def admissions() -> ResponseReturnValue:
    """Every wave and conference with codes: those that are set up here, and those that wait for it."""
    with register.read() as session:
        rows = store.admission_list(session)
        locked = store.lock_reason(session)
    waiting = _waiting({row.id for row in rows})
    return render_template(
        "register/admissions.html",
        rows=rows,
        waiting=waiting,
        locked=locked,
        today=today(),
        waves=published_waves(),
        day_of=date.fromisoformat,
    )


@room.post("/<admission>/set-up")
def set_up(admission: str) -> ResponseReturnValue:
    """Make room for a published wave or conference."""
    accesses = published_accesses().get(admission)
    if not accesses:
        abort(404)
    title = published_waves().get(admission, {}).get("title", admission)
    with register.begin() as session:
        store.create_admission(session, admission, accesses[0].kind, title)
    audit(office, current_account(), "register.set_up", admission)
    return redirect(url_for("register.overview", admission=admission))


@room.get("/<admission>/")
def overview(admission: str) -> ResponseReturnValue:
    """One admission: what is done, what is missing, figures in steps."""
    row = admission_or_404(admission)
    accesses = published_accesses().get(admission, [])
    final = is_final(accesses)
    step = 1 if final else STEP[row.kind]
    with register.read() as session:
        strata = store.strata_of(session, admission)
        rounds = [
            {
                "round": access.round,
                "state": access.state,
                "keys": store.keys_of(session, admission, access.round),
                "issued": _stepped(store.issued_counts(session, admission, access.round), step),
            }
            for access in accesses
        ]
        people = people_store.people_by_stratum(session, admission)
        mailings = people_store.mailings(session, admission)
        batches = people_store.batches(session, admission)
    return render_template(
        "register/overview.html",
        admission=row,
        strata=strata,
        rounds=rounds,
        people=people,
        mailings=mailings,
        batches=batches,
        step=step,
        form=DatesForm(obj=row),
        today=today(),
    )


def _stepped(counts: dict[str, int], step: int) -> dict[str, int]:
    return {mark: in_steps(count, step) for mark, count in counts.items()}


@room.post("/<admission>/dates")
def dates(admission: str) -> ResponseReturnValue:
    """Title and day of deletion."""
    admission_or_404(admission)
    form = DatesForm()
    if not form.validate():
        flash(_("Please give a title, and a day as year-month-day."), "danger")
    elif not form.in_future(today()):
        flash(_("The day of deletion must be still to come."), "danger")
    else:
        with register.begin() as session:
            row = store.admission_of(session, admission)
            assert row is not None
            row.title, row.delete_on = form.title.data or "", form.delete_on.data
        publish_figures(admission)
        details = {"delete_on": str(form.delete_on.data or "")}
        audit(office, current_account(), "register.dates", admission, details)
        flash(_("Saved."), "success")
    return redirect(url_for("register.overview", admission=admission))


# ---------------------------------------------------------------- strata and keys


@room.route("/<admission>/strata", methods=["GET", "POST"])
def strata(admission: str) -> ResponseReturnValue:
    """The strata with their population counts, and which of them share a key."""
    row = admission_or_404(admission)
    with register.read() as session:
        present = store.strata_of(session, admission)
        used = set(people_store.people_by_stratum(session, admission))
        used |= {batch.stratum for batch in people_store.batches(session, admission)}
        frozen = store.has_keys(session, admission)
    form = StrataForm(data={"strata": _rows(present)} if request.method == "GET" else None)
    problem = fault_text(RegisterFault("keys_made")) if frozen else None
    if form.validate_on_submit():
        try:
            specs = form.specs()
            _keep_used(specs, used)
            with register.begin() as session:
                store.set_strata(session, admission, specs)
                if used:
                    people_store.count_invited(session, admission)
        except RegisterFault as fault:
            problem = fault_text(fault)
        else:
            audit(office, current_account(), "register.strata", admission, {"strata": len(specs)})
            flash(_("The strata are saved."), "success")
            return redirect(url_for("register.overview", admission=admission))
    status = 422 if form.is_submitted() else 200
    return (
        render_template("register/strata.html", admission=row, form=form, problem=problem, frozen=frozen),
        status,
    )


def _rows(present: list[Stratum]) -> list[dict[str, Any]]:
    owner: dict[str, str] = {}
    for one in present:
        owner.setdefault(one.mark, one.code)
    rows = [
        {
            "code": one.code,
            "label": one.label,
            "population": one.population,
            "invited": one.invited,
            "shares": owner[one.mark] if owner[one.mark] != one.code else "",
        }
        for one in present
    ]
    return rows + [{} for _row in range(SPARE_ROWS)]


def _keep_used(specs: list[store.StratumSpec], used: set[str]) -> None:
    gone = sorted(used - {spec.code for spec in specs})
    if gone:
        raise RegisterFault("stratum_in_use", gone[0])


@room.route("/<admission>/keys", methods=["GET", "POST"])
def keys(admission: str) -> ResponseReturnValue:
    """Make the key pairs of the wave, or of the conference's rounds, and publish their public halves."""
    row = admission_or_404(admission)
    accesses = published_accesses().get(admission, [])
    with register.read() as session:
        cells = setup_cells(store.strata_of(session, admission))
        made = {access.round: store.keys_of(session, admission, access.round) for access in accesses}
    # A conference's later rounds get their keys here too, so the form stays until nothing is missing.
    marks = {cell.mark for cell in cells}
    complete = bool(marks and made) and all({key.mark for key in found} >= marks for found in made.values())
    form = KeysForm(data={"response": [25] * len(cells)} if request.method == "GET" else None)
    problem = None
    if not complete and form.validate_on_submit() and len(form.response) == len(cells):
        shares = {
            cell.code: (field.data or 0) / 100 for cell, field in zip(cells, form.response, strict=True)
        }
        try:
            amount = make_and_publish(admission, accesses, cells, shares)
        except RegisterFault as fault:
            problem = fault_text(fault)
        else:
            audit(office, current_account(), "register.keys", admission, {"keys": amount})
            flash(_("The keys are made and their public halves are published."), "success")
            return redirect(url_for("register.overview", admission=admission))
    status = 422 if form.is_submitted() and not complete else 200
    page = render_template(
        "register/keys.html",
        admission=row,
        form=form,
        cells=cells,
        made=made,
        problem=problem,
        complete=complete,
    )
    return page, status


def setup_cells(strata: list[Stratum]) -> list[setup.Cell]:
    """The strata as the checks see them."""
    return [setup.Cell(one.code, one.label, one.population, one.invited, one.mark) for one in strata]


def make_and_publish(
    admission: str, accesses: list[Access], cells: list[setup.Cell], response: dict[str, float] | None
) -> int:
    """Make the missing keys of every round and publish them; how many keys there are.

    Raises:
        RegisterFault: why not; then nothing was made.
    """
    if not accesses:
        raise RegisterFault("not_frozen")
    survey = accesses[0].kind == "survey"
    empty, unequal = setup.empty_stratum(cells), setup.unequal(cells)
    uncounted = setup.uncounted_stratum(cells)
    if survey and empty is not None:
        raise RegisterFault("nobody", empty)
    if survey and uncounted is not None:
        raise RegisterFault("no_population", uncounted)
    if unequal is not None:
        raise RegisterFault("unequal", unequal)
    answers = setup.expected(cells, response) if response is not None and empty is None else None
    folder, made = signing_folder(_settings()), []
    for access in accesses:
        with register.begin() as session:
            found = store.make_keys(session, access, folder, today(), answers)
        with collector.begin() as session:
            store.publish_keys(session, found)
        made += found
    publish_figures(admission, accesses)
    return len(made)


def publish_figures(admission: str, accesses: list[Access] | None = None) -> None:
    """Publish N and n per key and what came back, in steps; exact once everything is over."""
    accesses = published_accesses().get(admission, []) if accesses is None else accesses
    for access in accesses:
        with register.read() as session, collector.begin() as published:
            people_store.publish_returns(
                session, published, admission, final=is_final([access]), round_=access.round
            )


@room.post("/<admission>/publish")
def publish(admission: str) -> ResponseReturnValue:
    """Publish the figures now."""
    admission_or_404(admission)
    publish_figures(admission)
    audit(office, current_account(), "register.publish", admission)
    flash(_("The figures are published."), "success")
    return redirect(url_for("register.overview", admission=admission))


# ---------------------------------------------------------------- letter languages


@room.route("/languages", methods=["GET", "POST"])
def languages() -> ResponseReturnValue:
    """The editable table from citizenship to letter languages."""
    form, problem = RuleForm(), None
    if form.validate_on_submit():
        try:
            key, tags = citizenship.rule(form.citizenship.data or "", form.languages.data or "")
        except citizenship.RuleError as error:
            problem = rule_text(error)
        else:
            with register.begin() as session:
                people_store.set_rule(session, key, tags)
            audit(office, current_account(), "register.languages", key, {"languages": list(tags)})
            flash(_("The rule is saved. It holds for imports from now on."), "success")
            return redirect(url_for("register.languages"))
    with register.read() as session:
        rules = people_store.rules(session)
    page = render_template(
        "register/languages.html",
        form=form,
        problem=problem,
        rules=rules,
        table=sorted(
            ((citizenship.named(one, language()), one) for one in citizenship.default_table()),
            key=lambda pair: citizenship.plain(pair[0]),
        ),
        known_as=lambda key: citizenship.known_as(key, language()),
    )
    return page, 422 if form.is_submitted() else 200


@room.post("/languages/remove")
def remove_language_rule() -> ResponseReturnValue:
    """Go back to the default table for one citizenship."""
    key = request.form.get("citizenship", "")
    with register.begin() as session:
        people_store.remove_rule(session, key)
    audit(office, current_account(), "register.languages", key, {"languages": None})
    return redirect(url_for("register.languages"))


# ---------------------------------------------------------------- lock, deletion


@room.route("/lock", methods=["GET", "POST"])
def lock() -> ResponseReturnValue:
    """The register after a restore: locked until its journal of issued codes is replayed."""
    form, problem = ReplayForm(), None
    place = signing_folder(_settings()).path / "issued.journal"
    if form.validate_on_submit():
        try:
            brought = replay(bool(form.without.data))
        except RegisterFault as fault:
            problem = fault_text(fault)
        except journal.JournalError as error:
            problem = _("The journal is damaged: %(place)s. Take the copy of the other disk.", place=error)
        else:
            audit(office, current_account(), "register.replay", "", {"entries": brought})
            flash(_("The register issues again. Entries brought back: %(num)s", num=brought), "success")
            return redirect(url_for("register.admissions"))
    with register.read() as session:
        reason = store.lock_reason(session)
    page = render_template(
        "register/lock.html", form=form, problem=problem, reason=reason, place=place, found=place.exists()
    )
    return page, 422 if form.is_submitted() else 200


def replay(without: bool = False) -> int:
    """Replay the journal and unlock; how many issues it brought back.

    Raises:
        RegisterFault: ``no_journal`` where there is none, unless ``without`` accepts that.
        journal.JournalError: it is damaged.
    """
    place = signing_folder(_settings()).path / "issued.journal"
    if not place.exists() and not without:
        raise RegisterFault("no_journal", str(place))
    with register.begin() as session:
        return issuing.replay(session, journal.entries(place))


@room.post("/purge")
def purge() -> ResponseReturnValue:
    """Delete everything whose day of deletion has come."""
    purged = purge_due(today())
    audit(office, current_account(), "register.purge", "", {"people": purged})
    flash(_("Deleted waves or conferences: %(num)s.", num=len(purged)), "success")
    return redirect(url_for("register.admissions"))


def purge_due(day: date) -> dict[str, int]:
    """Delete people, codes and issues of what is due by that day, also from SQLite's log and the journal."""
    with register.begin() as session:
        purged = store.purge(session, day)
    if purged:
        store.clear_traces(register)
        journal.forget(signing_folder(_settings()).path / "issued.journal", purged)
    return purged
