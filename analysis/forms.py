"""Forms of the analysis room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectField, StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length, NoneOf, Optional, Regexp

SLUG = Regexp(r"[a-z0-9]+(-[a-z0-9]+)*\Z", message=_l("Use small letters, digits and hyphens."))

NOT_NEW = NoneOf(("new",), message=_l("This page has the address “new” itself. Choose another name."))
MARGIN_NAME = Regexp(
    r"\w+(-\w+)*(@[a-z0-9]+(-[a-z0-9]+)*)?\Z",
    message=_l("Use letters, digits, hyphens and underscores; age@KEY is the margin age of the wave KEY."),
)


class MarginForm(FlaskForm):
    """Population counts, pasted or as a file, with what must be known of them."""

    name = StringField(_l("Name of the margin"), validators=[DataRequired(), Length(max=60), MARGIN_NAME])
    replace = BooleanField(_l("Replace the margin of this name"))
    variable = StringField(_l("Item or variable it belongs to"), validators=[DataRequired(), Length(max=80)])
    source = StringField(_l("Source"), validators=[DataRequired(), Length(max=300)])
    date = StringField(_l("Day or year of the counts"), validators=[DataRequired(), Length(max=40)])
    definition = StringField(_l("Who is counted"), validators=[DataRequired(), Length(max=300)])
    population = StringField(_l("Total population (needed for percentages alone)"), validators=[Optional()])
    table = TextAreaField(
        _l("Table: category and count per line"), validators=[Length(max=20000)], render_kw={"rows": 6}
    )
    file = FileField(_l("Or a file: CSV or Excel"))
    submit = SubmitField(_l("Save the margin"))


class ImportForm(FlaskForm):
    """A wave that ran elsewhere: its file and what must be known of it."""

    key = StringField(
        _l("Key of the wave (part of addresses)"), validators=[DataRequired(), Length(max=60), SLUG]
    )
    survey = StringField(
        _l("Survey whose questions it shares"), validators=[DataRequired(), Length(max=80), SLUG]
    )
    label = StringField(_l("Name of the wave"), validators=[DataRequired(), Length(max=200)])
    first_day = StringField(_l("First day of the fieldwork"), validators=[DataRequired(), Length(max=10)])
    last_day = StringField(_l("Last day of the fieldwork"), validators=[DataRequired(), Length(max=10)])
    mode = StringField(_l("How answers were collected"), validators=[Length(max=100)])
    frame = StringField(_l("What people were drawn from"), validators=[Length(max=200)])
    population_text = StringField(_l("Who was meant"), validators=[Length(max=300)])
    languages = StringField(_l("Languages, separated by blanks"), validators=[Length(max=200)])
    weights = StringField(_l("Column of the weights"), validators=[Length(max=80)])
    strata = StringField(_l("Column of the strata"), validators=[Length(max=80)])
    psu = StringField(_l("Column of the clusters"), validators=[Length(max=80)])
    population = StringField(_l("Number of people the weights stand for"), validators=[Length(max=20)])
    decimal = SelectField(_l("Decimal mark of the file"), choices=[".", ","], default=".")
    variables = TextAreaField(
        _l("Concept map"),
        validators=[DataRequired(), Length(max=200000)],
        render_kw={"rows": 14, "spellcheck": "false", "dir": "ltr"},
        default="- column: q1\n  concept: \n  recode: {}\n  missing: {}\n",
    )
    file = FileField(_l("File: CSV or SPSS (.sav)"))
    submit = SubmitField(_l("Import the wave"))


class NewPlanForm(FlaskForm):
    """The start of a plan: everything else is written for you and can be changed."""

    name = StringField(
        _l("Name (part of addresses)"), validators=[DataRequired(), Length(max=60), SLUG, NOT_NEW]
    )
    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=200)])
    wave = SelectField(_l("Wave"), validators=[DataRequired()])
    submit = SubmitField(_l("Write the plan"))


class PlanForm(FlaskForm):
    """A plan's text."""

    source = TextAreaField(
        _l("Plan (YAML or JSON)"),
        validators=[DataRequired(), Length(max=200000)],
        render_kw={"rows": 24, "spellcheck": "false", "dir": "ltr"},
    )
    submit = SubmitField(_l("Check and save"))


class ReleaseForm(FlaskForm):
    """A request to publish."""

    slug = StringField(
        _l("Address of the page: /results/…"), validators=[DataRequired(), Length(max=60), SLUG]
    )
    answer = TextAreaField(
        _l("Your answer to the objection"), validators=[Length(max=2000)], render_kw={"rows": 3}
    )
    submit = SubmitField(_l("Ask for release"))


class DecisionForm(FlaskForm):
    """The decision of the second person."""

    note = TextAreaField(_l("Note for the record"), validators=[Length(max=2000)], render_kw={"rows": 3})


class ActForm(FlaskForm):
    """A button."""
