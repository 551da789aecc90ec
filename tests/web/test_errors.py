"""Error pages in the reader's language, and logs without a word about residents."""

import logging
from dataclasses import replace

import pytest
from flask import abort, request
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import BadRequest

import stores
from app import create_app
from tests.pages import PageClient
from web import errors
from web.rooms import Room


def answer(app, **headers):
    """A client that speaks one language."""
    client = app.test_client()
    return lambda path, **options: client.open(path, headers=headers, **options)


@pytest.fixture
def broken(settings):
    """The product with rooms for residents and staff in which everything goes wrong."""
    app = create_app(settings)
    app.test_client_class = PageClient
    resident = Room("broken", __name__, audience="respondent", url_prefix="/broken")
    staff = Room("broken_staff", __name__, audience="staff", url_prefix="/office/broken")

    def fail(kind):
        actions = {
            "500": lambda: 1 / 0,
            "503": lambda: (_ for _ in ()).throw(
                OperationalError("INSERT", {"answer": "my secret answer"}, Exception("disk full"))
            ),
            "unstorable": lambda: (_ for _ in ()).throw(
                DataError("SELECT", {"code": "SECRETCODE"}, Exception("text cannot contain NUL"))
            ),
        }
        if kind in actions:
            actions[kind]()
        abort(int(kind))

    resident.route("/<survey>/<kind>", methods=["GET", "POST"])(lambda survey, kind: fail(kind))
    staff.route("/<kind>")(fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    from web.rooms import furnish

    for room in (resident, staff):
        furnish(app, room, app.extensions["csrf"], "all")
    return app


TITLES = {
    400: {"en": "This request could not be read", "de": "Die Anfrage war nicht lesbar"},
    403: {"en": "You may not open this page", "ar": "لا يُسمح لك بفتح هذه الصفحة"},
    404: {"en": "This page does not exist", "de": "Diese Seite gibt es nicht", "ar": "هذه الصفحة غير موجودة"},
    405: {"en": "This does not work here", "ar": "هذا غير ممكن هنا"},
    413: {"de": "Das ist zu groß", "ar": "الحجم أكبر من المسموح"},
    429: {"de": "Zu viele Versuche", "ar": "محاولات كثيرة جدًا"},
    500: {"de": "Bei uns ist etwas schiefgegangen", "ar": "حدث خطأ من جانبنا"},
    503: {"de": "Dieser Dienst ist gerade nicht erreichbar", "ar": "هذه الخدمة غير متاحة حاليًا"},
}


@pytest.mark.parametrize(
    ("code", "language"), [(code, tag) for code, texts in TITLES.items() for tag in texts]
)
def test_pages_speak_the_readers_language(broken, code, language):
    response = answer(broken, **{"Accept-Language": language})(f"/broken/living-here/{code}")
    assert response.status_code == code
    assert f"<h1>{TITLES[code][language]}</h1>" in response.text
    side = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{side}">' in response.text
    assert "Set-Cookie" not in response.headers


def test_the_address_chooses_before_the_browser(client):
    response = client.get("/nowhere?lang=ar", headers={"Accept-Language": "de"})
    assert '<html lang="ar" dir="rtl">' in response.text


def test_every_code_says_what_to_do(app):
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        texts = {code: errors.advice(code) for code in (400, 401, 403, 404, 405, 410, 413, 429, 500, 503)}
        assert all(told.text.endswith(".") for told in texts.values())
        assert len({told.title for told in texts.values()}) == len(texts)
        assert errors.advice(418) == errors.advice(400)
        assert errors.advice(502) == errors.advice(500)


def test_each_audience_keeps_its_shell(broken):
    assert "<style>" in broken.test_client().get("/broken/x/404").text
    assert "public.css" in broken.test_client().get("/nowhere").text
    assert "staff.css" in broken.test_client().get("/office/nowhere").text
    # What failed may be the session or the store, so pages for failures of our own ask for neither.
    assert "<style>" in broken.test_client().get("/broken/x/500").text


def test_programs_get_json(broken):
    response = answer(broken, Accept="application/json", **{"Accept-Language": "en"})("/broken/x/404")
    assert response.json == {
        "status": 404,
        "error": "This page does not exist",
        "remedy": "Check the address for typing errors, or go to the start page.",
    }
    assert answer(broken)("/health/nowhere").json["status"] == 404


def test_wrong_method_names_the_right_ones(broken):
    response = broken.test_client().post("/health/live")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_too_large_a_body_names_the_limit(settings):
    app = create_app(replace(settings, max_body_bytes=1_500_000))
    response = app.test_client().post("/office/login", data={"email": "x" * 1_600_000})
    assert response.status_code == 413
    assert "1.43 MB" in response.text


@pytest.mark.parametrize("path", ["/\xff", "/office/\xc3(", "/s/\xe2\x82"])
def test_broken_utf8_in_addresses(client, path):
    """As a web server hands over the bytes of %ff and the like."""
    response = client.get("/", environ_overrides={"PATH_INFO": path})
    assert response.status_code == 400
    assert "Die Anfrage war nicht lesbar" in response.text


def test_broken_utf8_in_queries(client):
    assert client.get("/?x=%ff%fe").status_code == 400
    assert client.get("/?x=%C3%BC").status_code == 200


@pytest.mark.parametrize("path", ["/office/login", "/office/language"])
def test_broken_utf8_in_forms(client, path):
    response = client.post(
        path, data=b"email=\xff\xfe&password=x", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 400


@pytest.mark.parametrize("path", ["/token", "/token/ask"])
@pytest.mark.parametrize("body", [b'{"code": "\xff\xfe"}', b"[]", b"{", b"", b'{"code": 7}'])
def test_broken_bodies_for_programs(client, path, body):
    reply = client.post(path, data=body, content_type="application/json")
    assert (reply.status_code, reply.json) == (400, {"code": "malformed"})


@pytest.mark.parametrize("size", [2_000, 200_000])
@pytest.mark.parametrize("path", ["/token", "/token/ask", "/s/open-one/answers"])
def test_bodies_beyond_the_limit_are_refused_for_programs_too(settings, path, size):
    app = create_app(replace(settings, max_body_bytes=1_000))
    with app.app_context(), stores.collector.begin() as session:
        stores.publish(session, "office", "wave", "open-one", {"id": "w", "versions": [1], "access": "x"})
    sent = {"data": b'{"code": "' + b"x" * size + b'"}', "content_type": "application/json"}
    assert app.test_client().post(path, **sent).status_code == 413


@pytest.mark.parametrize("path", ["/s/any/answers", "/office/login"])
def test_other_methods_are_405_and_name_the_right_ones(client, path):
    reply = client.delete(path)
    assert reply.status_code == 405
    assert "POST" in reply.headers["Allow"]


def test_a_failed_store_is_503_with_a_pause(broken):
    response = broken.test_client().get("/broken/x/503")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")


def test_what_no_column_takes_is_a_bad_request_and_no_failure_of_ours(broken, caplog):
    """PostgreSQL takes no NUL in a text; forms and addresses may bring one."""
    assert broken.test_client().get("/broken/x/unstorable").status_code == 400
    assert "SECRETCODE" not in caplog.text


def test_nothing_of_a_residents_request_is_logged(broken, caplog):
    caplog.set_level(logging.DEBUG)
    client = broken.test_client()
    for kind in ("500", "503", "404", "400"):
        client.post(
            f"/broken/secret-survey/{kind}?code=SECRETCODE",
            data={"answer": "my secret answer"},
            headers={"User-Agent": "secret-browser", "X-Forwarded-For": "203.0.113.77"},
        )
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "ZeroDivisionError" in text
    assert "OperationalError" in text
    for secret in ("secret", "SECRETCODE", "203.0.113.77", "127.0.0.1", "/broken/"):
        assert secret not in text, text
    # No handler may format the exception itself with its values.
    assert all(record.exc_info is None for record in caplog.records)


def test_a_store_that_fails_is_logged_with_our_lines_and_not_with_the_librarys(settings, caplog):
    # No folder can be made where a file is, not even by root.
    nowhere = settings.instance / "office.sqlite" / "all.sqlite"
    app = create_app(replace(settings, urls=settings.urls | {"collector": f"sqlite:///{nowhere}"}))
    assert app.test_client().get("/s/living-here").status_code == 503
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    lines = [line for line in record.getMessage().splitlines() if line.lstrip().startswith("File ")]
    assert "OperationalError" in record.getMessage()
    assert any("stores.py" in line for line in lines)
    assert sum("site-packages" in line for line in lines) <= 1
    assert "living-here" not in record.getMessage()


def test_staff_errors_name_the_place_but_no_values(broken, caplog):
    client = broken.test_client()
    from web.accounts import store

    with broken.app_context():
        from datetime import date

        from stores import office

        with office.begin() as session:
            account = store.create(
                session, email="s@example.org", name="S", roles=(), today=date(2026, 11, 2)
            )
    with client.session_transaction(path="/office/") as session:
        session["_user_id"], session["_fresh"] = account.fs_uniquifier, True
    assert client.get("/office/broken/503").status_code == 503
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "broken_staff" in record.getMessage()
    assert "my secret answer" not in record.getMessage()


def post_late(client, path, data, **headers):
    return client.post(path, data=data, headers=headers)


def test_a_page_open_too_long_keeps_what_was_typed(as_role):
    client = as_role("administrator")
    typed = [
        ("name", 'Ali "the <b>'),
        ("roles", "editor"),
        ("roles", "moderator"),
        ("email", "a@example.org"),
    ]
    from werkzeug.datastructures import MultiDict

    response = post_late(client, "/office/accounts/new", MultiDict([*typed, ("csrf_token", "stale")]))
    assert response.status_code == 400
    assert "Die Seite war zu lange offen" in response.text
    assert 'name="name" value="Ali &#34;the &lt;b&gt;"' in response.text
    assert response.text.count('type="hidden" name="roles"') == 2
    import re

    again = re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)">', response.text.split("<main")[1]
    )
    import html

    sent = MultiDict((name, html.unescape(value)) for name, value in again)
    assert client.post("/office/accounts/new", data=sent).status_code == 302
    assert "a@example.org" in client.get("/office/accounts/").text


