"""Forms of the entry room, and what it refuses, in words."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField, SubmitField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from surveys.entry.store import EntryFault
from surveys.faults import Fault
from surveys.player.words import fault_sentence
from web.i18n import resident as r_

#: Sheets of one batch at most: what two people can key in a day.
LARGEST_BATCH = 500

_FAULTS: dict[str, Callable[[EntryFault], str]] = {
    "admitted": lambda fault: _("This batch is in the waiting room already; it cannot be changed any more."),
    "sheet": lambda fault: _(
        "This batch has the sheets 1 to %(sheets)s only.", sheets=fault.params["sheets"]
    ),
    "same_clerk": lambda fault: _(
        "You keyed this sheet the first time. The second keying must be done by somebody else."
    ),
    "unkeyed": lambda fault: _("Keyings still missing: %(num)s", num=fault.params["sheets"]),
    "differences": lambda fault: _("Differences still to settle: %(num)s", num=fault.params["places"]),
    "no_slips": lambda fault: _(
        "The register has not published its number of booked slips yet. Ask the register clerk to do it."
    ),
    "total": lambda fault: _(
        "With this batch %(sheets)s sheets would be admitted for the key, but the register booked %(slips)s "
        "slips. Count the envelopes, and ask the register clerk whether every slip is booked and published.",
        **fault.params,
    ),
    "closed": lambda fault: _(
        "The wave does not take answers any more (or not yet). Ask the office to "
        "extend it; the batch is kept."
    ),
}


def fault_text(fault: EntryFault) -> str:
    """Why something is not done with a batch, and the remedy."""
    return _FAULTS[fault.code](fault)


def answer_text(fault: Fault) -> str:
    """What is wrong with one typed answer."""
    return fault_sentence(r_, fault.kind, dict(fault.params))


def stray_text(typed: str) -> str:
    """What was typed stands at none of the question's boxes."""
    return _("No box of this question bears “%(mark)s”.", mark=typed)


class BatchForm(FlaskForm):
    """A new stack of inner envelopes."""

    key = SelectField(_l("Wave and mark on the sheets"))
    label = StringField(_l("Name of the stack"), validators=[DataRequired(), Length(max=80)])
    sheets = IntegerField(
        _l("Number of envelopes"), validators=[InputRequired(), NumberRange(min=1, max=LARGEST_BATCH)]
    )
    submit = SubmitField(_l("Set up the batch"))
