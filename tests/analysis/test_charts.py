from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from analysis.charts import (
    Bars,
    Dot,
    Frame,
    TimePoint,
    diverging,
    dots,
    matrix,
    ranks,
    small_multiples,
    trend,
    wrap,
)

FRAME = Frame("Trust", "Trust by district", "en")
ARABIC = Frame("الثقة", "الثقة حسب الحي", "ar", rtl=True, ident="t2")
ROWS = [Dot("North", 71, 64, 78), Dot("South & <East>", 50, 30, 70, "()"), Dot("West", None, mark=".")]
POINTS = [
    TimePoint("2016", 2016, 40, 35, 45, 0),
    TimePoint("2020", 2020, 55, 50, 60, 1),
    TimePoint("2024", 2024, None, None, None, 1),
    TimePoint("2026", 2026, 60, 55, 65, 1),
]
FIGURES = {
    "dots": lambda frame: dots(frame, ROWS),
    "diverging": lambda frame: diverging(
        frame, ["no", "so so", "yes"], [Bars("North", (20, 30, 50)), Bars("West", (None, None, None), ".")]
    ),
    "trend": lambda frame: trend(frame, POINTS),
    "ranks": lambda frame: ranks(frame, [("Work", 1, 2), ("Housing", 1, 3), ("Language", 3, 3)]),
    "matrix": lambda frame: matrix(frame, ["Work", "Housing"], [[0, 40], [30, 0]]),
    "small_multiples": lambda frame: small_multiples(frame, [("North", ROWS[:1]), ("South", ROWS[1:])]),
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("kind", FIGURES)
@pytest.mark.parametrize("frame", [FRAME, ARABIC], ids=["ltr", "rtl"])
def test_every_figure_parses_is_named_and_has_no_style(kind, frame):
    text = FIGURES[kind](frame)
    root = etree.fromstring(text)
    assert root.findtext(f"{SVG}title") == frame.title
    assert root.findtext(f"{SVG}desc") == frame.description
    assert root.get("aria-labelledby") == f"{frame.ident}-t {frame.ident}-d"
    assert root.get("direction") == ("rtl" if frame.rtl else None)
    assert root.get("lang") == frame.language
    assert "style" not in text
    height = float(root.get("viewBox").split()[3])
    assert all(float(element.get("y")) <= height for element in root.iter(f"{SVG}text"))
    assert all(-1 <= float(element.get("x")) <= 361 for element in root.iter(f"{SVG}text"))


def test_right_to_left_is_mirrored():
    plain = [float(e.get("cx")) for e in etree.fromstring(dots(FRAME, ROWS)).iter(f"{SVG}circle")]
    turned = [float(e.get("cx")) for e in etree.fromstring(dots(ARABIC, ROWS)).iter(f"{SVG}circle")]
    assert [round(360 - x, 2) for x in plain] == turned


def test_no_line_over_a_break_nor_to_a_hidden_point():
    root = etree.fromstring(FIGURES["trend"](FRAME))
    joining = [
        e for e in root.iter(f"{SVG}line") if e.get("stroke") == "#0072B2" and e.get("x1") != e.get("x2")
    ]
    assert joining == []
    dashed = [e for e in root.iter(f"{SVG}line") if e.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_hidden_rows_show_their_mark():
    texts = [e.text for e in etree.fromstring(dots(FRAME, ROWS)).iter(f"{SVG}text")]
    assert "." in texts
    assert "(50)" in texts


def test_a_scale_of_seven_has_seven_colours():
    text = diverging(FRAME, [str(i) for i in range(7)], [Bars("x", (10,) * 7)])
    assert text.count("<rect") == 1 + 7 + 7


@given(st.text(max_size=120), st.integers(3, 40))
def test_wrapped_lines_fit_and_keep_every_letter(words, letters):
    lines = wrap(words, letters)
    assert all(len(line) <= letters for line in lines)
    assert "".join("".join(lines).split()) == "".join(words.split())


def test_printed_figures_turn_their_anchors_instead_of_naming_a_direction():
    printed = etree.fromstring(dots(Frame("الثقة", "x", "ar", rtl=True, printed=True), ROWS))
    assert printed.get("direction") is None
    labels = [e for e in printed.iter(f"{SVG}text") if e.text == "North"]
    assert [(e.get("text-anchor"), float(e.get("x")) > 300) for e in labels] == [("end", True)]


def test_long_names_of_waves_keep_apart():
    labels = ["Musterstadt 2016 (erfunden)", "Musterstadt 2020", "Musterstadt 2024", "Musterstadt 2026"]
    points = [
        TimePoint(label, point.time, point.value, point.low, point.high, point.run)
        for label, point in zip(labels, POINTS, strict=True)
    ]
    rows = {}
    for element in etree.fromstring(trend(FRAME, points)).iter(f"{SVG}text"):
        if float(element.get("y")) <= 190:
            continue
        x, wide = float(element.get("x")), 6.0 * len(element.text)
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[element.get("text-anchor")]
        rows.setdefault(element.get("y"), []).append((left, left + wide))
    assert len(rows) >= 2
    for names in rows.values():
        names.sort()
        assert all(one[1] <= two[0] for one, two in pairwise(names)), names


@pytest.mark.parametrize("count", [6, 7, 11])
def test_every_answer_of_a_long_scale_has_its_own_colour(count):
    drawn = diverging(FRAME, [str(n) for n in range(count)], [Bars("North", (None,), ".")])
    colours = [box.get("fill") for box in etree.fromstring(drawn).iter("{*}rect")][1:]
    assert len(set(colours)) == count
    assert (colours[0], colours[-1]) == ("#D55E00", "#0072B2")
