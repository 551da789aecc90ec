"""Compile the translation catalogues that have changed: `python -m tools.catalogues`.

Done with polib rather than `pybabel compile`, which knows only CLDR's locales and would refuse `de-simple`.
"""

import os
import sys
from pathlib import Path

import polib

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"


def compile_changed(folder: Path = TRANSLATIONS) -> list[Path]:
    """Write `<domain>.mo` beside every `<domain>.po` that is newer; return what was written.

    Written under another name and moved into place, so that a running process never reads half a file.
    """
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        made = target.with_suffix(f".mo.{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(made))
        made.replace(target)
        written.append(target)
    return written


if __name__ == "__main__":
    done = compile_changed()
    sys.stdout.write(f"{len(done)} translation catalogues compiled\n" if done else "")
