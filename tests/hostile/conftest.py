"""A played wave: dear to make, so it is made once for all tests that only look at it."""

import random
from contextlib import contextmanager

import pytest

from surveys.rehearsal import cli as rehearsal
from tests.conftest import make_settings


@contextmanager
def played_wave(app, engine, people, leak=False):
    """A wave played to its end on fresh stores, and its stage while it still stands."""
    with app.app_context(), rehearsal.stage(engine, leak) as stage:
        yield stage, rehearsal.play(stage, people, random.Random(people))


@pytest.fixture(scope="module")
def module_app(sqlite_template, tmp_path_factory):
    from app import create_app
    from tests import databases

    instance = tmp_path_factory.mktemp("hostile")
    app = create_app(make_settings(instance, databases.copy_sqlite(sqlite_template, instance)))
    yield app
    app.extensions["stores"].dispose()
