"""Forms of staff accounts."""

from __future__ import annotations

from typing import Any, cast

from flask_babel import lazy_gettext as _l
from flask_security import LoginForm, TwoFactorRescueForm, TwoFactorSetupForm
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectMultipleField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Email, EqualTo, Length
from wtforms.widgets import CheckboxInput, ListWidget

from web.accounts.models import Account
from web.rooms import STAFF_ROLES

SHORTEST_PASSWORD = 12

#: Roles in the words of the staff.
ROLE_NAMES = {
    "administrator": _l("Administrator"),
    "register_clerk": _l("Register clerk (statistics office)"),
    "entry_clerk": _l("Entry clerk (keys in paper sheets)"),
    "editor": _l("Editor (questionnaires)"),
    "translator": _l("Translator"),
    "moderator": _l("Moderator (conferences)"),
    "analyst": _l("Analyst"),
    "reviewer": _l("Reviewer (releases)"),
}


class SignInForm(LoginForm):
    """Address and password; nobody is remembered beyond the session."""

    remember = None

    def validate(self, **options: Any) -> bool:
        """Check address and password; a failure with a real account is written to the audit log."""
        good: bool = super().validate(**options)
        if not good and self.user is not None:
            from web.accounts.sign_in import failed

            failed(cast(Account, self.user))
        return good


class SecondFactorForm(TwoFactorSetupForm):
    """Set up an authenticator app, or switch it off where that is allowed."""

    setup = RadioField(
        choices=[SelectChoice("authenticator", "authenticator"), SelectChoice("disable", "disable")],
        validate_choice=False,
    )


class NoRescueForm(TwoFactorRescueForm):
    """Flask-Security builds it; our pages show a link to the recovery codes instead."""

    help_setup = RadioField(choices=[])


class RolesField(SelectMultipleField):
    """One checkbox per role."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RolesForm(FlaskForm):
    """The roles of an account."""

    roles = RolesField(_l("Roles"), choices=[SelectChoice(role, ROLE_NAMES[role]) for role in STAFF_ROLES])


class AccountForm(RolesForm):
    """A new account."""

    name = StringField(_l("Name"), validators=[DataRequired(), Length(max=200)])
    email = EmailField(_l("E-mail address"), validators=[DataRequired(), Email(), Length(max=254)])
    submit = SubmitField(_l("Create the account"))


class NewPasswordForm(FlaskForm):
    """The password that an invited person chooses."""

    password = PasswordField(
        _l("New password"),
        validators=[DataRequired(), Length(min=SHORTEST_PASSWORD, max=256)],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        _l("The same once more"),
        validators=[DataRequired(), EqualTo("password", message=_l("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField(_l("Save the password"))
