"""After the tests: which branches of pure modules did no test take? `python -m tools.coverage_of_pure`.

Pure modules are those of localtext, participation, surveys and analysis that are not models, store, forms,
views or cli. They need neither a database nor a request to be tested, so every branch of them can be. The
least share that passes is `least_pure_coverage` in pyproject.toml, in percent.
"""

import io
import json
import sys
import tempfile
import tomllib
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("participation", "surveys", "analysis")
IMPURE = {"models", "store", "forms", "views", "cli"}


def pure_files(root: Path = ROOT) -> list[Path]:
    found = [root / "localtext.py"]
    for package in PACKAGES:
        found += [path for path in sorted((root / package).rglob("*.py")) if path.stem not in IMPURE]
    return found


def measure() -> dict[str, dict[str, object]]:
    """coverage's own report of the pure modules: file name to its figures."""
    coverage = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        sys.stdout, kept = io.StringIO(), sys.stdout
        try:
            coverage.json_report(morfs=[str(path) for path in pure_files()], outfile=str(target))
        finally:
            sys.stdout = kept
        report = json.loads(target.read_text(encoding="utf-8"))
    files: dict[str, dict[str, object]] = report["files"]
    return {**files, "": report}


def main() -> int:
    files = measure()
    total = files.pop("")["totals"]
    assert isinstance(total, dict)
    for name, figures in files.items():
        lines, branches = figures["missing_lines"], figures["missing_branches"]
        if lines or branches:
            print(f"{name}: lines {lines} branches {branches}")
    share = total["percent_covered"]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    least = settings["tool"]["vielstimmig"]["least_pure_coverage"]
    print(f"pure modules: {share:.1f} % of lines and branches ({least} % wanted)")
    return 0 if share >= least else 1


if __name__ == "__main__":
    sys.exit(main())
