"""Commands for staff accounts."""

from __future__ import annotations

import datetime

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_security.utils import hash_password

from stores import office
from web.accounts import demo, passwords, store
from web.audit import audit


@click.command("create-admin")
@click.option("--email", prompt="E-mail address", help="Address to sign in with.")
@click.option("--name", prompt="Name", help="Name shown in the navigation and the audit log.")
@click.password_option(help="At least 12 characters; asked for when not given.")
@with_appcontext
def create_admin(email: str, name: str, password: str) -> None:
    """Create an administrator; also the way back in when every administrator is locked out."""
    if "@" not in email:
        raise click.ClickException(f"{email!r} is not an e-mail address")
    if len(password) < passwords.SHORTEST:
        raise click.ClickException(f"the password needs at least {passwords.SHORTEST} characters")
    if passwords.is_easy(password, (email, name)):
        raise click.ClickException("the password is easy to guess; a few words in a row are good")
    today = datetime.datetime.now(datetime.UTC).date()
    hashed = hash_password(password)
    try:
        with office.begin() as session:
            account = store.create(
                session, email=email, name=name, roles=("administrator",), today=today, password=hashed
            )
            audit(session, None, "account.create", f"account {account.email}", {"roles": ["administrator"]})
    except store.EmailTaken:
        raise click.ClickException(f"there is an account with the address {email} already") from None
    click.echo(f"Administrator {email} created. Sign in at {current_app.config['SETTINGS'].base_url}/office")


@click.command("demo-accounts")
@with_appcontext
def demo_accounts() -> None:
    """Create (once) and print the staff logins of the demo."""
    for login in demo.demo_accounts():
        click.echo(f"{login.role:<16} {login.email:<36} {login.password}")


COMMANDS = (create_admin, demo_accounts)
