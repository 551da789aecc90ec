"""An open wave, and entry clerks whose pages are in English."""

import pytest

from tests.participation.access.people.conftest import in_english
from tests.surveys.collection.conftest import phone, signing_pair
from tests.surveys.player.conftest import survey

__all__ = ["phone", "signing_pair", "survey"]


@pytest.fixture
def clerk(as_role):
    return in_english(as_role("entry_clerk"))


@pytest.fixture
def colleague(as_role):
    return in_english(as_role("entry_clerk"))
