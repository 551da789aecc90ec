#!/usr/bin/env python3
"""Recount a round from its published list of ballots. No dependencies; Python 3.8 or newer.

    python3 recount.py list.json [THE SIX WORDS OR NUMBERS OF A RECEIPT]

Prints the digest of the list and the outcome by the announced rule (averaged Borda, sums, or means), and
with a receipt the ballots that carry it.
"""

import hashlib
import json
import sys
from fractions import Fraction
from pathlib import Path

data = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
ids = [option["id"] for option in data["options"]]
names = {
    option["id"]: option["label"].get(data["language"]) or next(iter(option["label"].values()), option["id"])
    for option in data["options"]
}
lines = sorted(json.dumps(ballot, ensure_ascii=False, sort_keys=True) for ballot in data["ballots"])
digest = hashlib.sha256("\n".join([data["salt"], *lines]).encode()).hexdigest()
print("ballots:", len(data["ballots"]))
print("digest: ", digest, "as published" if digest == data["digest"] else "DIFFERS FROM THE PUBLISHED ONE")


def borda(ballots):
    """Sum over all pairs: +1 for each option placed below, -1 for each placed above."""
    score = dict.fromkeys(ids, 0)
    for ballot in ballots:
        place = {option: n for n, tied in enumerate(ballot["ranking"]) for option in tied}
        if data.get("policy") != "no_opinion":
            place = {option: place.get(option, len(ids)) for option in ids}
        for x in place:
            for y in place:
                score[x] += (place[x] < place[y]) - (place[x] > place[y])
    return score


def total(ballots, key):
    """Sum of marks; an option named in a list counts one."""
    score = dict.fromkeys(ids, 0)
    for ballot in ballots:
        marks = ballot[key] if isinstance(ballot[key], dict) else dict.fromkeys(ballot[key], 1)
        for option, mark in marks.items():
            score[option] += mark
    return score


def mean(ballots):
    """Mean of the scores given; an option that nobody scored comes last."""
    given = {option: [b["score"][option] for b in ballots if option in b["score"]] for option in ids}
    return {option: Fraction(sum(marks), len(marks)) if marks else -1 for option, marks in given.items()}


count = {
    "ranking": borda,
    "dots": lambda ballots: total(ballots, "dots"),
    "approval": lambda ballots: total(ballots, "approve"),
    "budget": lambda ballots: total(ballots, "approve"),
    "score": mean,
    "consensing": lambda ballots: {o: -s for o, s in total(ballots, "resistance").items()},
}
if data["method"] in count:
    score = count[data["method"]](data["ballots"])
    for option, dots in data.get("wall", {}).items():
        print(f"wall of stickers: {dots} for {names[option]} [{option}]")
        score[option] += int(dots)
    for level in sorted(set(score.values()), reverse=True):
        print(f"{level!s:>8}  " + " = ".join(sorted(f"{names[o]} [{o}]" for o in ids if score[o] == level)))
else:
    print("strengths from pairs need a fit; compare the ballots themselves")
receipt = [part.casefold() for part in sys.argv[2:]]
if receipt:
    numbers = [str(n + 1) for n in range(256)]
    lists = [numbers, *([word.casefold() for word in known] for known in data["receipt_words"].values())]
    for ballot in data["ballots"]:
        if any([known[n] for n in ballot["receipt"]] == receipt for known in lists):
            print("yours:  ", json.dumps(ballot, ensure_ascii=False))
