"""The analyst's pages: waves, margins, weights, plans, books, sealed exports."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.lists import format_list
from flask import Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from analysis import assemble, margin_checks, microdata, priorities, recipes, store
from analysis.desk import store as desk
from analysis.errors import AnalysisError, DataError
from analysis.exchange import bookfiles, flat, metadata, packages
from analysis.exchange.codebook import chunks_of
from analysis.figures import table_figure
from analysis.forms import ActForm, PlanForm, ReleaseForm
from analysis.inputs import store as inputs
from analysis.models import StoredPlan
from analysis.plan import loads, read, title_of
from analysis.plan_builder import as_list
from analysis.plan_checks import check
from analysis.published.views import words_in
from analysis.sentences import BREAKS, SENTENCES
from analysis.tables import WaveData, catalogue
from localtext import NAMES, number_text, pick
from stores import collector, office
from surveys.faults import Fault, Faulty
from typeset import pdf
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import language
from web.rooms import Room, Task

room = Room(
    "analysis",
    __name__,
    audience="staff",
    roles=("analyst",),
    processes=("analysis",),
    url_prefix="/office/analysis",
    menu=(("analysis.overview", lazy_gettext("Analysis")),),
    about=lazy_gettext("From closed waves over margins and weights to tables and figures."),
)

WAVES_OF = {"break-in-series": ("first", "second"), "full-needs-open": ("name",)}
"""Which parameters of a fault are keys of waves."""

EXPORTS = ("csv", "labels.csv", "parquet", "xlsx", "sav", "sps", "dta", "ddi.xml", "sss", "sss.csv")


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """Plans without tables, and plans whose tables were not asked to be published yet."""
    with collector.read() as session:
        plans = store.plans(session)
        books = {plan.name: store.book(session, plan.name) for plan in plans}
        asked = {one.plan for one in store.releases(session)}
    return [
        Task(
            url_for("analysis.plan", name=plan.name),
            _("Look at the tables of the plan %(name)s and ask for their release", name=plan.name)
            if books[plan.name]
            else _("Run the plan %(name)s", name=plan.name),
        )
        for plan in plans
        if not books[plan.name] or plan.name not in asked
    ]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def said(fault: Fault | Mapping[str, Any]) -> dict[str, Any]:
    """A fault in the reader's language: place and sentence."""
    kind = fault.kind if isinstance(fault, Fault) else fault["kind"]
    place = fault.place if isinstance(fault, Fault) else fault["place"]
    params = fault.params if isinstance(fault, Fault) else fault["params"]
    advice = fault.advice if isinstance(fault, Fault) else False
    sentence = SENTENCES.get(kind)
    written = {key: number_text(v, language()) if isinstance(v, float) else v for key, v in params.items()}
    words = _(sentence) % written if sentence else kind
    return {"place": place, "words": words, "advice": advice}


def told(error: AnalysisError) -> str:
    """An engine's error in the reader's language where its sentence can be filled, else its own words."""
    sentence = SENTENCES.get(error.code)
    try:
        return _(sentence) % {"place": error.place, **error.params} if sentence else error.message
    except KeyError:
        return error.message


@room.get("/")
def overview() -> ResponseReturnValue:
    """Waves, plans and batches."""
    with collector.begin() as session:
        store.note_waves(session)
    with collector.read() as session:
        waves, plans, jobs = store.waves(session), store.plans(session), store.jobs(session)
        books = {plan.name: store.book(session, plan.name) for plan in plans}
    return render_template(
        "analysis/overview.html",
        waves=waves,
        plans=plans,
        titles={plan.name: _title(plan) for plan in plans},
        jobs=jobs[:20],
        books=books,
        act_form=ActForm(),
    )


@room.get("/waves/<key>")
def wave(key: str) -> ResponseReturnValue:
    """Returns by key, modes, missing answers per item."""
    try:
        with collector.read() as session:
            known = store.wave(session, key)
            shown = store.overview(session, key)
    except AnalysisError as error:
        if error.code == "unknown_wave":
            abort(404)
        flash(told(error), "danger")
        return redirect(url_for("analysis.overview"))
    return render_template("analysis/wave.html", wave=known, shown=shown, exports=EXPORTS)


