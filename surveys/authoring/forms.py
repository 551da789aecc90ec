"""Forms of surveys: a new one from a model, its adaptation, a native reading, a sound file."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, SelectField, StringField, SubmitField
from wtforms.validators import DataRequired, Length, NoneOf, Regexp, ValidationError

#: What the pages say about faults of an adaptation that no checker of documents knows.
ADAPTING_FAULTS = {
    "lines-differ": _l(
        "In %(language)s there are %(lines)s lines, in the first language %(expected)s. Make them match."
    ),
    "line-repeated": _l("In %(language)s “%(label)s” stands twice."),
    "too-few-options": _l("A list needs at least two lines."),
    "nothing-asked": _l("Keep at least one question."),
}

STATES = {"draft": _l("draft"), "published": _l("published")}


#: Names that addresses below /s use for something else.
RESERVED = ("assets",)


class NewSurveyForm(FlaskForm):
    """A survey of one's own, made from a model."""

    model = SelectField(_l("Model questionnaire"))
    survey = StringField(
        _l("Name in addresses"),
        description=_l(
            "Small letters, digits and hyphens, for example living-here. It cannot be changed later."
        ),
        validators=[
            DataRequired(),
            Regexp(r"^[a-z][a-z0-9-]{1,47}\Z", message=_l("Use small letters, digits and hyphens.")),
            NoneOf(RESERVED, message=_l("This name is taken by the product. Choose another name.")),
        ],
    )
    submit = SubmitField(_l("Create"))


class AdaptForm(FlaskForm):
    """The adaptation's own fields depend on the questionnaire; the view reads them by name."""

    submit = SubmitField(_l("Save"))


class ReadingForm(FlaskForm):
    """A native reader has read what must be understood."""

    reader = StringField(_l("Name of the native reader"), validators=[DataRequired(), Length(max=200)])
    read_on = DateField(_l("Read on"), validators=[DataRequired()])
    submit = SubmitField(_l("Record this reading"))

    def validate_read_on(self, field: DateField) -> None:
        """Nobody has read anything tomorrow."""
        if field.data and field.data > datetime.now().astimezone().date():
            raise ValidationError(_("This day has not come yet."))


class SoundForm(FlaskForm):
    """A sound file for one item in one language."""

    item = SelectField(_l("Item"))
    language = SelectField(_l("Language"))
    file = FileField(_l("Sound file (MP3, Ogg, M4A or WAV, at most 2 MB)"), validators=[FileRequired()])
    synthetic = BooleanField(_l("Spoken by a machine (for the demo only)"))
    submit = SubmitField(_l("Attach"))
