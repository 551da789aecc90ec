"""From citizenship to letter languages: registers know the first and not the second.

The default table (citizenship_languages.csv) names the languages that most citizens of a state read; an
office departs from it where its residents do.  German is always added by the import.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError

from localtext import is_tag, usual

TABLE = Path(__file__).resolve().parent / "citizenship_languages.csv"


@dataclass(frozen=True)
class Citizenship:
    """One row of the default table: ISO 3166-1 codes, names as registers write them, languages in order."""

    alpha_2: str
    alpha_3: str
    names: tuple[str, ...]
    languages: tuple[str, ...]


class RuleError(ValueError):
    """A rule that cannot be kept; ``code`` is ``citizenship`` or ``language``, ``value`` what was typed."""

    def __init__(self, code: str, value: str) -> None:
        self.code = code
        self.value = value
        super().__init__(code, value)


def plain(name: str) -> str:
    """A citizenship's name or code as it is compared: case, spaces and accents do not matter."""
    decomposed = unicodedata.normalize("NFKD", name.replace("ß", "ss").casefold())
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in kept).split())


@lru_cache(maxsize=1)
def default_table() -> tuple[Citizenship, ...]:
    """The shipped table, by its first name."""
    with TABLE.open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader((line for line in handle if not line.startswith("#")), delimiter=";")
        found = [
            Citizenship(
                row["alpha_2"],
                row["alpha_3"],
                tuple(row["names"].split("|")),
                tuple(row["languages"].split()),
            )
            for row in rows
        ]
    return tuple(sorted(found, key=lambda one: plain(one.names[0])))


class Languages(Mapping[str, Sequence[str]]):
    """Citizenship, however it is written -> letter languages; the office's rules go before the table."""

    def __init__(self, rules: Mapping[str, Sequence[str]] | None = None) -> None:
        self._known: dict[str, Sequence[str]] = {}
        for one in default_table():
            self._known.update(dict.fromkeys(_keys(one), one.languages))
        for citizenship, languages in (rules or {}).items():
            tags = tuple(dict.fromkeys(map(usual, languages)))
            self._known.update(dict.fromkeys(_same(plain(citizenship)), tags))

    def __getitem__(self, citizenship: str) -> Sequence[str]:
        return self._known[plain(citizenship)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, citizenship: object) -> bool:
        return isinstance(citizenship, str) and plain(citizenship) in self._known


def named(one: Citizenship, language: str) -> str:
    """The state's name in a reader's language (CLDR); in German, or where there is none, the table's own."""
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return one.names[0]
    return one.names[0] if locale.language == "de" else locale.territories.get(one.alpha_2, one.names[0])


def known_as(key: str, language: str) -> str:
    """What a rule's citizenship is called, or the word itself where the table does not know it."""
    return next((named(one, language) for one in default_table() if key in _keys(one)), key)


def _keys(one: Citizenship) -> list[str]:
    return [plain(key) for key in (one.alpha_2, one.alpha_3, *one.names)]


def _same(key: str) -> list[str]:
    """Every way to write the citizenship that ``key`` names, so that a rule for one counts for all."""
    for one in default_table():
        if key in _keys(one):
            return _keys(one)
    return [key]


def rule(citizenship: str, languages: str) -> tuple[str, tuple[str, ...]]:
    """A rule as typed, checked: the plain name and the languages in order, German left out.

    Raises:
        RuleError: ``citizenship`` where it is empty, ``language`` for what is no language tag.
    """
    key = plain(citizenship)
    if not key:
        raise RuleError("citizenship", citizenship)
    tags = languages.replace(",", " ").replace(";", " ").split()
    for tag in tags:
        if not is_tag(tag):
            raise RuleError("language", tag)
    return _same(key)[0], tuple(tag for tag in dict.fromkeys(map(usual, tags)) if tag != "de")
