"""Running a wave: set-up, checklist, freeze, open, extend, close, returns in steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from wtforms.fields.choices import SelectChoice

import localtext
from stores import collector, office
from surveys.authoring import store as authoring
from surveys.authoring.views import title_of
from surveys.collection import store
from surveys.collection.models import Wave
from surveys.collection.store import WaveFault
from surveys.collection.waves.forms import (
    LEVEL_NAMES,
    REMEDIES,
    ActForm,
    ExtendForm,
    NewWaveForm,
    WaveForm,
    point_names,
    state_name,
)
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.rooms import Room, Task

room = Room(
    "waves",
    __name__,
    audience="staff",
    roles=("editor",),
    processes=("office",),
    url_prefix="/office",
    menu=(("waves.overview", lazy_gettext("Waves")),),
    about=lazy_gettext("Set up, open, extend and close the fielding of a survey."),
)

#: What a set-up form carries over into the wave as it is.
_FIELDS = ("title", "population", "frame", "opens_on", "closes_on", "checklist", "languages", "versions")


#: What the editor does next with a wave in this state.
_NEXT = {
    "draft": lazy_gettext("Set up the wave %(title)s and freeze its levels"),
    "frozen": lazy_gettext("Finish the checklist of %(title)s and open it"),
    "open": lazy_gettext("Look at the returns of %(title)s"),
}


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """Waves that are not over, each with its next step."""
    with office.read() as session:
        found = store.waves(session)
    return [
        Task(
            url_for("waves.one", survey=wave.survey, wave_id=wave.id),
            str(_NEXT[wave.state]) % {"title": wave.title},
        )
        for wave in found
        if wave.state in _NEXT
    ]


def _said(fault: WaveFault) -> str:
    table: dict[str, Callable[[], str]] = {
        "not_a_draft": lambda: _("The levels are frozen already."),
        "levels": lambda: _("Choose at least one level of anonymity that fits the wave."),
        "not_frozen": lambda: _("Freeze the levels first."),
        "checklist": lambda: _("A point of the checklist is still open; the wave was not opened."),
        "unread": lambda: _(
            "A language has no native reader on record, or a machine speaks it. See the native readers."
        ),
        "not_open": lambda: _("The wave is not open."),
        "running": lambda: _("The wave has been opened meanwhile; the set-up was not saved."),
        "past": lambda: _("This day is over. Choose today or a later day."),
        "over": lambda: _("The last answers have been mixed; the wave cannot be extended any more."),
    }
    return table[fault.code]()


@room.get("/waves")
def overview() -> ResponseReturnValue:
    """Every wave of every survey."""
    with office.read() as session:
        found = store.waves(session)
        titles = {version.survey: title_of(version.document) for version in authoring.versions(session)}
    return render_template(
        "collection/waves/overview.html", waves=found, titles=titles, state_name=state_name
    )


@room.route("/surveys/<survey>/waves", methods=["GET", "POST"])
def all_waves(survey: str) -> ResponseReturnValue:
    """The survey's waves, and the form for a new one."""
    with office.read() as session:
        newest = authoring.newest(session, survey)
        found = store.waves(session, survey)
    if newest is None:
        abort(404)
    form = NewWaveForm()
    if form.validate_on_submit():
        with office.begin() as session:
            wave = store.create_wave(
                session,
                survey,
                form.channel.data,
                form.title.data or "",
                newest.document.get("languages", []),
            )
            wave.versions = [newest.version]
            audit(session, current_account(), "wave.create", f"wave {wave.id}", {"survey": survey})
        return redirect(url_for("waves.one", survey=survey, wave_id=wave.id))
    page = render_template(
        "collection/waves/all.html",
        title=title_of(newest.document),
        waves=found,
        form=form,
        state_name=state_name,
    )
    return page, 422 if form.is_submitted() else 200


@room.route("/surveys/<survey>/waves/<wave_id>", methods=["GET", "POST"])
def one(survey: str, wave_id: str) -> ResponseReturnValue:
    """One wave: its set-up while that may change, its checklist, its returns."""
    wave = _wave(survey, wave_id)
    form = _set_up_form(wave)
    if wave.state in ("draft", "frozen") and form.validate_on_submit():
        return _submitted(wave, form)
    status = 422 if form.is_submitted() and form.errors else 200
    demo = current_app.config["SETTINGS"].demo
    with collector.read() as published:
        points = store.checklist(published, wave, datetime.now(store.ZONE).date(), demo)
        returned = store.returns(published, wave)
    page = render_template(
        "collection/waves/one.html",
        wave=wave,
        title=_survey_title(survey),
        form=form,
        extend_form=ExtendForm(closes_on=wave.closes_on),
        act_form=ActForm(),
        points=points,
        point_names=point_names(wave.channel),
        remedies=REMEDIES,
        level_names=LEVEL_NAMES,
        state_name=state_name,
        returned=returned,
        ticks=store.ticks(wave.channel),
    )
    return page, status


