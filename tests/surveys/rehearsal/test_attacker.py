"""The attacker finds every planted connection, and only chance where there is none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from participation.access import blind
from surveys.rehearsal import attacker, people, traces
from surveys.rehearsal.attacker import Evidence, PersonTrace, ResponseTrace
from surveys.rehearsal.seizure import Seizure

NUMBER = 300


def evidence(orders, *, values=lambda person: (), language=lambda person: "de", collector=b"", feature=None):
    """People 0..n with ids of their own; `orders(person, random)` is what the response betrays."""
    random = Random(7)
    traces, responses, truth = [], [], {}
    for person in range(NUMBER):
        traces.append(
            PersonTrace(
                person, "k", person, language(person), values(person), (float(person), random.random())
            )
        )
        identity = random.randbytes(16)
        hint = float(feature(person)) if feature else random.random()
        batch = min(person // 50, 5)
        responses.append(ResponseTrace(identity, "k", batch, orders(person, random), (hint, random.random())))
        truth[identity] = person
    random.shuffle(responses)
    return Evidence(traces, responses, truth, collector, b"")


def nothing(_person, random):
    return {"id": random.random()}


def test_without_a_trace_only_chance_is_left():
    verdict = attacker.attack(evidence(nothing), Random(1))
    assert verdict.chance == pytest.approx(6 / 300)
    assert verdict.held
    assert verdict.people == NUMBER


@pytest.mark.parametrize(
    ("channel", "changes"),
    [
        ("order:created_at", {"orders": lambda person, random: {"created_at": person + random.random() / 2}}),
        ("reverse:backwards", {"orders": lambda person, random: {"backwards": -person}}),
        ("learned", {"orders": nothing, "feature": lambda person: 1000 - 3 * person}),
        (
            "join",
            {
                "orders": nothing,
                "values": lambda person: (b"person%010d" % person,),
                "collector": b"..".join(b"person%010d" % person for person in range(100)),
            },
        ),
        (
            "language",
            {
                "orders": lambda person, random: {"lang": f"x{person % 100}", "again": random.random()},
                "language": lambda person: f"x{person % 100}",
            },
        ),
    ],
)
def test_each_channel_finds_what_it_looks_for(channel, changes):
    verdict = attacker.attack(evidence(**changes), Random(1))
    assert verdict.channels[channel] > verdict.bound
    assert not verdict.held


@pytest.mark.parametrize(
    ("leak", "channel"),
    [
        (
            lambda person: {"created_at": f"2026-03-01T08:{person // 60:02}:{person % 60:02}"},
            "order:created_at",
        ),
        (lambda person: {"number": person + 1}, "order:number"),
        (lambda person: {"rowid": 9_000 - person}, "reverse:rowid"),
        (lambda person: {"day": f"2026-03-{person // 12 + 1:02}"}, "order:day"),
        (lambda person: {"day": f"2026-03-{person // 12 + 1:02}", "tongue": f"x{person % 9}"}, "learned"),
    ],
    ids=["time", "sequence", "rowid", "day", "day and language"],
)
def test_a_column_that_nobody_named_is_a_channel_at_once(leak, channel):
    """Rows as a database gives them: the attacker knows no schema."""
    random, key = Random(5), blind.generate()
    users, responses, truth = [], [], {}
    for person in range(NUMBER):
        used = traces.Used(
            person, random.randbytes(16), f"Person {person}", f"x{person % 9}", "A-B", random.randbytes(32),
            random.randbytes(32), date(2026, 3, person // 12 + 1), person,
        )  # fmt: skip
        users.append(traces.person_trace(used, "k", key, [f"x{number}" for number in range(9)]))
        row = {"id": random.randbytes(16), "record_key": random.randbytes(4), "key_id": "k", "version": 1}
        row |= {"variant": 1, "mode": "self", "ctid": (0, random.randrange(NUMBER)), **leak(person)}
        given = {f"q{number}": str(random.randint(1, 5)) for number in range(30)}
        responses.append(traces.response_trace(person, row, given, {}, min(person // 50, 5)))
        truth[row["id"]] = person
    random.shuffle(responses)
    # The place in the table is that of the random ids, as a query gives it.
    responses = [replace(one, orders={**one.orders, "select": one.id}) for one in responses]
    verdict = attacker.attack(Evidence(users, responses, truth, b"", b""), Random(1))
    assert verdict.channels[channel] > verdict.bound


def test_what_lies_in_a_log_is_joined_in_every_form():
    key = blind.generate()
    used = traces.Used(
        0, b"h" * 16, "Person Number 7", "de", "ABCDE-FGHJK", b"d" * 32, b"r" * 32, date(2026, 3, 1), 0
    )
    values = traces.person_trace(used, "k", key, ["de"]).values
    signed = blind.blind_sign(key, (b"r" * 32).rjust(384, b"\0"))
    for form in (b"h" * 16, (b"d" * 32).hex().encode(), signed, b"ABCDEFGHJK", b"Person Number 7"):
        assert form in values
        assert attacker.positions(values, b"log: " + form + b"\n")


def test_the_batch_channel_uses_the_batches():
    """With batches of one the pool protects nobody, and chance says so."""
    found = evidence(nothing)
    ones = [
        ResponseTrace(one.id, "k", found.truth[one.id], one.orders, one.features) for one in found.responses
    ]
    alone = Evidence(found.people, ones, found.truth, b"", b"", pool=1)
    verdict = attacker.attack(alone, Random(1))
    assert verdict.chance == 1
    assert verdict.bound == NUMBER


def test_nothing_seized_is_nothing_linked():
    verdict = attacker.attack(Evidence([], [], {}, b"", b""), Random(1))
    assert (verdict.linked, verdict.bound, verdict.held) == (0, 0, True)


def test_positions_are_those_of_a_plain_search():
    random = Random(3)
    haystack = bytearray(random.randbytes(5000))
    needles = [random.randbytes(size) for size in (8, 16, 32, 33, 9)]
    for place, needle in zip((3, 700, 1601, 4000, 4990), needles, strict=True):
        haystack[place : place + len(needle)] = needle
    haystack[2000:2016] = needles[1]
    found = attacker.positions([*needles, b"short", b"not in there at all"], bytes(haystack))
    assert found == {needle: bytes(haystack).find(needle) for needle in needles}
    assert attacker.positions([b"short"], b"short") == {}
    assert attacker.positions([b"longer than it"], b"") == {}


def test_a_seizure_keeps_every_block_once(tmp_path):
    (tmp_path / "a").write_bytes(b"a" * 10_000)
    (tmp_path / "folder/1").mkdir(parents=True)
    (tmp_path / "folder/1/template").write_bytes(b"template")
    (tmp_path / "folder/b").write_bytes(b"b" * 10)
    seizure = Seizure()
    seizure.add([tmp_path / "a", tmp_path / "folder", tmp_path / "missing"])
    size = len(seizure.whole())
    seizure.add([tmp_path / "a", tmp_path / "folder"])
    assert len(seizure.whole()) == size
    assert b"a" * 10_000 in seizure.whole()
    assert b"b" * 10 in seizure.whole()
    assert b"template" not in seizure.whole()
    assert b"PATH=" in seizure.whole()


def test_everybody_comes_once_within_the_weeks():
    begin = datetime(2026, 3, 2, 8, tzinfo=UTC)
    planned = people.visits(200, begin, 4, Random(1))
    assert sorted(visit.person for visit in planned) == list(range(200))
    assert [visit.signs for visit in planned] == sorted(visit.signs for visit in planned)
    assert all(visit.signs < visit.sends < begin + timedelta(weeks=5) for visit in planned)
    strata = people.invited(200, 4, Random(1))
    assert {stratum for stratum, _ in strata} == {"s0", "s1", "s2", "s3"}
    assert {language for _, language in strata} == set(people.LANGUAGES)
