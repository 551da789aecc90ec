"""Pages about the people of a sample: import, hotline, returned letters, return slips, nonresponse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config import Settings
from participation.access import citizenship, codes, journal, rindicators, sample, spreadsheet
from participation.access.codes import CodeError
from participation.access.issuing import store as issuing
from participation.access.people import importing, store, uploads
from participation.access.people.forms import (
    STATE_NAMES,
    ClassesForm,
    FindForm,
    ReturnedForm,
    SlipForm,
    StateForm,
    UploadForm,
    class_name,
    code_text,
    guessed,
    mapping_choices,
    mapping_from,
    search_text,
    table_fault_text,
    variable_name,
)
from participation.access.people.forms import fault_text as sample_fault_text
from participation.access.people.uploads import OVER, Upload
from participation.access.register import store as register_store
from participation.access.register.forms import fault_text
from participation.access.register.models import Person
from participation.access.register.store import RegisterFault
from participation.access.register.views import (
    admission_or_404,
    is_final,
    publish_figures,
    published_accesses,
    today,
)
from participation.access.returns import STEP, in_steps, rr1
from participation.access.signing.views import desk, digest_key
from stores import Store, Stores, collector, office, publish, register
from web.accounts import current_account
from web.audit import audit
from web.rooms import Room

room = Room(
    "people",
    __name__,
    audience="staff",
    roles=("register_clerk",),
    processes=("register",),
    url_prefix="/office/register/<admission>",
)

#: Rows of the file that the mapping page shows.
ROWS_SHOWN = 3


@room.record_once
def allow_large_files(state: BlueprintSetupState) -> None:
    """Samples are larger than any form; this must be said before the CSRF check reads the body."""
    state.app.before_request_funcs.setdefault(None, []).insert(0, _raise_limit)


def _raise_limit() -> None:
    if request.endpoint == "people.upload":
        settings: Settings = current_app.config["SETTINGS"]
        request.max_content_length = settings.max_upload_bytes


# ---------------------------------------------------------------- import


def uploads_folder(settings: Settings) -> Path:
    """Where samples wait for their import: readable by this process only."""
    return settings.instance / "uploads" / "register"


def _upload_or_404(name: str) -> Upload:
    found = uploads.find(uploads_folder(current_app.config["SETTINGS"]), name)
    if found is None:
        abort(404)
    return found


@room.route("/sample", methods=["GET", "POST"])
def upload(admission: str) -> ResponseReturnValue:
    """Choose the file; nothing is imported before its columns are confirmed."""
    row, form, problem = admission_or_404(admission), UploadForm(), None
    if form.validate_on_submit():
        data = form.file.data.read()
        try:
            table = spreadsheet.read_table(data)
        except spreadsheet.TableError as error:
            problem = table_fault_text(error.code, error.params)
        else:
            details = {
                "admission": admission,
                "columns": table.columns,
                "rows": table.frame.height,
                "first": [list(map(str, line)) for line in table.frame.head(ROWS_SHOWN).rows()],
                "encoding": table.encoding,
                "sheet": table.sheet,
            }
            kept = uploads.keep(uploads_folder(current_app.config["SETTINGS"]), data, details)
            return redirect(url_for("people.mapping", admission=admission, name=kept.name))
    with register.read() as session:
        people = store.people_by_stratum(session, admission)
        strata = register_store.strata_of(session, admission)
    page = render_template(
        "people/upload.html", admission=row, form=form, problem=problem, people=people, strata=strata
    )
    return page, 422 if form.is_submitted() else 200


@room.route("/sample/<name>", methods=["GET", "POST"])
def mapping(admission: str, name: str) -> ResponseReturnValue:
    """Confirm what each column is, then start the import."""
    row, kept, problem = admission_or_404(admission), _upload_or_404(name), None
    state = kept.state()
    if state["state"] != "uploaded":
        return redirect(url_for("people.progress", admission=admission, name=name))
    columns: list[str] = state["columns"]
    chosen = guessed(columns)
    if request.method == "POST":
        known = {value for value, _label in mapping_choices()}
        chosen = [request.form.get(f"column-{index}", "") for index in range(len(columns))]
        chosen = [choice if choice in known else "" for choice in chosen]
        fields, problem = mapping_from(columns, chosen)
        if problem is None:
            _start(admission, kept, fields)
            return redirect(url_for("people.progress", admission=admission, name=name))
    page = render_template(
        "people/mapping.html",
        admission=row,
        name=name,
        state=state,
        columns=columns,
        chosen=chosen,
        choices=mapping_choices(),
        problem=problem,
    )
    return page, 422 if problem else 200


def _start(admission: str, kept: Upload, fields: dict[str, str]) -> None:
    with register.read() as session:
        strata = [stratum.code for stratum in register_store.strata_of(session, admission)]
        job = importing.Job(
            fields,
            strata,
            citizenship.Languages(store.rules(session)),
            store.known_references(session, admission),
            store.known_addresses(session, admission),
        )
    stores: Stores = current_app.extensions["stores"]
    write = _writer(stores.get("register"), admission)
    audit(office, current_account(), "register.import", admission, {"rows": kept.state().get("rows")})
    kept.say("reading")
    threading.Thread(target=importing.run, args=(kept, job, write), daemon=True).start()


def _writer(place: Store, admission: str) -> Callable[[Sequence[sample.Person], Callable[[int], None]], int]:
    def write(people: Sequence[sample.Person], progress: Callable[[int], None]) -> int:
        with place.begin() as session:
            return store.import_people(session, admission, people, progress)

    return write


@room.get("/sample/<name>/progress")
def progress(admission: str, name: str) -> ResponseReturnValue:
    """How far the import is, or how it ended; the page looks again by itself."""
    row, kept = admission_or_404(admission), _upload_or_404(name)
    state = kept.state()
    over = state["state"] in OVER
    failure = table_fault_text(state["code"], state["params"]) if state["state"] == "failed" else None
    return render_template(
        "people/progress.html",
        admission=row,
        name=name,
        state=state,
        over=over,
        failure=failure,
        fault_text=sample_fault_text,
    )


@room.post("/sample/<name>/stop")
def stop(admission: str, name: str) -> ResponseReturnValue:
    """Stop an import; nobody of the file is in the register then."""
    kept = _upload_or_404(name)
    if kept.state()["state"] == "uploaded":
        kept.remove_file()
        kept.say("stopped")
    else:
        kept.stop()
    audit(office, current_account(), "register.import_stop", admission)
    return redirect(url_for("people.progress", admission=admission, name=name))


@room.get("/sample/<name>/faults.csv")
def faults(admission: str, name: str) -> ResponseReturnValue:
    """All faults of the file, with row and column."""
    kept = _upload_or_404(name)
    lines = [[_("Row"), _("Column"), _("Fault")]]
    lines += [[fault["row"], fault["column"], sample_fault_text(fault)] for fault in kept.faults()]
    headers = {"Content-Disposition": 'attachment; filename="faults.csv"'}
    return Response(spreadsheet.csv_text(lines), mimetype="text/csv", headers=headers)


@room.post("/sample/remove")
def remove(admission: str) -> ResponseReturnValue:
    """Take the import back while nobody was written to."""
    admission_or_404(admission)
    try:
        with register.begin() as session:
            amount = store.remove_people(session, admission)
    except RegisterFault as fault:
        flash(fault_text(fault), "danger")
    else:
        audit(office, current_account(), "register.import_removed", admission, {"people": amount})
        flash(_("Everybody of this sample was removed from the register."), "success")
    return redirect(url_for("people.upload", admission=admission))


# ---------------------------------------------------------------- hotline


@room.route("/people", methods=["GET", "POST"])
def find(admission: str) -> ResponseReturnValue:
    """Search a person who calls; book letters that came back."""
    row, form = admission_or_404(admission), FindForm()
    found: list[Person] | None = None
    typed = (form.what.data or "").strip()
    if form.validate_on_submit():
        found = _find(admission, typed)
        if len(found) == 1:
            return redirect(url_for("people.person", admission=admission, key=found[0].id.hex()))
    return render_template(
        "people/find.html",
        admission=row,
        form=form,
        found=found,
        problem=search_text(typed),
        returned=ReturnedForm(formdata=None),
    )


def _find(admission: str, typed: str) -> list[Person]:
    with register.read() as session:
        one = store.by_reference(session, admission, typed)
        if one is None:
            try:
                digest = codes.digest(codes.read_code(typed), digest_key(current_app.config["SETTINGS"]))
                one = store.by_code(session, admission, digest)
            except CodeError:
                one = None
        if one is not None:
            return [one]
        return store.by_name(session, admission, typed) if len(typed) > 2 else []


def _person_or_404(admission: str, key: str) -> Person:
    try:
        wanted = bytes.fromhex(key)
    except ValueError:
        abort(404)
    with register.read() as session:
        found = store.person(session, admission, wanted)
    if found is None:
        abort(404)
    return found


@room.route("/people/<key>", methods=["GET", "POST"])
def person(admission: str, key: str) -> ResponseReturnValue:
    """One person: address, languages, state.  Whether they answered is not shown."""
    row, found = admission_or_404(admission), _person_or_404(admission, key)
    form = StateForm(state=found.state)
    if form.validate_on_submit():
        with register.begin() as session:
            again = store.person(session, admission, found.id)
            if again is None:
                abort(404)
            store.set_state(session, again, form.state.data, today())
        # The log says what was booked, not for whom.
        audit(office, current_account(), "register.state", admission, {"state": form.state.data})
        flash(_("Saved. No further letters go to people who refused or whose letter came back."), "success")
        return redirect(url_for("people.find", admission=admission))
    return render_template(
        "people/person.html", admission=row, person=found, form=form, state_names=STATE_NAMES
    )


@room.post("/people/returned")
def returned(admission: str) -> ResponseReturnValue:
    """Book many letters that came back; lines that fit nobody are named and kept."""
    row, form = admission_or_404(admission), ReturnedForm()
    unknown: list[str] = []
    booked: set[bytes] = set()
    kept: set[bytes] = set()
    if form.validate():
        for line in filter(None, map(str.strip, (form.lines.data or "").splitlines())):
            found = _find(admission, line)
            if len(found) != 1:
                unknown.append(line)
                continue
            with register.begin() as session:
                one = store.person(session, admission, found[0].id)
                if one is None:
                    continue
                if one.state not in ("invited", "undeliverable"):
                    # A refusal that was told weighs more than an envelope that came back after it.
                    kept.add(one.id)
                    continue
                store.set_state(session, one, "undeliverable", today())
                booked.add(one.id)
        audit(office, current_account(), "register.undeliverable", admission, {"letters": len(booked)})
        flash(_("Letters booked as undeliverable: %(num)s", num=len(booked)), "success")
        if kept:
            flash(
                _("People who had refused or were booked otherwise, and stay so: %(num)s", num=len(kept)),
                "warning",
            )
    rest = ReturnedForm(formdata=None, lines="\n".join(unknown))
    page = render_template(
        "people/find.html",
        admission=row,
        form=FindForm(formdata=None),
        found=None,
        returned=rest,
        unknown=unknown,
    )
    return page, 422 if unknown or form.errors else 200


# ---------------------------------------------------------------- return slips


@room.route("/slips", methods=["GET", "POST"])
def slips(admission: str) -> ResponseReturnValue:
    """Book return slips one by one; publish their number per key when a stack is done."""
    row, form, verdict = admission_or_404(admission), SlipForm(), None
    round_ = _round(admission)
    if form.validate_on_submit():
        verdict = _book(form.code.data or "", admission, round_)
        if verdict["kind"] == "success":
            form = SlipForm(formdata=None)
    with register.read() as session:
        booked = register_store.booked_slips(session, admission, round_)
        strata = register_store.strata_of(session, admission)
    page = render_template(
        "people/slips.html", admission=row, form=form, verdict=verdict, booked=booked, strata=strata
    )
    return page, 422 if verdict and verdict["kind"] == "danger" else 200


def _round(admission: str) -> str:
    """The round that is open now; a survey has none."""
    accesses = published_accesses().get(admission, [])
    return next((access.round for access in accesses if access.state == "open"), "")


def _book(typed: str, admission: str, round_: str) -> dict[str, str]:
    """Book one slip, in the order of the signing desk: committed, then in the journal, then said."""
    signing = desk()
    signing.check_memory()
    try:
        digest = codes.digest(codes.read_code(typed), signing.digest_key)
        with register.begin() as session:
            if issuing.admission_of_code(session, digest) != admission:
                raise RegisterFault("unknown")
            issued = issuing.book_slip(session, digest, round_, today())
    except CodeError as error:
        return {"kind": "danger", "text": code_text(error)}
    except RegisterFault as fault:
        if fault.code == "used":
            text = _(
                "This code was used already. Destroy the inner envelope unopened. (If you have just booked "
                "this very slip, it is booked: keep its envelope.)"
            )
            return {"kind": "warning", "text": text}
        return {"kind": "danger", "text": fault_text(fault)}
    journal.append(signing.journal_path, [issued.entry])
    return {"kind": "success", "text": _("Booked. Put the inner envelope, unopened, with the others.")}


@room.post("/slips/publish")
def publish_slips(admission: str) -> ResponseReturnValue:
    """Publish how many slips are booked per key: what batches of paper must add up to."""
    admission_or_404(admission)
    round_ = _round(admission)
    with register.read() as session:
        booked = register_store.booked_slips(session, admission, round_)
        keys = register_store.keys_of(session, admission, round_)
    with collector.begin() as session:
        for key in keys:
            document = {"admission": admission, "round": round_, "booked": booked.get(key.mark, 0)}
            publish(session, "register", "slips", key.id, document)
    audit(office, current_account(), "register.slips", admission, {"booked": booked})
    flash(_("The numbers of booked slips are published."), "success")
    return redirect(url_for("people.slips", admission=admission))


# ---------------------------------------------------------------- nonresponse


@room.get("/nonresponse")
def nonresponse(admission: str) -> ResponseReturnValue:
    """Response by class and R-indicators; classes under fifty people are joined."""
    row = admission_or_404(admission)
    final = is_final(published_accesses().get(admission, []))
    step = 1 if final else STEP[row.kind]
    with register.read() as session:
        names = ["stratum", *store.variables(session, admission)]
        by = [name for name in request.args.getlist("by") if name in names] or ["stratum"]
        found = store.large_classes(store.classes(session, admission, by))
        everybody = store.classes(session, admission)
        labels = {one.code: one.label for one in register_store.strata_of(session, admission)}
    form = ClassesForm(formdata=None, by=by)
    form.by.choices = [(name, variable_name(name)) for name in names]

    def name_of(one: store.Class) -> str:
        return class_name(by, one.values, labels)

    indicator, parts, problem = _indicator(found, by, step, name_of)
    return render_template(
        "people/nonresponse.html",
        admission=row,
        form=form,
        found=found,
        name_of=name_of,
        variable_name=variable_name,
        whole=everybody[0] if everybody else None,
        step=step,
        in_steps=in_steps,
        rr1=rr1,
        indicator=indicator,
        parts=parts,
        problem=problem,
    )


def _indicator(
    found: list[store.Class], by: list[str], step: int, name_of: Callable[[store.Class], str]
) -> tuple[rindicators.RIndicator | None, dict[str, float], str | None]:
    """The R-indicator of the classes, the part of each variable, or why there is none yet."""
    # Until it is over the indicator is made of steps too: an exact one would tick with every answer.
    if len(found) < 2:
        return None, {}, _("An R-indicator needs two classes of at least fifty people.")
    # Two strata may bear one label, so classes are kept apart by their codes.
    names = {" / ".join(one.values): one for one in found}
    try:
        measured = rindicators.classes(
            {name: one.invited for name, one in names.items()},
            {name: in_steps(one.issued, step) for name, one in names.items()},
        )
    except rindicators.ResponseError as error:
        few = name_of(names[error.place]) if error.place in names else error.place
        return None, {}, _("No R-indicator yet: in “%(name)s” too few have answered.", name=few)
    parts = {
        variable: rindicators.partial_of_classes(
            measured, {name: one.values[place] for name, one in names.items()}
        ).overall
        for place, variable in enumerate(by)
    }
    return rindicators.from_classes(measured), parts, None


@room.post("/nonresponse/publish")
def publish_nonresponse(admission: str) -> ResponseReturnValue:
    """Publish the figures by class."""
    admission_or_404(admission)
    publish_figures(admission)
    audit(office, current_account(), "register.publish", admission)
    flash(_("The figures are published."), "success")
    return redirect(url_for("people.nonresponse", admission=admission))
