"""Texts in many languages: ``{language tag: text}``, fallback chains, direction, completeness, names.

Language tags are BCP 47 (RFC 5646) in the usual writing: ``ar``, ``fa-AF``, ``ckb``, ``de-simple``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from babel import Locale, UnknownLocaleError

LocalText: TypeAlias = Mapping[str, str]
Fallbacks: TypeAlias = Mapping[str, Sequence[str]]

TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-[a-z0-9]{5,8})*")
"""The tags that we accept: language, script, region, variants, in canonical case."""

NAMES: Mapping[str, str] = {
    "am": "አማርኛ",
    "ar": "العربية",
    "az": "azərbaycanca",
    "bg": "български",
    "bn": "বাংলা",
    "bs": "bosanski",
    "ckb": "کوردیی ناوەندی",
    "cs": "čeština",
    "de": "Deutsch",
    "de-simple": "Deutsch (Leichte Sprache)",
    "el": "Ελληνικά",
    "en": "English",
    "es": "español",
    "fa": "فارسی",
    "fa-AF": "دری",
    "fr": "français",
    "hi": "हिन्दी",
    "hr": "hrvatski",
    "hu": "magyar",
    "hy": "հայերեն",
    "it": "italiano",
    "ka": "ქართული",
    "ku": "Kurdî (Kurmancî)",
    "lt": "lietuvių",
    "lv": "latviešu",
    "mk": "македонски",
    "nl": "Nederlands",
    "om": "Afaan Oromoo",
    "pa": "ਪੰਜਾਬੀ",
    "pl": "polski",
    "ps": "پښتو",
    "pt": "português",
    "rmy": "Romani",
    "ro": "română",
    "ru": "русский",
    "sk": "slovenčina",
    "so": "Soomaali",
    "sq": "shqip",
    "sr": "srpski",
    "sr-Cyrl": "српски",
    "sw": "Kiswahili",
    "ta": "தமிழ்",
    "th": "ไทย",
    "ti": "ትግርኛ",
    "tr": "Türkçe",
    "uk": "українська",
    "ur": "اردو",
    "vi": "Tiếng Việt",
    "zh": "中文",
}
"""Each language by its own name, in its own script."""

ALIASES: Mapping[str, str] = {"kmr": "ku"}
"""Other tags for a language that is kept under one: Kurmanji is ``ku`` here, as in CLDR, and ISO 639-3 says
``kmr``."""

_ARABIC, _PERSIAN = "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"
DIGITS: Mapping[str, str] = {
    "ar": _ARABIC, "ckb": _ARABIC, "fa": _PERSIAN, "ps": _PERSIAN, "ur": _PERSIAN,
    "bn": "০১২৩৪৫৬৭৮৯", "hi": "०१२३४५६७८९",
}  # fmt: skip
"""Digits of the languages that have their own; readers in Germany mostly expect Latin ones even there."""

QUOTES: Mapping[str, str] = {
    **dict.fromkeys(("bg", "cs", "de", "ka", "lt", "mk", "sk"), "„“"),
    **dict.fromkeys(("bs", "hr", "hu", "pl", "ro", "rmy", "sr"), "„”"),
    **dict.fromkeys(("ar", "ckb", "el", "es", "fa", "hy", "it", "ps", "ru", "sq", "uk"), "«»"),
}
"""Quotation marks, first and last; who is not here writes “ ” (CLDR; Arabic and Sorani as in print)."""

RIGHT_TO_LEFT = frozenset({"ar", "arc", "azb", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
RIGHT_TO_LEFT_SCRIPTS = frozenset({"Arab", "Hebr", "Nkoo", "Rohg", "Syrc", "Thaa"})


class Picked(str):
    """A text that knows in which language it is written; ``language`` is "" where no text was found."""

    __slots__ = ("language",)
    language: str

    def __new__(cls, text: str, language: str) -> Picked:
        """Keep ``text`` together with the tag of its language."""
        picked = super().__new__(cls, text)
        picked.language = language
        return picked


def is_tag(tag: str) -> bool:
    """Say whether ``tag`` is written as a language tag that we accept (not whether anybody speaks it)."""
    return TAG.fullmatch(tag) is not None


def usual(tag: str) -> str:
    """Return the tag under which the language is kept.

    >>> [usual(tag) for tag in ("kmr", "kmr-TR", "ku", "ckb")]
    ['ku', 'ku-TR', 'ku', 'ckb']
    """
    language, *rest = tag.split("-")
    return "-".join((ALIASES.get(language, language), *rest))


def direction(tag: str) -> str:
    """Return ``"rtl"`` or ``"ltr"``: by the script subtag where there is one, else by the language."""
    language, *rest = tag.split("-")
    for subtag in rest:
        if len(subtag) == 4 and subtag.isalpha():
            return "rtl" if subtag.title() in RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def isolate(value: str, language: str) -> str:
    """Return what is inserted into a text of ``language`` so that it keeps its own order of characters.

    In text from right to left a telephone number would otherwise be shown with its groups turned round, and
    a sentence of the other direction with its full stop at the wrong end (Unicode Standard Annex #9, section
    2.4: first strong isolate).
    """
    foreign = {"L", "EN", "AN"} if direction(language) == "rtl" else {"R", "AL"}
    turned = any(unicodedata.bidirectional(char) in foreign for char in value)
    return f"\u2068{value}\u2069" if turned else value


def name(tag: str) -> str:
    """Return the language's name in its own script, or of a wider tag, or the tag itself."""
    kept = usual(tag)
    for candidate in (kept, *parents(kept)):
        if candidate in NAMES:
            return NAMES[candidate]
    return tag


