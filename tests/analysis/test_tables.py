import numpy as np
import pytest

from analysis.breaks import Fielding
from analysis.plan import read
from analysis.plan_checks import check
from analysis.tables import Cancelled, build, catalogue
from tests.analysis.book_data import GROUPS, plan_document, two_waves, wave


@pytest.fixture(scope="module")
def book():
    return build(read(plan_document()), two_waves())


def test_every_item_by_every_group(book):
    assert len(book.tables) == 2 * 9 * (1 + len(GROUPS))
    assert len({table.key for table in book.tables}) == len(book.tables)


def test_plan_fits_its_catalogue():
    waves = two_waves()
    found = check(read(plan_document()), catalogue(waves))
    assert {fault.kind for fault in found} == {"levels-will-be-hidden"}
    assert all(fault.advice for fault in found)


def test_figures_are_those_of_the_engine(book):
    table = book.table("w2024", "q2", "origin")
    expected = book.waves["w2024"].design.proportion("q2", by="origin")
    for number, row in enumerate(expected.rows):
        place = table.levels.index(row["origin"]), table.categories.index(row["category"])
        assert table.figures.share[place] == pytest.approx(expected.estimate[number], rel=1e-9)
        assert table.figures.high[place] == pytest.approx(expected.high[number], rel=1e-9)


def test_multiple_choice_is_put_together_from_its_options(book):
    table = book.table("w2024", "m", "sex")
    expected = book.waves["w2024"].design.mean("m_b", by="sex")
    assert table.categories == ("a", "b")
    yes = [expected.estimate[i] for i, row in enumerate(expected.rows) if row["category"] == "1"]
    assert table.figures.share[:, 1] == pytest.approx(yes, rel=1e-9)


def test_small_groups_and_sensitive_items_are_hidden(book):
    tiny = book.table("w2024", "q1", "sex")
    assert tiny.figures.base[2] < 50
    assert set(tiny.marks[2]) <= {".", "()"}
    assert set(book.table("w2024", "q3", "district").marks.reshape(-1)) == {"."}


def test_tests_against_the_rest_are_one_family(book):
    tables = [table for table in book.tables if table.wave == "w2024"]
    single = np.concatenate([table.p_value.reshape(-1) for table in tables])
    joint = np.concatenate([table.adjusted.reshape(-1) for table in tables])
    known = ~np.isnan(single)
    assert np.all(joint[known] >= single[known] - 1e-15)
    assert np.nanmin(book.table("w2024", "q1", "origin").adjusted) < 0.01
    assert np.isnan(book.table("w2024", "q3", "district").p_value).all()


def test_trend_without_break_has_a_change_and_a_verdict(book):
    trend = book.trends[0]
    assert trend.runs == (("w2020", "w2024"),)
    assert len(trend.changes) == len(trend.unchanged) == 1
    assert trend.unchanged[0].finding == "unchanged"


def test_a_break_leaves_points_without_a_line_or_a_test():
    waves = two_waves(items=1, responses=400)
    other = Fielding("w2024", "new words", "s", "web", "register", frozenset({"de"}), "18+")
    waves["w2024"] = wave("w2024", 2024.0, items=1, responses=400, seed=2, fielding=other)
    trend = build(read(plan_document(outside=[], disclosure={})), waves).trends[0]
    assert trend.runs == (("w2020",), ("w2024",))
    assert trend.changes == trend.unchanged == ()
    assert [found.kinds for found in trend.breaks] == [("wording",)]


def test_outside_figure_stands_beside_ours(book):
    found = book.comparisons[0]
    assert found.theirs.source == "published"
    assert found.change.estimate == pytest.approx(0.3 - found.ours.estimate)


def test_headline(book):
    headline = book.headlines[0]
    assert headline.low < headline.share < headline.high
    assert headline.mark == ""


def test_same_plan_same_numbers(book):
    again = build(read(plan_document()), two_waves())
    for one, two in zip(book.tables, again.tables, strict=True):
        assert np.array_equal(one.figures.high, two.figures.high, equal_nan=True)
        assert np.array_equal(one.adjusted, two.adjusted, equal_nan=True)


def test_progress_and_stop():
    seen = []
    build(read(plan_document()), two_waves(items=3, responses=300), lambda part: seen.append(part))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(Cancelled):
        build(read(plan_document()), two_waves(items=3, responses=300), lambda part: True)
