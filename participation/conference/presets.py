"""Templates of conferences: what a moderator starts from, to be changed like everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GROUPS: tuple[Mapping[str, str], ...] = (
    {"de": "Verwaltung", "en": "Administration", "ar": "الإدارة"},
    {"de": "Zivilgesellschaft", "en": "Civil society", "ar": "المجتمع المدني"},
    {"de": "Migrantenorganisationen", "en": "Migrant organisations", "ar": "منظمات المهاجرين"},
    {"de": "Einwohnerinnen und Einwohner", "en": "Residents", "ar": "السكان"},
)

FIELDS: tuple[Mapping[str, str], ...] = (
    {"de": "Interkulturelle Öffnung", "en": "Intercultural opening", "ar": "الانفتاح بين الثقافات"},
    {"de": "Sprache", "en": "Language", "ar": "اللغة"},
    {"de": "Bildung und Kita", "en": "Education and childcare", "ar": "التعليم ورياض الأطفال"},
    {"de": "Arbeit und Ausbildung", "en": "Work and training", "ar": "العمل والتدريب"},
    {"de": "Wohnen und Stadtteil", "en": "Housing and neighbourhood", "ar": "السكن والحي"},
    {"de": "Gesundheit", "en": "Health", "ar": "الصحة"},
    {"de": "Teilhabe und Engagement", "en": "Participation and engagement", "ar": "المشاركة والالتزام"},
    {"de": "Schutz vor Diskriminierung", "en": "Protection from discrimination", "ar": "الحماية من التمييز"},
)

TITLES = {
    "practice": {"de": "Proberunde", "en": "Practice round", "ar": "جولة تجريبية"},
    "first": {"de": "Erste Runde", "en": "First round", "ar": "الجولة الأولى"},
    "second": {"de": "Zweite Runde", "en": "Second round", "ar": "الجولة الثانية"},
    "further": {"de": "Runde %(num)s", "en": "Round %(num)s", "ar": "الجولة %(num)s"},
    "tables": {"de": "An den Tischen", "en": "At the tables", "ar": "على الطاولات"},
    "plenum": {"de": "Im Plenum", "en": "In the plenum", "ar": "في الجلسة العامة"},
    "written": {
        "de": "Schriftlich nach der Konferenz",
        "en": "In writing after the conference",
        "ar": "كتابيًا بعد المؤتمر",
    },
}

#: What every round has unless a template says otherwise.
DEFAULTS: dict[str, Any] = {
    "method": "ranking",
    "places": 3,
    "dots": 5,
    "per_option": 2,
    "top": 10,
    "budget": 100,
    "policy": "last",
    "grace": 60,
    "quorum": 0,
    "paper": False,
    "level": "codes",
}


@dataclass(frozen=True)
class Preset:
    """``rounds``: title key, settings that differ from the defaults, whether it is practice."""

    groups: bool
    fields: bool
    rounds: tuple[tuple[str, Mapping[str, Any], bool], ...]


_PRACTICE: tuple[str, Mapping[str, Any], bool] = ("practice", {"level": "open"}, True)

PRESETS: dict[str, Preset] = {
    "priorities": Preset(True, True, (_PRACTICE, ("plenum", {}, False))),
    "tables_plenum": Preset(True, True, (_PRACTICE, ("tables", {}, False), ("plenum", {}, False))),
    "dots": Preset(True, True, (_PRACTICE, ("plenum", {"method": "dots"}, False))),
    "consensing": Preset(True, True, (("plenum", {"method": "consensing"}, False),)),
    "quick": Preset(False, False, (("first", {"level": "open", "method": "approval"}, False),)),
    "empty": Preset(False, False, ()),
}


def settings(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a round: defaults with changes; fields of other methods are left out."""
    found = {**DEFAULTS, **changes}
    own = {
        "ranking": ("places",),
        "dots": ("dots", "per_option"),
        "score": ("top",),
        "consensing": ("top",),
        "budget": ("budget",),
    }.get(found["method"], ())
    drop = {"places", "dots", "per_option", "top", "budget"} - set(own)
    return {name: value for name, value in found.items() if name not in drop}
