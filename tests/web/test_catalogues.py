"""Catalogues: extraction, merging, plural forms, checks, the translators' lists."""

import gettext
import json
import shutil

import polib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localtext import NAMES
from web import catalogue_checks, catalogues, i18n

SOURCE = """
from flask_babel import gettext as _, ngettext, lazy_gettext as _l
from web.i18n import resident as r_, nresident, lazy_resident
TABLE = {"a": _l("Staff later"), "b": lazy_resident("Resident later")}
def texts(n):
    # Translators: On the button.
    _("Staff %(name)s", name="x")
    ngettext("%(num)s file", "%(num)s files", n)
    r_("Resident")
    nresident("%(num)s day", "%(num)s days", n)
"""
TEMPLATE = (
    "<p>{{ _('In a template') }} {{ r_('Resident') }} {{ nr_('%(num)s hour', '%(num)s hours', 2) }}</p>"
)
LANGUAGES = """
[en]
messages = { complete = true, state = "source" }
resident = { complete = true, state = "source" }
[de]
messages = { complete = true, state = "drafted" }
[ar]
resident = { complete = true, state = "reviewed" }
"""


@pytest.fixture
def house(tmp_path):
    """A small house of its own: one module, one template, three languages."""
    for name in ("web", "templates/page", "participation", "surveys", "analysis", "translations"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "web/texts.py").write_text(SOURCE)
    (tmp_path / "templates/page/one.html").write_text(TEMPLATE)
    (tmp_path / "translations/languages.toml").write_text(LANGUAGES)
    return tmp_path


def update(house):
    return catalogues.update(house, house / "translations")


def check(house):
    return catalogue_checks.check(house, house / "translations")


def fill(house, tag, domain, given):
    return catalogues.fill(tag, domain, given, house / "translations")


def test_texts_go_to_their_domain(house):
    found = {domain: [e.msgid for e in catalogues.extract(domain, house)] for domain in catalogues.DOMAINS}
    assert found == {
        "messages": ["%(num)s file", "In a template", "Staff %(name)s", "Staff later"],
        "resident": ["%(num)s day", "%(num)s hour", "Resident", "Resident later"],
    }


def test_an_entry_tells_where_it_stands_and_what_translators_should_know(house):
    entries = {entry.msgid: entry for entry in catalogues.extract("messages", house)}
    entry = entries["Staff %(name)s"]
    assert (entry.occurrences, entry.comment) == ([("web/texts.py", "")], "On the button.")
    assert entry.flags == ["python-format"]
    assert [
        name
        for name, _ in {e.msgid: e for e in catalogues.extract("resident", house)}["Resident"].occurrences
    ] == [
        "templates/page/one.html",
        "web/texts.py",
    ]


def test_updating_twice_changes_nothing(house):
    assert len(update(house)) == 4
    assert update(house) == []


def test_the_whole_way_of_a_translation(house):
    update(house)
    translations = house / "translations"
    tasks = catalogues.missing("ar", "resident", folder=translations)
    assert [task["id"] for task in tasks] == ["%(num)s day", "%(num)s hour", "Resident", "Resident later"]
    assert tasks[0]["numbers"]["few"] == [3, 4, 5, 6]
    assert list(tasks[0]["translation"]) == ["zero", "one", "two", "few", "many", "other"]
    for task in tasks:
        if isinstance(task["translation"], dict):
            task["translation"] = {name: f"%(num)s {name}" for name in task["translation"]}
            task["translation"]["two"] = "يومان"
        else:
            task["translation"] = "ساكن"
    assert fill(house, "ar", "resident", json.loads(json.dumps(tasks))) == (4, [])
    assert catalogues.missing("ar", "resident", folder=translations) == []
    assert len(catalogues.missing("ar", "resident", True, translations)) == 4
    assert catalogues.compile_all(translations) == 2
    compiled = gettext.translation("resident", str(translations), ["ar"])
    assert compiled.ngettext("%(num)s day", "%(num)s days", 2) == "يومان"
    assert compiled.ngettext("%(num)s day", "%(num)s days", 11) == "%(num)s many"
    assert compiled.ngettext("%(num)s day", "%(num)s days", 103) == "%(num)s few"
    faults = [fault for fault in check(house) if fault.startswith("ar")]
    assert faults == []


def test_translations_outlive_their_text(house):
    update(house)
    fill(house, "de", "messages", {"In a template": "In einer Vorlage"})
    page = house / "templates/page/one.html"
    page.write_text("<p></p>")
    assert "de messages: the catalogue is stale; run: flask i18n update" in check(house)
    update(house)
    path = catalogues.po_path("de", "messages", house / "translations")
    assert [entry.msgid for entry in polib.pofile(str(path)).obsolete_entries()] == ["In a template"]
    page.write_text(TEMPLATE)
    update(house)
    entry = polib.pofile(str(path)).find("In a template")
    assert (entry.msgstr, entry.obsolete) == ("In einer Vorlage", 0)