@room.get("/waves/<key>/export/<kind>")
def export(key: str, kind: str) -> ResponseReturnValue:
    """Sealed-office export: full weights and codes, for the analyst's own programs; written to the audit
    log.
    """
    if kind not in EXPORTS:
        abort(404)
    tag = request.args.get("labels", "en")
    tag = tag if tag in NAMES else "en"
    plan_name = request.args.get("plan", "")
    try:
        with collector.read() as session:
            stored = store.plan(session, plan_name) if plan_name else None
            steps = read(loads(stored.source)).weighting if stored else ()
            data, _ids = store.load(session, key, steps, store.margins(session))
    except (AnalysisError, Faulty) as error:
        flash(told(error) if isinstance(error, AnalysisError) else str(error), "danger")
        return redirect(url_for("analysis.overview"))
    audit(office, current_account(), "analysis.export", f"wave {key}", {"format": kind})
    book, columns = assemble.sealed_export(data)
    content = _export(kind, book, columns, tag, data)
    return send_file(
        io.BytesIO(content), as_attachment=True, download_name=f"{recipes.stem(data)}.{kind}", max_age=0
    )


def _export(kind: str, book: Any, columns: Any, tag: str, wave: WaveData) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        if kind in {"csv", "labels.csv", "sss.csv"}:
            with path.open("wb") as file:
                if kind == "sss.csv":
                    metadata.triple_s_data(file, book, chunks_of(columns))
                else:
                    flat.write_csv(
                        file, book, chunks_of(columns), language=tag if kind == "labels.csv" else None
                    )
        elif kind == "parquet":
            flat.write_parquet(path, book, chunks_of(columns))
        elif kind == "xlsx":
            flat.write_xlsx(path, book, chunks_of(columns), languages=book.languages)
        elif kind == "ddi.xml":
            return metadata.ddi(book, cases=wave.responses, file_name=f"{recipes.stem(wave)}.csv")
        elif kind == "sss":
            return metadata.triple_s(book)
        elif kind == "dta":
            packages.write_dta(path, book, chunks_of(columns), language=tag)
        else:
            written = packages.write_sav(path, book, chunks_of(columns), language=tag)
            if kind == "sps":
                return packages.multiple_response_syntax(book, written.names, tag).encode()
        return path.read_bytes()


@room.route("/plans/<name>", methods=["GET", "POST"])
def plan(name: str) -> ResponseReturnValue:
    """A plan: its text, its faults, its book, its batch."""
    stored = _stored(name)
    form, faults = PlanForm(source=stored.source), []
    if form.validate_on_submit():
        with collector.begin() as session:
            store.save_plan(session, name, form.source.data or "", current_account().email, now())
        stored = _stored(name)
        faults = _faults(stored.source)
        audit(office, current_account(), "analysis.plan", f"plan {name}", {"faults": len(faults)})
        flash(*_outcome(faults))
    elif request.method == "GET":
        faults = _faults(stored.source)
    with collector.read() as session:
        jobs, book = store.jobs(session, name), store.book(session, name)
        own = {wave.key for wave in store.waves(session) if wave.kind == "own"}
        refused = desk.refusals(session, name)
        outdated = store.outdated(session, book) if book else ""
        titles = _titles(session)
    page = render_template(
        "analysis/plan.html",
        name=name,
        title=_title(stored),
        form=form,
        faults=faults,
        job=jobs[0] if jobs else None,
        book=book,
        outdated=outdated,
        titles=titles,
        problem=_problem(jobs[0].problem) if jobs and jobs[0].problem else [],
        act_form=ActForm(),
        release_form=ReleaseForm(slug=refused[0].slug if refused else name),
        refused=refused,
        exports=EXPORTS,
        script_waves=[key for key in _waves_of(form.source.data or "") if key in own],
    )
    return page, 422 if form.is_submitted() and any(not fault["advice"] for fault in faults) else 200


def _outcome(faults: list[dict[str, Any]]) -> tuple[str, str]:
    """What was done with the plan's text, and how the page colours it."""
    if not faults:
        return _("The plan is saved and has no faults."), "success"
    if all(fault["advice"] for fault in faults):
        return _("The plan is saved and can be run. The checker has advice."), "success"
    return _("The plan is saved, but it cannot be run before its faults are mended."), "warning"


def _waves_of(source: str) -> tuple[str, ...]:
    try:
        return read(loads(source)).waves
    except Faulty:
        return ()


def _title(stored: StoredPlan) -> str:
    return pick(title_of(stored.source), language()) or stored.name


def _titles(session: Session) -> dict[str, str]:
    """The titles of all waves by their keys."""
    return {wave.key: bookfiles.said(wave.document["label"], language()) for wave in store.waves(session)}


