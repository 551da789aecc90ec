"""An open wave, and interviewers whose pages are in English."""

from tests.surveys.entry.conftest import clerk, phone, signing_pair, survey

__all__ = ["clerk", "phone", "signing_pair", "survey"]
