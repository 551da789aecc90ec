"""Run every benchmark and write one table: `python -m tools.benchmarks [--quick] [names]`.

Each script in bench/ takes `--json FILE` and `--quick` and writes a list of rows `{"bench", "metric",
"value", "unit", "aim", "rival", "rival_value", "ratio", "peak_mb"}`; the rows of all of them become
bench/results.json and bench/RESULTS.md. A benchmark that fails is named and does not stop the others.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
COLUMNS = ("bench", "metric", "value", "unit", "aim", "rival", "rival_value", "ratio", "peak_mb")

Row = dict[str, Any]


def scripts(names: list[str]) -> list[Path]:
    """The benchmarks with these names, or all; a module beginning with an underscore is no benchmark."""
    found = sorted(path for path in BENCH.glob("*.py") if not path.name.startswith("_"))
    return [path for path in found if not names or path.stem in names]


def run(script: Path, quick: bool) -> tuple[list[Row], bool]:
    """Rows of one benchmark, and whether it ran to its end."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows.json"
        command = [sys.executable, str(script), "--json", str(target), *(["--quick"] if quick else [])]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
        found = json.loads(target.read_text(encoding="utf-8")) if target.exists() else []
        return [{column: row.get(column) for column in COLUMNS} for row in found], done


def written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value).replace("|", "\\|")


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(written(row.get(column)) for column in COLUMNS) + " |" for row in rows]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="benchmarks to run; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small inputs, for a first look")
    arguments = parser.parse_args()
    rows: list[Row] = []
    failed = []
    for script in scripts(arguments.names):
        print(f"== {script.stem}", flush=True)
        begin = time.monotonic()
        new, done = run(script, arguments.quick)
        print(f"   {script.stem} took {time.monotonic() - begin:.0f} s", flush=True)
        rows += new
        if not done:
            failed.append(script.stem)
    (BENCH / "results.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    heading = f"# Benchmarks\n\n{machine}{', quick' if arguments.quick else ''}\n\n"
    (BENCH / "RESULTS.md").write_text(heading + table(rows) + "\n", encoding="utf-8")
    print(f"\n{table(rows)}\n\nwritten to bench/RESULTS.md")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
