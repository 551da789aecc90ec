"""What the three page shells need: styles with their hashes, language links, who is signed in."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, request
from flask_bootstrap import Bootstrap5
from markupsafe import Markup

from config import STORES_OF_ROLE, Settings
from localtext import direction
from web import headers, i18n
from web.accounts import SignedIn, account_or_none
from web.navigation import entries
from web.rooms import audience_here
from web.sessions import STAFF_PATH

STATIC = Path(__file__).resolve().parent.parent / "static"

#: The order in which language choosers list languages: German and English, then by tag.
_FIRST = ("de", "de-simple", "en")


@lru_cache(maxsize=64)
def _style(name: str, _changed: int) -> tuple[str, str]:
    """The stylesheet and the hash under which a policy allows it."""
    css = (STATIC / name).read_text("utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return css, f"sha256-{digest}"


def inline_style(name: str) -> Markup:
    """A ``<style>`` element with a file of static/, allowed by its hash in this response's policy."""
    css, digest = _style(name, (STATIC / name).stat().st_mtime_ns)
    headers.allow(style_hashes=(digest,))
    return Markup("<style>{}</style>").format(Markup(css))  # noqa: S704 - a file of ours, not input


def in_order(tags: Any) -> list[str]:
    """Language tags as a chooser lists them."""
    return sorted(tags, key=lambda tag: (_FIRST.index(tag) if tag in _FIRST else len(_FIRST), tag))


def default_language_links() -> list[tuple[str, str]]:
    """The same page in every language of the resident catalogues, by ``?lang=``."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return [
        (tag, f"{request.path}?{urlencode([*kept, ('lang', tag)])}")
        for tag in in_order(i18n.resident_languages())
    ]


def signed_in() -> SignedIn | None:
    """The account for the staff shell; None on other pages, which never ask for one."""
    if "security" not in current_app.extensions:
        return None
    return account_or_none()


def here() -> str:
    """The address of this page, to come back to."""
    return request.full_path.rstrip("?") if request.method == "GET" else STAFF_PATH


def set_up(app: Flask) -> None:
    """Bootstrap-Flask's macros and the names our templates use."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        inline_style=inline_style,
        direction_of=direction,
        default_language_links=default_language_links,
        staff_menu=lambda: entries(signed_in()),
        staff_languages=i18n.STAFF_LANGUAGES,
        staff_here=here,
        front_url="/",
    )

    @app.context_processor
    def staff() -> dict[str, Any]:
        settings: Settings = current_app.config["SETTINGS"]
        if "office" not in STORES_OF_ROLE[settings.role]:
            return {}
        if audience_here() != "staff":
            return {}
        return {"staff_account": signed_in(), "staff_home": STAFF_PATH}
