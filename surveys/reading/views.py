"""Pages of editors and translators: what native speakers have read, sounds, the questionnaire on paper."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

import typeset
from localtext import name as language_name
from stores import office
from surveys.authoring import adapting, sounds, store
from surveys.authoring.forms import ReadingForm, SoundForm
from surveys.authoring.models import QuestionnaireVersion
from surveys.authoring.views import in_source, newest, title_of
from surveys.checks import check, stops
from surveys.player.paper import sheet
from surveys.player.promise import promise_texts
from surveys.questionnaire import expand, read
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import resident as r_
from web.i18n import speaking
from web.rooms import Room, Task

room = Room(
    "reading",
    __name__,
    audience="staff",
    roles=("editor", "translator"),
    processes=("office",),
    url_prefix="/office",
    menu=(("reading.overview", lazy_gettext("Languages")),),
    about=lazy_gettext("Read a questionnaire as a native speaker, record it, attach sound."),
)


def _rows(version: QuestionnaireVersion) -> list[dict[str, Any]]:
    """Per language who has read it, and whether the texts are still those that were read."""
    with office.read() as session:
        found = store.readings(session, version.survey, version.version)
    rows = []
    for tag in version.document["languages"]:
        reading = found.get(tag)
        current = reading is not None and reading.digest == adapting.reading_digest(version.document, tag)
        rows.append({"tag": tag, "reading": reading, "current": current})
    return rows


def _surveys() -> list[QuestionnaireVersion]:
    """The newest version of every survey."""
    with office.read() as session:
        # By survey and number: of each survey the last one stays.
        return list({version.survey: version for version in store.versions(session)}.values())


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """For translators: the surveys with a language that no native speaker has read as it stands."""
    if "translator" not in account.roles:
        return []
    tasks = []
    for version in _surveys():
        waiting = sum(not row["current"] for row in _rows(version))
        if waiting:
            text = _("Have %(title)s read by native speakers (languages that wait: %(count)s)")
            params = {"title": title_of(version.document), "count": waiting}
            tasks.append(Task(url_for("reading.readers", survey=version.survey), text % params))
    return tasks


@room.get("/reading")
def overview() -> ResponseReturnValue:
    """Every survey's newest version, and how far its languages are."""
    found = [
        {"version": version, "title": title_of(version.document), "rows": _rows(version)}
        for version in _surveys()
    ]
    return render_template("surveys/reading.html", surveys=found)


@room.route("/surveys/<survey>/readers", methods=["GET", "POST"])
def readers(survey: str) -> ResponseReturnValue:
    """Who has read promise, consent and sensitive items as a native, per language."""
    version = newest(survey)
    form = ReadingForm()
    language = request.form.get("language", "")
    if form.validate_on_submit() and language in version.document["languages"]:
        digest = adapting.reading_digest(version.document, language)
        with office.begin() as session:
            store.record_reading(
                session, survey, version.version, language, form.reader.data, form.read_on.data, digest
            )
            audit(
                session,
                current_account(),
                "survey.questionnaire.read",
                f"survey {survey}/{version.version} {language}",
            )
        flash(_("Recorded."), "success")
        return redirect(url_for("reading.readers", survey=survey))
    rows = [
        row | {"texts": [*promise_of(row["tag"]), *adapting.to_be_read(version.document, row["tag"])]}
        for row in _rows(version)
    ]
    page = render_template(
        "surveys/readers.html",
        version=version,
        rows=rows,
        form=form,
        refused=language if form.is_submitted() else None,
        today=datetime.now().astimezone().date(),
    )
    return page, 422 if form.is_submitted() else 200


def promise_of(language: str) -> list[str]:
    """The product's own sentences of promise in one language."""
    with speaking(language):
        return promise_texts(r_)


# ---------------------------------------------------------------- sounds and print


@room.route("/surveys/<survey>/sounds", methods=["GET", "POST"])
def sound_files(survey: str) -> ResponseReturnValue:
    """Attach a sound file to an item in one language."""
    version = newest(survey)
    document = version.document
    text = in_source(document)
    form = SoundForm()
    form.item.choices = [(item["id"], text(item["text"])) for item in adapting.items_of(expand(document))]
    form.language.choices = [(tag, language_name(tag)) for tag in document["languages"]]
    if form.validate_on_submit():
        try:
            content = form.file.data.read(sounds.LARGEST + 1)
            media_type, ending = sounds.kind(content)
        except sounds.NotASound as error:
            flash(_sound_fault(error.code), "error")
            return redirect(url_for("reading.sound_files", survey=survey))
        with office.begin() as session:
            name = store.add_sound(session, content, media_type, ending, synthetic=form.synthetic.data)
            made = adapting.attach_sound(document, form.item.data, form.language.data, name)
            saved = store.save_draft(session, survey, made)
            audit(
                session, current_account(), "survey.questionnaire.sound", f"survey {survey}/{saved.version}"
            )
        flash(_("Attached."), "success")
        return redirect(url_for("reading.sound_files", survey=survey))
    rows = [
        (text(item["text"]), tag, name)
        for item in adapting.items_of(expand(document))
        for tag, name in item.get("audio", {}).items()
    ]
    return render_template(
        "surveys/sounds.html", version=version, form=form, rows=rows, language_name=language_name
    )


def _sound_fault(code: str) -> str:
    if code == "large":
        return _("This file is larger than 2 MB. Make it shorter or use a lower bit rate.")
    return _("This is no MP3, Ogg, M4A or WAV file. Convert it first.")


@room.get("/surveys/<survey>/v<int:number>/<language>.pdf")
def printed(survey: str, number: int, language: str) -> ResponseReturnValue:
    """The questionnaire on paper."""
    with office.read() as session:
        found = store.version(session, survey, number)
    if found is None or language not in found.document["languages"] or stops(check(found.document)):
        abort(404)
    variant = request.args.get("variant", 1, type=int)
    made = read(found.document)
    if not 1 <= variant <= len(made.variants):
        abort(404)
    with speaking(language):
        data = sheet(made, language, r_, variant=variant, promise=promise_texts(r_))
    response = Response(typeset.pdf("questionnaire", data, language), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{survey}-{number}-{language}.pdf"'
    return response
