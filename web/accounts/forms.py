"""Forms of staff accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_security import LoginForm, TwoFactorRescueForm, TwoFactorSetupForm
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectMultipleField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Email, EqualTo, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from web.accounts import passwords
from web.rooms import STAFF_ROLES

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
    """The password that an invited person chooses; ``known`` are name and address of the account."""

    known: tuple[str, ...] = ()

    password = PasswordField(
        _l("New password"),
        validators=[DataRequired()],
        render_kw={"autocomplete": "new-password"},
    )

    def validate_password(self, field: PasswordField) -> None:
        """Refuse what is short or easy to guess, knowing whose password it is."""
        found = passwords.faults(field.data or "", self.known)
        if found:
            raise ValidationError(found[0])

    again = PasswordField(
        _l("The same once more"),
        validators=[DataRequired(), EqualTo("password", message=_l("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField(_l("Save the password"))
