"""Which language a page speaks, and the two catalogues.

Domain ``messages``: staff pages (German and English), translated by Flask-Babel.  Domain ``resident``:
everything residents read, looked up by BCP 47 tag along the fallback chain of ``localtext``, because tags
such as ``de-simple`` are no CLDR locales.  Respondent and public pages take the language from their
address, never from a cookie; where the address has none, from ``Accept-Language``.  Staff pages take it
from the session.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, refresh
from flask_babel.speaklater import LazyString

from localtext import NAMES, chain, direction, isolate, name
from web.rooms import audience_here

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"

#: Languages of staff pages.
STAFF_LANGUAGES = ("de", "en")

#: What a page speaks when nothing is known of its reader.
DEFAULT_LANGUAGE = "de"


def language() -> str:
    """The BCP 47 tag of the page being made."""
    if not g:
        return DEFAULT_LANGUAGE
    chosen: str | None = g.get("language")
    if chosen is None:
        chosen = g.language = _choose() if has_request_context() else DEFAULT_LANGUAGE
    return chosen


def _choose() -> str:
    from_path = (request.view_args or {}).get("language")
    if from_path in NAMES:
        return str(from_path)
    asked = request.args.get("lang")
    if asked in resident_languages():
        return str(asked)
    if audience_here() == "staff":
        stored = session.get("language")
        if stored in STAFF_LANGUAGES:
            return str(stored)
        return best_of(request.accept_languages.values(), STAFF_LANGUAGES)
    return best_of(request.accept_languages.values(), resident_languages())


def best_of(wanted: Iterable[str], available: Collection[str]) -> str:
    """The language to speak to a browser that wants these, best first.

    Each wish is tried whole, then along its chain (``ar-SY``, ``ar``), then as a variety of the same language
    (``fa`` is answered in ``fa-AF``), before the next wish: who wants ``uk-UA`` and then ``ru`` gets ``uk``.
    """
    by_lower = {tag.lower(): tag for tag in available}
    for wish in wanted:
        tags = chain(wish.replace("_", "-").lower())
        for tag in tags:
            if tag in by_lower:
                return by_lower[tag]
        varieties = sorted(tag for tag in by_lower if tag.split("-")[0] == tags[-1])
        if varieties:
            return by_lower[varieties[0]]
    return DEFAULT_LANGUAGE


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Everything inside is written in that language (letters, flyers, rendered pages)."""
    before = g.get("language")
    g.language = tag
    refresh()
    try:
        yield
    finally:
        g.language = before
        refresh()


def folder_of(tag: str) -> str:
    """The catalogue folder of a language tag: ``fa-AF`` -> ``fa_AF``."""
    return tag.replace("-", "_")


@lru_cache(maxsize=64)
def catalogue(tag: str, domain: str) -> NullTranslations:
    """The compiled catalogue of a language, falling back along the language's chain."""
    own = Translations.load(str(TRANSLATIONS), [folder_of(tag)], domain)
    previous: Any = own
    for other in chain(tag)[1:]:
        following = Translations.load(str(TRANSLATIONS), [folder_of(other)], domain)
        previous.add_fallback(following)
        previous = following
    return own


@lru_cache(maxsize=1)
def resident_languages() -> frozenset[str]:
    """Languages that have a compiled resident catalogue, and English, the language of the sources."""
    found = {tag for tag in NAMES if (TRANSLATIONS / folder_of(tag) / "LC_MESSAGES/resident.mo").exists()}
    return frozenset(found | {"en"})


def resident(message: str, /, **values: Any) -> str:
    """Text for residents in the page's language."""
    translated: str = catalogue(language(), "resident").gettext(message)
    return translated % _isolated(values) if values else translated


def lazy_resident(message: str, /, **values: Any) -> LazyString:
    """Text for residents in a table of the module: looked up when it is shown."""
    return LazyString(resident, message, **values)


def nresident(singular: str, plural: str, number: int, /, **values: Any) -> str:
    """Text for residents that depends on a number; ``%(num)s`` stands for it."""
    translated: str = catalogue(language(), "resident").ngettext(singular, plural, number)
    return translated % _isolated({"num": number, **values})


def _isolated(values: dict[str, Any]) -> dict[str, Any]:
    """Texts put into a text from right to left keep their own order: telephone numbers, addresses."""
    return {
        name: isolate(value, language()) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _locale() -> str:
    """The CLDR locale of the page's language, for Babel."""
    for tag in (language(), *chain(language())[1:]):
        try:
            return str(Locale.parse(tag, sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
    return DEFAULT_LANGUAGE


def set_up(app: Flask) -> None:
    """Flask-Babel for staff pages, and the names templates need on every page."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    Babel(app, locale_selector=_locale, default_locale=DEFAULT_LANGUAGE, default_timezone="Europe/Berlin")
    app.jinja_env.globals.update(r_=resident, nr_=nresident, native_name=name)

    @app.context_processor
    def page_language() -> dict[str, str]:
        return {"lang": language(), "dir": direction(language())}
