"""flask i18n."""

import json

import pytest

from tests.web.test_catalogues import house  # noqa: F401 - a fixture
from web import catalogue_checks, catalogues


@pytest.fixture
def run(app, house, monkeypatch):  # noqa: F811
    """The commands, working in a small house of its own."""
    translations = house / "translations"
    monkeypatch.setattr(catalogues, "ROOT", house)
    for module, name in ((catalogues, "update"), (catalogue_checks, "check")):
        whole = getattr(module, name)
        monkeypatch.setattr(module, name, lambda whole=whole: whole(house, translations))
    whole_extract = catalogues.extract
    monkeypatch.setattr(catalogues, "extract", lambda domain, root=house: whole_extract(domain, root))
    for name, position in (("progress", 0), ("compile_all", 0), ("pot_path", 1), ("missing", 3), ("fill", 3)):
        whole = getattr(catalogues, name)
        monkeypatch.setattr(
            catalogues,
            name,
            lambda *given, whole=whole, position=position: whole(
                *given[:position], *given[position:] or (translations,)
            ),
        )
    return lambda *words: app.test_cli_runner().invoke(args=["i18n", *words])


def test_from_the_sources_to_the_translator_and_back(run, house, tmp_path):  # noqa: F811
    assert "messages: 4 texts" in run("extract").output
    assert run("check").exit_code == 1
    assert "de/LC_MESSAGES/messages.po" in run("update").output
    assert "0/4    0 %" in run("status").output
    tasks = json.loads(run("missing", "de", "messages").output)
    for task in tasks:
        plural = isinstance(task["translation"], dict)
        task["translation"] = {"one": "%(num)s", "other": "%(num)s"} if plural else task["id"] + "!"
    file = tmp_path / "de.json"
    file.write_text(json.dumps(tasks))
    assert run("fill", "de", "messages", str(file)).output == "4 translations written\n"
    assert "4/4  100 %" in run("status").output
    assert "[]" in run("missing", "de", "messages").output
    assert len(json.loads(run("missing", "de", "messages", "--all").output)) == 4
    assert "catalogues compiled" in run("compile").output


def test_mistakes_are_explained(run, house, tmp_path):  # noqa: F811
    result = run("missing", "fr", "resident")
    assert (result.exit_code, "add fr to languages.toml" in result.output) == (1, True)
    run("update")
    file = tmp_path / "bad.json"
    file.write_text('{"a": ')
    assert "bad.json, line 1, column 7: not JSON" in run("fill", "de", "messages", str(file)).output
    file.write_text('{"Nowhere": "Nirgends"}')
    result = run("fill", "de", "messages", str(file))
    assert (result.exit_code, "refused: “Nowhere”" in result.output) == (1, True)
