"""Separate processes: sign-in happens in the office, its session is good in the others."""

from dataclasses import replace

import pytest

import config
from app import create_app
from stores import office
from tests.pages import PageClient
from tests.web.accounts.conftest import PASSWORD
from web.accounts import current_account
from web.audit import audit
from web.rooms import Room, furnish


@pytest.fixture
def process(settings):
    """A function that starts the process of one role on the same stores."""

    def start(role, *rooms):
        urls = {store: url for store, url in settings.urls.items() if store in config.STORES_OF_ROLE[role]}
        app = create_app(replace(settings, role=role, urls=urls, secrets=config.demo_secrets(role)))
        app.test_client_class = PageClient
        for room in rooms:
            furnish(app, room, app.extensions["csrf"], role)
        return app

    return start


def clerks_room():
    room = Room(
        "drawer",
        __name__,
        audience="staff",
        roles=("register_clerk",),
        processes=("register",),
        url_prefix="/office/drawer",
    )

    @room.get("/")
    def look():
        audit(office, current_account(), "drawer.look", "drawer 1")
        return {"email": current_account().email}

    return room


def test_the_offices_session_opens_the_registers_rooms(process, person):
    desk, register = process("office"), process("register", clerks_room())
    clerk = person("register_clerk", at=desk)
    assert clerk.sign_in(PASSWORD).location == "/office"
    cookie = clerk.client.get_cookie("office", path="/office")
    visitor = register.test_client()
    assert visitor.get("/office/drawer/").location.startswith("/office/login?next=")
    visitor.set_cookie("office", cookie.value, path="/office")
    assert visitor.get("/office/drawer/").json == {"email": clerk.email}
    with desk.app_context(), office.read() as session:
        from web.audit import store

        entries, _ = store.page(session, store.Filter(action="drawer"), 1)
    assert [(entry.process, entry.account, entry.target) for entry in entries] == [
        ("register", clerk.email, "drawer 1")
    ]
    clerk.client.submit("/office/logout", {}, at="/office")
    assert visitor.get("/office/drawer/").status_code == 302


def test_other_processes_offer_no_sign_in(process):
    client = process("register").test_client()
    for path in ("/office/login", "/office/change", "/office/tf-setup", "/office/accounts/"):
        assert client.get(path).status_code == 404


def test_a_public_process_knows_no_staff_at_all(process):
    app = process("public")
    assert "security" not in app.extensions
    assert app.config["SECRET_KEY"] is None
    response = app.test_client().get("/office/accounts/")
    assert response.status_code == 404
    assert "public.css" in response.text
    assert app.test_client().get("/").status_code == 200
