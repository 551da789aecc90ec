"""Writing and reading the audit log, on both engines."""

from datetime import UTC, date, datetime

import pytest

from web.accounts import SignedIn
from web.audit import audit, store

CLERK = SignedIn(7, "clerk@example.org", "A Clerk", frozenset({"editor"}))


def test_an_entry_says_who_what_when_and_where(stores_on):
    before = datetime.now(UTC)
    audit(stores_on.office, CLERK, "survey.wave.open", "wave 3", {"channel": "open"})
    audit(stores_on.office, None, "account.create")
    with stores_on.office.read() as session:
        entries, total = store.page(session, store.Filter(), 1)
    newest, oldest = entries
    assert total == 2
    assert (oldest.account_id, oldest.account, oldest.action) == (7, "clerk@example.org", "survey.wave.open")
    assert (oldest.target, oldest.details, oldest.process) == ("wave 3", {"channel": "open"}, "all")
    assert before <= oldest.at.replace(tzinfo=UTC) <= datetime.now(UTC)
    assert (newest.account_id, newest.account, newest.details) == (None, "command line", {})


def test_an_entry_falls_with_its_transaction(stores_on):
    def write_and_fail():
        with stores_on.office.begin() as session:
            audit(session, CLERK, "survey.open")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with stores_on.office.read() as session:
        assert store.page(session, store.Filter(), 1) == ([], 0)


@pytest.mark.parametrize("action", ["open", "Survey.open", "survey open", "survey.", ""])
def test_actions_are_fixed_words(stores_on, action):
    with pytest.raises(ValueError, match="audit action"):
        audit(stores_on.office, CLERK, action)


def test_filters_and_pages(stores_on):
    other = SignedIn(8, "other@example.org", "Other", frozenset())
    with stores_on.office.begin() as session:
        for day in range(1, 31):
            moment = datetime(2026, 11, day, 23, 59, 59, tzinfo=UTC)
            for number in range(4):
                who = CLERK if number else other
                store.append(session, who, "a_b.c" if number else "axb.c", f"{day}", None, now=moment)
    with stores_on.office.read() as session:
        first, total = store.page(session, store.Filter(), 1)
        second, _ = store.page(session, store.Filter(), 2)
        assert (total, len(first), len(second)) == (120, 100, 20)
        assert [entry.target for entry in (first[0], second[-1])] == ["30", "1"]
        assert store.page(session, store.Filter(account="other@example.org"), 1)[1] == 30
        # The underscore is a letter here, not a wildcard.
        assert store.page(session, store.Filter(action="a_b"), 1)[1] == 90
        day = store.Filter(first=date(2026, 11, 5), last=date(2026, 11, 5))
        assert [entry.target for entry in store.every(session, day)] == ["5"] * 4
        assert store.actors(session) == ["clerk@example.org", "other@example.org"]
