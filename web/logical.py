"""Bootstrap for both directions: physical CSS properties written as logical ones.

Bootstrap ships one stylesheet per direction and Bootstrap-Flask only the left-to-right one.  With logical
properties (CSS Logical Properties and Values Level 1) one file serves both.  ``flask styles`` writes
``static/bootstrap-logical.css`` anew after an upgrade of Bootstrap-Flask; a test notices a stale one.
"""

from __future__ import annotations

import re
from pathlib import Path

import flask_bootstrap

SOURCE = Path(flask_bootstrap.__file__).parent / "static/bootstrap5/css/bootstrap.min.css"
TARGET = Path(__file__).resolve().parent.parent / "static/bootstrap-logical.css"

_PROPERTIES = {
    "left": "inset-inline-start",
    "right": "inset-inline-end",
    "border-top-left-radius": "border-start-start-radius",
    "border-top-right-radius": "border-start-end-radius",
    "border-bottom-left-radius": "border-end-start-radius",
    "border-bottom-right-radius": "border-end-end-radius",
} | {
    f"{box}-{side}{part}": f"{box}-inline-{'start' if side == 'left' else 'end'}{part}"
    for box, parts in (
        ("margin", ("",)),
        ("padding", ("",)),
        ("border", ("", "-color", "-width", "-style")),
        ("scroll-margin", ("",)),
        ("scroll-padding", ("",)),
    )
    for side in ("left", "right")
    for part in parts
}

_DECLARATION = re.compile(r"(?<=[;{])(" + "|".join(sorted(_PROPERTIES, key=len, reverse=True)) + r")(?=:)")
_ALIGNMENT = re.compile(r"(?<=[;{])(text-align|float|clear):(left|right)")


def logical(css: str) -> str:
    """The stylesheet with logical properties in place of left and right, and without its source map."""
    css = css.partition("/*# sourceMappingURL")[0]
    css = _DECLARATION.sub(lambda found: _PROPERTIES[found[1]], css)
    return _ALIGNMENT.sub(_aligned, css)


def _aligned(found: re.Match[str]) -> str:
    edge = "start" if found[2] == "left" else "end"
    return f"{found[1]}:{'' if found[1] == 'text-align' else 'inline-'}{edge}"
