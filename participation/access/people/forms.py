"""Forms of the pages about people, and the faults of a sample file in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, SelectMultipleField, StringField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from participation.access.codes import CodeError, looks_like_code, read_code
from participation.access.sample import BAND, MAX_LENGTH, OPTIONAL, REQUIRED, guess_mapping

#: Fields of a person in the words of the staff.
FIELD_NAMES = {
    "name": _l("Name"),
    "street": _l("Street and number"),
    "postcode": _l("Postcode"),
    "place": _l("Place"),
    "stratum": _l("Stratum"),
    "reference": _l("Number in the register"),
    "citizenship": _l("Citizenship"),
    "languages": _l("Letter languages"),
    "salutation": _l("Salutation"),
    "extra": _l("Second line of the address"),
}

STATE_NAMES = {
    "invited": _l("invited"),
    "undeliverable": _l("letter came back"),
    "refused": _l("refused"),
    "ineligible": _l("not eligible"),
    "deceased": _l("deceased"),
}

_TABLE_FAULTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "empty": lambda p: _("The file is empty."),
    "encoding": lambda p: _(
        "The letters of the file cannot be read: it is neither UTF-8 nor Windows-1252. "
        "Save it as “CSV UTF-8”."
    ),
    "letters": lambda p: _(
        "The letters of these column names were read wrongly: %(columns)s. "
        "Save the file as “CSV UTF-8” or XLSX.",
        columns=p["columns"],
    ),
    "no_header": lambda p: _("The first row must name every column."),
    "double_columns": lambda p: _("Two columns have the same name: %(columns)s", columns=p["columns"]),
    "ragged": lambda p: _(
        "Row %(row)s has %(found)s cells instead of %(expected)s. Is a separator or quote missing there?", **p
    ),
    "quote": lambda p: _('In row %(row)s a quote (") begins that nothing closes.', row=p["row"]),
    "merged": lambda p: _(
        "The cells %(cells)s are merged, so only the first of them has a value. "
        "Unmerge all cells and fill them in.",
        cells=p["cells"],
    ),
    "formula": lambda p: _(
        "The cell %(cell)s holds a formula without a value. "
        "Replace formulas by their values (copy, then paste values).",
        cell=p["cell"],
    ),
    "old_excel": lambda p: _(
        "This is an old Excel file (XLS) or one with a password. "
        "Save it as XLSX without a password, or as CSV."
    ),
    "no_table": lambda p: _(
        "This file is no table but a PDF, a picture or a text. Save the list of people as XLSX or CSV."
    ),
    "unreadable": lambda p: _("This is no readable XLSX file. Save it again, or as CSV."),
    "unexpected": lambda p: _(
        "Something unforeseen happened (%(kind)s). Nothing was imported. Please tell the operators.",
        kind=p.get("kind", "?"),
    ),
}

_FAULTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "field_missing": lambda f: _(
        "No column is chosen for “%(field)s”.", field=FIELD_NAMES.get(f["column"], f["column"])
    ),
    "column_unknown": lambda f: _("There is no such column."),
    "no_rows": lambda f: _("The file has a header and no people."),
    "empty": lambda f: _("The cell is empty."),
    "stratum_missing": lambda f: _("The stratum is missing."),
    "stratum_unknown": lambda f: _("There is no stratum “%(value)s”.", value=f["value"]),
    "too_long": lambda f: _("Longer than %(num)s characters.", num=MAX_LENGTH),
    "formula": lambda f: _(
        "“%(value)s” is a formula or the error of one. Replace formulas by their values.",
        value=f["value"][:60],
    ),
    "line_break": lambda f: _(
        'The cell holds a line break or an invisible sign. Is a quote (") missing in this row?'
    ),
    "letters": lambda f: _(
        "The letters of “%(value)s” were read wrongly. Save the file as “CSV UTF-8” or XLSX.",
        value=f["value"][:60],
    ),
    "postcode_short": lambda f: _(
        "“%(value)s” is no postcode of five digits. Did a spreadsheet drop the zero in front?",
        value=f["value"],
    ),
    "postcode": lambda f: _("“%(value)s” is no postcode of five digits.", value=f["value"]),
    "double": lambda f: _(
        "Stands in the file twice (rows %(first)s and %(row)s): %(value)s",
        first=f["first"],
        row=f["row"],
        value=f["value"],
    ),
    "already_imported": lambda f: _("Was imported before: %(value)s", value=f["value"]),
    "language": lambda f: _("“%(value)s” is not a list of language tags.", value=f["value"]),
}


def table_fault_text(code: str, params: Mapping[str, Any]) -> str:
    """Why a file is no table, and the remedy."""
    return _TABLE_FAULTS.get(code, _TABLE_FAULTS["unreadable"])(params)


def fault_text(fault: Mapping[str, Any]) -> str:
    """One fault of a sample file."""
    return _FAULTS[fault["code"]](fault)


def code_text(error: CodeError) -> str:
    """What is wrong with a typed code."""
    if error.group:
        return _("Please check the code: group %(group)s is not right.", group=error.group)
    return _("This is no access code: it has five groups of five characters.")


def search_text(typed: str) -> str | None:
    """Why a search for a code found nobody, or None where no code was meant."""
    if not looks_like_code(typed):
        return None
    try:
        read_code(typed)
    except CodeError as error:
        return code_text(error)
    return _("This code is not known here. Compare it with the paper.")


#: Groups for nonresponse that the import knows by itself; others are called as the file calls them.
BAND_NAMES = {"stratum": _l("Stratum"), "age": _l("Age group"), "sex": _l("Sex"), "district": _l("District")}


def variable_name(name: str) -> str:
    """What a group for nonresponse is called."""
    return str(BAND_NAMES.get(name, name))


def class_name(by: Sequence[str], values: Sequence[str], strata: Mapping[str, str]) -> str:
    """A nonresponse class in words; ``strata`` has the label of each stratum's code."""
    if not values:
        return _("All")
    if values[0] == "*":
        return _("small classes together")
    named = (
        strata.get(value, value) if name == "stratum" else value
        for name, value in zip(by, values, strict=True)
    )
    return " / ".join(value or "–" for value in named)