def _stored(name: str) -> StoredPlan:
    with collector.read() as session:
        stored = store.plan(session, name)
    if stored is None:
        abort(404)
    return stored


def _faults(source: str) -> list[dict[str, Any]]:
    document: Mapping[str, Any] = {}
    with collector.read() as session:
        known = _titles(session)
    try:
        document = loads(source)
        plan = read(document)
        waves = {}
        with collector.read() as session:
            margins = store.margins(session)
            links = inputs.priorities(session)
            for key in plan.waves:
                if key in known:
                    waves[key], _ids = store.load(session, key)
        if not waves:
            return [said(Fault("unknown-wave", "waves", {"name": ", ".join(plan.waves)}))]
        names = margin_checks.names(margins, list(margin_checks.weighted(waves)))
        found = check(plan, catalogue(waves, margins=names, conferences=links))
        found += margin_checks.check(plan, waves, margins)
        return [said(_named(fault, known)) for fault in found]
    except Faulty as error:
        # A wave that nobody knows is named beside what the document itself lacks, which may follow from it.
        unknown = [key for key in as_list(document.get("waves")) if key not in known]
        named = [Fault("unknown-wave", "waves", {"name": key}) for key in unknown]
        return [said(fault) for fault in (*named, *error.faults)]
    except AnalysisError as error:
        return [{"place": error.place, "words": told(error), "advice": False}]


def _named(fault: Fault, waves: Mapping[str, str]) -> Fault:
    """A fault with the titles of its waves and the words of what changed between them."""
    titles = {key: waves.get(fault.params[key], fault.params[key]) for key in WAVES_OF.get(fault.kind, ())}
    if fault.kind == "break-in-series":
        kinds = [_(BREAKS[kind]) for kind in fault.params["kinds"].split(", ")]
        titles["kinds"] = format_list(kinds, locale=get_locale())
    return replace(fault, params={**fault.params, **titles})


def _problem(problem: Mapping[str, Any]) -> list[dict[str, Any]]:
    if problem.get("code") == "faults":
        return [said(fault) for fault in problem["faults"]]
    sentence = SENTENCES.get(problem.get("code", ""))
    words = _(sentence) if sentence and "%(" not in sentence else problem.get("message", "")
    return [{"place": problem.get("place", ""), "words": words, "advice": False}]


@room.post("/plans/<name>/run")
def run(name: str) -> ResponseReturnValue:
    """Ask for the plan's book; asking twice gives one batch."""
    _stored(name)
    with collector.begin() as session:
        store.ask(session, "book", name, current_account().email, now())
    audit(office, current_account(), "analysis.run", f"plan {name}")
    flash(_("The batch is queued. This page tells how far it is; you can leave it."), "info")
    return redirect(url_for("analysis.plan", name=name))


@room.post("/plans/<name>/stop")
def stop(name: str) -> ResponseReturnValue:
    """Stop the plan's batch; nothing of it is kept."""
    with collector.begin() as session:
        for job in store.jobs(session, name):
            store.stop(session, job.id)
    return redirect(url_for("analysis.plan", name=name))


@room.get("/plans/<name>/scripts/<key>.<kind>")
def script(name: str, key: str, kind: str) -> ResponseReturnValue:
    """The script that makes the tables of a plan again from the sealed export of one wave."""
    stored = _stored(name)
    if kind not in recipes.KINDS:
        abort(404)
    try:
        plan = read(loads(stored.source))
        if key not in plan.waves:
            abort(404)
        with collector.read() as session:
            margins = store.margins(session)
            data, _ids = store.load(session, key, plan.weighting, margins)
        content = recipes.script(kind, plan, data, margins)
    except (AnalysisError, Faulty) as error:
        flash(told(error) if isinstance(error, AnalysisError) else str(error), "danger")
        return redirect(url_for("analysis.plan", name=name))
    file, called = io.BytesIO(content.encode()), f"{name}-{recipes.stem(data)}.{kind}"
    return send_file(file, as_attachment=True, download_name=called, mimetype="text/plain", max_age=0)


