"""What is published about access: read back as written, and refused where it cannot be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from participation.access import admission
from participation.access.admission import Access, AccessError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAVE = Access("wave-1", "survey", ("sealed",), "open", opens=NOON, closes=NOON + timedelta(days=1), grace=60)


def test_a_document_reads_back():
    assert admission.read(admission.document(WAVE)) == WAVE
    ballots = Access(
        "c", "conference", ("sealed", "two_office"), "announced", "r1", pool=None, revisable=True
    )
    assert admission.read(admission.document(ballots)) == ballots
    assert (WAVE.key, ballots.key) == ("wave-1", "c/r1")
    assert admission.key_of("c", "r1") == ballots.key


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"levels": ()}, "levels"),
        ({"levels": ("named",)}, "levels"),
        ({"levels": ("open", "sealed")}, "levels"),
        ({"kind": "poll"}, "kind"),
        ({"state": "paused"}, "state"),
        ({"pool": 49}, "pool"),
        ({"revisable": True}, "pool"),
        ({"opens": datetime(2026, 3, 2)}, "dates"),  # noqa: DTZ001 - that is the fault
        ({"closes": NOON - timedelta(days=1)}, "dates"),
    ],
)
def test_what_cannot_be_published_is_named(changes, code):
    with pytest.raises(AccessError) as caught:
        admission.document(replace(WAVE, **changes))
    assert caught.value.code == code


def test_opening_hours():
    second = timedelta(seconds=1)
    assert not WAVE.accepts(NOON - second)
    assert WAVE.accepts(NOON)
    assert WAVE.accepts(WAVE.closes + 59 * second)
    assert not WAVE.accepts(WAVE.closes + 60 * second)
    assert (WAVE.over(WAVE.closes + 59 * second), WAVE.over(WAVE.closes + 60 * second)) == (False, True)
    held = replace(WAVE, held=True)
    assert not held.accepts(WAVE.closes + 60 * second)
    assert not held.over(WAVE.closes + 60 * second)
    assert replace(held, state="closed").over(WAVE.closes)
    forever = replace(WAVE, opens=None, closes=None)
    assert forever.accepts(NOON)
    assert not forever.over(NOON + timedelta(days=9999))
    for state, over in (("announced", False), ("closed", True)):
        changed = replace(WAVE, state=state)
        assert (changed.accepts(NOON), changed.over(NOON)) == (False, over)