class UploadForm(FlaskForm):
    """The file with the sample."""

    file = FileField(_l("CSV or XLSX file"), validators=[FileRequired(_l("Choose a file."))])
    submit = SubmitField(_l("Read the file"))


def mapping_choices() -> list[tuple[str, str]]:
    """What a column can be."""
    fields = [(name, str(FIELD_NAMES[name])) for name in (*REQUIRED, *OPTIONAL)]
    return [("", _("leave out")), *fields, ("band", _("group for nonresponse (age, sex, district ...)"))]


def guessed(columns: list[str]) -> list[str]:
    """For each column what it probably is, as a choice of `mapping_choices`."""
    by_column = {column: field for field, column in guess_mapping(columns).items()}
    return [
        "band" if by_column.get(column, "").startswith(BAND) else by_column.get(column, "")
        for column in columns
    ]


def mapping_from(columns: list[str], chosen: list[str]) -> tuple[dict[str, str], str | None]:
    """Field -> column as chosen, and all that is wrong with it: a field for two columns, or for none."""
    names = {column: field for field, column in guess_mapping(columns).items()}
    mapping: dict[str, str] = {}
    double: list[str] = []
    for column, choice in zip(columns, chosen, strict=True):
        if not choice:
            continue
        field = choice
        if choice == "band":
            known = names.get(column, "")
            field = known if known.startswith(BAND) else f"{BAND}{column.casefold()}"
        if field in mapping:
            double.append(str(FIELD_NAMES.get(field, field)))
        mapping[field] = column
    missing = [str(FIELD_NAMES[field]) for field in REQUIRED if field not in mapping]
    if missing and len(columns) == 1:
        return mapping, _(
            "The file has one column only. Columns must be separated by semicolon, comma or tab; "
            "save it again."
        )
    problems = [
        _("“%(field)s” is chosen for more than one column.", field=field) for field in dict.fromkeys(double)
    ]
    if missing:
        problems.append(_("No column is chosen for: %(fields)s.", fields=", ".join(missing)))
    return mapping, " ".join(problems) or None


class FindForm(FlaskForm):
    """Search by number, code, or words of name and street."""

    what = StringField(
        _l("Number, access code, or part of name or street"), validators=[DataRequired(), Length(max=120)]
    )
    submit = SubmitField(_l("Search"))


class StateForm(FlaskForm):
    """What became of an invitation."""

    state = SelectField(
        _l("State"), choices=[SelectChoice(value, label) for value, label in STATE_NAMES.items()]
    )
    submit = SubmitField(_l("Save the state"))


class ReturnedForm(FlaskForm):
    """Letters that came back, many at once."""

    lines = TextAreaField(
        _l("Numbers or access codes of letters that came back, one per line"),
        validators=[DataRequired(), Length(max=100_000)],
        render_kw={"rows": 8},
    )
    submit = SubmitField(_l("Book them as undeliverable"))


class SlipForm(FlaskForm):
    """One return slip of a paper answer."""

    code = StringField(
        _l("Code on the slip"),
        validators=[DataRequired(), Length(max=80)],
        render_kw={
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "autofocus": True,
        },
    )
    submit = SubmitField(_l("Book the slip"))


class ClassesForm(FlaskForm):
    """Which variables form the nonresponse classes."""

    class Meta:
        csrf = False

    by = SelectMultipleField(
        _l("Form classes by"),
        validators=[Optional()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
