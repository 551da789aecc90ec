"""The report on a wave's anonymity in words, in the page's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import format_date, format_decimal
from flask_babel import gettext as _

from participation.access.admission import POOL
from surveys.assurance import store
from surveys.assurance.reading import Reading, Way
from surveys.assurance.store import Findings, KeyFigures
from surveys.collection.waves.forms import STATE_NAMES


def document(found: Findings) -> dict[str, Any]:
    """The report in the page's language, as ``templates/print/assurance.typ`` takes it."""
    return {
        "title": _("Anonymity of the wave “%(title)s”", title=found.wave.title),
        "subtitle": _(
            "For the data-protection officer. Survey %(survey)s, wave %(id)s. Made on %(day)s.",
            survey=found.wave.survey,
            id=found.wave.id,
            day=format_date(found.today, "long"),
        ),
        "sections": [
            _level(found),
            _keys(found),
            _stored(),
            _examination(found),
            _rehearsal(found),
            _content(found),
            _limits(),
        ],
    }


def _section(title: str, paragraphs: list[str], table: list[list[str]] | None = None) -> dict[str, Any]:
    return {"title": title, "paragraphs": paragraphs, "table": table or []}


def _number(amount: float | None) -> str:
    return "–" if amount is None else format_decimal(amount)


def _day(day: date | None) -> str:
    """A day in words, or a line to write it on."""
    return "__________" if day is None else format_date(day, "long")


def _level(found: Findings) -> dict[str, Any]:
    words = {
        "sealed": _(
            "sealed: nobody can connect a person and their answers by records (blind signature, RFC "
            "9474, and a "
            "mix)."
        ),
        "two_office": _(
            "two_office: on the way without JavaScript, in interviews and on paper, only register "
            "and collector "
            "together could connect them, while it happens; no record is kept."
        ),
        "open": _("open: nobody is invited by code; double answers are possible."),
    }
    paragraphs = [words[level] for level in found.wave.levels]
    paragraphs.append(
        _(
            "State of the wave: %(state)s. The levels are frozen; the database refuses to change them.",
            state=STATE_NAMES[found.wave.state],
        )
        if found.wave.state != "draft"
        else _("The wave is a draft: its levels are not frozen yet.")
    )
    if found.one_office and "two_office" in found.wave.levels:
        paragraphs.append(
            _(
                "Register and collector run as one process on one machine here. The level "
                "two_office is called “one "
                "office” on the page and protects less; run them apart."
            )
        )
    return _section(_("Level"), paragraphs)


def batches(key: KeyFigures) -> str:
    """Sizes of the batches in which a key's answers left: fifty each, and the rest at the close."""
    if not key.closed:
        return _("%(num)s so far, in batches of %(pool)s", num=key.moved, pool=POOL)
    last = key.moved if key.moved < 2 * POOL else POOL + key.moved % POOL
    earlier = (key.moved - last) // POOL
    return _("%(earlier)s × %(pool)s, then %(last)s at the close", earlier=earlier, pool=POOL, last=last)


def _keys(found: Findings) -> dict[str, Any]:
    head = [_("Mark"), _("Fingerprint"), "N", "n", _("Answers by batch")]
    rows = [
        [
            key.mark,
            key.fingerprint,
            _number(key.population),
            _number(key.invited),
            batches(key),
        ]
        for key in found.keys
    ]
    paragraphs = [
        _(
            "Every key is one large group. Its fingerprint stands on every letter of the group; a person can "
            "compare it with the page."
        )
    ]
    small = [key.mark for key in found.keys if key.closed and 0 < key.moved < POOL]
    if small:
        paragraphs.append(
            _(
                "Fewer than %(pool)s answers came under: %(marks)s. Treat their tables with care.",
                pool=POOL,
                marks=", ".join(small),
            )
        )
    return _section(_("Keys and batches"), paragraphs, [head, *rows])


def _stored() -> dict[str, Any]:
    rows = [[_("Store"), _("Table"), _("Columns")]]
    for name in ("register", "collector"):
        rows += [[name, table, ", ".join(found)] for table, found in store.columns(name).items()]
    return _section(
        _("What is stored where"),
        [
            _(
                "These are all tables that hold something of residents. No address of a device, no "
                "browser, no time "
                "of an answer, no language of a visit and no order is stored with answers."
            )
        ],
        rows,
    )


def _examination(found: Findings) -> dict[str, Any]:
    traces = found.traces
    paragraphs = []
    if traces.shared is None:
        paragraphs.append(
            _(
                "This process may not read the register, so the bytes of the two sides were not "
                "compared. Run the report where both copies lie."
            )
        )
    else:
        paragraphs.append(
            _(
                "The bytes of register and collector that are named here were searched for %(num)s ids, "
                "digests and requests of the other side. Found: %(found)s (expected: 0).",
                num=traces.searched,
                found=traces.shared,
            )
        )
        for reading in traces.readings:
            paragraphs += _read(reading)
    paragraphs.append(
        _("Columns of times beside answers: %(list)s.", list=", ".join(traces.timed) or _("none"))
    )
    paragraphs.append(
        _("Tables that keep the order of their rows: %(list)s.", list=", ".join(traces.ordered) or _("none"))
    )
    return _section(_("Examination of these stores"), paragraphs)


