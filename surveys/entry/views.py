"""The entry clerk's room: answer sheets to print, double keying, admission of batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

import typeset
from stores import collector, office, published
from surveys.answers import check
from surveys.entry import store, typed
from surveys.entry.forms import BatchForm, answer_text, fault_text, stray_text
from surveys.entry.models import KeyingBatch
from surveys.entry.store import EntryFault
from surveys.entry.typed import Difference, Keyed
from surveys.player import answered, boxes, paper
from surveys.player.markup import plain
from surveys.questionnaire import Field, Questionnaire, read
from web import promise
from web.accounts import SignedIn, current_account
from web.audit import audit
from web.i18n import language as page_language
from web.i18n import resident as r_
from web.i18n import speaking
from web.rooms import Room, Task

room = Room(
    "entry",
    __name__,
    audience="staff",
    roles=("entry_clerk",),
    processes=("entry",),
    url_prefix="/office/entry",
    menu=(("entry.home", lazy_gettext("Entry of paper and interviews")),),
    about=lazy_gettext("Key answer sheets twice, compare them, and hold interviews."),
)


@room.next_steps
def next_steps(account: SignedIn) -> list[Task]:
    """Stacks that are being keyed."""
    with collector.read() as session:
        found = [one for one in store.batches(session) if one.state == "open"]
    return [
        Task(url_for("entry.batch", key=one.id.hex()), _("Go on with the stack %(label)s", label=one.label))
        for one in found
    ]


def wave_or_404(wave: str) -> dict[str, Any]:
    """The open wave with this id."""
    with collector.read() as session:
        found = store.wave_of(session, wave)
    if found is None:
        abort(404)
    return found


def questionnaire_of(survey: str, version: int) -> Questionnaire:
    """The published version; it never changes, so it is read once per process."""
    kept: dict[tuple[str, int], Questionnaire] = current_app.extensions.setdefault("questionnaires", {})
    if (survey, version) not in kept:
        with collector.read() as session:
            document = published(session, "office", "questionnaire", f"{survey}/{version}")
        if document is None:
            abort(404)
        kept[survey, version] = read(document)
    return kept[survey, version]


# ---------------------------------------------------------------- overview and sheets


@room.get("/")
def home() -> ResponseReturnValue:
    """Open waves, sheets to print, stacks."""
    return _home(BatchForm(formdata=None))


def _home(form: BatchForm) -> ResponseReturnValue:
    with collector.read() as session:
        waves = store.paper_waves(session)
        keys = {wave["id"]: store.keys_of_wave(session, wave) for wave in waves}
        names = {key: name for wave in waves for key, name in store.key_names(session, wave).items()}
        batches = store.batches(session)
        booked = {key_id: store.booked(session, key_id) for found in keys.values() for key_id, _mark in found}
        admitted = {key_id: store.admitted_sheets(session, key_id) for key_id in booked}
    form.key.choices = [
        (
            f"{wave['id']}/{key_id}",
            " · ".join(part for part in (wave["title"], mark, names.get(key_id)) if part),
        )
        for wave in waves
        for key_id, mark in keys[wave["id"]]
    ]
    page = render_template(
        "entry/home.html",
        waves=waves,
        keys=keys,
        names=names,
        batches=batches,
        booked=booked,
        admitted=admitted,
        form=form,
        variants={wave["id"]: _variants(wave) for wave in waves},
    )
    return page, 422 if form.errors else 200


def _variants(wave: Mapping[str, Any]) -> int:
    return len(questionnaire_of(wave["survey"], wave["versions"][-1]).variants)


@room.get("/waves/<wave>/sheet.pdf")
def sheet(wave: str) -> ResponseReturnValue:
    """An answer sheet to print: no code on it, only its key's mark, the same for the whole stratum."""
    found = wave_or_404(wave)
    questionnaire = questionnaire_of(found["survey"], found["versions"][-1])
    language, mark = request.args.get("language", ""), request.args.get("mark", "")
    variant = request.args.get("variant", 1, type=int)
    with collector.read() as session:
        marks = [one for _key, one in store.keys_of_wave(session, found)]
    known = language in found["languages"] and 1 <= variant <= len(questionnaire.variants)
    if not known or mark not in marks:
        abort(404)
    with collector.read() as session:
        head = published(session, "register", "letterhead", found["access"])
    with speaking(language):
        paragraphs = [*promise.promise(["two_office"]), *promise.facts(head)]
        line = f"{mark} · {variant}" if len(questionnaire.variants) > 1 else mark
        data = paper.sheet(questionnaire, language, r_, variant=variant, mark=line, promise=paragraphs)
    return Response(typeset.pdf("questionnaire", data, language), mimetype="application/pdf")


# ---------------------------------------------------------------- batches


