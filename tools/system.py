"""What tests and demo need beyond Python packages: say what is there, get what is missing.

`python -m tools.system venv` looks after the virtual environment itself, with nothing but the system's
Python; `demo` after the fonts for PDFs in every script and the speech for the demo's audio; `tests` also
after Chromium, a PDF reader, PSPP and R. As root on Debian or Ubuntu the packages are installed; elsewhere
the command to do so is printed. What the demo lacks is a warning, what the others lack is an error.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass


def _fonts(*languages: str) -> Callable[[], bool]:
    def present() -> bool:
        if shutil.which("fc-list") is None:
            return False
        return all(
            subprocess.run(["fc-list", f":lang={language}"], capture_output=True, check=False).stdout
            for language in languages
        )

    return present


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _chromium() -> bool:
    return bool(os.environ.get("CHROMIUM")) or _program("chromium", "chromium-browser")() or _own_chromium()


def _own_chromium() -> bool:
    """Whether Playwright has a Chromium of its own on this machine."""
    code = (
        "import pathlib, sys\nfrom playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: sys.exit(not pathlib.Path(p.chromium.executable_path).exists())"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def _r_with_survey() -> bool:
    rscript = shutil.which("Rscript")
    if rscript is None:
        return False
    return (
        subprocess.run([rscript, "-e", "library(survey)"], capture_output=True, check=False).returncode == 0
    )


@dataclass(frozen=True)
class Need:
    """One thing from outside Python: what for, how to tell that it is there, and its Debian packages."""

    name: str
    purpose: str
    present: Callable[[], bool]
    packages: tuple[str, ...]


DEMO = (
    Need(
        "fonts",
        "letters and ballots as PDF in Latin, Cyrillic, Arabic and Ethiopic script",
        _fonts("de", "uk", "ar", "am"),
        ("fontconfig", "fonts-noto-core"),
    ),
    Need("speech", "the demo's audio questions", _program("espeak-ng"), ("espeak-ng",)),
)
TESTS = (
    *DEMO,
    Need("Chromium", "tests in a real browser", _chromium, ("chromium",)),
    Need("pdftotext", "tests that read PDFs", _program("pdftotext"), ("poppler-utils",)),
    Need("PSPP", "tests of exported SPSS files", _program("pspp"), ("pspp",)),
    Need("R with survey", "tests of exported R scripts", _r_with_survey, ("r-base-core", "r-cran-survey")),
)
# Debian and Ubuntu keep this part of Python in a package of its own.
VENV = (
    Need(
        "python3-venv",
        "the virtual environment",
        lambda: importlib.util.find_spec("ensurepip") is not None,
        ("python3-venv",),
    ),
)
NEEDS = {"venv": VENV, "demo": DEMO, "tests": TESTS}


def install(packages: list[str]) -> None:
    """Install Debian packages, fetching the package lists only where they are missing or too old."""
    # Another apt at work, such as the nightly upgrade, is waited for.
    waiting = ["-o", "DPkg::Lock::Timeout=300"]
    command = ["apt-get", *waiting, "install", "-y", "-q", "--no-install-recommends", *packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"env": environment, "stdout": subprocess.DEVNULL, "check": False}
    if subprocess.run(command, stderr=subprocess.DEVNULL, **quiet).returncode == 0:  # type: ignore[call-overload]
        return
    subprocess.run(["apt-get", *waiting, "update", "-q"], **quiet)  # type: ignore[call-overload]
    subprocess.run(command, **quiet)  # type: ignore[call-overload]


def provide(needs: tuple[Need, ...]) -> list[Need]:
    """Install what is missing where that is possible; return what is still missing."""
    missing = [need for need in needs if not need.present()]
    if not missing:
        return []
    packages = [package for need in missing for package in need.packages]
    for need in missing:
        print(f"Missing: {need.name} ({', '.join(need.packages)}), for {need.purpose}", flush=True)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {' '.join(packages)} ...", flush=True)
        install(packages)
    elif any(need.name == "Chromium" for need in missing):
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return [need for need in missing if not need.present()]


def main(purpose: str) -> int:
    missing = provide(NEEDS[purpose])
    for need in missing:
        packages = " ".join(need.packages)
        print(f"Not found: {need.name}. Install it with: sudo apt-get install {packages}", file=sys.stderr)
    return 1 if missing and purpose != "demo" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
