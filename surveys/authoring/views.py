"""An editor's pages: surveys and their versions, a survey from a model, adapting it, native readers, sounds,
print."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

import typeset
from localtext import name as language_name
from stores import office
from surveys.authoring import adapting, sounds, store
from surveys.authoring.forms import ADAPTING_FAULTS, STATES, AdaptForm, NewSurveyForm, ReadingForm, SoundForm
from surveys.authoring.models import QuestionnaireVersion
from surveys.checks import check, stops
from surveys.faults import Fault
from surveys.player.markup import plain
from surveys.player.paper import sheet
from surveys.player.promise import promise_texts
from surveys.questionnaire import expand, read
from surveys.sentences import SENTENCES, sentence
from web.accounts import current_account
from web.audit import audit
from web.i18n import resident as r_
from web.i18n import speaking
from web.rooms import Room

room = Room(
    "surveys",
    __name__,
    audience="staff",
    roles=("editor",),
    processes=("office",),
    url_prefix="/office/surveys",
    menu=(("surveys.overview", lazy_gettext("Surveys")),),
    about=lazy_gettext("Questionnaires: adapt a model, record native readers, attach sound."),
)

MODELS = Path(__file__).resolve().parent.parent / "models"


def model_documents() -> dict[str, dict[str, Any]]:
    """The model questionnaires shipped with the product, by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(MODELS.glob("*.json"))}


def _say(fault: Fault) -> str:
    """A fault's sentence in the reader's language."""
    if fault.kind in ADAPTING_FAULTS and fault.kind not in SENTENCES:
        return str(ADAPTING_FAULTS[fault.kind]) % fault.params
    return sentence(fault, _)


def _newest(survey: str) -> QuestionnaireVersion:
    with office.read() as session:
        found = store.newest(session, survey)
    if found is None:
        abort(404)
    return found


@room.get("", strict_slashes=False)
def overview() -> ResponseReturnValue:
    """Every survey with its versions, and the form for a new one."""
    form = NewSurveyForm()
    form.model.choices = [(name, title_of(document)) for name, document in model_documents().items()]
    with office.read() as session:
        found = store.versions(session)
    return render_template(
        "surveys/overview.html", versions=found, form=form, states=STATES, title_of=title_of
    )


def title_of(document: dict[str, Any]) -> str:
    """The title in the source language with what is filled in so far."""
    return plain(read(document).pick(document["title"], document["source"]))


@room.post("/new")
def new() -> ResponseReturnValue:
    """Begin a survey from a model."""
    models = model_documents()
    form = NewSurveyForm()
    form.model.choices = [(name, name) for name in models]
    survey = (form.survey.data or "").strip()
    if not form.validate_on_submit():
        flash(" ".join(str(error) for errors in form.errors.values() for error in errors), "error")
        return redirect(url_for("surveys.overview"))
    with office.begin() as session:
        if store.newest(session, survey) is not None:
            flash(_("There is a survey of this name already. Choose another name."), "error")
            return redirect(url_for("surveys.overview"))
        store.save_draft(session, survey, adapting.model_for(models[form.model.data], survey))
        audit(session, current_account(), "survey.questionnaire.create", f"survey {survey}")
    return redirect(url_for("surveys.adapt", survey=survey))


# ---------------------------------------------------------------- adapting


@room.route("/<survey>/adapt", methods=["GET", "POST"])
def adapt(survey: str) -> ResponseReturnValue:
    """Languages, placeholders, the city's own lists, items to leave out."""
    version = _newest(survey)
    form = AdaptForm()
    faults: tuple[Fault, ...] = ()
    if form.validate_on_submit():
        made, faults, along = _adapted(version.document)
        if not faults:
            with office.begin() as session:
                saved = store.save_draft(session, survey, made)
                audit(
                    session,
                    current_account(),
                    "survey.questionnaire.adapt",
                    f"survey {survey}/{saved.version}",
                )
            if along:
                flash(
                    _(
                        "These items depend on one that you left out and are left out too: %(names)s",
                        names=along,
                    )
                )
            flash(_("Saved as version %(number)s.", number=saved.version), "success")
            return redirect(url_for("surveys.adapt", survey=survey))
    page = render_template(
        "surveys/adapt.html",
        version=version,
        document=version.document,
        title_of=title_of,
        form=form,
        typed=request.form,
        faults=[(fault.place.removeprefix("scales/"), _say(fault)) for fault in faults],
        checked=[(fault, _say(fault)) for fault in check(version.document, final=True)],
        lists=adapting.lists_to_fill(version.document),
        known=adapting.known_languages(version.document),
        text=_words(version.document),
        language_name=language_name,
        states=STATES,
        about=_about,
    )
    return page, 422 if faults else 200


