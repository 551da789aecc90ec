"""Chromium for tests: where it lies, how it is started, and what a page is asked on the way.

`visit` opens one Playwright page and collects what went wrong in it. The house's questions are methods of the
page that tests get: `page.axe()` (accessibility), `page.fits()` (nothing wider than the screen).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect

PHONE = {"width": 360, "height": 740}

#: Milliseconds that a page has to show what is expected, on a machine that may have other things to do.
TIMEOUT = 60_000
expect.set_options(timeout=TIMEOUT)

#: Success criteria of WCAG 2.2, levels A and AA, in axe-core's tags.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The browser's own bolt: no name but this machine's can be resolved.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


class NoBrowser(RuntimeError):
    """No Chromium on this machine."""


def executable(playwright: Playwright) -> str:
    """The system's Chromium, else Playwright's own.

    Raises:
        NoBrowser: neither is there.
    """
    for candidate in (os.environ.get("CHROMIUM"), shutil.which("chromium"), shutil.which("chromium-browser")):
        if candidate and Path(candidate).exists():
            return candidate
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    raise NoBrowser("Browser tests need Chromium; `make setup-tests` installs it, or set CHROMIUM=<path>")


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=executable(playwright), args=FLAGS)


def settle(page: Page) -> None:
    """Let the page arrive whole and every transition come to its end: what a reader sees, not what passes.

    A click comes back as soon as its answer begins. Asked then, half of the style sheets count; asked a
    moment later, colours are still on their way from one sheet's value to the next one's.
    """
    page.wait_for_load_state("load")
    page.evaluate(
        """() => document.getAnimations()
          .filter(animation => animation.effect.getComputedTiming().endTime !== Infinity)
          .forEach(animation => animation.finish())"""
    )


def axe(page: Page, context: str | None = None) -> None:
    """Fail with every violation of WCAG 2.2 A and AA that axe-core finds, each with its elements."""
    settle(page)
    options: dict[str, Any] = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    violations = Axe().run(page, context=context, options=options).response["violations"]
    lines = []
    for violation in violations:
        lines.append(f"{violation['id']} ({violation['impact']}): {violation['help']}")
        lines += [
            f"  {' '.join(map(str, node['target']))}: {node['html'][:160]}" for node in violation["nodes"]
        ]
    assert not lines, f"{page.url} has accessibility violations:\n  " + "\n  ".join(lines)


def fits(page: Page) -> None:
    """Fail if the page is wider than the screen (WCAG 2.2, 1.4.10 Reflow), and name what sticks out."""
    settle(page)
    outside = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.scrollingElement.scrollWidth <= width) return [];
          return [...document.body.querySelectorAll("*")]
            .filter(e => {
              const box = e.getBoundingClientRect();
              return box.width && (box.right > width + 1 || box.left < -1);
            })
            .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
        }"""
    )
    assert outside == [], f"{page.url} is wider than the screen:\n  " + "\n  ".join(outside)


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[Page]:
    """One page in a fresh context of the browser, of a phone's size unless `options` say otherwise.

    On leaving it fails for errors of the page's scripts and for anything the content security policy refused.
    """
    settings: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "locale": "de-DE", **options}
    context = browser.new_context(**settings)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    wrong: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            wrong.append(message.text)

    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.on("console", note)
    # Methods of the page, because that is how tests read best: page.axe(), page.fits().
    page.axe = lambda context=None: axe(page, context)  # type: ignore[attr-defined]
    page.fits = lambda: fits(page)  # type: ignore[attr-defined]
    try:
        yield page
    finally:
        context.close()
    assert wrong == [], "in the browser's console:\n  " + "\n  ".join(wrong)
