"""The runner of benchmarks: every script's rows in one table, a failing one named."""

import json
from pathlib import Path

import pytest

from tools import benchmarks

SCRIPT = """
import json, sys
rows = [{"bench": "a", "metric": "time", "value": 0.123456, "unit": "s", "rival": "plain | numpy"}]
open(sys.argv[sys.argv.index("--json") + 1], "w").write(json.dumps(rows * (1 + ("--quick" in sys.argv))))
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(benchmarks, "BENCH", tmp_path)
    (tmp_path / "good.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "_shared.py").write_text("raise SystemExit(1)", encoding="utf-8")
    return tmp_path


def test_rows_of_all_scripts_come_into_one_table(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "--quick"])
    assert benchmarks.main() == 0
    rows = json.loads((bench / "results.json").read_text(encoding="utf-8"))
    assert [row["value"] for row in rows] == [0.123456, 0.123456]
    assert [tuple(row) for row in rows] == [benchmarks.COLUMNS] * 2
    assert (bench / "RESULTS.md").read_text(encoding="utf-8").splitlines()[-1] == (
        "| a | time | 0.1235 | s |  | plain \\| numpy |  |  |  |"
    )


def test_a_failing_script_is_named_and_stops_no_other(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench / "bad.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert benchmarks.main() == 1
    assert capsys.readouterr().err == "failed: bad\n"
    assert len(json.loads((bench / "results.json").read_text(encoding="utf-8"))) == 1


def test_one_script_can_be_asked_for(bench: Path) -> None:
    (bench / "other.py").write_text(SCRIPT, encoding="utf-8")
    assert [path.stem for path in benchmarks.scripts([])] == ["good", "other"]
    assert [path.stem for path in benchmarks.scripts(["other"])] == ["other"]