@room.post("/batches")
def new_batch() -> ResponseReturnValue:
    """Set up a stack."""
    form = BatchForm()
    with collector.read() as session:
        waves = {wave["id"]: wave for wave in store.paper_waves(session)}
        pairs = {
            f"{name}/{key_id}": (wave, key_id)
            for name, wave in waves.items()
            for key_id, _mark in store.keys_of_wave(session, wave)
        }
    form.key.choices = [(name, name) for name in pairs]
    if not form.validate():
        return _home(form)
    wave, key_id = pairs[form.key.data]
    with collector.begin() as session:
        made = store.new_batch(
            session, wave, key_id, form.label.data or "", int(form.sheets.data or 0), wave["versions"][-1]
        )
    details = {"key": key_id, "sheets": made.sheets}
    audit(office, current_account(), "entry.batch_new", f"wave {wave['id']}", details)
    return redirect(url_for("entry.batch", key=made.id.hex()))


def _batch_or_404(key: str) -> KeyingBatch:
    try:
        wanted = bytes.fromhex(key)
    except ValueError:
        abort(404)
    with collector.read() as session:
        found = store.batch(session, wanted)
    if found is None:
        abort(404)
    return found


@room.get("/batches/<key>")
def batch(key: str) -> ResponseReturnValue:
    """How far a stack is, and the discrepancy list."""
    found = _batch_or_404(key)
    questionnaire = questionnaire_of(found.survey, found.version)
    with collector.read() as session:
        done = store.progress(session, found, questionnaire)
        slips, admitted = store.booked(session, found.key_id), store.admitted_sheets(session, found.key_id)
    return render_template(
        "entry/batch.html",
        batch=found,
        done=done,
        slips=slips,
        admitted=admitted,
        name=lambda difference: _name(questionnaire, difference),
        side=_side,
    )


def _name(questionnaire: Questionnaire, difference: Difference) -> str:
    """The place of a difference as the sheet numbers it, and its question."""
    if not difference.address:
        return _("the whole sheet")
    if difference.address not in questionnaire.by_address:
        return _("variant")
    number = paper.numbers(questionnaire, difference.variant).get(difference.address, "–")
    return f"{number} · {answered.name(questionnaire, difference.address, page_language())}"


def _side(difference: Difference, keyed: str) -> str:
    """What one of two keyings says, in a list of differences."""
    if difference.address:
        return keyed or "–"
    return _("void") if keyed else _("with answers")


def _words(questionnaire: Questionnaire, text: Mapping[str, str]) -> str:
    return plain(questionnaire.pick(text, page_language()))


def _boxes(questionnaire: Questionnaire, field: Field) -> list[tuple[str, str]]:
    """What may be typed, and what it means: of a scale its two ends."""
    printed = boxes.marks(field)
    if field.ends and boxes.numbered(field):
        first, *_between, last = printed.values()
        ends = [_words(questionnaire, end) for end in field.ends]
        found = [(first, ends[0]), (last, ends[1])]
    else:
        found = [(printed[one.code], _words(questionnaire, one.label)) for one in field.options]
    if field.dont_know:
        found.append((typed.DONT_KNOW, _words(questionnaire, questionnaire.dont_know) or r_("I don't know")))
    if field.refusal:
        found.append(
            (typed.REFUSED, _words(questionnaire, questionnaire.refused) or r_("I don't want to say"))
        )
    return found


@room.route("/batches/<key>/key/<int:turn>", methods=["GET", "POST"])
def key_sheet(key: str, turn: int) -> ResponseReturnValue:
    """Key the next sheet of a turn; what came before is not shown."""
    found = _batch_or_404(key)
    if turn not in (1, 2):
        abort(404)
    with collector.read() as session:
        number = store.next_sheet(session, found, turn)
    if request.method == "POST":
        number = request.form.get("sheet", type=int) or 0
    if number is None:
        flash(_("Every sheet of this stack is keyed in this turn."), "success")
        return redirect(url_for("entry.batch", key=key))
    return _keying(found, number, turn)


@room.route("/batches/<key>/sheets/<int:number>/settle", methods=["GET", "POST"])
def settle(key: str, number: int) -> ResponseReturnValue:
    """Settle the differences of one sheet with the paper in hand: the whole sheet is confirmed once more."""
    found = _batch_or_404(key)
    with collector.read() as session:
        both = [store.keyed_sheet(session, found, number, turn) for turn in (1, 2)]
    if None in both:
        abort(404)
    return _keying(found, number, 3, both=both)


