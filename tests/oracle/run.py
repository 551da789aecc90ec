"""Every case of a reference folder run through the product: ``python -m tests.oracle.run FOLDER RESULTS``.

RESULTS is a JSON object ``{case id: result}`` in the structure of the cases' ``expect``, for the comparer
that stands beside the reference; a case that cannot be run is left out and named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.oracle import estimation, inference, weighting
from tests.oracle.session import Session, plain

__all__ = ["answer", "estimation", "leaves", "mismatches", "weighting"]

Path_ = tuple[str, ...]


def answer(session: Session, case: Mapping[str, Any]) -> Any:
    """The product's numbers for a case, as JSON."""
    return json.loads(json.dumps(plain(inference.show(session.run(case)))))


def leaves(value: Any) -> Iterator[float]:
    """Every number of an entry."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield abs(float(value))


def mismatches(expected: Any, got: Any, rtol: float, scale: float = 0.0, path: Path_ = ()) -> list[str]:
    """Numbers off by more than ``rtol`` (plus 1e-10 of the largest number of their entry), and missing
    ones."""
    if isinstance(expected, Mapping):
        if any(isinstance(v, (int, float)) for v in expected.values()):
            scale = max(leaves(expected), default=0.0)
        out = []
        for key, part in expected.items():
            if not isinstance(got, Mapping) or key not in got:
                out.append("/".join((*path, key)) + ": missing")
            else:
                out += mismatches(part, got[key], rtol, scale, (*path, key))
        return out
    if isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            return ["/".join(path) + ": length"]
        scale = max([*leaves(expected), scale], default=0.0)
        return [
            line
            for i, (a, b) in enumerate(zip(expected, got, strict=True))
            for line in mismatches(a, b, rtol, scale, (*path, str(i)))
        ]
    if isinstance(expected, (int, float)) and not isinstance(expected, bool):
        if isinstance(got, (int, float)) and abs(got - expected) <= rtol * abs(expected) + 1e-10 * scale:
            return []
        return [f"{'/'.join(path)}: expected {expected!r}, got {got!r}"]
    return []


def against(case: Mapping[str, Any], got: Any) -> list[str]:
    """What differs from the case, by the release of the reference that is closest."""
    releases = [case["expect"]]
    if "expect_newer" in case:
        releases.insert(0, case["expect_newer"]["expect"])
    return min((mismatches(r, got, case["rtol"]) for r in releases), key=len)


def main(folder: str, out: str) -> None:
    """Run all cases and write their results."""
    session = Session(Path(folder))
    results = {}
    for name, case in session.cases.items():
        try:
            results[name] = answer(session, case)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    Path(out).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