@room.get("/plans/<name>/public-use")
def public_use(name: str) -> ResponseReturnValue:
    """What a public use file of the last wave would need: k-anonymity, l-diversity, suggested recodings."""
    stored = _stored(name)
    try:
        plan = read(loads(stored.source))
        with collector.read() as session:
            data, _ids = store.load(session, plan.waves[-1])
        keys = request.args.get("keys", " ".join(plan.groups)).split()[:6]
        sensitive = request.args.get("sensitive", "").split()[:4]
        columns = data.design.data
        unknown = next((n for n in [*keys, *sensitive] if n not in columns or n.startswith("_")), None)
        if unknown is not None:
            raise DataError("no_variable", f"there is no variable {unknown}", unknown, name=unknown)
        ordered = frozenset(n for n in keys if n in data.items and data.items[n].ordered)
        found = microdata.assessed(
            {n: columns[n] for n in keys}, sensitive=[columns[n] for n in sensitive], ordered=ordered
        )
    except (AnalysisError, Faulty) as error:
        flash(told(error) if isinstance(error, AnalysisError) else str(error), "danger")
        return redirect(url_for("analysis.plan", name=name))
    return render_template(
        "analysis/public_use.html",
        name=name,
        keys=keys,
        sensitive=sensitive,
        found=found,
        total=data.responses,
    )


@room.get("/plans/<name>/book")
def book(name: str) -> ResponseReturnValue:
    """Tables and figures of the last book, one item at a time, and the auditor's findings."""
    with collector.read() as session:
        found = store.book(session, name)
    if found is None:
        flash(_("There is no book yet. Run the plan."), "info")
        return redirect(url_for("analysis.plan", name=name))
    document = found.document
    item = request.args.get("item") or next(iter(document["items"]))
    tag = language()
    tables = [table for table in document["tables"] if table["item"] == item]
    words = words_in(tag)
    waves = {wave["key"]: bookfiles.said(wave["label"], tag) for wave in document["waves"]}
    shown = [
        {
            "caption": bookfiles.heading(document, table, tag),
            "wave": waves[table["wave"]],
            "heads": bookfiles.answers(document, table, tag),
            "rows": [
                {
                    "name": bookfiles.level_text(document, table, row["level"], tag, words["all"]),
                    "cells": [
                        (bookfiles.cell_text(cell, tag), bookfiles.interval_text(cell, tag), cell)
                        for cell in row["cells"]
                    ],
                    "base": row["base"],
                    "effective": row.get("effective"),
                }
                for row in table["rows"]
            ],
            "figure": table_figure(document, table, tag, f"f{number}", words),
        }
        for number, table in enumerate(tables)
    ]
    return render_template(
        "analysis/book.html",
        name=name,
        title=bookfiles.said(document["title"], tag) or name,
        book=found,
        document=document,
        item=item,
        conferences=[
            (bookfiles.said(one["title"], tag), priorities.rows(document, one, tag))
            for one in document.get("conferences", ())
            if one["item"] == item
        ],
        items={key: bookfiles.said(entry["label"], tag) for key, entry in document["items"].items()},
        tables=shown,
    )


@room.get("/plans/<name>/book.<kind>")
def book_file(name: str, kind: str) -> ResponseReturnValue:
    """The book as a file."""
    with collector.read() as session:
        found = store.book(session, name)
    if found is None or kind not in {"html", "xlsx", "pdf", "json"}:
        abort(404)
    document, tag = found.document, language()
    if kind == "xlsx":
        every = {each: words_in(each) for each in document["languages"]}
        content = bookfiles.xlsx_book(document, document["languages"], every)
    elif kind == "pdf":
        content = pdf("tablebook", bookfiles.print_data(document, tag, words_in(tag)), tag)
    elif kind == "html":
        content = bookfiles.html_book(document, tag, words_in(tag)).encode()
    else:
        return Response(json.dumps(document, ensure_ascii=False, indent=1), mimetype="application/json")
    return send_file(io.BytesIO(content), as_attachment=True, download_name=f"{name}.{kind}", max_age=0)


@room.post("/plans/<name>/release")
def request_release(name: str) -> ResponseReturnValue:
    """Ask a reviewer to publish the last book."""
    form = ReleaseForm()
    if not form.validate_on_submit():
        flash(_("Use small letters, digits and hyphens for the address."), "danger")
        return redirect(url_for("analysis.plan", name=name))
    account = current_account()
    try:
        with collector.begin() as session:
            row = store.request_release(
                session, name, form.slug.data or "", account.email, now(), form.answer.data or ""
            )
    except AnalysisError as error:
        flash(told(error), "danger")
        return redirect(url_for("analysis.plan", name=name))
    audit(office, account, "analysis.release.request", f"results {row.slug}", {"digest": row.digest[:16]})
    flash(_("A reviewer can decide now."), "success")
    return redirect(url_for("releases.all_releases"))
