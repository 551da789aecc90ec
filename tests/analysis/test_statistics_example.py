"""The worked example and the examples in docstrings print what they say."""

import doctest
from pathlib import Path
from types import ModuleType

import pytest

from analysis import breaks, changes, ranks

ROOT = Path(__file__).resolve().parents[2]


def test_the_worked_example_runs_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / "statistics-example.md").read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(text, {}, "statistics-example.md", None, 0)
    assert len(examples.examples) > 60
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(examples, out=told.append)
    assert told == []


@pytest.mark.parametrize("module", [breaks, changes, ranks])
def test_examples_in_docstrings(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
