"""Sessions below /office only."""

import hashlib

import pytest
from flask import session

from web.rooms import Room, furnish
from web.sessions import is_staff_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/office", True),
        ("/office/", True),
        ("/office/x", True),
        ("/officer", False),
        ("/", False),
        ("/s/a", False),
    ],
)
def test_staff_paths(path, expected):
    assert is_staff_path(path) is expected


def test_cookies_are_signed_with_a_digest_of_today(app):
    assert app.session_interface.get_signing_serializer(app).signer_kwargs["digest_method"] is hashlib.sha256


@pytest.mark.parametrize("audience", ["respondent", "public", "machine"])
def test_writing_a_session_elsewhere_has_no_effect(app, audience):
    room = Room("forgetful", __name__, audience=audience, url_prefix="/forgetful")

    @room.get("/")
    def write():
        session["seen"] = session.get("seen", 0) + 1
        return {"seen": session["seen"]}

    furnish(app, room, app.extensions["csrf"], "all")
    client = app.test_client()
    assert [client.get("/forgetful/").json for _ in range(2)] == [{"seen": 1}, {"seen": 1}]
    assert client._cookies == {}
