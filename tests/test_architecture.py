"""Who may import whom, and a few habits that a reader would otherwise have to watch for.

Directions: pure <- models, store <- forms, views, cli <- app.py inside a package, and between packages
localtext <- participation <- surveys <- analysis. `web` may be imported by forms, views and cli. A lazy
import inside a function and one for type checkers only count like any other.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from web.catalogues import KEYWORDS

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = {"localtext": 0, "typeset": 0, "participation": 1, "surveys": 2, "analysis": 3, "demo": 4}
HOUSE = ("config", "stores", "web", "app")
EDGES = ("forms", "views", "cli")
DATA = ("models", "store")

#: Top-level libraries that make a module impure: requests, databases, the queue, the command line.
IMPURE = {
    "alembic",
    "click",
    "flask",
    "gunicorn",
    "huey",
    "psycopg",
    "sqlalchemy",
    "werkzeug",
    "wtforms",
}
#: What a form, view or command may use of the database library: an error's name, a session's type.
OF_SQLALCHEMY = {"sqlalchemy.exc", "sqlalchemy.orm.Session"}

NAMES_WITHOUT_A_MEANING = {"utils", "util", "helpers", "common", "core", "manager", "misc"}
LINES_OF_A_MODULE = 500
LINES_OF_A_FUNCTION = 80


@dataclass(frozen=True)
class Module:
    """One module of the product: `surveys.collection.store` is of package `surveys` and kind `store`."""

    name: str
    package: str
    kind: str

    @property
    def product(self) -> bool:
        return self.package in PACKAGES


def module(name: str) -> Module:
    parts = name.split(".")
    package, leaf = parts[0], parts[-1]
    if package in PACKAGES:
        kind = "edge" if leaf in EDGES else leaf if leaf in DATA else "pure"
    else:
        kind = package if package != "web" or leaf not in (*EDGES, *DATA) else f"web {leaf}"
    return Module(name, package, kind)


def sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module of the product below `root`: its dotted name and its file."""
    for top in (*PACKAGES, *HOUSE):
        if (root / f"{top}.py").exists():
            yield top, root / f"{top}.py"
        for path in sorted((root / top).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(name: str, path: Path) -> Iterator[tuple[int, str]]:
    """Every import of the file, as (line, full dotted name of what is imported)."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = [*package[: len(package) - node.level + 1]] if node.level else []
            origin += node.module.split(".") if node.module else []
            yield from ((node.lineno, ".".join([*origin, alias.name])) for alias in node.names)


def resolve(imported: str, known: set[str]) -> str | None:
    """The module of the product that an import reaches: `surveys.answers.parse` is in `surveys.answers`."""
    parts = imported.split(".")
    for length in range(len(parts), 0, -1):
        if (candidate := ".".join(parts[:length])) in known:
            return candidate
    return None


def refused(importer: Module, imported: str, known: set[str]) -> str | None:
    """Why the importer may not import that, or None."""
    target = resolve(imported, known)
    if target is None:
        return refused_library(importer, imported)
    other = module(target)
    if target == importer.name:
        return None
    if other.kind == "app":
        return "only the server and the tests import the app"
    reason = refused_package(importer, other)
    return reason or refused_kind(importer, other)


def refused_library(importer: Module, imported: str) -> str | None:
    library = imported.split(".")[0]
    if library in {"tests", "tools", "bench"}:
        return "the product does not depend on its tests and tools"
    impure = library in IMPURE or library.startswith("flask_")
    if importer.kind == "pure" and importer.product and impure:
        return f"a pure module knows no {library}"
    if importer.kind in DATA and impure and library != "sqlalchemy":
        return f"{importer.kind} knows no {library}; what it needs arrives as an argument"
    harmless = imported in OF_SQLALCHEMY or imported.startswith("sqlalchemy.exc.")
    if importer.kind == "edge" and library == "sqlalchemy" and not harmless:
        return "queries belong into store.py"
    return None


def refused_package(importer: Module, other: Module) -> str | None:
    if importer.product and other.product and PACKAGES[importer.package] < PACKAGES[other.package]:
        return f"{importer.package} is below {other.package}"
    if importer.package == "web" and other.product and other.package != "localtext":
        return "web knows no room; the app wires them"
    if importer.package == "config" and other.package != "config":
        return "config stands alone"
    if importer.package == "stores" and other.package not in ("stores", "config"):
        return "stores knows config only"
    return None


def refused_kind(importer: Module, other: Module) -> str | None:
    if importer.kind == "pure" and importer.product and other.kind != "pure":
        return "a pure module imports pure modules only"
    if importer.kind in DATA and other.kind not in ("pure", "stores", *DATA):
        return f"{importer.kind} imports pure modules, models, store and stores only"
    if importer.kind == "models" and other.kind == "store":
        return "models know no queries"
    if importer.kind in ("web models", "web store") and other.kind in ("web forms", "web views", "web cli"):
        return "models and store know no pages"
    return None


def violations(root: Path) -> list[str]:
    """Every import of the product below `root` that goes the wrong way."""
    found = list(sources(root))
    known = {name for name, _ in found}
    return [
        f"{path.relative_to(root)}:{line}: imports {imported}: {reason}"
        for name, path in found
        for line, imported in imports(name, path)
        if name != "app" and (reason := refused(module(name), imported, known))
    ]


def test_imports_go_one_way() -> None:
    assert violations(ROOT) == []


PLANTED = {
    "app.py": "import surveys.views\n",
    "localtext.py": "import participation\n",
    "config.py": "import stores\n",
    "stores.py": "from config import Settings\nfrom web import rooms\n",
    "web/__init__.py": "",
    "web/rooms.py": "import flask\nfrom surveys import answers\nimport localtext\n",
    "participation/__init__.py": "",
    "participation/codes.py": "import numpy\nfrom surveys.answers import parse\n",
    "surveys/__init__.py": "",
    "surveys/answers.py": "import json, localtext\n\nfrom participation import codes\nimport flask_babel",
    "surveys/routing.py": "from . import answers\nfrom .store import load\n\ndef f():\n    import sqlalchemy",
    "surveys/models.py": "from sqlalchemy import Text\nfrom stores import Json\nfrom . import store\n",
    "surveys/store.py": "from . import models, answers\nfrom web import rooms\nfrom flask import g\n",
    "surveys/views.py": (
        "import flask\nfrom web import rooms\nfrom stores import office\nfrom . import store, answers\n"
        "from sqlalchemy import select\nfrom sqlalchemy.exc import IntegrityError\nimport app\n"
        "from analysis import plan\n"
    ),
    "analysis/__init__.py": "",
    "analysis/plan.py": "from surveys.answers import parse\nfrom surveys import views\nimport tools\n",
}


def test_planted_violations_are_found(tmp_path: Path) -> None:
    for name, text in PLANTED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert violations(tmp_path) == [
        "localtext.py:1: imports participation: localtext is below participation",
        "participation/codes.py:2: imports surveys.answers.parse: participation is below surveys",
        "surveys/answers.py:4: imports flask_babel: a pure module knows no flask_babel",
        "surveys/models.py:3: imports surveys.store: models know no queries",
        "surveys/routing.py:2: imports surveys.store.load: a pure module imports pure modules only",
        "surveys/routing.py:5: imports sqlalchemy: a pure module knows no sqlalchemy",
        "surveys/store.py:2: imports web.rooms: store imports pure modules, models, store and stores only",
        "surveys/store.py:3: imports flask.g: store knows no flask; what it needs arrives as an argument",
        "surveys/views.py:5: imports sqlalchemy.select: queries belong into store.py",
        "surveys/views.py:7: imports app: only the server and the tests import the app",
        "surveys/views.py:8: imports analysis.plan: surveys is below analysis",
        "analysis/plan.py:2: imports surveys.views: a pure module imports pure modules only",
        "analysis/plan.py:3: imports tools: the product does not depend on its tests and tools",
        "config.py:1: imports stores: config stands alone",
        "stores.py:2: imports web.rooms: stores knows config only",
        "web/rooms.py:2: imports surveys.answers: web knows no room; the app wires them",
    ]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


def test_modules_and_functions_fit_in_the_head() -> None:
    """About 400 lines and about 40; the bounds here are where «about» ends. `make lint` lists the longest."""
    long = []
    for name, path in sources(ROOT):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LINES_OF_A_MODULE:
            long.append(f"{name}: {lines} lines; a module has about 400")
        for function, length in functions(path):
            if length > LINES_OF_A_FUNCTION:
                long.append(f"{name}.{function}: {length} lines; a function has about 40")
    assert long == []


def test_every_module_says_what_it_is() -> None:
    nameless = [name for name, _ in sources(ROOT) if name.rsplit(".", 1)[-1] in NAMES_WITHOUT_A_MEANING]
    assert nameless == []


# Texts: Babel reads the source and does not look into formatted strings, so such a text is in no catalogue.

TEXTS = {name for keywords in KEYWORDS.values() for name in keywords}


def unread_texts(tree: ast.AST) -> list[int]:
    """Lines of texts for translation that stand inside a formatted string."""
    return [
        call.lineno
        for formatted in ast.walk(tree)
        if isinstance(formatted, ast.JoinedStr)
        for call in ast.walk(formatted)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TEXTS
    ]


def test_every_text_can_be_read_by_babel() -> None:
    found = [
        f"{name}:{line}" for name, path in sources(ROOT) for line in unread_texts(ast.parse(path.read_text()))
    ]
    assert found == []


def test_a_text_in_a_formatted_string_is_found() -> None:
    assert unread_texts(ast.parse("f'{_(\"a\")} b'\nx = _('c') + f'{d(1)}'\ny = f'{z}: {r_(\"e\")}'")) == [
        1,
        3,
    ]


# Templates: what the content security policy would refuse is caught where it is written.

JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
INLINE = {
    "an inline style": re.compile(r"<[a-z][^<>]*\sstyle\s*=", re.IGNORECASE),
    "an inline handler": re.compile(r"<[a-z][^<>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(
        r"<script(?![^<>]*\ssrc\s*=)(?![^<>]*application/(?:ld\+)?json)[^<>]*>", re.IGNORECASE
    ),
    "an autoescape switched off": re.compile(r"autoescape\s+false"),
}


def inline(root: Path) -> list[str]:
    """Inline styles, handlers and scripts in templates, and any place where escaping is switched off."""
    found = []
    for path in sorted(root.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        # Jinja's own parts are blanked, keeping the lines, because they may hold `>` and quotes.
        plain = JINJA.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
        for what, pattern in INLINE.items():
            for match in pattern.finditer(text if "autoescape" in what else plain):
                line = text.count("\n", 0, match.end()) + 1
                found.append(f"{path.relative_to(root)}:{line}: {what}")
    return found


def test_templates_hold_nothing_inline() -> None:
    assert inline(ROOT / "templates") == []


def test_inline_parts_are_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<p style="color: red">a</p>\n'
        '<a href="{{ url_for(\'x\') }}" onclick="f()">b</a>\n'
        "<script>f()</script>\n"
        '<script src="/static/a.js" defer></script>\n'
        '<script type="application/json">{}</script>\n'
        '{% autoescape false %}<p class="style">{{ once }}</p>{% endautoescape %}\n',
        encoding="utf-8",
    )
    assert inline(tmp_path) == [
        "page.html:1: an inline style",
        "page.html:2: an inline handler",
        "page.html:3: an inline script",
        "page.html:6: an autoescape switched off",
    ]


# Stylesheets and generated pages: direction-neutral properties only.

PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border)-(?:left|right)(?:-\w+)?|(?:left|right)"
    r"|border-(?:top|bottom)-(?:left|right)-radius)\s*:|(?<![\w-])(?:text-align|float|clear)\s*:\s*(?:left|right)"
)


def physical(text: str) -> list[str]:
    """Declarations that name a side instead of a start or an end."""
    text = re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)
    return [
        f"{text.count(chr(10), 0, match.start()) + 1}: {match.group()}" for match in PHYSICAL.finditer(text)
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "static").rglob("*.css")), ids=lambda path: path.name)
def test_stylesheets_are_direction_neutral(path: Path) -> None:
    assert physical(path.read_text(encoding="utf-8")) == []


def test_physical_properties_are_found() -> None:
    text = "p{margin-left:1em;\n/* left: 0 */ text-align: right; margin-inline-start: 0; --left: 1px}\n"
    text += "a{right:0}"
    assert physical(text) == ["1: margin-left:", "2: text-align: right", "3: right:"]
