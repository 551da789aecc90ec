"""The marks printed at the boxes of an answer sheet: who keys the sheet types what is printed there.

Boxes are numbered in printed order, in every field (statement, part) anew, because codes are the author's:
words, or numbers that may run backwards.  A 0-10 scale prints its own numbers.  Into the boxes of a ranking
people write numbers, so these have letters.  "Don't know" and refusals have signs, which no number can be
taken for.
"""

from __future__ import annotations

from surveys.questionnaire import Field

DONT_KNOW = "?"
REFUSED = "–"

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def numbered(field: Field) -> bool:
    """Whether the labels of the field are its numbers: a scale from one worded end to the other."""
    return bool(field.options) and all(set(option.label) == {"und"} for option in field.options)


def marks(field: Field) -> dict[str, str]:
    """Return code to mark, in printed order; empty for what is written instead of ticked."""
    if numbered(field):
        return {option.code: option.label["und"] for option in field.options}
    if field.kind == "ranking" and len(field.options) <= len(_LETTERS):
        return {option.code: _LETTERS[place] for place, option in enumerate(field.options)}
    return {option.code: str(place) for place, option in enumerate(field.options, 1)}