def _keying(
    found: KeyingBatch, number: int, turn: int, both: list[Keyed | None] | None = None
) -> ResponseReturnValue:
    questionnaire = questionnaire_of(found.survey, found.version)
    variant = _variant(questionnaire, both)
    if variant is None:
        return render_template("entry/variant.html", batch=found, number=number, questionnaire=questionnaire)
    answers = {field.address: request.form.get(f"f-{field.address}", "") for field in questionnaire.fields}
    faults: dict[str, str] = {}
    problem = None
    if request.method == "POST":
        body, strays = typed.raw(questionnaire, answers)
        checked = check(questionnaire, body, variant)
        void = request.form.get("void") == "yes"
        faults = {} if void else {fault.place: answer_text(fault) for fault in checked.faults}
        if not void:
            beside = _("The sheet does not ask this after the answers above.")
            faults |= dict.fromkeys(checked.discarded, beside)
            faults |= {address: stray_text(words) for address, words in strays.items()}
        if not faults:
            kept = Keyed(number, False, variant, checked.answers, checked.texts)
            if void:
                kept = Keyed(number, True, 1, {}, {})
            try:
                with collector.begin() as session:
                    again = store.batch(session, found.id)
                    if again is None:
                        abort(404)
                    store.key_sheet(session, again, kept, turn, current_account().id)
            except EntryFault as fault:
                problem = fault_text(fault)
            else:
                return _after(found, turn)
    elif both is not None and both[0] is not None and both[1] is not None:
        answers = _agreed(questionnaire, both[0], both[1])
    page = render_template(
        "entry/key.html",
        batch=found,
        number=number,
        turn=turn,
        questionnaire=questionnaire,
        answers=answers,
        variant=variant,
        numbers=paper.numbers(questionnaire, variant),
        boxes=lambda field: _boxes(questionnaire, field),
        faults=faults,
        problem=problem,
        words=lambda text: _words(questionnaire, text),
        both=_both(questionnaire, both),
    )
    return page, 422 if request.method == "POST" else 200


def _variant(questionnaire: Questionnaire, both: list[Keyed | None] | None) -> int | None:
    """The variant printed on the sheet, which decides what is asked and how it is numbered.

    None where there are several and nobody has said which; for settling, the first keying has.
    """
    amount = len(questionnaire.variants)
    if amount == 1:
        return 1
    before = next((one.variant for one in both or () if one is not None and not one.void), None)
    chosen = request.args.get("variant", before, type=int)
    if chosen is not None and not 1 <= chosen <= amount:
        abort(404)
    return chosen


def _agreed(questionnaire: Questionnaire, first: Keyed, second: Keyed) -> dict[str, str]:
    """What both keyings say alike; the rest is left empty, to be typed from the paper."""
    found = {}
    for field in questionnaire.fields:
        one = typed.shown(field, first.answers, first.texts)
        found[field.address] = one if one == typed.shown(field, second.answers, second.texts) else ""
    return found


def _both(questionnaire: Questionnaire, both: list[Keyed | None] | None) -> dict[str, tuple[str, str]]:
    """Where two keyings differ: address -> what each typed."""
    if not both or both[0] is None or both[1] is None:
        return {}
    return {
        one.address: (one.first, one.second) for one in typed.differences(questionnaire, both[0], both[1])
    }


def _after(found: KeyingBatch, turn: int) -> ResponseReturnValue:
    if turn == 3:
        return redirect(url_for("entry.batch", key=found.id.hex()))
    return redirect(url_for("entry.key_sheet", key=found.id.hex(), turn=turn))


@room.post("/batches/<key>/admit")
def admit(key: str) -> ResponseReturnValue:
    """Put a finished stack into the waiting room, without tokens, and wipe its keyings."""
    found = _batch_or_404(key)
    questionnaire = questionnaire_of(found.survey, found.version)
    try:
        with collector.begin() as session:
            again = store.batch(session, found.id)
            if again is None:
                abort(404)
            amount = store.admit(session, again, questionnaire)
    except EntryFault as fault:
        flash(fault_text(fault), "danger")
        return redirect(url_for("entry.batch", key=key))
    collector.checkpoint()
    details = {"key": found.key_id, "sheets": found.sheets, "answers": amount}
    audit(office, current_account(), "entry.batch_admit", f"wave {found.wave}", details)
    words = _("Admitted sheets with answers: %(num)s. Their keyings are deleted.", num=amount)
    flash(words, "success")
    return redirect(url_for("entry.home"))


@room.post("/batches/<key>/remove")
def remove(key: str) -> ResponseReturnValue:
    """Take a stack back that was set up by mistake."""
    found = _batch_or_404(key)
    try:
        with collector.begin() as session:
            again = store.batch(session, found.id)
            if again is not None:
                store.remove_batch(session, again)
    except EntryFault as fault:
        flash(fault_text(fault), "danger")
    else:
        audit(office, current_account(), "entry.batch_remove", f"wave {found.wave}", {"sheets": found.sheets})
    return redirect(url_for("entry.home"))
