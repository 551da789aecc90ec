"""An editor's pages: surveys and their versions, a survey from a model, adapting it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from localtext import name as language_name
from stores import office
from surveys.authoring import adapting, store
from surveys.authoring.forms import ADAPTING_FAULTS, STATES, AdaptForm, NewSurveyForm
from surveys.authoring.models import QuestionnaireVersion
from surveys.checks import check
from surveys.faults import Fault
from surveys.player.markup import plain
from surveys.questionnaire import read
from surveys.sentences import SENTENCES, sentence
from web.accounts import current_account
from web.audit import audit
from web.rooms import Room

room = Room(
    "surveys",
    __name__,
    audience="staff",
    roles=("editor",),
    processes=("office",),
    url_prefix="/office/surveys",
    menu=(("surveys.overview", lazy_gettext("Surveys")),),
    about=lazy_gettext("Questionnaires: adapt a model, leave out what is not asked."),
)

MODELS = Path(__file__).resolve().parent.parent / "models"


def model_documents() -> dict[str, dict[str, Any]]:
    """The model questionnaires shipped with the product, by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(MODELS.glob("*.json"))}


def _say(fault: Fault) -> str:
    """A fault's sentence in the reader's language, also what it names."""
    names = {"about": _about, "language": _language}
    fault = replace(
        fault, params={key: names.get(key, lambda same: same)(value) for key, value in fault.params.items()}
    )
    if fault.kind in ADAPTING_FAULTS and fault.kind not in SENTENCES:
        return str(ADAPTING_FAULTS[fault.kind]) % fault.params
    return sentence(fault, _)


def _language(tag: str) -> str:
    """A language's name in the reader's language, its own name where there is none."""
    try:
        return str(Locale.parse(tag, sep="-").get_display_name(get_locale()) or language_name(tag))
    except (UnknownLocaleError, ValueError):
        return language_name(tag)


def _anchor(fault: Fault) -> str:
    """Where on the page a fault of the adaptation is mended."""
    return f"list-{fault.place.removeprefix('scales/')}" if fault.place else "items"


def _named(fault: Fault) -> str:
    """The fault's sentence, after the list it is about."""
    return f"{fault.place.removeprefix('scales/')}: {_say(fault)}" if fault.place else _say(fault)


def newest(survey: str) -> QuestionnaireVersion:
    """The survey's newest version; not found where there is none."""
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
    version = newest(survey)
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
    model = adapting.model_of(version.document, model_documents().values())
    whole = version.document
    if model:
        whole = adapting.put_back(whole, model, adapting.left_out(whole, model))
    page = render_template(
        "surveys/adapt.html",
        version=version,
        document=version.document,
        sections=whole["sections"],
        asked={item["id"] for item in adapting.items_of(version.document)},
        from_model=model is not None,
        title_of=title_of,
        form=form,
        typed=request.form,
        faults=[(_anchor(fault), _named(fault)) for fault in faults],
        checked=[(fault, _say(fault)) for fault in check(version.document, final=True)],
        lists=adapting.lists_to_fill(version.document),
        known=adapting.known_languages(version.document),
        text=in_source(version.document),
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


def in_source(document: dict[str, Any]) -> Callable[[Any], str]:
    """Says a text of the document in its source language, with what is filled in so far."""
    made = read(document)
    return lambda text: plain(made.pick(text, document["source"]))


def _adapted(document: dict[str, Any]) -> tuple[dict[str, Any], tuple[Fault, ...], str]:
    """Apply the posted adaptation step by step; on faults nothing is saved and everything typed stays."""
    chosen = request.form.getlist("language") or [document["source"]]
    kept = set(request.form.getlist("item"))
    model = adapting.model_of(document, model_documents().values())
    listed = {item["id"] for one in (document, model) if one for item in adapting.items_of(one)}
    made = adapting.put_back(document, model, kept) if model else document
    made = adapting.choose_languages(made, [document["source"], *chosen])
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
    made, along = adapting.drop_items(made, listed - kept)
    if all(item["type"] == "note" for item in adapting.items_of(made)):
        faults.append(Fault("nothing-asked", ""))
    return made, tuple(faults), ", ".join(along)
