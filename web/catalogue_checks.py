"""Whether templates and catalogues are whole: what `flask i18n check` and the tests ask."""

from __future__ import annotations

from pathlib import Path

import polib

from web.catalogues import (
    DOMAINS,
    ROOT,
    TRANSLATIONS,
    State,
    extract,
    is_translated,
    languages,
    plural_categories,
    plural_formula,
    po_path,
    pot_path,
)
from web.translation_faults import entry_faults


def check(root: Path = ROOT, folder: Path = TRANSLATIONS) -> list[str]:
    """Every fault of templates and catalogues, each a sentence that names the file and the remedy."""
    faults = []
    for domain in DOMAINS:
        pot = extract(domain, root)
        template = pot_path(domain, folder)
        if not template.exists() or template.read_text("utf-8") != str(pot) + "\n":
            faults.append(f"{template.name} is stale; run: flask i18n update")
        for state in languages(folder):
            if state.domain == domain and state.state != "source":
                faults += _catalogue_faults(state, pot, folder)
    return faults


def _catalogue_faults(state: State, pot: polib.POFile, folder: Path) -> list[str]:
    place = f"{state.tag} {state.domain}"
    path = po_path(state.tag, state.domain, folder)
    if not path.exists():
        return [f"{place}: there is no catalogue; run: flask i18n update"]
    catalogue = polib.pofile(str(path))
    faults = []
    categories = plural_categories(state.tag)
    texts = {(entry.msgid, entry.msgid_plural) for entry in catalogue if not entry.obsolete}
    if texts != {(entry.msgid, entry.msgid_plural) for entry in pot}:
        faults.append(f"{place}: the catalogue is stale; run: flask i18n update")
    if catalogue.metadata.get("Plural-Forms") != plural_formula(state.tag):
        faults.append(f"{place}: the plural forms are not those of CLDR; run: flask i18n update")
    for entry in catalogue:
        if entry.obsolete:
            continue
        faults += [f"{place}: “{entry.msgid[:60]}” {fault}" for fault in entry_faults(entry, categories)]
        if entry.fuzzy:
            faults.append(f"{place}: “{entry.msgid[:60]}” is marked fuzzy; confirm or replace it")
        elif state.complete and not is_translated(entry):
            faults.append(
                f"{place}: “{entry.msgid[:60]}” is not translated, but the language is called complete"
            )
    return faults
