"""Translation catalogues: extraction, merging, checks, and lists for translators.

Two domains, told apart by the name of the function that marks a text (KEYWORDS).  Files are gettext PO, one
per language and domain; plural forms come from CLDR; files carry neither dates nor line numbers, so that they
change only when texts do.
"""

from __future__ import annotations

import fcntl
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polib
from babel import Locale, UnknownLocaleError
from babel.messages.extract import extract_from_dir
from babel.plural import PluralRule, to_gettext

from localtext import chain
from web.translation_faults import PLACEHOLDER, entry_faults

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "translations"

Domain = Literal["messages", "resident"]
DOMAINS: tuple[Domain, ...] = ("messages", "resident")

KEYWORDS: dict[Domain, dict[str, Any]] = {
    "messages": {
        "_": None,
        "_l": None,
        "N_": None,
        "gettext": None,
        "lazy_gettext": None,
        "ngettext": (1, 2),
        "lazy_ngettext": (1, 2),
    },
    "resident": {
        "r_": None,
        "resident": None,
        "lazy_resident": None,
        "nr_": (1, 2),
        "nresident": (1, 2),
    },
}

#: What is read, and how (Babel's names of extractors).
_METHODS = [
    ("web/**.py", "python"),
    ("participation/**.py", "python"),
    ("surveys/**.py", "python"),
    ("analysis/**.py", "python"),
    ("demo/**.py", "python"),
    ("templates/**.*", "jinja2"),
]

_CATEGORIES = ("zero", "one", "two", "few", "many", "other")

#: Languages whose plural rule CLDR keeps under another tag.
_PLURALS_AS = {"kmr": "ku", "rmy": "de"}


@dataclass(frozen=True)
class State:
    """What `languages.toml` says about one language and domain."""

    tag: str
    domain: Domain
    complete: bool
    state: str


@dataclass(frozen=True)
class Progress:
    """How far a catalogue is."""

    state: State
    translated: int
    total: int


def languages(folder: Path = TRANSLATIONS) -> list[State]:
    """Every language and domain of `languages.toml`."""
    table = tomllib.loads((folder / "languages.toml").read_text("utf-8"))
    return [
        State(tag, domain, bool(entry[domain]["complete"]), str(entry[domain]["state"]))
        for tag, entry in table.items()
        for domain in DOMAINS
        if domain in entry
    ]


def complete_languages(domain: Domain, folder: Path = TRANSLATIONS) -> list[str]:
    """The languages that are called complete in a domain."""
    return [entry.tag for entry in languages(folder) if entry.domain == domain and entry.complete]


def plural_rule(tag: str) -> PluralRule:
    """The CLDR plural rule of a language tag, of its wider tag, or the commonest rule (one, other)."""
    for candidate in chain(_PLURALS_AS.get(tag, tag)):
        try:
            return Locale.parse(candidate, sep="-").plural_form
        except (UnknownLocaleError, ValueError):
            continue
    return PluralRule({"one": "n is 1"})


def plural_formula(tag: str) -> str:
    """The Plural-Forms header of a language's catalogues.

    CLDR's operands c and e (exponents, as in 1c6) are 0 for the whole numbers that gettext counts; Babel
    leaves them in the formula, where no gettext knows them.
    """
    return re.sub(r"\b[ce]\b", "0", to_gettext(plural_rule(tag)))


def plural_categories(tag: str) -> tuple[str, ...]:
    """The CLDR categories of a language, in the order of the forms in its catalogues."""
    used = set(plural_rule(tag).rules) | {"other"}
    return tuple(category for category in _CATEGORIES if category in used)


def plural_examples(tag: str) -> dict[str, list[int]]:
    """A few numbers for each plural category, so that a translator sees which form is meant."""
    rule = plural_rule(tag)
    found: dict[str, list[int]] = {category: [] for category in plural_categories(tag)}
    for number in (*range(201), 1000, 1_000_000):
        examples = found[rule(number)]
        if len(examples) < 4:
            examples.append(number)
    return found


def po_path(tag: str, domain: Domain, folder: Path = TRANSLATIONS) -> Path:
    """The catalogue file of a language and domain."""
    return folder / tag.replace("-", "_") / "LC_MESSAGES" / f"{domain}.po"


