"""What can be wrong with one translated text: placeholders, markup, plural forms."""

from __future__ import annotations

import re

import polib

PLACEHOLDER = re.compile(r"%\((\w+)\)([sd])|%(?!\()[sdr]|\{(\w*)\}")
_MARKUP = re.compile(r"</?[a-z]+[^>]*>")


def _placeholders(text: str) -> set[str]:
    return {found.group() for found in PLACEHOLDER.finditer(text.replace("%%", ""))}


def text_faults(msgid: str, translation: str, *, may_omit_number: bool = False) -> list[str]:
    """What is wrong with one translation: placeholders, markup, line breaks at its ends."""
    faults = []
    wanted, found = _placeholders(msgid), _placeholders(translation)
    lost = wanted - found - ({"%(num)s", "%(num)d"} if may_omit_number else set())
    if lost:
        faults.append(f"placeholder {', '.join(sorted(lost))} is missing")
    if found - wanted:
        faults.append(f"placeholder {', '.join(sorted(found - wanted))} is not in the source")
    if sorted(_MARKUP.findall(msgid)) != sorted(_MARKUP.findall(translation)):
        faults.append("the markup differs from the source")
    if msgid.strip() == msgid and translation.strip() != translation:
        faults.append("space at its beginning or end")
    return faults


def entry_faults(entry: polib.POEntry, categories: tuple[str, ...]) -> list[str]:
    """What is wrong with a translated entry; nothing for an untranslated one."""
    if not entry.msgid_plural:
        return text_faults(entry.msgid, entry.msgstr) if entry.msgstr else []
    faults = []
    if sorted(entry.msgstr_plural) != list(range(len(categories))):
        faults.append(f"has {len(entry.msgstr_plural)} plural forms, CLDR has {len(categories)}")
    for index, text in entry.msgstr_plural.items():
        category = categories[index] if index < len(categories) else "other"
        source = entry.msgid if category == "one" and "%(num)" not in text else entry.msgid_plural
        if text:
            faults += text_faults(source, text, may_omit_number=category in ("zero", "one", "two"))
    return faults
