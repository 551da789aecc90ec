"""What comes from outside: waves that ran elsewhere, and margins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from analysis import margin_files, store
from analysis.errors import AnalysisError, DataError
from analysis.exchange.bookfiles import said as text_in
from analysis.forms import ActForm, ImportForm, MarginForm
from analysis.margins import Margin
from analysis.views import now, said, told
from stores import collector, office
from surveys.faults import Faulty
from web.accounts import current_account
from web.audit import audit
from web.i18n import language
from web.rooms import Room

room = Room(
    "inputs",
    __name__,
    audience="staff",
    roles=("analyst",),
    processes=("analysis",),
    url_prefix="/office/analysis",
)


@room.route("/waves/import", methods=["GET", "POST"])
def import_wave() -> ResponseReturnValue:
    """A wave that ran elsewhere: read whole and kept, or refused with the place of the fault."""
    form, faults = ImportForm(), []
    if form.validate_on_submit():
        try:
            description, content, kind = _upload(form)
            with collector.begin() as session:
                data = store.add_imported(session, description, content, kind)
        except AnalysisError as error:
            faults = [_fault(form, error)]
        else:
            audit(office, current_account(), "analysis.import", f"wave {data.key}", {"rows": data.responses})
            flash(_("The wave is kept. Plans can name it as %(key)s.", key=data.key), "success")
            return redirect(url_for("analysis.wave", key=data.key))
    page = render_template("analysis/import.html", form=form, faults=faults)
    return page, 422 if form.is_submitted() else 200


def _fault(form: ImportForm, error: AnalysisError) -> dict[str, Any]:
    """What is wrong with an import, by the words of the form where the fault lies in one of its fields."""
    label = str(form[error.place].label.text) if error.place in form else ""
    if "name" in error.params and error.params["name"] == error.place and label:
        error.params = {**error.params, "name": label}
        return {"place": "", "words": told(error), "advice": False}
    at_once = error.place == "dates" or error.place.startswith("row ")
    return {"place": "" if at_once else label or error.place, "words": told(error), "advice": False}


def _upload(form: ImportForm) -> tuple[dict[str, Any], bytes, str]:
    file = form.file.data
    if file is None or not file.filename:
        raise DataError("setting_needed", "The file is needed.", "file", name="file")
    try:
        # Every value stays the text that was written: 1, 01 and yes are codes here.
        variables = yaml.load(form.variables.data or "", Loader=yaml.BaseLoader)  # noqa: S506 - plain texts
    except yaml.YAMLError as error:
        raise DataError("concept_map", f"The concept map is no YAML: {error}", "variables") from None
    texts = ("key", "survey", "mode", "frame", "population_text", "weights", "strata", "psu", "decimal")
    description: dict[str, Any] = {name: (form[name].data or "").strip() for name in texts}
    description |= {
        "label": {language(): form.label.data},
        "dates": [(form.first_day.data or "").strip(), (form.last_day.data or "").strip()],
        "languages": (form.languages.data or "").split(),
        "variables": variables,
    }
    if (form.population.data or "").strip():
        found = margin_files.number(form.population.data or "")
        description["population"] = found.value if found else -1.0
    ending = file.filename.rpartition(".")[2].lower()
    return description, file.read(), {"tsv": "csv", "txt": "csv", "zsav": "sav"}.get(ending, ending)


@room.post("/waves/<key>/delete")
def delete_wave(key: str) -> ResponseReturnValue:
    """Forget an imported wave of which nothing was released."""
    try:
        with collector.begin() as session:
            store.delete_imported(session, key)
    except AnalysisError as error:
        flash(told(error), "danger")
        return redirect(url_for("analysis.wave", key=key))
    audit(office, current_account(), "analysis.import.delete", f"wave {key}")
    return redirect(url_for("analysis.overview"))


@room.route("/margins", methods=["GET", "POST"])
def margins() -> ResponseReturnValue:
    """Stored margins, their contradictions, and the form for a new one."""
    form, faults, taken = MarginForm(), [], False
    if form.validate_on_submit():
        try:
            found = _margin_from(form)
        except Faulty as error:
            # Rows and categories stand in the sentences; what a field lacks is said under its name.
            faults = [
                {**said(fault), "place": str(form[fault.place].label.text) if fault.place in form else ""}
                for fault in error.faults
            ]
        else:
            name = form.name.data or ""
            with collector.begin() as session:
                taken = name in store.margins(session) and not form.replace.data
                if not taken:
                    store.save_margin(session, name, found, current_account().email, now())
            if not taken:
                about = {"source": found.source}
                audit(office, current_account(), "analysis.margin", f"margin {name}", about)
                flash(_("The margin is saved."), "success")
                return redirect(url_for("inputs.margins"))
            form.name.errors = [
                _("There is a margin of this name. Choose another name, or replace it below.")
            ]
    with collector.read() as session:
        stored = store.margins(session)
        waves = {wave.key: text_in(wave.document["label"], language()) for wave in store.waves(session)}
    titles = {}
    for name in stored:
        base, _at, key = name.partition("@")
        titles[name] = f"{base} – {waves.get(key, key)}" if key else name
    page = render_template(
        "analysis/margins.html",
        form=form,
        faults=faults,
        taken=taken,
        margins=stored,
        titles=titles,
        disagreements=_disagreements(stored, titles),
        act_form=ActForm(),
    )
    return page, 422 if form.is_submitted() else 200


def _disagreements(stored: dict[str, Margin], titles: dict[str, str]) -> list[dict[str, Any]]:
    """Margins whose totals differ, by the titles of their waves."""
    found = []
    for fault in margin_files.disagreements(stored):
        named = {part: titles[fault.params[part]] for part in ("first", "second")}
        found.append(said(replace(fault, place="", params={**fault.params, **named})))
    return found


def _margin_from(form: MarginForm) -> Any:
    upload = form.file.data
    if upload is not None and upload.filename:
        rows = margin_files.read_file(upload.filename, upload.read())
    else:
        rows = margin_files.cells_of_text(form.table.data or "")
    population = margin_files.number(form.population.data or "")
    return margin_files.margin(
        rows,
        form.variable.data or "",
        source=form.source.data or "",
        date=form.date.data or "",
        definition=form.definition.data or "",
        population=population.value if population else None,
    )


@room.post("/margins/delete")
def delete_margin() -> ResponseReturnValue:
    """Forget a margin; its name comes in the form, for older names do not fit an address."""
    name = request.form.get("margin", "")
    with collector.begin() as session:
        store.delete_margin(session, name)
    audit(office, current_account(), "analysis.margin.delete", f"margin {name}")
    return redirect(url_for("inputs.margins"))
