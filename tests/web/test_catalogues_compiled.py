"""Compiling catalogues: only what has changed, also for languages without a locale in CLDR."""

import gettext
import os
from pathlib import Path

from web.catalogues import compile_all

SOURCE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Next"
msgstr "Weiter"

#, fuzzy
msgid "Back"
msgstr "vielleicht"
"""


def catalogue(folder: Path, language: str) -> Path:
    source = folder / language / "LC_MESSAGES" / "resident.po"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE, encoding="utf-8")
    return source


def test_a_changed_catalogue_is_compiled_once(tmp_path: Path) -> None:
    source = catalogue(tmp_path, "de_simple")
    target = source.with_suffix(".mo")
    assert compile_all(tmp_path) == 1
    assert compile_all(tmp_path) == 0
    later = target.stat().st_mtime + 1
    os.utime(source, (later, later))
    assert compile_all(tmp_path) == 1
    assert [path.name for path in sorted(source.parent.iterdir())] == ["resident.mo", "resident.po"]


def test_doubtful_translations_are_left_out(tmp_path: Path) -> None:
    compile_all(catalogue(tmp_path, "de").parents[2])
    with (tmp_path / "de/LC_MESSAGES/resident.mo").open("rb") as file:
        texts = gettext.GNUTranslations(file)
    assert (texts.gettext("Next"), texts.gettext("Back")) == ("Weiter", "Back")
