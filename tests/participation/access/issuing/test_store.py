"""Each code once, alone and many at a time, on both engines."""

from datetime import date

from sqlalchemy import text

from participation.access import journal
from participation.access.issuing import store as issuing
from participation.access.register import store
from tests.participation.access.conftest import DIGEST_KEY, REQUEST, TODAY, add_people, digest, fault


def test_a_code_is_issued_once_and_the_same_request_is_told_the_same(stores_on, wave):
    code = digest(wave.codes[0])
    with stores_on.register.begin() as session:
        assert issuing.state_of(session, code) == "good"
        first = issuing.issue(session, code, "", wave.key, REQUEST, TODAY)
        assert (first.repeated, first.entry.issued_on) == (False, TODAY)
    with stores_on.register.begin() as session:
        again = issuing.issue(session, code, "", wave.key, REQUEST, date(2026, 3, 9))
        assert (again.repeated, again.entry) == (True, first.entry)
        other = issuing.request_digest(b"another blinded message")
        assert fault(issuing.issue, session, code, "", wave.key, other, TODAY) == "used"
        assert issuing.state_of(session, code) == "used"
        assert store.issued_counts(session, "wave-1") == {wave.key.mark: 1}


def test_unknown_codes_and_keys_of_others_are_refused(stores_on, wave):
    with stores_on.register.begin() as session:
        assert fault(issuing.issue, session, bytes(32), "", wave.key, REQUEST, TODAY) == "unknown"
        assert issuing.state_of(session, bytes(32)) == "unknown"
        stranger = store.SigningKey(id="x", admission="wave-2", round="", mark=wave.key.mark, n="1", e=3)
        assert (
            fault(issuing.issue, session, digest(wave.codes[0]), "", stranger, REQUEST, TODAY) == "other_key"
        )
        assert (
            fault(issuing.issue, session, digest(wave.codes[0]), "r2", wave.key, REQUEST, TODAY)
            == "other_key"
        )


def test_the_first_code_used_closes_all_codes_of_a_person(stores_on, wave):
    with stores_on.register.begin() as session:
        (person,) = add_people(session, 1)
        invitation = store.make_person_codes(session, [person.id], 0, TODAY, DIGEST_KEY)[person.id]
        reminder = store.make_person_codes(session, [person.id], 1, TODAY, DIGEST_KEY)[person.id]
        issuing.issue(session, digest(invitation), "", wave.key, REQUEST, TODAY)
        assert issuing.state_of(session, digest(reminder)) == "used"
        # The same blinded value under the other code is no retry: it would tell two letters of one person.
        assert fault(issuing.issue, session, digest(reminder), "", wave.key, REQUEST, TODAY) == "used"


def test_who_refused_gets_no_token(stores_on, wave):
    with stores_on.register.begin() as session:
        (person,) = add_people(session, 1)
        code = store.make_person_codes(session, [person.id], 0, TODAY, DIGEST_KEY)[person.id]
        person.state = "refused"
        session.flush()
        assert issuing.state_of(session, digest(code)) == "withdrawn"
        assert fault(issuing.issue, session, digest(code), "", wave.key, REQUEST, TODAY) == "withdrawn"


def test_slips_are_booked_like_codes_and_counted_apart(stores_on, wave):
    with stores_on.register.begin() as session:
        issuing.book_slip(session, digest(wave.codes[0]), "", TODAY)
        assert fault(issuing.book_slip, session, digest(wave.codes[0]), "", TODAY) == "used"
        issuing.issue(session, digest(wave.codes[1]), "", wave.key, REQUEST, TODAY)
        assert fault(issuing.book_slip, session, digest(wave.codes[1]), "", TODAY) == "used"
        assert store.booked_slips(session, "wave-1") == {wave.key.mark: 1}
        assert store.issued_counts(session, "wave-1") == {wave.key.mark: 2}


def test_a_locked_register_issues_nothing_until_its_journal_is_replayed(stores_on, wave, tmp_path):
    path = tmp_path / "issued.journal"
    with stores_on.register.begin() as session:
        issued = [
            issuing.issue(session, digest(code), "", wave.key, REQUEST, TODAY).entry
            for code in wave.codes[:3]
        ]
        journal.append(path, issued)
    with stores_on.register.begin() as session:  # a backup from before the last two
        session.execute(text("DELETE FROM issue WHERE digest <> :kept"), {"kept": issued[0].digest})
        store.lock(session, "restored")
        store.lock(session, "restored again")
    with stores_on.register.begin() as session:
        assert store.lock_reason(session) == "restored again"
        assert fault(issuing.issue, session, digest(wave.codes[2]), "", wave.key, REQUEST, TODAY) == "locked"
        assert {entry.digest for entry in issuing.missing_issues(session, journal.entries(path))} == {
            entry.digest for entry in issued[1:]
        }
        assert issuing.replay(session, journal.entries(path)) == 2
        assert store.lock_reason(session) is None
        other = issuing.request_digest(b"another")
        assert fault(issuing.issue, session, digest(wave.codes[2]), "", wave.key, other, TODAY) == "used"
        assert issuing.issue(session, digest(wave.codes[2]), "", wave.key, REQUEST, TODAY).repeated
        assert issuing.replay(session, journal.entries(path)) == 0


def test_many_codes_at_once_are_told_what_each_would_be_told_alone(stores_on, wave):
    first, second, third = (digest(code) for code in wave.codes[:3])
    other = issuing.request_digest(b"another")
    stranger = store.SigningKey(id="x", admission="wave-2", round="", mark=wave.key.mark, n="1", e=3)

    def asked(code, request=REQUEST, key=wave.key):
        return issuing.Asked(code, "", key, request, TODAY)

    with stores_on.register.begin() as session:
        issuing.issue(session, third, "", wave.key, REQUEST, TODAY)
        told = issuing.issue_all(
            session,
            [
                asked(first),
                asked(first),
                asked(first, other),
                asked(bytes(32)),
                asked(second, key=stranger),
                asked(second),
                asked(third),
                asked(third, other),
            ],
        )
    assert [
        getattr(one, "repeated", None) if isinstance(one, issuing.Issued) else one.code for one in told
    ] == [
        False,
        True,
        "used",
        "unknown",
        "other_key",
        False,
        True,
        "used",
    ]
    with stores_on.register.read() as session:
        assert store.issued_counts(session, "wave-1") == {wave.key.mark: 3}


def test_of_two_letters_to_one_person_in_one_group_the_first_counts(stores_on, wave):
    with stores_on.register.begin() as session:
        (person,) = add_people(session, 1)
        letters = [
            digest(store.make_person_codes(session, [person.id], number, TODAY, DIGEST_KEY)[person.id])
            for number in (0, 1)
        ]
        told = issuing.issue_all(
            session, [issuing.Asked(code, "", wave.key, REQUEST, TODAY) for code in letters]
        )
        assert (told[0].repeated, told[1].code) == (False, "used")


def test_a_locked_register_says_so_to_known_and_unknown_codes(stores_on, wave):
    with stores_on.register.begin() as session:
        store.lock(session, "restored")
        session.flush()
        for code in (digest(wave.codes[0]), bytes(32)):
            assert fault(issuing.issue, session, code, "", wave.key, REQUEST, TODAY) == "locked"