def pot_path(domain: Domain, folder: Path = TRANSLATIONS) -> Path:
    """The template file of a domain."""
    return folder / f"{domain}.pot"


def _wrapped() -> polib.POFile:
    return polib.POFile(wrapwidth=100)


def extract(domain: Domain, root: Path = ROOT) -> polib.POFile:
    """All texts of a domain in the sources, sorted, with the files where they stand."""
    found: dict[tuple[str, str], polib.POEntry] = {}
    options = {"templates/**.*": {"trimmed": "true", "silent": "false"}}
    for name, _line, message, comments, _context in extract_from_dir(
        str(root), _METHODS, options, KEYWORDS[domain], comment_tags=("Translators:",)
    ):
        singular, plural = message if isinstance(message, tuple) else (message, "")
        entry = found.setdefault(
            (singular, plural), polib.POEntry(msgid=singular, msgid_plural=plural, occurrences=[])
        )
        if (name, "") not in entry.occurrences:
            entry.occurrences.append((name, ""))
        entry.comment = entry.comment or " ".join(comments).removeprefix("Translators:").strip()
        if PLACEHOLDER.search(singular + plural) and "python-format" not in entry.flags:
            entry.flags.append("python-format")
        if plural:
            entry.msgstr_plural = {0: "", 1: ""}
    pot = _wrapped()
    pot.metadata = {"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit"}
    for key in sorted(found):
        found[key].occurrences.sort()
        pot.append(found[key])
    return pot


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Several translators may write at the same time; each waits for the other."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def update(root: Path = ROOT, folder: Path = TRANSLATIONS) -> list[Path]:
    """Write the templates and bring every catalogue of `languages.toml` to them; return the files written."""
    written = []
    for domain in DOMAINS:
        pot = extract(domain, root)
        with alone(folder):
            written += _save(pot, pot_path(domain, folder))
            for entry in languages(folder):
                if entry.domain == domain and entry.state != "source":
                    written += _save(
                        merged(entry.tag, domain, pot, folder), po_path(entry.tag, domain, folder)
                    )
    return written


def merged(tag: str, domain: Domain, pot: polib.POFile, folder: Path = TRANSLATIONS) -> polib.POFile:
    """The language's catalogue with exactly the texts of the template; known translations are kept.

    Translations of texts that are gone stay at the end as obsolete ones and come back with the text.
    """
    path = po_path(tag, domain, folder)
    old = polib.pofile(str(path)) if path.exists() else _wrapped()
    known = {(entry.msgid, entry.msgid_plural): entry for entry in old}
    new = _wrapped()
    new.metadata = {
        "Language": tag,
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": plural_formula(tag),
    }
    forms = range(len(plural_categories(tag)))
    for source in pot:
        before = known.pop((source.msgid, source.msgid_plural), None)
        entry = polib.POEntry(
            msgid=source.msgid,
            msgid_plural=source.msgid_plural,
            occurrences=source.occurrences,
            comment=source.comment,
            flags=list(source.flags),
            tcomment=before.tcomment if before else "",
        )
        if source.msgid_plural:
            plurals = before.msgstr_plural if before else {}
            entry.msgstr_plural = {form: plurals.get(form, "") for form in forms}
        else:
            entry.msgstr = before.msgstr if before else ""
        new.append(entry)
    for left in known.values():
        if left.msgstr or any(left.msgstr_plural.values()):
            left.obsolete = True
            left.occurrences = []
            new.append(left)
    return new


def _save(file: polib.POFile, path: Path) -> list[Path]:
    text = str(file) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return [path]


def load(tag: str, domain: Domain, folder: Path = TRANSLATIONS) -> polib.POFile:
    """The catalogue of a language and domain.

    Raises:
        FileNotFoundError: there is none yet; `languages.toml` and `flask i18n update` make one.
    """
    path = po_path(tag, domain, folder)
    if not path.exists():
        raise FileNotFoundError(f"{path}: add {tag} to languages.toml, then run: flask i18n update")
    return polib.pofile(str(path), wrapwidth=100)


def is_translated(entry: polib.POEntry) -> bool:
    """Whether every form of the text is translated."""
    if entry.msgid_plural:
        return bool(entry.msgstr_plural) and all(entry.msgstr_plural.values())
    return bool(entry.msgstr)