def test_passwords_and_codes_are_never_shown_again(client):
    typed = {"email": "a@example.org", "password": "my secret words", "code": "123456"}
    response = post_late(client, "/office/login", typed)
    assert response.status_code == 401
    assert "my secret words" not in response.text
    assert "123456" not in response.text
    assert 'name="email" value="a@example.org"' in response.text


def test_files_are_asked_for_again(as_role):
    import io

    client = as_role("administrator")
    data = {"note": "kept", "sheet": (io.BytesIO(b"x"), "sheet.xlsx"), "empty": (io.BytesIO(b""), "")}
    response = client.post("/office/accounts/new", data=data)
    assert 'type="file" id="file-1" name="sheet"' in response.text
    assert 'name="empty"' not in response.text
    assert 'enctype="multipart/form-data"' in response.text


def test_a_form_from_another_site_is_not_offered(as_role):
    client = as_role("administrator")
    typed = {"name": "Mallory", "email": "m@example.org", "roles": "administrator"}
    response = post_late(client, "/office/accounts/new", typed, **{"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 400
    assert "Mallory" not in response.text
    assert "Send again" not in response.text


def test_somebody_signed_out_meanwhile_is_told_so(client, as_role):
    response = post_late(client, "/office/accounts/new", {"name": "kept"})
    assert response.status_code == 401
    assert "Sie wurden inzwischen abgemeldet" in response.text
    assert 'href="/office/login" target="_blank"' in response.text
    assert 'name="name" value="kept"' in response.text


def test_more_than_a_page_can_hold_is_not_echoed(as_role):
    response = post_late(as_role("administrator"), "/office/accounts/new", {"name": "x" * 300_000})
    assert response.status_code == 400
    assert "xxxx" not in response.text


@pytest.mark.parametrize("path", ["/token", "/token/ask", "/s/small/answers"])
def test_json_nested_without_end_is_malformed(app, path):
    body = b"[" * 5000
    reply = app.test_client().post(path, data=body, content_type="application/json")
    assert (reply.status_code, reply.get_json()) == (400, {"code": "malformed"})


def test_json_nested_without_end_is_a_bad_request_where_json_must_be(app):
    deep = app.test_request_context("/", method="POST", data=b"[" * 5000, content_type="application/json")
    with deep, pytest.raises(BadRequest):
        request.get_json()
