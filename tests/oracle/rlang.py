"""The small part of the R language in which the reference calls are written: read, write back, evaluate.

A reference case names the R call that made its numbers. The adapter reads that call and runs the product's
function of the same kind with the same arguments, so further cases of a kind need no further code. Functions
of R's survey package are looked up in a table that the adapter's modules fill (:data:`FUNCTIONS`, by
:func:`rfunction`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Name:
    text: str


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Call:
    """A function, operator, index ``[`` or block ``{`` with its arguments; argument names are None or
    text."""

    fn: str
    args: tuple[tuple[str | None, Any], ...]

    @property
    def positional(self) -> list[Any]:
        return [node for name, node in self.args if name is None]

    @property
    def named(self) -> dict[str, Any]:
        return {name: node for name, node in self.args if name is not None}


TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?L?|\.\d+(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[A-Za-z.][A-Za-z0-9._]*|`[^`]+`)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<op>%[^%\s]*%|<-|<=|>=|==|!=|&&|\|\||\[\[|\]\]|[-+*/^:~<>!&|=()\[\]{},;$])|(?P<newline>\n))"
)
LEFT = {
    "<-": 1,
    "=": 1,
    "~": 2,
    "||": 3,
    "|": 3,
    "&&": 4,
    "&": 4,
    "==": 6,
    "!=": 6,
    "<": 6,
    ">": 6,
    "<=": 6,
    ">=": 6,
    "+": 7,
    "-": 7,
    "*": 8,
    "/": 8,
    ":": 10,
    "^": 12,
    "$": 14,
    "[": 14,
    "[[": 14,
    "(": 14,
}
PREFIX = {"~": 2, "!": 5, "-": 11, "+": 11}
TIGHT = {"/", "^", ":", "$"}


def tokens(source: str) -> list[tuple[str, str]]:
    """(kind, text) of every token of an R expression."""
    out, at = [], 0
    source = source.rstrip()
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None:
            raise ValueError(f"cannot read R at {source[at : at + 30]!r}")
        kind = match.lastgroup or ""
        if kind != "newline":
            out.append((kind, match.group(kind)))
        at = match.end()
    return out


class _Parser:
    def __init__(self, source: str) -> None:
        self.tokens = [*tokens(source), ("end", "")]
        self.at = 0

    def peek(self) -> str:
        kind, text = self.tokens[self.at]
        return text if kind in ("op", "end") else ""

    def next(self) -> tuple[str, str]:
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, text: str) -> None:
        found = self.next()[1]
        if found != text:
            raise ValueError(f"expected {text!r}, found {found!r}")

    def expression(self, floor: int = 0) -> Any:
        left = self.prefix()
        while True:
            op = self.peek()
            power = 9 if op.startswith("%") else LEFT.get(op, 0)
            if power == 0 or power <= floor:
                return left
            self.next()
            left = self.infix(left, op, power)

    def prefix(self) -> Any:
        kind, text = self.next()
        if kind == "number":
            return Number(float(text.rstrip("L")))
        if kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "name" and text == "function":
            self.expect("(")
            return Call("function", (*self.arguments(")"), (None, self.expression(1))))
        if kind == "name":
            return Name(text.strip("`"))
        if text == "(":
            inner = self.expression()
            self.expect(")")
            return Call("(", ((None, inner),))
        if text == "{":
            return self.block()
        if text in PREFIX:
            return Call(text, ((None, self.expression(PREFIX[text] - 1)),))
        raise ValueError(f"unexpected {text!r}")

    def block(self) -> Call:
        parts: list[tuple[str | None, Any]] = []
        while self.peek() != "}":
            if self.peek() == ";":
                self.next()
                continue
            parts.append((None, self.expression()))
        self.next()
        return Call("{", tuple(parts))

    def infix(self, left: Any, op: str, power: int) -> Any:
        if op == "(":
            return Call(deparse(left), self.arguments(")"))
        if op in ("[", "[["):
            return Call(op, ((None, left), *self.arguments("]" if op == "[" else "]]")))
        right = self.expression(power - 1 if op in ("^", "<-", "=") else power)
        return Call(op, ((None, left), (None, right)))

    def arguments(self, close: str) -> tuple[tuple[str | None, Any], ...]:
        out: list[tuple[str | None, Any]] = []
        while self.peek() != close:
            if self.peek() == ",":
                self.next()
                if self.peek() in (close, ","):
                    out.append((None, None))
                continue
            if close == "]" and self.peek() == "]]":
                # ``x[y[1]]`` closes two brackets with what reads as one token.
                self.tokens[self.at : self.at + 1] = [("op", "]"), ("op", "]")]
                continue
            kind, text = self.tokens[self.at]
            if kind in ("name", "text") and self.tokens[self.at + 1][1] == "=":
                self.at += 2
                out.append((text.strip("`\"'"), self.expression(1)))
            else:
                out.append((None, self.expression(1)))
        self.next()
        return tuple(out)


def parse(source: str) -> Any:
    """The syntax tree of one R expression."""
    parser = _Parser(source)
    tree = parser.expression()
    if parser.peek() == ";":
        parser.next()
    if parser.tokens[parser.at][0] != "end":
        raise ValueError(f"left over after an R expression: {parser.tokens[parser.at :]}")
    return tree


def deparse(node: Any) -> str:
    """R's own spelling of an expression, as it stands in the names of coefficients."""
    if node is None:
        return ""
    if isinstance(node, Name):
        return node.text
    if isinstance(node, Number):
        return f"{node.value:.15g}"
    if isinstance(node, Text):
        return f'"{node.value}"'
    parts = [(f"{name} = " if name else "") + deparse(value) for name, value in node.args]
    if node.fn == "(":
        return f"({parts[0]})"
    if node.fn in ("[", "[["):
        return f"{parts[0]}{node.fn}{', '.join(parts[1:])}{']' * len(node.fn)}"
    if (node.fn in LEFT or node.fn.startswith("%")) and len(parts) == 2:
        return node.fn.join(parts) if node.fn in TIGHT else f"{parts[0]} {node.fn} {parts[1]}"
    if node.fn in PREFIX and len(parts) == 1:
        return node.fn + parts[0]
    return f"{node.fn}({', '.join(parts)})"


@dataclass(frozen=True, eq=False)
class Vector:
    """An R vector. ``kind``: number, logical (1, 0, NaN), factor (positions, -1 missing) or text
    (objects)."""

    kind: str
    values: Any
    levels: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> Any:
        if self.kind == "factor":
            return self.values < 0
        if self.kind == "text":
            return np.array([v is None for v in self.values], bool)
        return np.isnan(self.values)

    def texts(self) -> list[str | None]:
        """Every element as R prints it."""
        if self.kind == "factor":
            return [self.levels[i] if i >= 0 else None for i in self.values]
        if self.kind == "text":
            return list(self.values)
        if self.kind == "logical":
            return [None if np.isnan(v) else ("TRUE" if v else "FALSE") for v in self.values]
        return [None if np.isnan(v) else f"{v:.15g}" for v in self.values]

    def take(self, rows: Any) -> Vector:
        names = None if self.names is None else tuple(np.array(self.names, object)[rows])
        return Vector(self.kind, self.values[rows], self.levels, names)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A numeric matrix as a term of a model, such as ``poly(x, 2, raw = TRUE)``."""

    values: Any
    columns: tuple[str, ...]


@dataclass
class Scope:
    """Names visible to an expression: a data frame's columns before the designs and objects of the
    session."""

    objects: dict[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Vector] = field(default_factory=dict)

    def find(self, name: str) -> Any:
        if name in self.columns:
            return self.columns[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        return self.objects[name]

    def over(self, columns: Mapping[str, Vector]) -> Scope:
        return Scope(self.objects, columns)


FUNCTIONS: dict[str, Callable[[Call, Scope], Any]] = {}
"""R function -> what runs it; it receives the call unevaluated, as R's own functions with formulas do."""


def rfunction(*names: str) -> Callable[[Callable[[Call, Scope], Any]], Callable[[Call, Scope], Any]]:
    """Register the adapter of an R function."""

    def register(function: Callable[[Call, Scope], Any]) -> Callable[[Call, Scope], Any]:
        for name in names:
            FUNCTIONS[name] = function
        return function

    return register


def number(*values: float) -> Vector:
    return Vector("number", np.array(values, float))


CONSTANTS: dict[str, Any] = {
    "TRUE": Vector("logical", np.array([1.0])),
    "FALSE": Vector("logical", np.array([0.0])),
    "T": Vector("logical", np.array([1.0])),
    "F": Vector("logical", np.array([0.0])),
    "NA": Vector("logical", np.array([np.nan])),
    "NULL": None,
    "Inf": number(np.inf),
    "pi": number(np.pi),
}


def evaluate(node: Any, scope: Scope) -> Any:
    """The value of an expression: a Vector, a formula (the tree itself), or whatever a registered function
    gives."""
    if isinstance(node, Number):
        return number(node.value)
    if isinstance(node, Text):
        return Vector("text", np.array([node.value], object))
    if isinstance(node, Name):
        return scope.find(node.text)
    if node.fn == "~":
        return node
    if node.fn in FUNCTIONS:
        return FUNCTIONS[node.fn](node, scope)
    raise NotImplementedError(f"no adapter for the R function {node.fn}")


def scalar(value: Any) -> Any:
    """The single element of a vector as a Python value; other objects and None unchanged."""
    if not isinstance(value, Vector):
        return value
    if value.kind in ("factor", "text"):
        return value.texts()[0]
    return bool(value.values[0]) if value.kind == "logical" else float(value.values[0])


def argument(call: Call, scope: Scope, name: str, position: int | None = None, default: Any = None) -> Any:
    """The evaluated argument called ``name``, or the positional one (0 = first unnamed), or the default."""
    if name in call.named:
        return evaluate(call.named[name], scope)
    if position is not None and position < len(call.positional):
        return evaluate(call.positional[position], scope)
    return default


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}


def _names(a: Any, b: Any) -> tuple[str, ...] | None:
    return a.names or b.names


@rfunction(*ARITHMETIC)
def _arithmetic(call: Call, scope: Scope) -> Any:
    values = [evaluate(node, scope) for node in call.positional]
    if len(values) == 1:
        return Vector("number", ARITHMETIC[call.fn](0.0, values[0].values), (), values[0].names)
    a, b = values
    with np.errstate(all="ignore"):
        return Vector("number", ARITHMETIC[call.fn](a.values, b.values), (), _names(a, b))


@rfunction(*COMPARE)
def _compare(call: Call, scope: Scope) -> Vector:
    a, b = (evaluate(node, scope) for node in call.positional)
    missing = np.logical_or(a.missing, b.missing)
    if a.kind in ("factor", "text") or b.kind in ("factor", "text"):
        left = np.array([t or "" for t in a.texts()], object)
        right = np.array([t or "" for t in b.texts()], object)
    else:
        left, right = a.values, b.values
    out = np.asarray(COMPARE[call.fn](left, right), float)
    return Vector("logical", np.where(missing, np.nan, out))


@rfunction("%in%")
def _in(call: Call, scope: Scope) -> Vector:
    a, b = (evaluate(node, scope) for node in call.positional)
    wanted = set(b.texts())
    return Vector("logical", np.array([t in wanted for t in a.texts()], float))


@rfunction("&", "|", "!", "&&", "||")
def _logic(call: Call, scope: Scope) -> Vector:
    values = [evaluate(node, scope).values for node in call.positional]
    if call.fn == "!":
        return Vector("logical", 1.0 - values[0])
    a, b = np.broadcast_arrays(*values)
    decides = 0.0 if call.fn[0] == "&" else 1.0
    out = np.fmin(a, b) if decides == 0.0 else np.fmax(a, b)
    unknown = (np.isnan(a) | np.isnan(b)) & (out != decides)
    return Vector("logical", np.where(unknown, np.nan, out))


@rfunction(":")
def _range(call: Call, scope: Scope) -> Vector:
    a, b = (int(scalar(evaluate(node, scope))) for node in call.positional)
    return Vector(
        "number", np.arange(a, b + 1, dtype=float) if b >= a else np.arange(a, b - 1, -1, dtype=float)
    )


@rfunction("(", "I", "identity", "unname", "as.vector")
def _same(call: Call, scope: Scope) -> Any:
    value = evaluate(call.positional[0], scope)
    if call.fn in ("unname", "as.vector") and isinstance(value, Vector):
        return Vector(value.kind, value.values, value.levels)
    return value


@rfunction("quote")
def _quote(call: Call, scope: Scope) -> Any:
    return call.positional[0]


@rfunction("<-", "=")
def _assign(call: Call, scope: Scope) -> Any:
    target, value = call.positional
    scope.objects[target.text] = evaluate(value, scope)
    return scope.objects[target.text]


@rfunction("{")
def _block(call: Call, scope: Scope) -> Any:
    inner = Scope(scope.objects.copy(), scope.columns)
    result = None
    for node in call.positional:
        result = evaluate(node, inner)
    return result


@rfunction("c")
def _combine(call: Call, scope: Scope) -> Vector:
    values, names, named = [], [], False
    kind = "number"
    for name, node in call.args:
        value = evaluate(node, scope)
        kind = "text" if value.kind in ("text", "factor") else kind
        values.append(np.array(value.texts(), object) if value.kind in ("text", "factor") else value.values)
        own = value.names or ("",) * len(value.values)
        named = named or name is not None or value.names is not None
        names += [f"{name}{'.' + o if o else ''}" if name else o for o in own]
    joined = np.concatenate(values) if values else np.zeros(0)
    return Vector(kind, joined, (), tuple(names) if named else None)


@rfunction("list")
def _list(call: Call, scope: Scope) -> dict[str, Any]:
    return {name or str(i + 1): evaluate(node, scope) for i, (name, node) in enumerate(call.args)}


@rfunction("is.na")
def _is_na(call: Call, scope: Scope) -> Vector:
    return Vector("logical", np.asarray(evaluate(call.positional[0], scope).missing, float))


@rfunction("as.numeric", "as.integer")
def _as_numeric(call: Call, scope: Scope) -> Vector:
    value = evaluate(call.positional[0], scope)
    if value.kind == "factor":
        return Vector("number", np.where(value.values < 0, np.nan, value.values + 1.0))
    if value.kind == "text":
        return Vector("number", np.array([np.nan if t is None else float(t) for t in value.values]))
    return Vector(
        "number", np.trunc(value.values) if call.fn == "as.integer" else value.values, (), value.names
    )


@rfunction("as.character")
def _as_character(call: Call, scope: Scope) -> Vector:
    return Vector("text", np.array(evaluate(call.positional[0], scope).texts(), object))


def as_factor(value: Vector, levels: list[str] | None = None) -> Vector:
    """``factor(x)``: distinct values in ascending order (numbers as numbers) or the given levels."""
    texts = value.texts()
    if levels is None:
        if value.kind == "factor":
            present = set(texts)
            levels = [level for level in value.levels if level in present]
        elif value.kind == "text":
            levels = sorted({t for t in texts if t is not None})
        elif value.kind == "logical":
            levels = [t for t in ("FALSE", "TRUE") if t in texts]
        else:
            levels = [f"{v:.15g}" for v in np.unique(value.values[~np.isnan(value.values)])]
    position = {level: i for i, level in enumerate(levels)}
    return Vector("factor", np.array([position.get(t or "", -1) for t in texts], int), tuple(levels))


@rfunction("factor", "as.factor")
def _factor(call: Call, scope: Scope) -> Vector:
    levels = argument(call, scope, "levels", 1)
    value = evaluate(call.positional[0], scope)
    if call.fn == "as.factor" and value.kind == "factor":
        return value
    return as_factor(value, None if levels is None else [t or "" for t in levels.texts()])


@rfunction("interaction")
def _interaction(call: Call, scope: Scope) -> Vector:
    values = [evaluate(n, scope) for n in call.positional]
    flat = [v for value in values for v in (value.values() if isinstance(value, dict) else [value])]
    parts = [as_factor(v) if v.kind != "factor" else v for v in flat]
    names, codes, step, missing = [""], np.zeros(len(parts[0]), int), 1, np.zeros(len(parts[0]), bool)
    for i, part in enumerate(parts):
        codes = codes + step * np.maximum(part.values, 0)
        missing |= part.values < 0
        step *= len(part.levels)
        names = [f"{n}.{level}" if i else level for level in part.levels for n in names]
    out = Vector("factor", np.where(missing, -1, codes), tuple(names))
    return as_factor(out) if scalar(argument(call, scope, "drop", default=CONSTANTS["FALSE"])) else out


@rfunction("poly")
def _poly(call: Call, scope: Scope) -> Matrix:
    degree = int(scalar(argument(call, scope, "degree", 1)))
    x = evaluate(call.positional[0], scope).values
    powers = np.column_stack([x**k for k in range(1, degree + 1)])
    if not scalar(argument(call, scope, "raw", default=CONSTANTS["FALSE"])):
        # Orthogonal powers over the rows, each of unit length and with a positive leading coefficient.
        q, r = np.linalg.qr(
            np.column_stack([np.ones(len(x)), *((x - x.mean()) ** k for k in range(1, degree + 1))])
        )
        powers = (q * np.sign(np.diag(r)))[:, 1:]
    return Matrix(powers, tuple(str(k) for k in range(1, degree + 1)))


@rfunction("cut")
def _cut(call: Call, scope: Scope) -> Vector:
    x, breaks = (evaluate(node, scope).values for node in call.positional[:2])
    right = scalar(argument(call, scope, "right", default=CONSTANTS["TRUE"]))
    labels = argument(call, scope, "labels")
    ends = [f"{b:.3g}" for b in breaks]
    made = [f"({a},{b}]" if right else f"[{a},{b})" for a, b in pairwise(ends)]
    code = np.searchsorted(breaks, x, "left" if right else "right") - 1
    if scalar(argument(call, scope, "include.lowest", default=CONSTANTS["FALSE"])):
        code = np.where(x == breaks[0 if right else -1], 0 if right else len(made) - 1, code)
    outside = np.isnan(x) | (code < 0) | (code >= len(made))
    levels = tuple(made if labels is None else [str(t) for t in labels.texts()])
    return Vector("factor", np.where(outside, -1, code), levels)


@dataclass(frozen=True)
class Closure:
    """``function(a, b) body`` with the scope in which it was written."""

    names: tuple[str, ...]
    body: Any
    scope: Scope

    def __call__(self, *values: Any) -> Any:
        objects = self.scope.objects.copy()
        objects.update(zip(self.names, values, strict=True))
        return evaluate(self.body, Scope(objects, self.scope.columns))


@rfunction("function")
def _function(call: Call, scope: Scope) -> Closure:
    *parameters, (_, body) = call.args
    return Closure(tuple(name or node.text for name, node in parameters), body, scope)


@rfunction("relevel")
def _relevel(call: Call, scope: Scope) -> Vector:
    value, first = evaluate(call.positional[0], scope), scalar(argument(call, scope, "ref", 1))
    levels = [first, *(level for level in value.levels if level != first)]
    return as_factor(Vector("text", np.array(value.texts(), object)), levels)


ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "round": np.round,
    "floor": np.floor,
    "log10": np.log10,
    "log2": np.log2,
    "log1p": np.log1p,
    "ceiling": np.ceil,
}


