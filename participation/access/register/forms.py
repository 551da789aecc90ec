"""Forms of the register's pages, and its refusals in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    Form,
    FormField,
    IntegerField,
    StringField,
    SubmitField,
)
from wtforms.validators import URL, DataRequired, InputRequired, Length, NumberRange, Optional

from participation.access.citizenship import RuleError
from participation.access.register.store import RegisterFault, StratumSpec

#: Empty rows at the end of the table of strata.
SPARE_ROWS = 3

_FAULTS: dict[str, Callable[[RegisterFault], str]] = {
    "not_frozen": lambda fault: _(
        "The office has not frozen the levels of this wave yet, or it has no codes. "
        "Ask the editors to freeze it."
    ),
    "no_strata": lambda fault: _("Set up the strata or groups first."),
    "too_small": lambda fault: _(
        "“%(label)s” expects too few answers for a key of its own. Let it share the key of another stratum "
        "that was sampled at the same fraction, or invite more people.",
        label=fault.place,
    ),
    "keys_made": lambda fault: _(
        "Keys exist already: strata cannot be changed any more, because letters would no longer fit them."
    ),
    "unequal": lambda fault: _(
        "The strata %(label)s share a key but were not sampled at the same fraction. Give them keys of their "
        "own, or draw the sample again at equal fractions.",
        label=fault.place,
    ),
    "nobody": lambda fault: _(
        "Nobody is invited in “%(label)s” yet. Import the sample first.", label=fault.place
    ),
    "no_population": lambda fault: _(
        "How many people belong to “%(label)s”? Without its population no answer can be weighted, and with "
        "the keys the strata are fixed.",
        label=fault.place,
    ),
    "codes_made": lambda fault: _("Letters with codes were made already, so the people stay."),
    "locked": lambda fault: _("The register is locked after a restore. Replay its journal first."),
    "unknown": lambda fault: _("This code is not known here. Compare it with the paper."),
    "used": lambda fault: _("This code was used already."),
    "withdrawn": lambda fault: _("This person refused or is not eligible."),
    "no_code": lambda fault: _("A row has no code: %(label)s", label=fault.place),
    "double": lambda fault: _("The code “%(code)s” stands in two rows.", code=fault.place),
    "stratum_in_use": lambda fault: _(
        "“%(code)s” has people or batches already; it cannot be taken away.", code=fault.place
    ),
    "other_stratum": lambda fault: _(
        "“%(code)s” shall share the key of a stratum that does not exist, or that shares a key itself.",
        code=fault.place,
    ),
    "no_journal": lambda fault: _(
        "There is no journal at %(place)s. Copy it there from the other disk. Without it, codes that were "
        "used since the backup can be used a second time.",
        place=fault.place,
    ),
}


def fault_text(fault: RegisterFault) -> str:
    """Why the register does not do it, and the remedy."""
    found = _FAULTS.get(fault.code)
    return found(fault) if found else _("The register refuses: %(code)s", code=str(fault))


def rule_text(error: RuleError) -> str:
    """Why a language rule cannot be kept."""
    if error.code == "citizenship":
        return _("Name the citizenship.")
    return _("“%(tag)s” is not a language tag. Write for example: ar, fa-AF, ku.", tag=error.value)


#: Whole numbers as offices write them: 9.000, 9 000 (with any kind of space), 9'000, 9,000.
_THOUSANDS = re.compile(r"\d{1,3}([.,'’\s]\d{3})+")


class CountField(IntegerField):
    """A whole number, with or without marks between the thousands."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """As the field does, without the marks."""
        super().process_formdata(
            [re.sub(r"\D", "", text) if _THOUSANDS.fullmatch(text.strip()) else text for text in valuelist]
        )


class DayField(DateField):
    """A day, also where a browser without a calendar sends it as people write it here: 31.12.2026."""

    def __init__(self, label: Any = None, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, format=["%Y-%m-%d", "%d.%m.%Y"], **options)


class RowForm(Form):
    """One row of a table within a form; what is wrong is said in the language of the page, as outside."""

    class Meta:
        def get_translations(self, form: Form) -> Any:
            """The words of the form around."""
            return FlaskForm.Meta.get_translations(self, form)


class StratumForm(RowForm):
    """One row of the table of strata."""

    code = StringField(_l("Code"), validators=[Optional(), Length(max=40)])
    label = StringField(_l("Name"), validators=[Optional(), Length(max=120)])
    population = CountField(_l("Population"), validators=[Optional(), NumberRange(min=1, max=100_000_000)])
    invited = CountField(_l("Invited"), validators=[Optional(), NumberRange(min=0, max=10_000_000)])
    shares = StringField(_l("Shares the key of"), validators=[Optional(), Length(max=40)])


class StrataForm(FlaskForm):
    """The strata of a sample or the groups of a conference."""

    strata = FieldList(FormField(StratumForm), min_entries=1, max_entries=200)
    submit = SubmitField(_l("Save the strata"))

    def specs(self) -> list[StratumSpec]:
        """The filled rows.

        Raises:
            RegisterFault: ``no_code``, ``double`` or ``other_stratum``.
        """
        filled = [row.form for row in self.strata if any(field.data for field in row.form)]
        rows = [row for row in filled if (row.code.data or "").strip()]
        for row in filled:
            if row not in rows:
                raise RegisterFault("no_code", str(next(field.data for field in row if field.data)))
        codes = [row.code.data.strip() for row in rows]
        for code in codes:
            if codes.count(code) > 1:
                raise RegisterFault("double", code)
        sharing = {row.code.data.strip(): (row.shares.data or "").strip() for row in rows}
        for code, other in sharing.items():
            if other and other != code and (other not in sharing or sharing[other] not in ("", other)):
                raise RegisterFault("other_stratum", code)
        return [
            StratumSpec(
                row.code.data.strip(),
                (row.label.data or "").strip() or row.code.data.strip(),
                row.population.data,
                row.invited.data or 0,
                sharing[row.code.data.strip()] or None,
            )
            for row in rows
        ]


class KeysForm(FlaskForm):
    """Expected response, by which each key's expected answers are judged."""

    response = FieldList(
        IntegerField(
            _l("Expected response in percent"), validators=[InputRequired(), NumberRange(min=1, max=100)]
        ),
        max_entries=200,
    )
    submit = SubmitField(_l("Make the keys"))