def _submitted(wave: Wave, form: WaveForm) -> ResponseReturnValue:
    """Save the set-up; freeze the levels or open the wave where that button was pressed.

    What was typed is saved first and by itself, so that it stays also where the step is refused.
    """

    def save(session: Session, published: Session, row: Wave) -> None:
        _save(row, form)
        store.announce(session, published, row)

    answer, saved = _act(wave, "wave.set_up", save, _("The wave is saved."), {"state": wave.state})
    if saved and "freeze" in request.form:
        answer, _done = _act(wave, "wave.freeze", store.freeze, _frozen(wave))
    elif saved and "open" in request.form:
        demo = current_app.config["SETTINGS"].demo

        def open_it(session: Session, published: Session, row: Wave) -> None:
            store.open_wave(session, published, row, datetime.now(UTC), demo)

        answer, _done = _act(wave, "wave.open", open_it, _("The wave is open."))
    return answer


def _frozen(wave: Wave) -> str:
    if wave.channel == "open":
        return _("The levels are frozen.")
    return _("The levels are frozen. Now keys can be made.")


def _survey_title(survey: str) -> str:
    with office.read() as session:
        newest = authoring.newest(session, survey)
    return title_of(newest.document) if newest is not None else survey


def _wave(survey: str, wave_id: str) -> Wave:
    with office.read() as session:
        wave = store.wave(session, wave_id)
    if wave is None or wave.survey != survey:
        abort(404)
    return wave


def _set_up_form(wave: Wave) -> WaveForm:
    form = WaveForm(obj=wave)
    with office.read() as session:
        versions = authoring.versions(session, wave.survey)
    offered = {tag for version in versions for tag in version.document.get("languages", [])}
    form.versions.choices = [
        SelectChoice(version.version, _("Version %(number)s", number=version.version)) for version in versions
    ]
    tags = sorted(offered | set(wave.languages))
    form.languages.choices = [SelectChoice(tag, localtext.name(tag)) for tag in tags]
    allowed = ("open",) if wave.channel == "open" else ("sealed", "two_office")
    form.levels.choices = [SelectChoice(level, LEVEL_NAMES[level]) for level in allowed]
    names = point_names(wave.channel)
    form.checklist.choices = [SelectChoice(tick, names[tick]) for tick in store.ticks(wave.channel)]
    if wave.state != "draft":
        # Not merely disabled: what is frozen is no field of the form any more, and a trigger holds it.
        del form.levels
    return form


def _save(wave: Wave, form: WaveForm) -> None:
    for name in _FIELDS:
        setattr(wave, name, form[name].data)
    if wave.state == "draft" and "levels" in form:
        wave.levels = form.levels.data or []


@room.post("/surveys/<survey>/waves/<wave_id>/extend")
def extend(survey: str, wave_id: str) -> ResponseReturnValue:
    """Set another last day."""
    form = ExtendForm()
    if not form.validate_on_submit() or form.closes_on.data is None:
        flash(_("Please give a day, as in 2026-12-31."), "danger")
        return redirect(url_for("waves.one", survey=survey, wave_id=wave_id))
    day = form.closes_on.data

    def act(session: Session, published: Session, wave: Wave) -> None:
        store.extend(session, published, wave, day, datetime.now(UTC))

    details = {"closes_on": day.isoformat()}
    return _act(_wave(survey, wave_id), "wave.extend", act, _("The last day is changed."), details)[0]


@room.post("/surveys/<survey>/waves/<wave_id>/close")
def close(survey: str, wave_id: str) -> ResponseReturnValue:
    """Close the wave now; closing twice is harmless."""

    def act(session: Session, published: Session, wave: Wave) -> None:
        store.close(session, published, wave, datetime.now(UTC))

    done = _("The wave is closed. The last answers are being mixed.")
    return _act(_wave(survey, wave_id), "wave.close", act, done)[0]


@room.post("/surveys/<survey>/waves/<wave_id>/copy")
def copy(survey: str, wave_id: str) -> ResponseReturnValue:
    """A new draft with the same safeguards."""
    if not ActForm().validate_on_submit():
        abort(400)
    source = _wave(survey, wave_id)
    with office.begin() as session:
        made = store.copy_wave(session, source)
        newest = authoring.newest(session, survey)
        made.versions = [newest.version] if newest else []
        audit(session, current_account(), "wave.copy", f"wave {made.id}", {"from": wave_id})
    return redirect(url_for("waves.one", survey=survey, wave_id=made.id))


def _act(
    wave: Wave,
    action: str,
    act: Callable[[Session, Session, Wave], None],
    done: str,
    details: dict[str, Any] | None = None,
) -> tuple[ResponseReturnValue, bool]:
    """Change a wave in both stores, write the audit log, and say how it went; also whether it went."""
    if not ActForm().validate_on_submit():
        abort(400)
    went = False
    try:
        # The collector is committed first: what was published and not kept here can be published again.
        with office.begin() as session, collector.begin() as published:
            act(session, published, session.get_one(Wave, wave.id))
            audit(session, current_account(), action, f"wave {wave.id}", details or {})
    except WaveFault as fault:
        flash(_said(fault), "danger")
    except IntegrityError:
        flash(_("Another wave of this survey was opened at the same moment."), "danger")
    else:
        went = True
        flash(done, "success")
    return redirect(url_for("waves.one", survey=wave.survey, wave_id=wave.id)), went
