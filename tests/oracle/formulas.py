"""R model formulas as terms of the product's models, and the product's names in R's spelling."""

from __future__ import annotations

from typing import Any

from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.model_matrix import INTERCEPT, Block
from tests.oracle import rlang
from tests.oracle.designs import over_data
from tests.oracle.rlang import Call, Name, Number, Scope, Text, Vector
from tests.oracle.session import column


def _expand(node: Any) -> list[tuple[str, ...] | int]:
    """Terms of a right-hand side as tuples of spelled variables; 1 and 0 for the intercept, negative for
    removal."""
    if isinstance(node, Number):
        return [int(node.value)]
    if isinstance(node, Call) and node.fn == "(":
        return _expand(node.positional[0])
    if isinstance(node, Call) and node.fn == "+" and len(node.positional) == 2:
        return _expand(node.positional[0]) + _expand(node.positional[1])
    if isinstance(node, Call) and node.fn == "-":
        kept = _expand(node.positional[0]) if len(node.positional) == 2 else []
        removed = _expand(node.positional[-1])
        return [t for t in kept if t not in removed] + [0 for t in removed if t == 1]
    if isinstance(node, Call) and node.fn == "^":
        base, degree = node.positional
        found = _expand(base)
        for _ in range(int(degree.value) - 1):
            found += [(*a, *b) for a in found for b in _expand(base)]  # type: ignore[misc]
        return [tuple(dict.fromkeys(t)) if isinstance(t, tuple) else t for t in found]
    if isinstance(node, Call) and node.fn == "%in%":
        return _expand(Call(":", node.args))
    if isinstance(node, Call) and node.fn in (":", "*"):
        left, right = (_expand(side) for side in node.positional)
        crossed = [(*a, *b) for a in left for b in right if isinstance(a, tuple) and isinstance(b, tuple)]
        return crossed if node.fn == ":" else left + right + crossed  # type: ignore[operator]
    return [(rlang.deparse(node),)]


def terms(rhs: Any) -> tuple[list[tuple[str, ...]], bool]:
    """Terms in R's order (by degree) and whether there is an intercept."""
    found = _expand(rhs)
    # Inside a term R puts the variables in the order in which the formula first names them.
    first = list(dict.fromkeys(v for term in found if isinstance(term, tuple) for v in term))
    found = [tuple(sorted(t, key=first.index)) if isinstance(t, tuple) else t for t in found]
    kept: list[tuple[str, ...]] = []
    for term in found:
        if isinstance(term, tuple) and set(term) not in [set(k) for k in kept]:
            kept.append(term)
    return sorted(kept, key=len), 0 not in found


def variable(source: str, design: SurveyDesign, scope: Scope) -> Column | Block:
    """A variable of a formula, evaluated over the design's data."""
    value = over_data(rlang.parse(source), design, scope)
    if isinstance(value, rlang.Matrix):
        return Block(source, value.values, value.columns)
    return column(source, value)


def sides(formula: Any) -> tuple[Any, Any]:
    """Left and right of a formula; the left is None for a one-sided one."""
    nodes = formula.positional
    return (None, nodes[0]) if len(nodes) == 1 else (nodes[0], nodes[1])


def model(formula: Any, design: SurveyDesign, scope: Scope) -> tuple[Any, list[Any], bool]:
    """Outcome, terms and intercept of a two-sided formula."""
    left, right = sides(formula)
    listed, intercept = terms(right)
    built: list[Any] = []
    for term in listed:
        variables = tuple(variable(v, design, scope) for v in term)
        built.append(variables[0] if len(variables) == 1 else variables)
    return variable(rlang.deparse(left), design, scope), built, intercept


def r_names(parts: Any) -> list[str]:
    """Coefficient names as R writes them: variable and level run together, interactions joined by a colon."""
    return [
        ":".join("(Intercept)" if name == INTERCEPT else f"{name}{level}" for name, level in part)
        for part in parts
    ]


def additive(formula: Any, design: SurveyDesign, scope: Scope) -> list[Column]:
    """The variables of ``~a + b``."""
    _, right = sides(formula)
    return [variable(":".join(term), design, scope) for term in terms(right)[0]]  # type: ignore[misc]


def text(value: Any) -> Any:
    """A name or a string as text."""
    if isinstance(value, (Name, Text)):
        return value.text if isinstance(value, Name) else value.value
    return rlang.scalar(value) if isinstance(value, Vector) else value
