"""Figures are well-formed, mirrored for right-to-left, and hold what they show."""

from itertools import pairwise
from xml.etree import ElementTree

from participation.conference import figures
from participation.conference.figures import Bar

SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_intervals_show_places_and_bounds() -> None:
    svg = figures.intervals([Bar("A & B", 1, 1, 2), Bar("C" * 60, 2)], title='Out"come')
    assert _texts(svg) == ["1", "2", "A & B", "C" * 33 + "…"]
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'Out"come'
    assert len(list(root.iter(f"{SVG}circle"))) == 2
    # Two grid lines, and for the one interval a line with two ends.
    assert len(list(root.iter(f"{SVG}line"))) == 5


def test_right_to_left_mirrors() -> None:
    left = ElementTree.fromstring(figures.intervals([Bar("A", 1)], title="x"))
    right = ElementTree.fromstring(figures.intervals([Bar("A", 1)], title="x", rtl=True))
    x = float(next(left.iter(f"{SVG}circle")).get("cx", ""))
    assert float(next(right.iter(f"{SVG}circle")).get("cx", "")) == 900 - x
    assert right.get("direction") == "rtl"


def test_groups_that_agree_stand_side_by_side() -> None:
    svg = figures.groups(["A", "B"], {"North": [1, 2], "South": [1, 2]}, title="x")
    spots = [float(c.get("cx", "")) for c in ElementTree.fromstring(svg).iter(f"{SVG}circle")]
    assert spots[1] - spots[0] == 21
    near = figures.groups(
        ["A", "B", "C", "D"], {n: [1 + k / 2, 2, 3, 4] for k, n in enumerate("NSW")}, title="x"
    )
    found = sorted(
        float(c.get("cx", "")) for c in list(ElementTree.fromstring(near).iter(f"{SVG}circle"))[:3]
    )
    assert all(right - left >= 21 for left, right in pairwise(found))
    assert _texts(svg)[-1] == "South"
    assert figures.groups(["A"], {}, title="x")


def test_pairs_and_shift() -> None:
    pairs = figures.pairs(["A", "B"], [[0, 7], [3, 0]], title="x", rtl=True)
    assert {"7", "3"} <= set(_texts(pairs))
    shift = figures.shift([("A", 1, 2, True), ("B", 2, 1, False)], before="then", after="now", title="x")
    assert {"then", "now", "A  1", "2  A"} <= set(_texts(shift))


def test_tied_options_of_a_shift_have_a_row_each() -> None:
    rows = [("A", 1, 2.5, False), ("B", 2, 2.5, False), ("C", 3, 1, True)]
    svg = figures.shift(rows, before="then", after="now", title="x")
    assert _texts(svg) == ["then", "now", "A  1", "2–3  A", "B  2", "2–3  B", "C  3", "1  C"]
    ends = [float(e.get("y", "")) for e in ElementTree.fromstring(svg).iter(f"{SVG}text")][3::2]
    assert len(set(ends)) == 3
