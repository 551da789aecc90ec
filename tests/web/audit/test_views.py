"""Page and CSV of the audit log."""

import csv
import io

from stores import office
from web.accounts import SignedIn
from web.audit import audit

CLERK = SignedIn(7, "clerk@example.org", "A Clerk", frozenset())


def fill(app, number=1):
    with app.app_context():
        for index in range(number):
            audit(office, CLERK, "survey.open", f"=SUM({index})", {"umlaut": "ü"})


def test_the_page_shows_entries_and_pages(app, as_role):
    fill(app, 101)
    client = as_role("administrator")
    first = client.get("/office/audit/").text
    assert first.count("<code>survey.open</code>") == 100
    assert "101 Einträge" in first
    assert client.get("/office/audit/?page=2").text.count("<code>survey.open</code>") == 1
    assert client.get("/office/audit/?page=0").text.count("<code>survey.open</code>") == 100
    assert client.get("/office/audit/?page=abc").status_code == 200
    assert "0 Einträge" in client.get("/office/audit/?account=nobody&first=garbage").text


def test_the_csv_is_complete_and_harmless_in_spreadsheets(app, as_role):
    fill(app, 2)
    response = as_role("administrator").get("/office/audit/log.csv")
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    lines = list(csv.reader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))
    assert lines[0][:3] == ["number", "at", "process"]
    assert [line[4:] for line in lines[1:3]] == [
        ["clerk@example.org", "survey.open", f"'=SUM({index})", '{"umlaut": "ü"}'] for index in range(2)
    ]
    assert lines[1][1].endswith("+00:00")


def test_downloading_is_an_entry_itself(app, as_role):
    client = as_role("administrator")
    client.get("/office/audit/log.csv").close()
    assert "audit.download" in client.get("/office/audit/?action=audit").text


def test_details_are_said_in_words(app, as_role):
    with app.app_context():
        audit(office, CLERK, "survey.open", "s", {"n": 3, "by": ["app", "code"], "where": {"x": "<"}})
    page = as_role("administrator").get("/office/audit/?action=survey").text
    assert '<td>n: 3; by: app, code; where: {"x": "\\u003c"}</td>' in page
