"""Page and CSV of the audit log, for administrators."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterator

from flask import Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from stores import office
from web.accounts import current_account
from web.audit import audit, store
from web.audit.models import AuditEntry
from web.rooms import Room

room = Room(
    "audit",
    __name__,
    audience="staff",
    roles=("administrator",),
    processes=("office",),
    url_prefix="/office/audit",
    menu=(("audit.log", lazy_gettext("Audit log")),),
    about=lazy_gettext("What the staff did, and when; nobody can change it."),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = ("number", "at", "process", "account_number", "account", "action", "target", "details")


def _day(name: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _filter() -> store.Filter:
    return store.Filter(
        account=request.args.get("account", ""),
        action=request.args.get("action", "").strip(),
        first=_day("first"),
        last=_day("last"),
    )


@room.get("/")
def log() -> ResponseReturnValue:
    """The log, newest first, a hundred entries at a time."""
    wanted = _filter()
    number = max(1, request.args.get("page", 1, type=int))
    with office.read() as session:
        entries, total = store.page(session, wanted, number)
        actors = store.actors(session)
    return render_template(
        "audit/log.html",
        entries=entries,
        total=total,
        number=number,
        pages=max(1, -(-total // store.PAGE)),
        wanted=wanted,
        actors=actors,
        kept={name: value for name, value in request.args.items() if name != "page"},
    )


@room.get("/log.csv")
def download() -> ResponseReturnValue:
    """The chosen entries as CSV (UTF-8, one line per entry, details as JSON)."""
    wanted = _filter()
    audit(office, current_account(), "audit.download")

    def lines() -> Iterator[str]:
        yield "\ufeff" + _line(COLUMNS)
        with office.read() as session:
            for entry in store.every(session, wanted):
                yield _line(_values(entry))

    return Response(
        stream_with_context(lines()),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="audit-log.csv"'},
    )


def _values(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.id,
        entry.at.replace(tzinfo=datetime.UTC).isoformat(timespec="seconds")
        if entry.at.tzinfo is None
        else entry.at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        entry.process,
        "" if entry.account_id is None else entry.account_id,
        entry.account,
        entry.action,
        entry.target,
        json.dumps(entry.details, ensure_ascii=False, sort_keys=True),
    )


def _line(values: tuple[object, ...]) -> str:
    """One line of CSV; cells that a spreadsheet would run as a formula begin with an apostrophe."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(
        f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
        for value in values
    )
    return out.getvalue()
