"""The planner's form, and what plan and calendar say, in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    FieldList,
    FormField,
    IntegerField,
    StringField,
    SubmitField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from participation.access.planner import Group, PlanError
from participation.access.register.forms import CountField, DayField, RowForm

STEP_NAMES = {
    "sample": _l("Draw the sample, set up the wave"),
    "keys": _l("Freeze the wave, make the keys"),
    "print": _l("Print and post the letters"),
    "open": _l("Open the survey"),
    "reminder_1": _l("First reminder"),
    "reminder_2": _l("Second reminder"),
    "close": _l("Close"),
    "purge": _l("Delete names, codes and issue states"),
    "release": _l("Release the results"),
}

_PROBLEMS: dict[str, Callable[[PlanError], str]] = {
    "no_groups": lambda e: _("Name at least one group."),
    "no_code": lambda e: _("A row has no code: %(label)s", label=e.group),
    "double": lambda e: _("The code “%(code)s” stands in two rows.", code=e.group),
    "population": lambda e: _("“%(code)s”: how many people belong to it?", code=e.group),
    "response": lambda e: _(
        "“%(code)s”: the response must lie above 0 and at most at 100 percent.", code=e.group
    ),
    "half_width": lambda e: _(
        "“%(code)s”: the half-width must lie between 0.01 and 50 percentage points.", code=e.group
    ),
    "too_small": lambda e: _(
        "Even if everybody is invited, only %(answers)s answers are expected; a key needs fifty. Such a "
        "survey cannot protect the people who answer. Join groups, or ask them in another way.",
        answers=e.params["answers"],
    ),
    "everybody": lambda e: _(
        "“%(code)s”: even if everybody is invited, the wanted precision is not reached; "
        "expect ± %(points)s points.",
        code=e.group,
        points=format_decimal(100 * float(e.params["half_width"]), "0.0"),
    ),
    "raised": lambda e: _(
        "%(codes)s: more people are invited than precision needs, so that the key has its fifty answers.",
        codes=e.group,
    ),
    "joined": lambda e: _(
        "%(codes)s: each alone expects fewer than fifty answers. They are sampled at one fraction "
        "(%(fraction)s percent) and share one key.",
        codes=e.group,
        fraction=format_decimal(100 * float(e.params["fraction"]), "0.0"),
    ),
}


def problem_text(error: PlanError) -> str:
    """Why there is no plan, or what the plan changed."""
    return _PROBLEMS[error.code](error)


#: Later than this nobody plans, and beyond the year 9999 there is no calendar.
_LAST_YEAR = 2200


class PointsField(DecimalField):
    """A number with a decimal point or, as most of Europe writes it, a comma."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """As the field does, with a point."""
        super().process_formdata([text.strip().replace(",", ".") for text in valuelist])


class GroupForm(RowForm):
    """One group of the plan."""

    code = StringField(_l("Code"), validators=[Optional(), Length(max=40)])
    label = StringField(_l("Name"), validators=[Optional(), Length(max=120)])
    population = CountField(_l("Population"), validators=[Optional(), NumberRange(min=1, max=100_000_000)])
    response = PointsField(
        _l("Expected response in percent"), validators=[Optional(), NumberRange(min=0, max=100)]
    )
    points = PointsField(
        _l("Wanted half-width in percentage points"), validators=[Optional(), NumberRange(min=0, max=50)]
    )


class PlanForm(FlaskForm):
    """Groups, start and languages; it asks for nothing that is stored, so it is sent by GET."""

    class Meta:
        csrf = False

    groups = FieldList(FormField(GroupForm), min_entries=1, max_entries=60)
    start = DayField(_l("Day on which work begins"), validators=[InputRequired()])
    languages = IntegerField(_l("Languages"), validators=[InputRequired(), NumberRange(min=1, max=60)])
    share_key = BooleanField(_l("Sample all groups at one fraction (one key for everybody)"))
    calculate = SubmitField(_l("Calculate the plan"))

    def validate_start(self, field: DayField) -> None:
        """A day from which the calendar can go on."""
        if field.data and field.data.year > _LAST_YEAR:
            raise ValidationError(_("Please give a day, as in 2026-12-31."))
        if field.data and field.data < datetime.now().astimezone().date():
            raise ValidationError(_("This day is over. Choose today or a later day."))

    def filled(self) -> list[Group]:
        """The filled rows as the planner takes them; what is missing in one is refused by the planner."""
        rows = [
            row.form
            for row in self.groups
            if any("".join(field.raw_data or ()).strip() for field in row.form)
        ]
        return [
            Group(
                (row.code.data or "").strip(),
                (row.label.data or "").strip() or (row.code.data or "").strip(),
                row.population.data or 0,
                float(row.response.data or 0) / 100,
                float(row.points.data or 0) / 100,
            )
            for row in rows
        ]
