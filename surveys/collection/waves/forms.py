"""Forms of a wave: set-up, dates, and the points that only a person can tick."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectMultipleField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from participation.access.register.forms import DayField
from surveys.collection.models import Wave

LEVEL_NAMES = {
    "sealed": _l("Sealed: no record connects answers and person (any phone with JavaScript)"),
    "two_office": _l(
        "Two offices: only register and collector together could, while it happens (no JavaScript)"
    ),
    "open": _l("Open: no codes; somebody may answer twice, and the page says so"),
}

STATE_NAMES = {
    "draft": _l("draft"),
    "frozen": _l("levels frozen, keys may be made"),
    "open": _l("open"),
    "closed": _l("closed"),
}


def state_name(wave: Wave) -> LazyString:
    """The wave's state in words; keys are spoken of only where there will be some."""
    if wave.state == "frozen" and wave.channel == "open":
        return _l("levels frozen")
    return STATE_NAMES[wave.state]


#: The points of the checklist, in its order.
POINTS = {
    "frozen": _l("The levels of anonymity are frozen"),
    "versions": _l("A questionnaire version is chosen"),
    "languages": _l("Languages are chosen"),
    "population": _l("Population and sampling frame are described"),
    "dates": _l("First and last day are set, and the last day is not over"),
    "alone": _l("No other wave of this kind is open for the survey"),
    "keys": _l("The register has made the keys"),
    "returns": _l("The register has published population and invitations per key"),
    "key_folder": _l("The waiting room's keys lie on two disks"),
    "legal_basis": _l("Legal basis and notices are settled with the data-protection officer"),
    "letters_tested": _l("A printed letter was tried: its QR code and its typed code both lead here"),
    "hotline": _l("The hotline knows the survey, and who answers in which language"),
    "translations_read": _l("Native readers have read promise, consent and sensitive questions"),
    "deletion_dates": _l("Deletion dates are set for the sample and for the responses"),
}

#: Where nobody is invited: a point of the same kind that speaks of no sample.
_WITHOUT_CODES = {"deletion_dates": _l("A deletion date is set for the responses")}


def point_names(channel: str) -> Mapping[str, LazyString]:
    """The points of a wave of this channel in words."""
    return POINTS | _WITHOUT_CODES if channel == "open" else POINTS


REMEDIES = {
    "frozen": _l("Freeze the levels at the end of this page. They cannot be changed afterwards."),
    "keys": _l("The register clerk makes them once the levels are frozen."),
    "returns": _l("The register clerk publishes the counts after the sample is complete."),
    "key_folder": _l("The operator sets VIELSTIMMIG_BATCH_KEYS_MIRROR to a folder on another disk."),
    "alone": _l("Close the other wave first."),
}


class _Boxes(SelectMultipleField):
    """Check boxes with one label each."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class NewWaveForm(FlaskForm):
    """What a wave begins with."""

    title = StringField(_l("Title of the wave"), validators=[DataRequired(), Length(max=120)])
    channel = RadioField(
        _l("Who may answer"),
        choices=[
            SelectChoice("sample", _l("Invited people, with access codes")),
            SelectChoice("open", _l("Anybody, without codes")),
        ],
        default="sample",
    )
    submit = SubmitField(_l("Create the wave"))


class WaveForm(FlaskForm):
    """Everything about a wave that is not yet open."""

    title = StringField(_l("Title of the wave"), validators=[DataRequired(), Length(max=120)])
    population = TextAreaField(
        _l("Population: who is meant to be described"), validators=[Length(max=2000)], render_kw={"rows": 3}
    )
    frame = TextAreaField(
        _l("Frame: from which list the people were drawn, and on which day"),
        validators=[Length(max=2000)],
        render_kw={"rows": 3},
    )
    versions = _Boxes(_l("Questionnaire version"), coerce=int)
    languages = _Boxes(_l("Languages"))
    levels = _Boxes(_l("Levels of anonymity"))
    opens_on = DayField(_l("First day"), validators=[Optional()])
    closes_on = DayField(_l("Last day"), validators=[Optional()])
    checklist = _Boxes(_l("Done by people"))
    submit = SubmitField(_l("Save"))

    def validate_closes_on(self, field: DayField) -> None:
        """The last day is not before the first."""
        if field.data and self.opens_on.data and field.data < self.opens_on.data:
            from wtforms.validators import ValidationError

            raise ValidationError(_l("The last day is before the first day."))


class ExtendForm(FlaskForm):
    """A later last day."""

    closes_on = DayField(_l("New last day"), validators=[DataRequired()])
    submit = SubmitField(_l("Change the last day"))


class ActForm(FlaskForm):
    """A button that changes the state of a wave."""