#: What the placeholders and lists of the model questionnaires are, in the words of their documents.
ABOUT = {
    "Name of the city": lazy_gettext("Name of the city"),
    "Telephone number of the hotline": lazy_gettext("Telephone number of the hotline"),
    "Telephone number for questions": lazy_gettext("Telephone number for questions"),
    "Groups of origin, cut as the register cuts them": lazy_gettext(
        "Groups of origin, cut as the register cuts them"
    ),
    "Districts of the city, coarse": lazy_gettext("Districts of the city, coarse"),
}


def _about(words: str) -> str:
    """What something to fill in is, in the editor's language where it comes from a model of ours."""
    return str(ABOUT.get(words, words))


def _words(document: dict[str, Any]) -> Any:
    made = read(document)
    return lambda text: plain(made.pick(text, document["source"]))


def _adapted(document: dict[str, Any]) -> tuple[dict[str, Any], tuple[Fault, ...], str]:
    """Apply the posted adaptation step by step; on faults nothing is saved and everything typed stays."""
    chosen = request.form.getlist("language") or [document["source"]]
    made = adapting.choose_languages(document, [document["source"], *chosen])
    values: dict[str, dict[str, str]] = {}
    for name in document.get("placeholders", {}):
        values[name] = {tag: request.form.get(f"placeholder:{name}:{tag}", "") for tag in made["languages"]}
    made = adapting.fill_placeholders(made, values)
    faults: list[Fault] = []
    for name in adapting.lists_to_fill(document):
        lines = {tag: request.form.get(f"list:{name}:{tag}", "").splitlines() for tag in made["languages"]}
        if request.form.get(f"filled:{name}"):
            made, wrong = adapting.fill_list(made, name, lines)
            faults += wrong
    listed = {item["id"] for item in adapting.items_of(document)}
    kept = set(request.form.getlist("item"))
    made, along = adapting.drop_items(made, listed - kept)
    return made, tuple(faults), ", ".join(along)


# ---------------------------------------------------------------- native readers


@room.route("/<survey>/readers", methods=["GET", "POST"])
def readers(survey: str) -> ResponseReturnValue:
    """Who has read promise, consent and sensitive items as a native, per language."""
    version = _newest(survey)
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
        return redirect(url_for("surveys.readers", survey=survey))
    with office.read() as session:
        found = store.readings(session, survey, version.version)
    rows = []
    for tag in version.document["languages"]:
        reading = found.get(tag)
        current = reading is not None and reading.digest == adapting.reading_digest(version.document, tag)
        texts = [*promise_of(tag), *adapting.to_be_read(version.document, tag)]
        rows.append({"tag": tag, "reading": reading, "current": current, "texts": texts})
    return render_template(
        "surveys/readers.html", version=version, rows=rows, form=form, today=datetime.now(UTC).date()
    )


def promise_of(language: str) -> list[str]:
    """The product's own sentences of promise in one language."""
    with speaking(language):
        return promise_texts(r_)


# ---------------------------------------------------------------- sounds and print


@room.route("/<survey>/sounds", methods=["GET", "POST"])
def sound_files(survey: str) -> ResponseReturnValue:
    """Attach a sound file to an item in one language."""
    version = _newest(survey)
    document = version.document
    text = _words(document)
    form = SoundForm()
    form.item.choices = [(item["id"], text(item["text"])) for item in adapting.items_of(expand(document))]
    form.language.choices = [(tag, language_name(tag)) for tag in document["languages"]]
    if form.validate_on_submit():
        try:
            content = form.file.data.read(sounds.LARGEST + 1)
            media_type, ending = sounds.kind(content)
        except sounds.NotASound as error:
            flash(_sound_fault(error.code), "error")
            return redirect(url_for("surveys.sound_files", survey=survey))
        with office.begin() as session:
            name = store.add_sound(session, content, media_type, ending, synthetic=form.synthetic.data)
            made = adapting.attach_sound(document, form.item.data, form.language.data, name)
            saved = store.save_draft(session, survey, made)
            audit(
                session, current_account(), "survey.questionnaire.sound", f"survey {survey}/{saved.version}"
            )
        flash(_("Attached."), "success")
        return redirect(url_for("surveys.sound_files", survey=survey))
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


@room.get("/<survey>/v<int:number>/<language>.pdf")
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
