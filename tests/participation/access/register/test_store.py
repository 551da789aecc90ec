"""The register's core on both engines."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from participation.access import blind, codes, journal
from participation.access.register import store
from participation.access.register.models import Person
from participation.access.register.store import RegisterFault, StratumSpec
from tests.participation.access.conftest import DIGEST_KEY, TODAY

REQUEST = store.request_digest(b"blinded")


def digest(code):
    return codes.digest(code, DIGEST_KEY)


def fault(call, *arguments):
    with pytest.raises(RegisterFault) as caught:
        call(*arguments)
    return caught.value.code


def add_people(session, amount, stratum="a"):
    people = [
        Person(admission="wave-1", stratum=stratum, address={"name": f"N{index}"}, languages=["de"])
        for index in range(amount)
    ]
    session.add_all(people)
    session.flush()
    return people


def test_a_code_is_issued_once_and_the_same_request_is_told_the_same(stores_on, wave):
    code = digest(wave.codes[0])
    with stores_on.register.begin() as session:
        assert store.state_of(session, code) == "good"
        first = store.issue(session, code, "", wave.key, REQUEST, TODAY)
        assert (first.repeated, first.entry.issued_on) == (False, TODAY)
    with stores_on.register.begin() as session:
        again = store.issue(session, code, "", wave.key, REQUEST, date(2026, 3, 9))
        assert (again.repeated, again.entry) == (True, first.entry)
        other = store.request_digest(b"another blinded message")
        assert fault(store.issue, session, code, "", wave.key, other, TODAY) == "used"
        assert store.state_of(session, code) == "used"
        assert store.issued_counts(session, "wave-1") == {wave.key.mark: 1}


def test_unknown_codes_and_keys_of_others_are_refused(stores_on, wave):
    with stores_on.register.begin() as session:
        assert fault(store.issue, session, bytes(32), "", wave.key, REQUEST, TODAY) == "unknown"
        assert store.state_of(session, bytes(32)) == "unknown"
        stranger = store.SigningKey(id="x", admission="wave-2", round="", mark=wave.key.mark, n="1", e=3)
        assert fault(store.issue, session, digest(wave.codes[0]), "", stranger, REQUEST, TODAY) == "other_key"
        assert (
            fault(store.issue, session, digest(wave.codes[0]), "r2", wave.key, REQUEST, TODAY) == "other_key"
        )


def test_the_first_code_used_closes_all_codes_of_a_person(stores_on, wave):
    with stores_on.register.begin() as session:
        (person,) = add_people(session, 1)
        invitation = store.make_person_codes(session, [person.id], 0, TODAY, DIGEST_KEY)[person.id]
        reminder = store.make_person_codes(session, [person.id], 1, TODAY, DIGEST_KEY)[person.id]
        store.issue(session, digest(invitation), "", wave.key, REQUEST, TODAY)
        assert store.state_of(session, digest(reminder)) == "used"
        # The same blinded value under the other code is no retry: it would tell two letters of one person.
        assert fault(store.issue, session, digest(reminder), "", wave.key, REQUEST, TODAY) == "used"


def test_who_refused_gets_no_token(stores_on, wave):
    with stores_on.register.begin() as session:
        (person,) = add_people(session, 1)
        code = store.make_person_codes(session, [person.id], 0, TODAY, DIGEST_KEY)[person.id]
        person.state = "refused"
        session.flush()
        assert store.state_of(session, digest(code)) == "withdrawn"
        assert fault(store.issue, session, digest(code), "", wave.key, REQUEST, TODAY) == "withdrawn"


def test_slips_are_booked_like_codes_and_counted_apart(stores_on, wave):
    with stores_on.register.begin() as session:
        store.book_slip(session, digest(wave.codes[0]), "", TODAY)
        assert fault(store.book_slip, session, digest(wave.codes[0]), "", TODAY) == "used"
        store.issue(session, digest(wave.codes[1]), "", wave.key, REQUEST, TODAY)
        assert fault(store.book_slip, session, digest(wave.codes[1]), "", TODAY) == "used"
        assert store.booked_slips(session, "wave-1") == {wave.key.mark: 1}
        assert store.issued_counts(session, "wave-1") == {wave.key.mark: 2}


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


def test_a_locked_register_issues_nothing_until_its_journal_is_replayed(stores_on, wave, tmp_path):
    path = tmp_path / "issued.journal"
    with stores_on.register.begin() as session:
        issued = [
            store.issue(session, digest(code), "", wave.key, REQUEST, TODAY).entry for code in wave.codes[:3]
        ]
        journal.append(path, issued)
    with stores_on.register.begin() as session:  # a backup from before the last two
        session.execute(text("DELETE FROM issue WHERE digest <> :kept"), {"kept": issued[0].digest})
        store.lock(session, "restored")
        store.lock(session, "restored again")
    with stores_on.register.begin() as session:
        assert store.lock_reason(session) == "restored again"
        assert fault(store.issue, session, digest(wave.codes[2]), "", wave.key, REQUEST, TODAY) == "locked"
        assert {entry.digest for entry in store.missing_issues(session, journal.entries(path))} == {
            entry.digest for entry in issued[1:]
        }
        assert store.replay(session, journal.entries(path)) == 2
        assert store.lock_reason(session) is None
        other = store.request_digest(b"another")
        assert fault(store.issue, session, digest(wave.codes[2]), "", wave.key, other, TODAY) == "used"
        assert store.issue(session, digest(wave.codes[2]), "", wave.key, REQUEST, TODAY).repeated
        assert store.replay(session, journal.entries(path)) == 0


def test_purge_removes_people_and_codes_when_their_day_has_come(stores_on, wave):
    with stores_on.register.begin() as session:
        add_people(session, 2)
        store.issue(session, digest(wave.codes[0]), "", wave.key, REQUEST, TODAY)
        store.admission_of(session, "wave-1").delete_on = TODAY
        session.flush()
        assert store.purge(session, date(2026, 3, 1)) == {}
        assert store.purge(session, TODAY) == {"wave-1": 2}
        assert store.purge(session, TODAY) == {}
        assert store.state_of(session, digest(wave.codes[0])) == "unknown"
        entry = journal.Entry(bytes(32), "", bytes(32), "wave-1", "m", TODAY, REQUEST)
        assert store.missing_issues(session, [entry]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE issue SET issued_on = '2020-01-01'",
        "UPDATE signing_key SET mark = 'XXXXX'",
    ],
)
def test_what_was_issued_cannot_be_rewritten_by_sql(stores_on, wave, statement):
    with stores_on.register.begin() as session:
        store.issue(session, digest(wave.codes[0]), "", wave.key, REQUEST, TODAY)
    with (
        pytest.raises(DBAPIError, match=r"stays issued|cannot be changed"),
        stores_on.register.begin() as session,
    ):
        session.execute(text(statement))
