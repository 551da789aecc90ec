"""Letters, reminders and slips: codes are made here, stand in one download, and nowhere else."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config import Settings
from localtext import usual
from participation.access import blind, codes, letterhead, letters
from participation.access.admission import Access
from participation.access.letterhead import Letterhead
from participation.access.letters import Letter, Sender, Words
from participation.access.mailing.forms import LACKING, BatchForm, LettersForm
from participation.access.people import store
from participation.access.register import store as register_store
from participation.access.register.forms import LetterheadForm
from participation.access.register.models import Admission, Person, Stratum
from participation.access.register.views import (
    admission_or_404,
    publish_figures,
    published_accesses,
    published_waves,
    today,
)
from participation.access.signing.views import digest_key, secure_context
from stores import Store, Stores, office, register
from web import promise
from web.accounts import current_account
from web.audit import audit
from web.i18n import language, resident_languages
from web.rooms import Room

room = Room(
    "mailing",
    __name__,
    audience="staff",
    roles=("register_clerk",),
    processes=("register",),
    url_prefix="/office/register/<admission>",
)

#: What one document of a download is made of: letters or codes.
Part = TypeVar("Part")

#: Letters in one PDF; more come as several in a ZIP file, made while it is sent.
CHUNK = 200

#: Slips in one PDF.
SLIPS = 400

#: Languages that fit on a slip.
MOST_LANGUAGES = 3

#: Every letter has a page in this language.
ALWAYS = "de"

#: Stands in samples instead of a code: no code has these characters.
SPECIMEN = "-".join(["UUUUU"] * codes.GROUPS)


@dataclass(frozen=True)
class Printing:
    """Everything on the letters of an admission except names and codes, worked out before the download."""

    head: Letterhead
    words: Mapping[tuple[str, str], Words]
    other_lines: Mapping[str, str]
    fingerprints: Mapping[str, str]
    notice: str

    @property
    def sender(self) -> Sender:
        """Who writes."""
        return Sender(self.head.name, self.head.contact, self.head.return_line)

    def letter(
        self, recipient: Mapping[str, str], languages: Sequence[str], stratum: str, code: str
    ) -> Letter:
        """One letter in those of the languages that have a wording."""
        spoken = tuple(tag for tag in languages if (stratum, tag) in self.words)
        return Letter(recipient, spoken, code, self.head.address, self.fingerprints[stratum], stratum)


# ---------------------------------------------------------------- what stands on the letters


def letter_languages(admission: str) -> list[str]:
    """Languages of the survey that letters can be written in; German always."""
    offered = published_waves().get(admission, {}).get("languages") or sorted(resident_languages())
    return list(dict.fromkeys([ALWAYS, *(tag for tag in offered if promise.is_worded(tag))]))


def suggested_head(admission: str, row: Admission) -> Letterhead:
    """The letterhead as kept, with address and last day from what the office published."""
    kept = letterhead.read(row.letterhead)
    wave = published_waves().get(admission)
    settings: Settings = current_app.config["SETTINGS"]
    address = kept.address or (f"{settings.base_url}/s/{wave['survey']}" if wave else "")
    until = kept.answer_until or ((wave or {}).get("closes_on") or "")
    return Letterhead(**{**kept.to_dict(), "address": address, "answer_until": until})


def other_last_day(admission: str, row: Admission) -> tuple[date, date] | None:
    """The last day that letters print and the one of the wave, where they differ: it was extended, say."""
    printed = letterhead.read(row.letterhead).last_day
    closes_on = (published_waves().get(admission) or {}).get("closes_on")
    if printed is None or not closes_on or printed.isoformat() == closes_on:
        return None
    return printed, date.fromisoformat(closes_on)


def lacking(row: Admission, accesses: Sequence[Access], has_keys: bool) -> list[str]:
    """What must still be known before a letter can be printed."""
    found = letterhead.read(row.letterhead).missing()
    if row.delete_on is None:
        found.append("delete_on")
    if not accesses or not has_keys:
        found.append("keys")
    if not secure_context(current_app.config["SETTINGS"]):
        found.append("https")
    return found


def printing(
    row: Admission, access: Access, strata: Sequence[Stratum], tags: Sequence[str], *, reminder: bool
) -> Printing:
    """Wording in every language and for every group, and the fingerprints."""
    head = letterhead.read(row.letterhead)
    with register.read() as session:
        keys = register_store.keys_of_admission(session, row.id)
    by_mark: dict[str, list[str]] = {}
    for key in keys:
        by_mark.setdefault(key.mark, []).append(blind.spaced(key.id))
    values = {
        "title": row.title,
        "sender": head.name,
        "phone": head.phone,
        "website": head.website,
        "delete_on": row.delete_on.isoformat() if row.delete_on else "",
        "today": today().isoformat(),
        "answer_until": head.answer_until or today().isoformat(),
        "levels": access.levels,
        "sample": row.kind == "survey",
    }
    words = {
        (stratum.code, tag): Words(
            **promise.letter(tag, {**values, "group": stratum.label}, reminder=reminder)
        )
        for stratum in strata
        for tag in tags
    }
    return Printing(
        head,
        words,
        {tag: promise.other_language_line(tag) for tag in tags},
        {stratum.code: " / ".join(by_mark.get(stratum.mark, [])) for stratum in strata},
        promise.invented(ALWAYS),
    )


# ---------------------------------------------------------------- pages


@room.get("/letters", endpoint="letters")
def letters_page(admission: str) -> ResponseReturnValue:
    """Letterhead, runs so far, a new run, code batches."""
    return _page(admission)


def _page(
    admission: str,
    head: LetterheadForm | None = None,
    run: LettersForm | None = None,
    batch: BatchForm | None = None,
) -> ResponseReturnValue:
    row = admission_or_404(admission)
    accesses = published_accesses().get(admission, [])
    with register.read() as session:
        strata = register_store.strata_of(session, admission)
        mailings = store.mailings(session, admission)
        batches = store.batches(session, admission)
        people = sum(store.people_by_stratum(session, admission).values())
        wanted = store.languages_of_people(session, admission)
        keys = register_store.has_keys(session, admission)
    tags = letter_languages(admission)
    suggested = suggested_head(admission, row)
    shown = suggested.to_dict() | {"answer_until": suggested.last_day}
    run = run or LettersForm(formdata=None)
    run.letter.choices = _letter_choices(mailings)
    usual = " ".join(tag for tag in ("de", "en") if tag in tags)
    batch = batch or BatchForm(formdata=None, data={"languages": usual or ALWAYS})
    batch.stratum.choices = [(one.code, one.label) for one in strata]
    page = render_template(
        "mailing/letters.html",
        admission=row,
        head=head or LetterheadForm(formdata=None, data=shown),
        run=run,
        batch=batch,
        other_day=other_last_day(admission, row),
        lacking=[LACKING[name] for name in lacking(row, accesses, keys)],
        mailings=mailings,
        batches=batches,
        people=people,
        strata=strata,
        tags=tags,
        silent={tag: amount for tag, amount in wanted.items() if tag not in tags},
    )
    failed = any(form is not None and form.errors for form in (head, run, batch))
    return page, 422 if failed else 200


def _letter_choices(mailings: Sequence[store.Mailing]) -> list[tuple[int, str]]:
    last = max((one.letter for one in mailings), default=-1)
    choices = [(0, _("Invitation"))]
    return choices + [(number, _("Reminder %(number)s", number=number)) for number in range(1, last + 2)]


@room.post("/letters/head")
def save_head(admission: str) -> ResponseReturnValue:
    """Keep the letterhead, and publish what the survey's first page says of it."""
    admission_or_404(admission)
    form = LetterheadForm()
    if not form.validate():
        return _page(admission, head=form)
    if not form.in_future(today()):
        form.answer_until.errors = [_("This day is over. Choose today or a later day.")]
        return _page(admission, head=form)
    kept = {
        field.name: (field.data.isoformat() if isinstance(field.data, date) else str(field.data).strip())
        for field in form
        if field.name not in ("csrf_token", "submit")
    }
    _keep_head(admission, letterhead.read(kept))
    flash(_("The letterhead is saved."), "success")
    return redirect(url_for("mailing.letters", admission=admission))


