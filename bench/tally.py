"""Counting: every rule and 2,000 bootstrap replicates for 12 options and 300 ballots; Kemeny for 14 options.

The rival is pref_voting: Borda, Copeland, Schulze, Ranked Pairs, Kemeny and IRV on the same ballots. It needs
an older numpy, so it lives in an environment of its own, which `make bench` sets up in bench/.peer; another
one's Python ``--peer`` names.

    python bench/tally.py [--quick] [--json FILE] [--peer PYTHON]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from participation.conference import pairwise, report
from participation.conference.ballots import Ballot, Option, Profile
from participation.conference.kemeny import kemeny


def hall(size: int, ballots: int, seed: int, *, places: int | None = None) -> Profile:
    """Noisy rankings of one hall: mostly top-k, strict, every ballot different."""
    rng = np.random.default_rng(seed)
    worth = np.linspace(1.0, 0.0, size)
    rows = []
    for _ in range(ballots):
        order = np.argsort(-(worth + rng.gumbel(size=size)))
        rows.append(Ballot(1, tuple((int(x),) for x in order[: places or size])))
    return Profile("ranking", tuple(Option(f"h{i:02d}") for i in range(size)), tuple(rows), seats=3)


def in_cycles(size: int) -> np.ndarray:
    """Pair counts in which every option beats the seven after it in a ring: nothing can be cut off."""
    rng = np.random.default_rng(5)
    wins = rng.integers(100, 150, size=(size, size))
    for x in range(size):
        for step in range(1, size // 2 + 1):
            wins[x, (x + step) % size] += 60
    return wins


def timed(work: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Best time in seconds, and peak memory of one run in MB."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return min(times), peak


PEER = Path(__file__).resolve().parent / ".peer/bin/python"

#: Runs in the peer's own Python (its numba needs another numpy) and prints the best time of three, warmed up.
RIVAL = """
import json, sys, time
from pref_voting.profiles import Profile
from pref_voting.scoring_methods import borda
from pref_voting.c1_methods import copeland
from pref_voting.margin_based_methods import beat_path, ranked_pairs
from pref_voting.other_methods import kemeny_young
from pref_voting.iterative_methods import instant_runoff
asked = json.load(sys.stdin)
rules = [kemeny_young] if asked["only_kemeny"] else [
    borda, copeland, beat_path, ranked_pairs, kemeny_young, instant_runoff]
times = []
for _ in range(3):
    profile = Profile(asked["rankings"])
    start = time.perf_counter()
    for rule in rules:
        rule(profile)
    times.append(time.perf_counter() - start)
print(min(times))
"""


def rival(profile: Profile, peer: str | None, *, only_kemeny: bool = False) -> float | None:
    """Seconds pref_voting needs for six rules, or for Kemeny alone; None without it."""
    if not peer:
        return None
    rankings = [[x for (x,) in b.ranking] for b in profile.ballots]
    asked = json.dumps({"rankings": rankings, "only_kemeny": only_kemeny})
    done = subprocess.run([peer, "-c", RIVAL], input=asked, capture_output=True, text=True, timeout=300)
    if done.returncode:
        print("the peer does not run:", done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    return float(done.stdout.split()[-1])


def cases(quick: bool, peer: str | None) -> list[dict[str, Any]]:
    """All measurements."""
    complete = hall(8 if quick else 9, 300, 3)
    twelve = hall(12, 300, 1, places=None)
    top3 = hall(12, 300, 1, places=3)
    fourteen = hall(14, 300, 2)
    cyclic = in_cycles(14)
    wins = pairwise.pairwise(fourteen, "last")
    replicates = 200 if quick else 2000
    rows: list[tuple[str, Callable[[], Any], float | None, float | None]] = [
        (
            "12 options, 300 full rankings: every rule and the bootstrap",
            lambda: report.tally(twelve, replicates=replicates),
            1.0,
            None,
        ),
        (
            "12 options, 300 top-3 ballots: the same",
            lambda: report.tally(top3, replicates=replicates),
            1.0,
            None,
        ),
        (
            "12 options: every rule without the bootstrap",
            lambda: report.tally(twelve, replicates=0),
            None,
            None,
        ),
        ("Kemeny, 14 options of a hall", lambda: kemeny(wins), 0.1, None),
        ("Kemeny, 14 options in one block of cycles", lambda: kemeny(cyclic), 0.1, None),
        (
            f"{len(complete.options)} options: every rule; rival: six rules",
            lambda: report.tally(complete, replicates=0),
            None,
            rival(complete, peer),
        ),
        (
            f"Kemeny, {len(complete.options)} options",
            lambda: kemeny(pairwise.pairwise(complete, "last")),
            None,
            rival(complete, peer, only_kemeny=True),
        ),
    ]
    found = []
    for metric, work, aim, rival_value in rows:
        value, peak = timed(work, 1 if quick else 5)
        found.append(
            {
                "bench": "tally",
                "metric": metric,
                "value": round(value, 4),
                "unit": "s",
                "aim": aim,
                "rival": None if rival_value is None else "pref_voting",
                "rival_value": None if rival_value is None else round(rival_value, 4),
                "ratio": None if rival_value is None else round(rival_value / value, 1),
                "peak_mb": round(peak, 1),
            }
        )
    return found


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--peer", default=str(PEER) if PEER.exists() else None, help="a Python that has pref_voting"
    )
    chosen = parser.parse_args()
    found = cases(chosen.quick, chosen.peer)
    for row in found:
        beside = f"  rival {row['rival_value']} s, ratio {row['ratio']}" if row["rival"] else ""
        aim = f"  (aim {row['aim']} s)" if row["aim"] else ""
        print(f"{row['metric']}: {row['value']} s{aim}, peak {row['peak_mb']} MB{beside}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