def progress(folder: Path = TRANSLATIONS) -> Iterator[Progress]:
    """How far every catalogue is."""
    for state in languages(folder):
        if state.state == "source":
            template = pot_path(state.domain, folder)
            total = len(polib.pofile(str(template))) if template.exists() else 0
            yield Progress(state, total, total)
            continue
        path = po_path(state.tag, state.domain, folder)
        texts = [entry for entry in polib.pofile(str(path)) if not entry.obsolete] if path.exists() else []
        yield Progress(state, sum(map(is_translated, texts)), len(texts))


def as_task(entry: polib.POEntry, tag: str) -> dict[str, Any]:
    """One text as a translator gets it; `translation` is what to fill in."""
    task: dict[str, Any] = {"id": entry.msgid}
    if entry.msgid_plural:
        task["plural"] = entry.msgid_plural
        task["numbers"] = plural_examples(tag)
        categories = plural_categories(tag)
        task["translation"] = {name: entry.msgstr_plural.get(i, "") for i, name in enumerate(categories)}
    else:
        task["translation"] = entry.msgstr
    if entry.comment:
        task["note"] = entry.comment
    task["where"] = [name for name, _line in entry.occurrences]
    return task


def missing(
    tag: str, domain: Domain, everything: bool = False, folder: Path = TRANSLATIONS
) -> list[dict[str, Any]]:
    """The untranslated (or all) texts of a catalogue, as a translator gets them."""
    return [
        as_task(entry, tag)
        for entry in load(tag, domain, folder)
        if not entry.obsolete and (everything or not is_translated(entry))
    ]


def fill(
    tag: str,
    domain: Domain,
    given: Iterable[Mapping[str, Any]] | Mapping[str, Any],
    folder: Path = TRANSLATIONS,
) -> tuple[int, list[str]]:
    """Write translations into a catalogue; return how many were written and what was refused and why.

    ``given`` is the list that `missing` made, filled in, or ``{id: translation}``.  A translation of a text
    with a plural is ``{category: text}``.  Empty translations are left out; faulty ones are refused, all
    others are written.
    """
    wanted = given if isinstance(given, Mapping) else {task["id"]: task.get("translation") for task in given}
    count, refused = 0, []
    with alone(folder):
        catalogue = load(tag, domain, folder)
        entries = {entry.msgid: entry for entry in catalogue if not entry.obsolete}
        for msgid, translation in wanted.items():
            if not translation or (isinstance(translation, Mapping) and not any(translation.values())):
                continue
            entry = entries.get(msgid)
            fault = "is not a text of this catalogue" if entry is None else _fill_one(entry, translation, tag)
            if fault:
                refused.append(f"“{msgid[:80]}” {fault}")
            else:
                count += 1
        _save(catalogue, po_path(tag, domain, folder))
    return count, refused


def _fill_one(entry: polib.POEntry, translation: Any, tag: str) -> str:
    """Write one translation into its entry; the reason when it was refused, else an empty text."""
    trial = polib.POEntry(msgid=entry.msgid, msgid_plural=entry.msgid_plural)
    if entry.msgid_plural:
        if not isinstance(translation, Mapping):
            return f"needs one translation for each of {', '.join(plural_categories(tag))}"
        empty = [name for name in plural_categories(tag) if not translation.get(name)]
        if empty:
            return f"has no form for {', '.join(empty)}"
        trial.msgstr_plural = {i: str(translation[name]) for i, name in enumerate(plural_categories(tag))}
    elif not isinstance(translation, str):
        return "needs one text"
    else:
        trial.msgstr = translation
    faults = entry_faults(trial, plural_categories(tag))
    if faults:
        return "; ".join(faults)
    entry.msgstr, entry.msgstr_plural = trial.msgstr, trial.msgstr_plural
    entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
    return ""


def compile_all(folder: Path = TRANSLATIONS) -> int:
    """Write the binary catalogue beside every PO file that is newer; the number of files written.

    Done with polib rather than pybabel, which knows only CLDR's locales and would refuse ``de-simple``.
    Written under another name and moved into place, so that a running process never reads half a file.
    """
    count = 0
    with alone(folder):
        for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
                continue
            made = source.with_suffix(".mo.new")
            polib.pofile(str(source)).save_as_mofile(str(made))
            made.replace(target)
            count += 1
    return count