class DatesForm(FlaskForm):
    """Title in the register, and the day on which names and codes are deleted."""

    title = StringField(_l("Title"), validators=[DataRequired(), Length(max=200)])
    delete_on = DayField(_l("Delete names, codes and issue states on"), validators=[Optional()])
    submit = SubmitField(_l("Save"))

    def in_future(self, today: date) -> bool:
        """Whether the day of deletion is still to come."""
        return self.delete_on.data is None or self.delete_on.data > today


class LetterheadForm(FlaskForm):
    """Who writes the letters and how to reach them."""

    name = StringField(_l("Sender"), validators=[DataRequired(), Length(max=120)])
    contact = StringField(
        _l("Address of the sender, in one line"), validators=[DataRequired(), Length(max=200)]
    )
    return_line = StringField(
        _l("Small line above the address window"), validators=[DataRequired(), Length(max=120)]
    )
    phone = StringField(_l("Telephone of the hotline"), validators=[DataRequired(), Length(max=40)])
    website = StringField(
        _l("Page of the city on which the survey is announced"), validators=[DataRequired(), Length(max=120)]
    )
    address = StringField(
        _l("Address of the survey"),
        validators=[DataRequired(), Length(max=200), URL(require_tld=False, allow_ip=True)],
    )
    answer_until = DayField(_l("Last day for answers"), validators=[InputRequired()])
    submit = SubmitField(_l("Save the letterhead"))

    def in_future(self, today: date) -> bool:
        """Whether there is still time to answer."""
        return self.answer_until.data is not None and self.answer_until.data >= today


class RuleForm(FlaskForm):
    """Letter languages of one citizenship."""

    citizenship = StringField(_l("Citizenship"), validators=[DataRequired(), Length(max=80)])
    languages = StringField(_l("Letter languages, in order"), validators=[Optional(), Length(max=80)])
    submit = SubmitField(_l("Save the rule"))


class ReplayForm(FlaskForm):
    """Replaying the journal after a restore."""

    without = BooleanField(_l("The journal is lost. I know that used codes may then be used a second time."))
    submit = SubmitField(_l("Replay the journal and unlock"))