def _keep_head(admission: str, head: Letterhead) -> None:
    with register.begin() as session:
        row = register_store.admission_of(session, admission)
        assert row is not None
        row.letterhead = head.to_dict()
    publish_figures(admission)
    audit(office, current_account(), "register.letterhead", admission)


@room.post("/letters/last-day")
def take_last_day(admission: str) -> ResponseReturnValue:
    """Letters from now on print the wave's last day."""
    row = admission_or_404(admission)
    days = other_last_day(admission, row)
    if days is not None:
        head = replace(letterhead.read(row.letterhead), answer_until=days[1].isoformat())
        _keep_head(admission, head)
        flash(_("The letterhead is saved."), "success")
    return redirect(url_for("mailing.letters", admission=admission))


@room.get("/letters/preview.pdf")
def preview(admission: str) -> ResponseReturnValue:
    """A letter as it will look, with a code that is none."""
    row = admission_or_404(admission)
    accesses = published_accesses().get(admission, [])
    language = request.args.get("language", ALWAYS)
    with register.read() as session:
        strata = register_store.strata_of(session, admission)
    if not accesses or not strata or language not in letter_languages(admission):
        abort(404)
    tags = list(dict.fromkeys([language, ALWAYS]))
    made = printing(row, accesses[0], strata[:1], tags, reminder="reminder" in request.args)
    recipient = {
        "name": _("Sample Person"),
        "street": "Musterstraße 1",
        "postcode": "12345",
        "place": "Musterstadt",
    }
    one = made.letter(recipient, tags, strata[0].code, SPECIMEN)
    document = letters.letters_pdf([one], made.words, made.sender, made.other_lines, made.notice)
    return Response(document, mimetype="application/pdf")


