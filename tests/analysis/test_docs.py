"""The examples of docs/analysis.md are run as they stand."""

import doctest
from pathlib import Path

from analysis import breaks, margin_files

DOCS = Path(__file__).resolve().parents[2] / "docs" / "analysis.md"


def test_examples_of_the_documentation():
    found = doctest.testfile(str(DOCS), module_relative=False)
    assert found.attempted > 15
    assert found.failed == 0


def test_examples_in_docstrings():
    for module in (breaks, margin_files):
        assert doctest.testmod(module).failed == 0
