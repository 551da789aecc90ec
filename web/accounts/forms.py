"""Forms of staff accounts."""

from __future__ import annotations

from flask_security import LoginForm


class SignInForm(LoginForm):
    """Address and password; nobody is remembered beyond the session."""

    remember = None