@pytest.mark.parametrize(
    ("msgid", "translation", "reason"),
    [
        ("Staff %(name)s", "Personal", "placeholder %(name)s is missing"),
        ("Staff %(name)s", "%(name)s %(nme)s", "placeholder %(nme)s is not in the source"),
        ("Staff later", "<b>fett</b>", "the markup differs"),
        ("Staff later", " später", "space at its beginning or end"),
        ("Staff later", {"one": "x"}, "needs one text"),
        ("%(num)s file", "Dateien", "needs one translation for each of one, other"),
        ("%(num)s file", {"one": "eine Datei"}, "has no form for other"),
        ("%(num)s file", {"one": "eine Datei", "other": "Dateien"}, "placeholder %(num)s is missing"),
        ("Nowhere", "Nirgends", "is not a text of this catalogue"),
    ],
)
def test_faulty_translations_are_refused_alone(house, msgid, translation, reason):
    update(house)
    count, refused = fill(house, "de", "messages", {msgid: translation, "In a template": "In einer Vorlage"})
    assert count == 1
    assert len(refused) == 1
    assert reason in refused[0]
    assert msgid in refused[0]


def test_a_form_for_one_may_leave_the_number_out(house):
    update(house)
    assert fill(
        house, "de", "messages", {"%(num)s file": {"one": "eine Datei", "other": "%(num)s Dateien"}}
    ) == (1, [])


def test_empty_translations_are_left_out(house):
    update(house)
    given = {"Staff later": "", "%(num)s file": {"one": "", "other": ""}, "In a template": None}
    assert fill(house, "de", "messages", given) == (0, [])


def test_what_the_check_finds(house):
    assert check(house) == [
        "messages.pot is stale; run: flask i18n update",
        "de messages: there is no catalogue; run: flask i18n update",
        "resident.pot is stale; run: flask i18n update",
        "ar resident: there is no catalogue; run: flask i18n update",
    ]
    update(house)
    assert len(check(house)) == 8
    assert "de messages: “Staff later” is not translated, but the language is called complete" in check(house)
    path = catalogues.po_path("de", "messages", house / "translations")
    file = polib.pofile(str(path))
    file.find("Staff later").msgstr = "%(x)s"
    file.find("In a template").msgstr = "Muster"
    file.find("In a template").flags.append("fuzzy")
    file.metadata["Plural-Forms"] = "nplurals=1; plural=0;"
    file.find("%(num)s file").msgstr_plural = {0: "%(num)s"}
    file.save(str(path))
    found = [fault for fault in check(house) if fault.startswith("de")]
    assert found == [
        "de messages: the plural forms are not those of CLDR; run: flask i18n update",
        "de messages: “%(num)s file” has 1 plural forms, CLDR has 2",
        "de messages: “In a template” is marked fuzzy; confirm or replace it",
        "de messages: “Staff %(name)s” is not translated, but the language is called complete",
        "de messages: “Staff later” placeholder %(x)s is not in the source",
    ]


def test_progress(house):
    update(house)
    fill(house, "de", "messages", {"In a template": "In einer Vorlage"})
    found = {
        (p.state.tag, p.state.domain): (p.translated, p.total)
        for p in catalogues.progress(house / "translations")
    }
    assert found == {
        ("en", "messages"): (4, 4),
        ("en", "resident"): (4, 4),
        ("de", "messages"): (1, 4),
        ("ar", "resident"): (0, 4),
    }
    assert catalogues.complete_languages("resident", house / "translations") == ["en", "ar"]
    shutil.rmtree(house / "translations/ar")
    with pytest.raises(FileNotFoundError, match=r"languages\.toml"):
        catalogues.load("ar", "resident", house / "translations")


def test_plural_categories_are_those_of_cldr():
    # https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html
    expected = {
        "ar": ("zero", "one", "two", "few", "many", "other"),
        "de": ("one", "other"),
        "de-simple": ("one", "other"),
        "pl": ("one", "few", "many", "other"),
        "uk": ("one", "few", "many", "other"),
        "ro": ("one", "few", "other"),
        "tr": ("one", "other"),
        "vi": ("other",),
        "fa-AF": ("one", "other"),
        "ckb": ("one", "other"),
        "kmr": ("one", "other"),
        "fr": ("one", "many", "other"),
    }
    assert {tag: catalogues.plural_categories(tag) for tag in expected} == expected


@given(st.sampled_from(sorted(NAMES)), st.integers(0, 2_000_000))
def test_the_gettext_formula_agrees_with_cldr(tag, number):
    formula = catalogues.plural_formula(tag)
    count, plural = (part.split("=", 1)[1].strip() for part in formula.rstrip("; ").split(";"))
    index = gettext.c2py(plural)(number)
    categories = catalogues.plural_categories(tag)
    assert int(count) == len(categories)
    assert categories[index] == catalogues.plural_rule(tag)(number)


def test_the_house_is_in_order():
    """Nothing stale, no gap in a language that is called complete, every placeholder in its place."""
    assert catalogue_checks.check() == []


def test_every_promised_language_can_be_shown():
    for state in catalogues.languages():
        assert state.tag in NAMES
        assert state.state in ("source", "drafted", "reviewed")
    assert set(catalogues.complete_languages("resident")) <= i18n.resident_languages()
    assert catalogues.complete_languages("messages") == ["en", "de"]
