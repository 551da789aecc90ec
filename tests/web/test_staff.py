"""The front door of the staff side."""

import pytest

from web.staff import own_address


def test_home_lists_the_rooms_of_the_account(as_role):
    administrator = as_role("administrator").get("/office").text
    assert 'href="/office/accounts/"' in administrator
    assert 'href="/office/audit/"' in administrator
    nobody = as_role().get("/office").text
    assert "noch keine Rolle" in nobody
    assert "/office/audit/" not in nobody


def test_the_language_is_kept_for_the_session(as_role):
    client = as_role("administrator")
    assert "Guten Tag" in client.get("/office", headers={"Accept-Language": "de"}).text
    answer = client.submit(
        "/office/language", {"language": "en", "next": "/office/audit/?page=1"}, at="/office"
    )
    assert answer.location == "/office/audit/?page=1"
    page = client.get("/office", headers={"Accept-Language": "de"}).text
    assert "Good day" in page
    assert '<html lang="en" dir="ltr">' in page


def test_strangers_may_choose_the_language_of_the_login(client):
    answer = client.submit(
        "/office/language", {"language": "en", "next": "/office/login"}, at="/office/login"
    )
    assert answer.location == "/office/login"
    assert "<h1>Sign in</h1>" in client.get("/office/login").text


def test_other_languages_are_refused(client):
    assert client.submit("/office/language", {"language": "xx"}, at="/office/login").status_code == 400


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/office/audit/?x=1", "/office/audit/?x=1"),
        ("/office", "/office"),
        ("https://evil.example/office", "/office"),
        ("//evil.example/office", "/office"),
        ("/office/..//evil", "/office"),
        ("/office\\@evil.example", "/office"),
        ("/officer", "/office"),
        ("/s/survey", "/office"),
        ("", "/office"),
        (None, "/office"),
    ],
)
def test_only_own_addresses(address, expected):
    assert own_address(address) == expected
