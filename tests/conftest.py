"""Fixtures of the whole house. Those of one room are in `tests/<package>/conftest.py`.

Nothing leaves the machine (tests/network.py), every fetched page is linted (tests/pages.py), stores are made
by running the migrations (tests/databases.py), warnings are errors (pyproject.toml).
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests import network

network.block()

import config  # noqa: E402
import stores  # noqa: E402
from app import create_app  # noqa: E402
from tests import browser as chromium  # noqa: E402
from tests import databases  # noqa: E402
from tests.pages import PageClient  # noqa: E402
from web.accounts import store as accounts  # noqa: E402
from web.catalogues import compile_all  # noqa: E402
from web.sessions import STAFF_PATH  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
#: Set by CI: what is missing fails then, instead of being skipped.
COMPLETE = os.environ.get("VIELSTIMMIG_REQUIRE_REFERENCE") == "1"
COSTLY = ("slow", "browser", "postgres", "soak")
KEPT = ("VIELSTIMMIG_SHARED", "VIELSTIMMIG_REQUIRE_REFERENCE")

hypothesis.settings.register_profile(
    "house",
    max_examples=50,
    deadline=None,
    derandomize=COMPLETE or "CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Settings of the shell must not reach the tests; catalogues must be as new as their sources."""
    for name in list(os.environ):
        if name.startswith("VIELSTIMMIG_") and name not in KEPT:
            del os.environ[name]
    os.environ.pop("ROLE", None)
    if not hasattr(config, "workerinput"):
        compile_all()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, so that a plain mistake shows early."""

    def cost(item: pytest.Item) -> int:
        return sum(item.get_closest_marker(name) is not None for name in COSTLY)

    items.sort(key=cost)


def _shared(part: str) -> Path:
    folder = Path(os.environ.get("VIELSTIMMIG_SHARED") or ROOT.parent / "shared") / part
    if folder.is_dir():
        return folder
    message = f"{part} data not found at {folder}; VIELSTIMMIG_SHARED=<folder> names another place"
    if COMPLETE:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of data with known answers."""
    return _shared("reference")


@pytest.fixture(scope="session")
def domain() -> Path:
    """The folder of facts of the field."""
    return _shared("domain")


def make_settings(instance: Path, urls: dict[str, str], **changes: Any) -> config.Settings:
    """Settings as in the demo (fixed secrets), on these stores."""
    settings = config.Settings(
        role="all",
        demo=True,
        testing=True,
        instance=instance,
        urls=urls,
        secrets=config.demo_secrets("all"),
        signing_keys=instance / "keys/signing",
        batch_keys=instance / "keys/batch",
    )
    return replace(settings, **changes)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three migrated, empty SQLite stores, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    return databases.sqlite_template(folder, make_settings(folder, databases.sqlite_urls(folder)))


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> config.Settings:
    """Settings with an instance folder of its own and three migrated SQLite stores in it."""
    instance = tmp_path / "instance"
    return make_settings(instance, databases.copy_sqlite(sqlite_template, instance))


@pytest.fixture
def app(settings: config.Settings) -> Iterator[Flask]:
    """The product as one process with everything. No application context is active."""
    app = create_app(settings)
    app.test_client_class = PageClient
    yield app
    app.extensions["stores"].dispose()


@pytest.fixture
def client(app: Flask) -> PageClient:
    """A visitor without an account; every HTML page that it fetches is linted."""
    client = app.test_client()
    assert isinstance(client, PageClient)
    return client


@pytest.fixture
def as_role(app: Flask) -> Callable[..., PageClient]:
    """A function that makes an account with these roles and returns a signed-in client: `as_role("analyst")`.

    The session is written as Flask-Security writes it after a password; signing in itself is tested where it
    belongs. Forms keep their CSRF token: `client.submit(path, data)` fetches the page, then posts with it.
    """

    def signed_in(*roles: str) -> PageClient:
        with app.app_context(), stores.office.begin() as session:
            number = len(accounts.accounts(session)) + 1
            account = accounts.create(
                session,
                email=f"{'-'.join(roles)}-{number}@example.org",
                name=f"{' '.join(roles)} {number}",
                roles=roles,
                today=date(2026, 11, 2),
            )
            key = account.fs_uniquifier
        client = app.test_client()
        assert isinstance(client, PageClient)
        place: dict[str, Any] = {"path": f"{STAFF_PATH}/", "environ_base": client.environ_base}
        with app.test_request_context(**place):
            identifier = app.login_manager._session_identifier_generator()  # type: ignore[attr-defined]
        with client.session_transaction(**place) as cookie:
            now = time.time()
            cookie.update(
                _user_id=key, _fresh=True, _id=identifier, fs_cc="set", fs_paa=now, fs_gexp=now + 3600
            )
            cookie.permanent = True
        return client

    return signed_in


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[databases.Clusters]:
    """Two running PostgreSQL clusters; `postgres.databases()` gives three fresh migrated databases."""
    with databases.clusters() as running:
        urls = {store: running.url(store, f"{store}_template") for store in stores.NAMES}
        databases.migrate(make_settings(tmp_path_factory.mktemp("postgres"), urls))
        yield running


@dataclass(frozen=True)
class StoresOn:
    """The three stores on one engine; inside the test `from stores import office` means the same ones."""

    dialect: str
    office: stores.Store
    register: stores.Store
    collector: stores.Store
    app: Flask


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stores_on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoresOn]:
    """Empty, migrated stores on both engines in turn, with an application context."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            urls = databases.copy_sqlite(request.getfixturevalue("sqlite_template"), tmp_path / "instance")
        else:
            urls = stack.enter_context(request.getfixturevalue("postgres").databases())
        app = create_app(make_settings(tmp_path / "instance", urls))
        opened: stores.Stores = app.extensions["stores"]
        stack.callback(opened.dispose)
        stack.enter_context(app.app_context())
        yield StoresOn(request.param, *(opened.get(name) for name in stores.NAMES), app)


class _Silent(WSGIRequestHandler):
    def log(self, *arguments: Any) -> None:
        """Respondents' requests are not logged, in tests neither."""


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The address of the product, served for real on a free port, with the stores of `app`."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once per session."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens pages, each a visitor of its own: `new_page(locale="ar", viewport=...)`."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(chromium.visit(browser, **options))


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page on a phone, 360 px wide. `page.axe()` and `page.fits()` are the house's questions to it."""
    return new_page()


@pytest.fixture
def page_without_script(new_page: Callable[..., Page]) -> Page:
    """The same phone with JavaScript switched off."""
    return new_page(java_script_enabled=False)


@pytest.fixture
def staff_page(
    as_role: Callable[..., PageClient], served: str, new_page: Callable[..., Page]
) -> Callable[..., Page]:
    """A function that opens a page signed in with these roles: `staff_page("editor").goto("/office")`."""

    def opened(*roles: str, **options: Any) -> Page:
        cookie = as_role(*roles).get_cookie("office", path=STAFF_PATH)
        assert cookie is not None
        page = new_page(base_url=served, **options)
        # The very path of the product's own cookie: two of one name with different paths would both be sent.
        place = {"domain": "127.0.0.1", "path": STAFF_PATH}
        page.context.add_cookies([{"name": "office", "value": cookie.value, **place}])
        return page

    return opened
