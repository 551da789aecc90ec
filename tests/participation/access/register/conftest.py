"""The clerk's wave, as the tests of the people's pages set it up."""

from tests.participation.access.people.conftest import desk, ready, signing_pairs

__all__ = ["desk", "ready", "signing_pairs"]
