"""Which modules are pure, for the report after the tests."""

from pathlib import Path

from tools.coverage_of_pure import pure_files


def test_models_stores_and_pages_are_not_pure(tmp_path: Path) -> None:
    names = ["store", "models", "forms", "views", "cli", "answers", "__init__", "player/render"]
    for name in names:
        path = tmp_path / "surveys" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = [str(path.relative_to(tmp_path)) for path in pure_files(tmp_path)]
    assert found == ["localtext.py", "surveys/__init__.py", "surveys/answers.py", "surveys/player/render.py"]
