"""Forms of letters and code batches, and what still stands in the way of printing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

#: Codes of one batch at most: a stack of slips, not a printing works.
LARGEST_BATCH = 5_000

FORMATS = (SelectChoice("pdf", _l("PDF")), SelectChoice("csv", _l("Table for a print shop (CSV)")))

#: Fields of the letterhead and the deletion date, in the words of the staff.
LACKING = {
    "name": _l("Sender"),
    "contact": _l("Address of the sender"),
    "return_line": _l("Small line above the address window"),
    "phone": _l("Telephone of the hotline"),
    "website": _l("Page of the city"),
    "address": _l("Address of the survey"),
    "answer_until": _l("Last day for answers"),
    "delete_on": _l("Day of deletion"),
    "keys": _l("Keys"),
    "https": _l("An address with https: the safest way needs it"),
}


class LettersForm(FlaskForm):
    """Print one letter run."""

    letter = SelectField(_l("Letter"), coerce=int)
    format = RadioField(_l("Form"), choices=FORMATS, default="pdf")
    again = BooleanField(_l("Also to people who have this letter already (their earlier codes stay good)"))
    submit = SubmitField(_l("Make codes and download"))


class BatchForm(FlaskForm):
    """Codes without people: for a group, a channel, a table."""

    stratum = SelectField(_l("Stratum or group"))
    label = StringField(_l("Where they will be given out"), validators=[DataRequired(), Length(max=120)])
    amount = IntegerField(
        _l("Number of codes"), validators=[InputRequired(), NumberRange(min=1, max=LARGEST_BATCH)]
    )
    languages = StringField(
        _l("Languages on the slips, three at most"),
        validators=[DataRequired(), Length(max=40)],
    )
    format = RadioField(_l("Form"), choices=FORMATS, default="pdf")
    submit = SubmitField(_l("Make codes and download"))
