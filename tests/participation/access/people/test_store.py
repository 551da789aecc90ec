"""The people of a sample on both engines."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from participation.access import codes, sample
from participation.access.issuing import store as issuing
from participation.access.people import store
from participation.access.register import store as register_store
from participation.access.register.store import RegisterFault, StratumSpec
from stores import published

TODAY = date(2026, 3, 2)
KEY = b"digest key"


def person(number, stratum="a", **bands):
    address = {"name": f"Name 100%_{number}", "street": f"Street {number}", "postcode": f"{9 - number:05}"}
    return sample.Person(f"R{number}", stratum, address, "Syrien", ("ar", "de"), bands)


@pytest.fixture
def place(stores_on):
    with stores_on.register.begin() as session:
        register_store.create_admission(session, "w", "survey", "Living here", date(2027, 1, 1))
        specs = [StratumSpec("a", "A", 1000), StratumSpec("b", "B", 500, shares_key_with="a")]
        register_store.set_strata(session, "w", specs)
        people = [person(number, "ab"[number % 2], age="18-39") for number in range(6)]
        assert store.import_people(session, "w", people) == 6
    return stores_on


def test_an_import_keeps_no_order_of_the_file(place):
    with place.register.read() as session:
        rows = session.execute(text("SELECT id, reference FROM person ORDER BY id")).all()
        assert store.known_references(session, "w") == {f"R{number}" for number in range(6)}
        assert store.people_by_stratum(session, "w") == {"a": 3, "b": 3}
        assert {one.code: one.invited for one in register_store.strata_of(session, "w")} == {"a": 3, "b": 3}
    assert len({bytes(row[0]) for row in rows}) == 6


def test_who_came_without_a_reference_is_known_by_address(place):
    bare = sample.Person(None, "a", {"name": "Ada", "street": "Way 1"}, None, ("de",), {})
    with place.register.begin() as session:
        store.import_people(session, "w", [bare])
        assert store.known_addresses(session, "w") == {("Ada", "Way 1", "")}
        assert store.known_addresses(session, "other") == frozenset()


def test_a_search_for_what_no_text_can_hold_fails_as_bad_input(place):
    """PostgreSQL refuses a NUL as `DataError`, which pages answer as a bad request."""
    with place.register.read() as session:
        try:
            assert store.by_name(session, "w", "a\0b") == []
        except DataError:
            assert place.dialect == "postgresql"


def test_an_import_that_is_stopped_writes_nobody(place):
    def stop(done):
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError), place.register.begin() as session:
        store.import_people(session, "w", [person(9)], stop)
    with place.register.read() as session:
        assert store.by_reference(session, "w", "R9") is None


def test_people_are_found_and_their_state_kept(place):
    with place.register.begin() as session:
        one = store.by_reference(session, "w", "R3")
        assert store.by_name(session, "w", "100%_3") == [one]
        assert store.by_name(session, "w", "1003") == []
        assert len(store.by_name(session, "w", "STREET")) == 6
        assert store.person(session, "other", one.id) is None
        store.set_state(session, one, "refused", TODAY)
        store.set_state(session, one, "refused", date(2026, 4, 1))
        assert (one.state, one.state_on) == ("refused", TODAY)
        with pytest.raises(RegisterFault):
            store.set_state(session, one, "lost", TODAY)


def test_letters_go_by_street_and_reminders_to_the_silent(place):
    with place.register.begin() as session:
        ids = store.recipients(session, "w", 0)
        assert [one.reference for one in store.people_of(session, ids)] == [
            f"R{n}" for n in (5, 4, 3, 2, 1, 0)
        ]
        assert store.recipients(session, "w", 1) == []
        made = register_store.make_person_codes(session, ids[:4], 0, TODAY, KEY)
        assert store.recipients(session, "w", 0) == ids[4:]
        digest = codes.digest(made[ids[0]], KEY)
        assert store.by_code(session, "w", digest).id == ids[0]
        assert store.by_code(session, "w", bytes(32)) is None
        issuing.book_slip(session, digest, "", TODAY)
        assert store.recipients(session, "w", 1) == ids[1:4]
        assert [(one.letter, one.people) for one in store.mailings(session, "w")] == [(0, 4)]
        with pytest.raises(RegisterFault, match="codes_made"):
            store.remove_people(session, "w")
        (found,) = store.classes(session, "w")
        assert (found.invited, found.issued, found.outcomes.unknown) == (6, 1, 5)


def test_rules_are_kept_and_taken_back(place):
    with place.register.begin() as session:
        store.set_rule(session, "iq", ["ckb"])
        store.set_rule(session, "iq", [])
        assert store.rules(session) == {"iq": []}
        store.remove_rule(session, "iq")
        assert store.rules(session) == {}
        assert store.languages_of_people(session, "w") == {"ar": 6, "de": 6}
        assert store.variables(session, "w") == ["age"]


def test_an_import_can_be_taken_back(place):
    with place.register.begin() as session:
        assert store.remove_people(session, "w") == 6
        assert {one.invited for one in register_store.strata_of(session, "w")} == {0}


def test_published_figures_name_nobody(place):
    with place.register.begin() as session, place.collector.begin() as collector:
        document = store.publish_returns(session, collector, "w", final=False)
        assert published(collector, "register", "returns", "w") == document
        assert published(collector, "register", "letterhead", "w")["delete_on"] == "2027-01-01"
    assert document["strata"]["b"] == {"label": "B", "N": 500, "n": 3, "key": None}
    assert document["classes"] == {"age": [], "stratum": []}
    assert document["keys"] == {}


def test_a_purge_leaves_no_row_in_the_files(place):
    with place.register.begin() as session:
        register_store.purge(session, date(2027, 1, 1))
    register_store.clear_traces(place.register)
    with place.register.read() as session:
        assert session.execute(text("SELECT count(*) FROM person")).scalar() == 0
    if place.dialect == "sqlite":
        from pathlib import Path

        files = Path(place.register.engine.url.database).parent.glob("register.sqlite*")
        assert not any(b"Street 3" in file.read_bytes() for file in files)
