"""The staff navigation."""

from dataclasses import replace

import config
from app import create_app
from web.accounts import SignedIn
from web.navigation import entries

ADMINISTRATOR = SignedIn(1, "a@example.org", "A", frozenset({"administrator"}))


def test_entries_by_role_with_the_current_room_marked(app):
    with app.test_request_context("/office/audit/"):
        found = {entry.url: entry for entry in entries(ADMINISTRATOR)}
        assert found["/office/audit/"].current
        assert not found["/office/accounts/"].current
        assert found["/office/audit/"].label == "Protokoll"
        assert entries(None) == []
        for role in ("editor", "register_clerk", "analyst"):
            person = replace(ADMINISTRATOR, roles=frozenset({role}))
            assert {"/office/audit/", "/office/accounts/"}.isdisjoint(entry.url for entry in entries(person))


def test_rooms_of_other_processes_are_linked_too(settings):
    role = "analysis"
    urls = {store: url for store, url in settings.urls.items() if store in config.STORES_OF_ROLE[role]}
    app = create_app(replace(settings, role=role, urls=urls, secrets=config.demo_secrets(role)))
    with app.test_request_context("/office"):
        urls = [entry.url for entry in entries(ADMINISTRATOR)]
        assert {"/office/audit/", "/office/accounts/"} <= set(urls)


def test_pages_below_a_room_belong_to_its_entry(app):
    clerk = replace(ADMINISTRATOR, roles=frozenset({"register_clerk"}))
    for path, current in (
        ("/office/register/wave-1/letters", ["/office/register/"]),
        ("/office/register/plan", ["/office/register/plan"]),
        ("/office", []),
    ):
        with app.test_request_context(path):
            assert [entry.url for entry in entries(clerk) if entry.current] == current
