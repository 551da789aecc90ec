"""People with passwords and phones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import pytest
from flask import Flask
from flask_security.utils import hash_password

from app import create_app
from stores import office
from tests.pages import PageClient
from web.accounts import store

PASSWORD = "a few quiet words"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    number: int
    email: str
    client: PageClient

    def sign_in(self, password: str = PASSWORD, **options):
        return self.client.submit("/office/login", {"email": self.email, "password": password}, **options)


@pytest.fixture
def person(app: Flask) -> Callable[..., Person]:
    """A function that makes an account with a password: `person("analyst")`."""

    def make(*roles: str, at: Flask = app) -> Person:
        with at.app_context():
            hashed = hash_password(PASSWORD)
            with office.begin() as session:
                number = len(store.accounts(session)) + 1
                account = store.create(
                    session,
                    email=f"person-{number}@example.org",
                    name=f"Person {number}",
                    roles=roles,
                    today=date(2026, 11, 2),
                    password=hashed,
                )
        client = at.test_client()
        return Person(account.id, account.email, client)

    return make


@pytest.fixture
def strict_app(settings) -> Flask:
    """The product as outside the demo: a second factor for everybody."""
    app = create_app(replace(settings, demo=False, testing=False))
    app.test_client_class = PageClient
    return app
