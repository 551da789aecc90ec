"""Documents for people stay true: links lead somewhere, commands and settings exist."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from app import ROOMS
from tests.test_architecture import ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(text: str) -> set[str]:
    """The anchors that headings get, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        reached = (path.parent / place) if place else path
        if not reached.exists() or (anchor and anchor not in anchors(reached.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_the_readme_names_only_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert sorted(named - targets) == []


def test_the_description_for_catalogues_keeps_to_the_standard() -> None:
    """publiccode.yml 0.4: required keys, and the bounds on the lengths of descriptions."""
    document = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    required = {
        "publiccodeYmlVersion",
        "name",
        "url",
        "platforms",
        "developmentStatus",
        "softwareType",
        "description",
        "legal",
        "maintenance",
        "localisation",
    }
    assert required - set(document) == set()
    for language, description in document["description"].items():
        assert len(description["shortDescription"]) <= 150, language
        assert 150 <= len(description["longDescription"]) <= 10_000, language
        assert description["features"], language


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.split("\n", 1)[0].strip() == "EUROPEAN UNION PUBLIC LICENCE v. 1.2"
    assert [number for number in range(1, 16) if f"\n{number}. " not in text] == []
    assert "\nAppendix\n" in text


def test_the_proxy_leads_every_staff_page_to_a_process_that_serves_it() -> None:
    """By the paths of docs/operating.md, longest first, as nginx chooses."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    ways = re.findall(r"^    location (/office\S*) +\{ proxy_pass http://(\w+); \}$", text, re.MULTILINE)
    for place in ROOMS:
        file, attribute = place.split(":")
        room = getattr(import_module(file), attribute)
        if room.audience != "staff":
            continue
        path = f"{room.url_prefix}/"
        process = max((way for way in ways if path.startswith(way[0])), key=lambda way: len(way[0]))[1]
        assert process in room.processes, path


def test_the_map_of_the_house_shows_every_corridor_and_nothing_that_is_not_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn, path = set(), []
    for line in text.split("## Rooms")[1].split("```")[1].splitlines():
        found = re.match(r"( *)([a-z]+)/ ", line)
        if found:
            path = [*path[: len(found[1]) // 2], found[2]]
            drawn.add("/".join(path))
    # Lines with several folders are named one by one.
    drawn |= {"templates", "static", "tests", "bench", "tools", "migrations"} & {
        name for line in text.splitlines() for name in re.findall(r"\b([a-z]+)/", line)
    }
    # Rooms inside rooms may be left out of a map of the whole house.
    rooms = {
        "/".join(file.parent.relative_to(ROOT).parts[:2])
        for package in ("web", "participation", "surveys", "analysis")
        for file in (ROOT / package).rglob("*.py")
    }
    assert sorted(rooms - drawn) == [], "draw new rooms into docs/architecture.md"
    assert sorted(place for place in drawn if not (ROOT / place).is_dir()) == []