def _read(reading: Reading) -> list[str]:
    """What was read of one store, and what of it was not."""
    named = {
        "store": _("Register") if reading.store == "register" else _("Collector"),
        "files": _number(reading.files),
        "size": _number(round(reading.size / 1e6, 1)),
    }
    said = [_WAYS[reading.way](named)]
    if reading.way == "rows":
        reason = (
            _("the server runs on another machine, or its folder is closed to this account")
            if reading.reason == "elsewhere"
            else _("this database role may ask neither for the folder nor for a checkpoint")
        )
        said.append(
            _("Deleted rows, indexes and the write-ahead log were not searched: %(reason)s.", reason=reason)
        )
    if reading.way == "shared":
        said.append(
            _(
                "Register and collector lie in ONE cluster. Its write-ahead log notes what happens on both "
                "sides one after the other, with times. Give the register a cluster of its own."
            )
        )
    if reading.logged:
        said.append(
            _(
                "The database server of this store may note visits with their time in its own log: "
                "%(settings)s. docs/operating.md says how to set it.",
                settings=", ".join(reading.logged),
            )
        )
    return said


_WAYS: dict[Way, Callable[[dict[str, Any]], str]] = {
    "sqlite": lambda named: _(
        "%(store)s: SQLite's file with its log and journal (%(files)s files, %(size)s MB).", **named
    ),
    "rows": lambda named: _("%(store)s: only the rows that PostgreSQL reads out (%(size)s MB).", **named),
    "shared": lambda named: _(
        "%(store)s: the files of its PostgreSQL database after a checkpoint (tables, indexes, TOAST), and "
        "every row as it is read out (%(files)s files, %(size)s MB).",
        **named,
    ),
    "cluster": lambda named: _(
        "%(store)s: the whole data folder of its PostgreSQL cluster after a checkpoint (tables, indexes, "
        "TOAST, write-ahead log, the server's own log), and every row as it is read out (%(files)s files, "
        "%(size)s MB).",
        **named,
    ),
}


def _rehearsal(found: Findings) -> dict[str, Any]:
    line = found.rehearsal
    if line is None:
        return _section(_("Attack"), [_("No rehearsal was run for this report.")])
    rows = [[_("Channel"), _("Right links")]] + [[name, str(hits)] for name, hits in line["channels"].items()]
    held = line["linked"] <= line["bound"]
    paragraphs = [
        _(
            "The same software was played with %(people)s simulated people on fresh stores "
            "(%(engine)s). An attacker "
            "with everything at rest, the signing keys included, linked %(linked)s people; by "
            "chance %(expected)s are "
            "expected and at most %(bound)s are compatible with it (99.9 percent).",
            people=line["people"],
            engine=line["engine"],
            linked=line["linked"],
            expected=round(line["people"] * line["chance"]),
            bound=line["bound"],
        ),
        _("The promise held.")
        if held
        else _("The promise did NOT hold. Do not open a wave before this is mended."),
    ]
    return _section(_("Attack"), paragraphs, rows)


def _content(found: Findings) -> dict[str, Any]:
    if found.content_linked is None:
        text = _("The wave is not closed and mixed yet, so its answers were not looked at.")
        return _section(_("What answers say themselves"), [text])
    paragraphs = [
        _(
            "%(linked)s of %(num)s responses are the only ones with their values on sex, age, "
            "origin and district.",
            linked=found.content_linked,
            num=found.responses,
        )
    ]
    if found.content_linked:
        paragraphs += [
            _(
                "Somebody who knows a person well could recognise them by these values. As long as "
                "this number is above "
                "0, the responses count as personal data (GDPR Art. 4)."
            ),
            _("They will be coarsened on: %(day)s.", day=_day(found.coarsen_on)),
            _("They will be deleted on: %(day)s.", day=_day(found.delete_on)),
        ]
    delete_on, purged_on = found.deletion
    paragraphs.append(
        _("Names, codes and issue states are deleted on: %(day)s.", day=_day(delete_on))
        if not purged_on
        else _("Names, codes and issue states were deleted on %(day)s.", day=_day(purged_on))
    )
    return _section(_("What answers say themselves"), paragraphs)


def _limits() -> dict[str, Any]:
    return _section(
        _("What is not protected"),
        [
            _("Somebody who watches the phone, or the network at the moment of sending."),
            _("An operator of both offices who watches live memory while it happens."),
            _(
                "A server that hands out an altered script; the published digests of its files make "
                "it visible."
            ),
            _(
                "What answers and free text say about a person; coercion; codes copied before the "
                "letters are posted."
            ),
            _("The whole list stands in docs/privacy.md."),
        ],
    )
