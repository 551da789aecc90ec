"""The register's core on both engines."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from participation.access import blind, journal
from participation.access.issuing import store as issuing
from participation.access.register import store
from participation.access.register.store import StratumSpec
from tests.participation.access.conftest import DIGEST_KEY, REQUEST, TODAY, add_people, digest, fault


def test_keys_need_frozen_levels_and_strata_that_are_large_enough(stores_on, wave, folder):
    with stores_on.register.begin() as session:
        assert fault(store.make_keys, session, None, folder, TODAY) == "not_frozen"
        assert (
            fault(store.make_keys, session, replace(wave.access, levels=("open",)), folder, TODAY)
            == "not_frozen"
        )
        assert (
            fault(store.make_keys, session, replace(wave.access, admission="no"), folder, TODAY)
            == "no_strata"
        )
        few = {wave.key.mark: 49}
        assert fault(store.make_keys, session, wave.access, folder, TODAY, few) == "too_small"
        kept = store.make_keys(session, wave.access, folder, TODAY, {wave.key.mark: 50})
        assert [key.id for key in kept] == [wave.key.id]
        assert fault(store.set_strata, session, "wave-1", []) == "keys_made"
    private = blind.read_private(folder.read(wave.key.id))
    assert f"{private.public.n:x}" == wave.key.n
    assert store.key_document(wave.key)["fingerprint"].replace(" ", "") == wave.key.id


def test_strata_of_equal_fractions_share_a_mark(stores_on):
    with stores_on.register.begin() as session:
        store.create_admission(session, "w", "survey", "W")
        specs = [StratumSpec("a", "A"), StratumSpec("b", "B", shares_key_with="a"), StratumSpec("c", "C")]
        marks = {row.code: row.mark for row in store.set_strata(session, "w", specs)}
        assert marks["a"] == marks["b"] != marks["c"]
        again = {row.code: row.mark for row in store.set_strata(session, "w", specs)}
        assert again == marks
        assert [row.id for row in store.admission_list(session)] == ["w"]
        assert fault(store.make_batch, session, "w", "z", "table", 1, TODAY, DIGEST_KEY) == "no_strata"


def test_purge_removes_people_and_codes_when_their_day_has_come(stores_on, wave):
    with stores_on.register.begin() as session:
        add_people(session, 2)
        issuing.issue(session, digest(wave.codes[0]), "", wave.key, REQUEST, TODAY)
        store.admission_of(session, "wave-1").delete_on = TODAY
        session.flush()
        assert store.purge(session, date(2026, 3, 1)) == {}
        assert store.purge(session, TODAY) == {"wave-1": 2}
        assert store.purge(session, TODAY) == {}
        assert issuing.state_of(session, digest(wave.codes[0])) == "unknown"
        entry = journal.Entry(bytes(32), "", bytes(32), "wave-1", "m", TODAY, REQUEST)
        assert issuing.missing_issues(session, [entry]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE issue SET issued_on = '2020-01-01'",
        "UPDATE signing_key SET mark = 'XXXXX'",
    ],
)
def test_what_was_issued_cannot_be_rewritten_by_sql(stores_on, wave, statement):
    with stores_on.register.begin() as session:
        issuing.issue(session, digest(wave.codes[0]), "", wave.key, REQUEST, TODAY)
    with (
        pytest.raises(DBAPIError, match=r"stays issued|cannot be changed"),
        stores_on.register.begin() as session,
    ):
        session.execute(text(statement))
