"""What a conference put first, beside what a survey estimates: two sources side by side, never one figure.

Counts of a conference are exact and public; the survey's cells are those of the publication, marks and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.exchange.bookfiles import cell_text, interval_text, said
from analysis.plan import Plan

Document = Mapping[str, Any]


def linked(plan: Plan, outcomes: Mapping[str, Document]) -> list[dict[str, Any]]:
    """The conferences of a plan as a publication keeps them: place by place, with the item's answers.

    ``outcomes`` by conference: ``title``, ``classes`` (lists of tied options) and ``labels`` of options.
    """
    found = []
    for link in plan.conferences:
        outcome = outcomes.get(link.conference)
        if outcome is None:
            continue
        place, places = 1, []
        for tied in outcome["classes"]:
            for option in tied:
                label = dict(outcome["labels"].get(option, {"en": option}))
                places.append({"place": place, "label": label, "category": link.options.get(option, "")})
            place += len(tied)
        entry = {"conference": link.conference, "title": dict(outcome["title"]), "item": link.item}
        found.append({**entry, "places": places})
    return found


def rows(document: Document, found: Document, language: str) -> list[dict[str, Any]]:
    """Place, option, and the survey's cell for everybody in the last wave (empty where none is linked)."""
    wave = document["waves"][-1]["key"]
    table = next(
        (t for t in document["tables"] if (t["wave"], t["item"], t["group"]) == (wave, found["item"], "")),
        None,
    )
    cells = dict(zip(table["categories"], table["rows"][0]["cells"], strict=True)) if table else {}
    return [
        {
            "place": one["place"],
            "label": said(one["label"], language),
            "figure": cell_text(cell, language) if (cell := cells.get(one["category"])) is not None else "",
            "interval": interval_text(cell, language) if cell is not None else "",
        }
        for one in found["places"]
    ]
