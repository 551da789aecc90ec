"""The gear that the other tests stand on: it must itself be able to fail."""

import socket
import time
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from tests import pages
from tests.network import NetworkBlocked
from tests.pages import PageClient

SOUND = (
    '<!doctype html><html lang="de" dir="ltr"><head><meta charset="utf-8"><title>Titel</title></head>'
    "<body><main><h1>Seite</h1>{}</main></body></html>"
)


def test_a_sound_page_has_no_faults() -> None:
    body = '<label for="a">Name</label><input id="a" name="a"><img src="/a.png" alt=""><a href="/">Start</a>'
    assert pages.faults(SOUND.format(body)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h1>Zweite</h1>", ["2 <h1> elements; a page has exactly one"]),
        ("<p id=a></p><p id=a></p>", ['id "a" stands 2 times']),
        ("<input name=x>", ['<input name="x"> has no label']),
        ("<label>Name <input name=x></label>", []),
        ("<input name=x aria-label=Name>", []),
        ("<input type=hidden name=x>", []),
        ("<label for=b>x</label>", ['<label for="b"> points to no element of the page']),
        ("<button></button>", ['<button id="None" href="None"> has no text']),
        ('<img src="/a.png">', ['<img src="/a.png"> has no alt']),
        ('<p onclick="x()">a</p>', ["<p onclick=...> is an inline handler; scripts are files"]),
        ('<p style="color:red">a</p>', ['<p style="color:red"> is an inline style; use a class']),
        ('<a href="javascript:x()">a</a>', ["<a href=javascript:...>"]),
        (
            "<script>x()</script>",
            ["an inline <script> that the content security policy does not name by nonce or hash"],
        ),
        ('<script type="application/json">{}</script>', []),
        ("<p>%(count)s Antworten</p>", ['unfilled placeholder %(count)s in <p>: "%(count)s Antworten"']),
        ('<p lang="ar" dir="ltr">a</p>', ['<p lang="ar"> has dir="ltr", not "rtl"']),
    ],
)
def test_each_fault_is_found(body: str, expected: list[str]) -> None:
    assert pages.faults(SOUND.replace("{}", body)) == expected


def test_an_inline_style_counts_only_under_its_hash() -> None:
    html = SOUND.format("").replace("</head>", "<style>p{margin:0}</style></head>")
    # echo -n 'p{margin:0}' | openssl dgst -sha256 -binary | base64
    right = "default-src 'none'; style-src 'sha256-QRQPRLGyxt3RJiKpYNjpkgHcmHU2PywsfL2e8oI0LQA='"
    wrong = "default-src 'none'; style-src 'self'"
    assert len(pages.faults(html, wrong)) == 1
    assert pages.faults(html, right) == []


@pytest.mark.parametrize(
    ("tag", "side"),
    [
        ("ar", "rtl"),
        ("fa-AF", "rtl"),
        ("ckb", "rtl"),
        ("ur", "rtl"),
        ("de-simple", "ltr"),
        ("kmr", "ltr"),
        ("ti", "ltr"),
    ],
)
def test_the_linter_knows_directions_by_cldr(tag: str, side: str) -> None:
    assert pages.direction(tag) == side


def test_language_and_direction_must_agree() -> None:
    html = SOUND.format("").replace('lang="de"', 'lang="ar"')
    assert pages.faults(html) == ['<html lang="ar"> has dir="ltr", not "rtl"']


def test_broken_html_is_found() -> None:
    assert [fault for fault in pages.faults(SOUND.format("<p><table><p>")) if "not HTML5" in fault] != []


@pytest.mark.parametrize("address", ["http://192.0.2.1/", "http://example.org/"])
def test_the_network_is_blocked(address: str) -> None:
    with pytest.raises(NetworkBlocked):
        urllib.request.urlopen(address)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.browser
def test_axe_finds_what_a_reader_would_miss(page: Page) -> None:
    page.set_content(SOUND.format("<img src='data:,'><p>Text</p>"))
    with pytest.raises(AssertionError, match="image-alt"):
        page.axe()  # type: ignore[attr-defined]
    page.set_content(SOUND.format("<p>Text</p>"))
    page.axe()  # type: ignore[attr-defined]


@pytest.mark.browser
def test_axe_waits_for_a_colour_on_its_way(page: Page) -> None:
    page.set_content(SOUND.format("<p style='color:#bbb; transition:color 30s'>Text</p>"))
    page.evaluate("() => { const p = document.querySelector('p'); p.offsetWidth; p.style.color = '#000'; }")
    page.axe()  # type: ignore[attr-defined]


@pytest.mark.browser
def test_axe_waits_for_a_style_sheet_that_is_late(page: Page) -> None:
    def late(route: Route) -> None:
        time.sleep(0.5)
        route.fulfill(content_type="text/css", body="p { color: #000 }")

    page.route("**/late.css", late)
    head = "<style>p{color:#bbb}</style><link rel='stylesheet' href='/late.css'></head>"
    page.route(
        "**/page",
        lambda route: route.fulfill(
            content_type="text/html", body=SOUND.format("<p>Text</p>").replace("</head>", head)
        ),
    )
    page.goto("http://127.0.0.1/page", wait_until="commit")
    page.axe()  # type: ignore[attr-defined]


@pytest.mark.browser
def test_a_page_that_does_not_fit_is_found(page: Page) -> None:
    page.set_content(SOUND.format("<p style='inline-size:900px'>Text</p>"))
    with pytest.raises(AssertionError, match="wider than the screen"):
        page.fits()  # type: ignore[attr-defined]
    page.set_content(SOUND.format("<p>Text</p>"))
    page.fits()  # type: ignore[attr-defined]


@pytest.mark.browser
def test_a_browser_without_script_runs_none(page_without_script: Page, served: str) -> None:
    page_without_script.goto("data:text/html,<title>before</title><script>document.title='after'</script>")
    assert page_without_script.title() == "before"
    response = page_without_script.goto(f"{served}/health/live")
    assert response is not None
    assert response.json() == {"status": "live"}


@pytest.mark.parametrize("role", ["administrator", "analyst"])
def test_a_client_with_a_role_is_signed_in(as_role: Callable[..., PageClient], role: str) -> None:
    assert as_role(role).get("/office").status_code == 200


@pytest.mark.browser
def test_a_browser_with_a_role_is_signed_in(staff_page: Callable[..., Page]) -> None:
    page = staff_page("editor")
    response = page.goto("/office")
    assert response is not None
    assert (response.status, page.url.endswith("/office")) == (200, True)


def test_a_stranger_is_sent_to_the_sign_in_page(client: PageClient) -> None:
    response = client.get("/office")
    assert (response.status_code, response.location) == (302, "/office/login?next=%2Foffice")
