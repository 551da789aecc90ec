"""The audit log can only grow: plain SQL on both engines."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from web.accounts import SignedIn
from web.audit import audit

CLERK = SignedIn(7, "clerk@example.org", "A Clerk", frozenset({"editor"}))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET account = 'somebody else'",
        "UPDATE audit_entry SET details = '{}' WHERE id = 1",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE id = 1",
    ],
)
def test_entries_can_be_neither_changed_nor_deleted(stores_on, statement):
    audit(stores_on.office, CLERK, "survey.open", "survey mobility", {"n": 1})
    with pytest.raises(DBAPIError, match="append-only"), stores_on.office.begin() as session:
        session.execute(text(statement))
    with stores_on.office.read() as session:
        rows = session.execute(text("SELECT account, action, target FROM audit_entry")).all()
    assert [tuple(row) for row in rows] == [("clerk@example.org", "survey.open", "survey mobility")]
