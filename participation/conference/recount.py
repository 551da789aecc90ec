"""What recounters get: the list of ballots with its salt, its digest and the rules it is counted by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from participation.conference import receipts


def digest(kept: Mapping[str, Any]) -> str:
    """SHA-256 over salt and list; fixes the list without showing it.

    Without the salt a short list of which most is known could be found by trying.
    """
    lines = sorted(json.dumps(ballot, ensure_ascii=False, sort_keys=True) for ballot in kept["ballots"])
    return hashlib.sha256("\n".join([kept["salt"], *lines]).encode()).hexdigest()


def recount_file(round_: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """The list with the rules it is counted by: everything the recount script needs."""
    rules = ("method", "policy", "places", "dots", "per_option", "top", "budget", "seed", "seats")
    document = {
        "format": "recount/1",
        "round": round_["access"],
        "language": round_["languages"][0],
        **{name: round_.get(name) for name in rules},
        "options": [{"id": o["id"], "label": o["label"], "cost": o["cost"]} for o in round_["options"]],
        "wall": (round_.get("wall") or {}).get("totals") or {},
        "digest": digest(kept),
        "receipt_words": receipts.LISTS,
        **kept,
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