# ---------------------------------------------------------------- letters to people


@room.post("/letters/print")
def print_letters(admission: str) -> ResponseReturnValue:
    """Make a code for each recipient and send letters or the print shop's table, in chunks.

    The codes of a chunk are committed before it leaves.  After a broken download the rest of the run is made
    by asking for it again; who was in the lost part gets a letter with ``again``.
    """
    row = admission_or_404(admission)
    accesses = published_accesses().get(admission, [])
    form = LettersForm()
    with register.read() as session:
        form.letter.choices = _letter_choices(store.mailings(session, admission))
        strata = register_store.strata_of(session, admission)
        keys = register_store.has_keys(session, admission)
    if not form.validate():
        return _page(admission, run=form)
    if lacking(row, accesses, keys):
        flash(_("Something is still missing; see the list."), "danger")
        return redirect(url_for("mailing.letters", admission=admission))
    number = int(form.letter.data)
    with register.read() as session:
        ids = store.recipients(session, admission, number, again=bool(form.again.data))
    if not ids:
        flash(_("Nobody is left for this letter."), "info")
        return redirect(url_for("mailing.letters", admission=admission))
    made = printing(row, accesses[0], strata, letter_languages(admission), reminder=number > 0)
    details = {"letter": number, "people": len(ids), "form": form.format.data}
    audit(office, current_account(), "register.letters", admission, details)
    publish_figures(admission)
    chunks = _written(made, ids, number)
    name = f"letter-{number}-{today().isoformat()}"
    if form.format.data == "csv":
        return _download(_merged(chunks), "text/csv", f"{name}.csv")

    def document(part: list[Letter]) -> bytes:
        return letters.letters_pdf(part, made.words, made.sender, made.other_lines, made.notice)

    return _documents(chunks, document, -(-len(ids) // CHUNK), name)


def _written(made: Printing, ids: Sequence[bytes], number: int) -> Iterator[list[Letter]]:
    """Letters with fresh codes, chunk by chunk; the codes are durable before their letters are yielded."""
    settings: Settings = current_app.config["SETTINGS"]
    stores: Stores = current_app.extensions["stores"]
    place, key, day = stores.get("register"), digest_key(settings), today()
    return _chunks(place, made, ids, number, key, day)


def _chunks(
    place: Store, made: Printing, ids: Sequence[bytes], number: int, key: bytes, day: date
) -> Iterator[list[Letter]]:
    for start in range(0, len(ids), CHUNK):
        with place.begin() as session:
            people = store.people_of(session, ids[start : start + CHUNK])
            fresh = register_store.make_person_codes(session, [one.id for one in people], number, day, key)
        yield [_letter(made, one, str(fresh[one.id])) for one in people]


def _letter(made: Printing, one: Person, code: str) -> Letter:
    languages = list(dict.fromkeys([*map(usual, one.languages), ALWAYS]))
    return made.letter(one.address, languages, one.stratum, code)


def _merged(chunks: Iterator[list[Letter]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"
    for number, part in enumerate(chunks):
        yield letters.mail_merge(part, header=number == 0).encode()


# ---------------------------------------------------------------- downloads


class _Sink(io.RawIOBase):
    """Takes what a ZIP file writes and hands it on; nothing is kept on disk."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Only writing is possible."""
        return True

    def write(self, data: object) -> int:
        """Keep the bytes until `taken`."""
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        """What was written since the last time."""
        found, self._parts = b"".join(self._parts), []
        return found


def _documents(
    chunks: Iterator[list[Part]], document: Callable[[list[Part]], bytes], amount: int, name: str
) -> Response:
    """One PDF, or a ZIP file of several that is made while it is sent."""
    if amount == 1:
        return _download(iter([document(next(chunks))]), "application/pdf", f"{name}.pdf")

    def parts() -> Iterator[bytes]:
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for number, chunk in enumerate(chunks, start=1):
                archive.writestr(f"{name}-{number:04}.pdf", document(chunk))
                yield sink.taken()
        yield sink.taken()

    return _download(parts(), "application/zip", f"{name}.zip")


def _download(content: Iterator[bytes], kind: str, name: str) -> Response:
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# ---------------------------------------------------------------- codes without people


@room.post("/letters/batch")
def make_batch(admission: str) -> ResponseReturnValue:
    """Codes for a group or channel, as slips to cut or as a table; they are shown this once."""
    row = admission_or_404(admission)
    accesses = published_accesses().get(admission, [])
    form = BatchForm()
    with register.read() as session:
        strata = register_store.strata_of(session, admission)
        keys = register_store.has_keys(session, admission)
    form.stratum.choices = [(one.code, one.label) for one in strata]
    if not form.validate():
        return _page(admission, batch=form)
    missing = [name for name in lacking(row, accesses, keys) if name in ("address", "keys", "https")]
    if missing:
        flash(_("Something is still missing; see the list."), "danger")
        return redirect(url_for("mailing.letters", admission=admission))
    tags = list(dict.fromkeys(map(usual, re.split(r"[\s,;/]+", form.languages.data.strip(" ,;/")))))
    offered = letter_languages(admission)
    if len(tags) > MOST_LANGUAGES or not set(tags) <= set(offered):
        form.languages.errors = [
            _("Choose at most %(num)s of: %(tags)s", num=MOST_LANGUAGES, tags=", ".join(offered))
        ]
        return _page(admission, batch=form)
    made = printing(row, accesses[0], strata, tags, reminder=False)
    settings: Settings = current_app.config["SETTINGS"]
    with register.begin() as session:
        fresh = register_store.make_batch(
            session,
            admission,
            form.stratum.data,
            form.label.data or "",
            int(form.amount.data or 0),
            today(),
            digest_key(settings),
        )
        store.count_invited(session, admission)
    details = {"stratum": form.stratum.data, "amount": len(fresh)}
    audit(office, current_account(), "register.batch", admission, details)
    publish_figures(admission)
    return _slips(row, made, form.stratum.data, [str(code) for code in fresh], tags, form.format.data)


def _slips(
    row: Admission, made: Printing, stratum: str, fresh: Sequence[str], tags: Sequence[str], form: str
) -> Response:
    name = f"codes-{today().isoformat()}"
    if form == "csv":
        whole = [made.letter({}, tags, stratum, code) for code in fresh]
        return _download(_merged(iter([whole])), "text/csv", f"{name}.csv")
    lines = {tag: promise.slip_line(tag) for tag in tags}
    # Worked out now: the parts are made while they are sent, when the request is over.
    notice = promise.invented(language())

    def document(part: list[str]) -> bytes:
        return letters.slips_pdf(
            part,
            address=made.head.address,
            title=row.title,
            lines=lines,
            fingerprint=made.fingerprints[stratum],
            notice=notice,
        )

    parts = [list(fresh[start : start + SLIPS]) for start in range(0, len(fresh), SLIPS)]
    return _documents(iter(parts), document, len(parts), name)