@rfunction(*ELEMENTWISE)
def _elementwise(call: Call, scope: Scope) -> Vector:
    value = evaluate(call.positional[0], scope)
    with np.errstate(all="ignore"):
        return Vector("number", ELEMENTWISE[call.fn](value.values), (), value.names)


REDUCE: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
    "length": len,
    "prod": np.prod,
}


@rfunction(*REDUCE)
def _reduce(call: Call, scope: Scope) -> Vector:
    value = evaluate(call.positional[0], scope)
    values = value.values
    if scalar(argument(call, scope, "na.rm", default=CONSTANTS["FALSE"])):
        values = values[~value.missing]
    return number(float(REDUCE[call.fn](values)))


@rfunction("ifelse")
def _ifelse(call: Call, scope: Scope) -> Vector:
    test, yes, no = (evaluate(node, scope) for node in call.positional)
    out = np.where(test.values == 1, yes.values, no.values)
    return Vector(yes.kind, np.where(np.isnan(test.values), np.nan, out))


@rfunction("rep")
def _rep(call: Call, scope: Scope) -> Vector:
    value, times = (evaluate(node, scope) for node in call.positional[:2])
    return Vector(value.kind, np.tile(value.values, int(scalar(times))), value.levels)


@rfunction("rbind")
def _rbind(call: Call, scope: Scope) -> dict[str, Any]:
    return {name or str(i): evaluate(node, scope) for i, (name, node) in enumerate(call.args)}


@rfunction("$")
def _dollar(call: Call, scope: Scope) -> Any:
    holder, name = call.positional
    inside = evaluate(holder, scope)
    return inside[name.text]


@rfunction("[")
def _index(call: Call, scope: Scope) -> Any:
    value = evaluate(call.positional[0], scope)
    rows = evaluate(call.positional[1], scope)
    if isinstance(value, dict) and rows.kind == "text":  # a data frame: columns by name
        return {name: value[name] for name in rows.values}
    if isinstance(value, dict):  # a data frame: rows by a condition
        keep = rows.values == 1
        return {name: column.take(keep) for name, column in value.items()}
    if rows.kind == "logical":
        return value.take(rows.values == 1)
    if rows.kind == "text":
        return value.take(np.array([(value.names or ()).index(t) for t in rows.values], int))
    return value.take(rows.values.astype(int) - 1)