def digits(tag: str) -> str:
    """Return the ten digits of a language from nought to nine, Latin ones where it has no others."""
    return next((DIGITS[one] for one in (tag, *parents(tag)) if one in DIGITS), "0123456789")


def in_digits(text: str, tag: str) -> str:
    """Return ``text`` with its Latin digits written as the language writes them."""
    return text.translate(str.maketrans("0123456789", digits(tag)))


def quoted(text: str, tag: str) -> str:
    """Return ``text`` within the quotation marks of the language.

    >>> [quoted("Ja", tag) for tag in ("en", "de-simple", "uk")]
    ['“Ja”', '„Ja“', '«Ja»']
    """
    if tag.partition("-")[0] == "fr":  # with narrow spaces that do not break
        return f"«\u202f{text}\u202f»"
    marks = next((QUOTES[one] for one in (tag, *parents(tag)) if one in QUOTES), "“”")
    return f"{marks[0]}{text}{marks[1]}"


def parents(tag: str) -> tuple[str, ...]:
    """Return the ever shorter tags above this one: ``fa-AF`` gives ``("fa",)``."""
    subtags = tag.split("-")
    return tuple("-".join(subtags[:size]) for size in range(len(subtags) - 1, 0, -1))


def chain(
    language: str, fallbacks: Fallbacks | Sequence[str] = (), last: str | None = None
) -> tuple[str, ...]:
    """Return the languages to try, in order, each once.

    ``fallbacks`` is either the declared list for this language or a mapping ``{tag: list}``. Where nothing is
    declared, the shorter tags follow. ``last`` (often the source language) closes the chain.
    """
    if isinstance(fallbacks, Mapping):
        declared: Sequence[str] = fallbacks.get(language, ())
    else:
        declared = fallbacks
    tail = (last,) if last else ()
    return tuple(dict.fromkeys((language, *(declared or parents(language)), *tail)))


def pick(
    text: LocalText, language: str, fallbacks: Fallbacks | Sequence[str] = (), last: str | None = None
) -> Picked:
    """Return the text in ``language`` or in the first language of its chain that has one.

    The result is a ``str`` whose ``language`` says which it is, so that the page can mark a fallen-back text
    with its own ``lang`` and ``dir``. Where the chain has nothing, any text is better than none: the first.
    """
    for tag in chain(language, fallbacks, last):
        if text.get(tag, "").strip():
            return Picked(text[tag], tag)
    for tag, words in text.items():
        if words.strip():
            return Picked(words, tag)
    return Picked("", "")


def missing(text: LocalText, languages: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``languages`` in which the text is missing or blank."""
    return tuple(tag for tag in languages if not text.get(tag, "").strip())


def completeness(texts: Iterable[LocalText], languages: Sequence[str]) -> dict[str, float]:
    """Return for each language the share (0 to 1) of texts written in it; 1 where there are no texts."""
    counts = dict.fromkeys(languages, 0)
    total = 0
    for text in texts:
        total += 1
        for tag in languages:
            counts[tag] += bool(text.get(tag, "").strip())
    return {tag: count / total if total else 1.0 for tag, count in counts.items()}


def number_text(value: float, tag: str) -> str:
    """A number as the language writes its decimals, in western digits; no thousands are set apart.

    >>> [number_text(x, tag) for x, tag in [(44.9, "de-simple"), (44.9, "ar"), (6.0, "ru"), (-4.1, "en")]]
    ['44,9', '44.9', '6', '−4.1']
    """
    text = f"{value:.10g}".replace("-", "\N{MINUS SIGN}")
    try:
        symbols = Locale.parse(tag.partition("-")[0]).number_symbols
    except (UnknownLocaleError, ValueError):
        return text
    mark = str(symbols.get("latn", {}).get("decimal", "."))
    return text.replace(".", mark)
