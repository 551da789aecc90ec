"""Errors of the analysis room: a code, the place it concerns, its parameters, and an English sentence.

Pure modules do not translate. A page or a command maps ``code`` to its reader's language and fills in
``params``; a notebook shows the English sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Params = Mapping[str, Any]


class AnalysisError(ValueError):
    """Something the analyst must mend. ``str(error)`` says what is wrong, where, and what to do.

    ``code`` is stable and has one translated sentence per language, ``place`` names the column, category,
    stratum or step, ``params`` are the numbers in the sentence.
    """

    def __init__(self, code: str, message: str, place: str = "", **params: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place
        self.params: Params = params


class DataError(AnalysisError):
    """The data cannot be read as a survey: a missing column, a negative weight, units of two waves in one."""


class DesignError(AnalysisError):
    """The sampling design contradicts itself or leaves no degrees of freedom."""


class MarginError(AnalysisError):
    """Population margins disagree with each other or with the sample."""


class CalibrationError(AnalysisError):
    """No weights meet the margins within the bounds; the message names the category and the gap."""


class EstimateError(AnalysisError):
    """An estimate was asked for that the data cannot give."""
