"""flask conference tally."""

import json
from pathlib import Path

from click.testing import CliRunner

from participation.conference.cli import conference

TEXT = "count,group,rank:a,rank:b\n4,North,1,2\n3,South,2,1\n2,West,,1\n"


def _run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(conference, ["tally", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_prints_the_outcome(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(TEXT)
    code, out, _ = _run(str(file), "--unranked", "no_opinion", "--groups", "group", "--seats", "1")
    result = json.loads(out)
    assert code == 0
    assert result["policy"] == "no_opinion"
    assert result["rules"]["borda"] == {"classes": [["a"], ["b"]], "scores": {"a": 1, "b": -1}}
    assert result["rules"]["stv_scottish"]["elected"] == ["b"]
    assert result["kendall_w"] is None
    assert result["groups"]["North + South + West"]["ballots"] == 9
    assert result["rank_intervals"]["replicates"] == 2000


def test_is_the_same_every_time(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(TEXT)
    assert _run(str(file)) == _run(str(file))


def test_names_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("rank:a,rank:b\n1,x\n1,2,3\n")
    assert _run(str(file)) == (2, "", "x.csv: line 3: 3 cells in a table of 2 columns.\n")
    file.write_text("rank:a,rank:b\n1,x\ny,2\n")
    assert _run(str(file)) == (
        2,
        "",
        "x.csv: line 2: “x” for the option “b” is no whole number.\n"
        "x.csv: line 3: “y” for the option “a” is no whole number.\n",
    )


def test_names_an_unknown_column(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(TEXT)
    code, _, error = _run(str(file), "--groups", "table")
    assert (code, error) == (2, "x.csv: No ballot has the column “table”. Columns of this file: group.\n")


def test_reads_latin_names_of_old_files_but_no_broken_json(tmp_path: Path) -> None:
    file = tmp_path / "x.soc"
    file.write_bytes("# NUMBER ALTERNATIVES: 1\n# ALTERNATIVE NAME 1: Köln\n1: 1\n".encode("latin-1"))
    assert _run(str(file))[0] == 0
    bad = tmp_path / "x.json"
    bad.write_bytes(b"{\xff}")
    assert _run(str(bad)) == (2, "", "x.json: The file is no text in UTF-8.\n")


def test_reads_what_spreadsheets_call_unicode_text(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes("count\trank:ä\trank:b\n2\t1\t2\n".encode("utf-16"))
    code, out, _ = _run(str(file), "--replicates", "0")
    assert code == 0
    assert json.loads(out)["rules"]["plurality"]["scores"] == {"ä": 2, "b": 0}


def test_costs_without_a_budget_are_no_reason_to_stop(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(
        '{"kind": "budget", "options": [{"id": "a", "cost": 4}], "ballots": [{"approve": ["a"]}]}'
    )
    code, out, _ = _run(str(file))
    assert code == 0
    assert set(json.loads(out)["rules"]) == {"approval"}
