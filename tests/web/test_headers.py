"""Headers, cookies and access of every route, asked of the URL map: a new route cannot forget them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app import create_app
from web.rooms import audience_of

#: Routes that belong to libraries, not to a room: files that everybody may have.
FILES = {"static", "bootstrap.static"}


def address(rule: Rule) -> str:
    """An address that fits the rule, with stand-ins for its variables."""
    stand_ins = dict(rule.defaults or {})
    for name in rule.arguments - set(stand_ins):
        converter = type(rule._converters[name]).__name__
        stand_ins[name] = {"IntegerConverter": 1, "UUIDConverter": "0" * 32}.get(converter, "nothing")
    return str(rule.build(stand_ins)[1])  # type: ignore[index]


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, address(rule)


def visit(app: Flask, method: str, path: str):
    return app.test_client().open(path, method=method, lint=False)


def test_every_route_belongs_to_a_room(app):
    rooms = app.extensions["rooms"]
    strangers = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.rsplit(".", 1)[0] not in {*rooms, "security"}
    }
    assert strangers == FILES


def test_every_route_has_its_headers(app):
    for endpoint, method, path in routes(app):
        response = visit(app, method, path)
        place = f"{method} {path} ({response.status_code})"
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy, place
        assert "unsafe-eval" not in policy, place
        assert policy.startswith("default-src 'none'; script-src 'self'"), place
        assert response.headers["X-Content-Type-Options"] == "nosniff", place
        assert response.headers["Referrer-Policy"] == "no-referrer", place
        assert "camera=()" in response.headers["Permissions-Policy"], place
        if "frame-ancestors 'none'" in policy:
            assert response.headers["X-Frame-Options"] == "DENY", place
        else:
            assert audience_of(app, endpoint) == "public", f"{place} may be framed"
        if audience_of(app, endpoint) == "staff" or (method == "POST" and endpoint not in FILES):
            assert "no-store" in response.headers["Cache-Control"], place
        response.close()


def test_only_staff_routes_set_cookies(app):
    for endpoint, method, path in routes(app):
        response = visit(app, method, path)
        if audience_of(app, endpoint) != "staff":
            assert "Set-Cookie" not in response.headers, f"{method} {path}"
            assert "Cookie" not in response.headers.get("Vary", ""), f"{method} {path}"
        for cookie in response.headers.getlist("Set-Cookie"):
            assert "Path=/office" in cookie, f"{method} {path}"
            assert "HttpOnly" in cookie, f"{method} {path}"
            assert "SameSite=Lax" in cookie, f"{method} {path}"
        response.close()


def test_errors_have_the_headers_too(app):
    for path in ("/nowhere", "/office/nowhere", "/s/nowhere/at/all", "/%ff"):
        response = visit(app, "GET", path)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "Set-Cookie" not in response.headers or path.startswith("/office")


def test_a_signed_in_session_does_not_reach_residents_pages(app, as_role):
    """The cookie's path keeps it away; and were it sent, the page would not read it."""
    client = as_role("administrator")
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"], path="/office")
    response = client.get("/", headers={"Cookie": f"{cookie.key}={cookie.value}"})
    assert "administrator" not in response.text
    assert "Set-Cookie" not in response.headers


def test_transport_security_only_over_tls(settings):
    plain = create_app(settings).test_client().get("/health/live")
    assert "Strict-Transport-Security" not in plain.headers
    app = create_app(replace(settings, base_url="https://city.example.org"))
    secure = app.test_client().get("/health/live")
    assert secure.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    login = app.test_client().get("/office/login", base_url="https://city.example.org")
    assert login.headers["Set-Cookie"].startswith("__Secure-office=")
    assert "Secure" in login.headers["Set-Cookie"]


@pytest.mark.parametrize("role", ["public", "register", "office", "analysis", "entry"])
def test_a_process_serves_only_its_rooms(settings, role):
    import config

    allowed = config.STORES_OF_ROLE[role]
    own = replace(
        settings,
        role=role,
        urls={store: url for store, url in settings.urls.items() if store in allowed},
        secrets=config.demo_secrets(role),
    )
    app = create_app(own)
    for name, room in app.extensions["rooms"].items():
        assert role in room.processes, name
    assert ("security.login" in app.view_functions) == (role == "office")
    assert app.test_client().get("/health/live").status_code == 200
    assert ("staff" in app.extensions["rooms"]) == (role != "public")
