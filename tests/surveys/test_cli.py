"""Commands on questionnaire files."""

import json

from tests.surveys.documents import DATA


def run(app, *arguments):
    return app.test_cli_runner().invoke(args=["questionnaire", *map(str, arguments)])


def test_check_names_every_fault_and_exits_1(app):
    result = run(app, "check", DATA / "invalid" / "everything-at-once.json")
    assert result.exit_code == 1
    place, unknown = "title/de", "The placeholder {town} is not declared. Declare or correct it."
    assert result.output.splitlines() == [
        "items/one/colour: There is no field “colour” here. Remove it or correct its name. "
        "[fault unknown-field]",
        "languages: de stands twice among the languages. [fault duplicate-language]",
        "items/two/text: The text in en is missing. [fault translation-missing]",
        f"{place}: {unknown} [fault placeholder-unknown]",
        f"title/en: {unknown} [fault placeholder-unknown]",
        "items/two/show_if: The rule refers to four, which does not exist. [fault rule-unknown-item]",
        "items/three: A sensitive question must say why it is asked. Add why. [fault sensitive-without-why]",
        "7 faults, 0 pieces of advice",
    ]


def test_check_passes_advice_and_knows_what_final_means(app):
    result = run(app, "check", DATA / "invalid" / "unused-text.json")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "0 faults, 1 pieces of advice")
    unfilled = DATA / "invalid" / "list-unfilled.json"
    assert [run(app, "check", unfilled).exit_code, run(app, "check", "--final", unfilled).exit_code] == [0, 1]


def test_check_of_a_file_that_is_no_document(app, tmp_path):
    file = tmp_path / "broken.json"
    file.write_text(json.dumps({"a": 1})[:-1])
    result = run(app, "check", file)
    assert result.exit_code == 1
    assert result.output.startswith("line 1: This is neither JSON nor YAML")
