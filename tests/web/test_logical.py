"""Bootstrap with logical properties."""

import re

import pytest

from web import logical


def test_the_shipped_file_is_made_from_the_installed_bootstrap(app):
    made = logical.logical(logical.SOURCE.read_text("utf-8"))
    assert logical.TARGET.read_text("utf-8") == made, "stale; run: flask styles"


def test_nothing_physical_is_left():
    css = logical.TARGET.read_text("utf-8")
    assert re.findall(r"[;{](?:margin|padding|border)-(?:left|right)\b[a-z-]*:", css) == []
    assert re.findall(r"[;{](?:text-align|float):(?:left|right)", css) == []
    assert "sourceMappingURL" not in css


@pytest.mark.parametrize(
    ("physical", "expected"),
    [
        ("a{margin-left:1px}", "a{margin-inline-start:1px}"),
        ("a{color:red;padding-right:2px}", "a{color:red;padding-inline-end:2px}"),
        ("a{border-top-left-radius:0}", "a{border-start-start-radius:0}"),
        ("a{border-left-color:red}", "a{border-inline-start-color:red}"),
        ("a{left:0;right:1px}", "a{inset-inline-start:0;inset-inline-end:1px}"),
        ("a{text-align:right;float:left}", "a{text-align:end;float:inline-start}"),
        (".float-left-thing{--left:1px}", ".float-left-thing{--left:1px}"),
        ("a{margin:0 auto}", "a{margin:0 auto}"),
    ],
)
def test_declarations(physical, expected):
    assert logical.logical(physical) == expected
