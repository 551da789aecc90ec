"""Scripts that lie beside exported data and make the table book again: in R ``survey`` and in this
package.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.errors import AnalysisError


@dataclass(frozen=True)
class Recipe:
    """How the exported file was analysed.

    ``design_weight`` is the column of design weights (after nonresponse), ``weight`` of final weights,
    ``stratum`` and ``psu`` columns or empty.  ``margins`` (variable -> category -> population) are what the
    weights were raked to, in order; empty: the final weights are taken as they are.  ``items`` by ``groups``
    are the tables.
    """

    data: str
    weight: str
    design_weight: str
    stratum: str = ""
    psu: str = ""
    margins: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    items: Sequence[str] = ()
    groups: Sequence[str] = ()
    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    missing: Sequence[str] = ("not_asked", "not_in_variant", "dont_know", "refused", "no_answer")


def _r(value: Any) -> str:
    """A text as an R literal; JSON's escapes are R's."""
    return json.dumps(str(value), ensure_ascii=False)


def _r_vector(values: Sequence[Any]) -> str:
    return f"c({', '.join(_r(value) for value in values)})"


def _name(name: str) -> str:
    if "`" in name or "\\" in name:
        raise AnalysisError("script_name", f"the column name {name!r} cannot be written in a script", name)
    return f"`{name}`"


def r_script(recipe: Recipe) -> str:
    """R: reads the CSV, declares the design, rakes to the margins, writes every item by every group.

    Tested with survey 4.1 and later; needs no other package.
    """
    lines = [
        "# Table book from the exported data. Needs the R package survey.",
        "library(survey)",
        'options(survey.lonely.psu = "adjust", digits = 12)',
        f'data <- read.csv({_r(recipe.data)}, fileEncoding = "UTF-8-BOM", colClasses = "character",',
        f"                 na.strings = {_r_vector(['', *recipe.missing])}, check.names = FALSE)",
        f"for (name in {_r_vector([recipe.weight, recipe.design_weight])})",
        "  data[[name]] <- as.numeric(data[[name]])",
    ]
    lines += [
        f"data[[{_r(name)}]] <- factor(data[[{_r(name)}]], levels = {_r_vector(levels)})"
        for name, levels in recipe.factors.items()
    ]
    ids = f"~{_name(recipe.psu)}" if recipe.psu else "~1"
    strata = f", strata = ~{_name(recipe.stratum)}" if recipe.stratum else ""
    start = recipe.design_weight if recipe.margins else recipe.weight
    lines.append(f"design <- svydesign(ids = {ids}{strata}, weights = ~{_name(start)}, data = data)")
    if recipe.margins:
        formulas = ", ".join(f"~{_name(name)}" for name in recipe.margins)
        lines.append(f"samples <- list({formulas})")
        lines.append("populations <- list(")
        tables = []
        for name, counts in recipe.margins.items():
            frame = f"data.frame(factor({_r_vector(list(counts))}, levels = levels(data[[{_r(name)}]])), "
            frame += f"Freq = c({', '.join(repr(float(n)) for n in counts.values())}))"
            tables.append(f'  setNames({frame}, c({_r(name)}, "Freq"))')
        lines.append(",\n".join(tables))
        lines.append(")")
        lines.append(
            "design <- rake(design, samples, populations, control = list(maxit = 1000, epsilon = 1e-9))"
        )
        lines.append(
            f'message("largest difference to the exported weights: ", '
            f"max(abs(weights(design) / data[[{_r(recipe.weight)}]] - 1)))"
        )
    lines += _R_BOOK
    lines.append(
        f"book <- make_book(design, {_r_vector(list(recipe.items))}, {_r_vector(list(recipe.groups))})"
    )
    lines.append('write.csv(book, "book-from-r.csv", row.names = FALSE)')
    return "\n".join(lines) + "\n"


_R_BOOK = [
    "one <- function(design, item, group, level) {",
    '  part <- if (group == "") design else subset(design, design$variables[[group]] == level)',
    "  part <- subset(part, !is.na(part$variables[[item]]))",
    "  # A calibrated design keeps the rows outside a subset, with weight 0.",
    "  here <- is.finite(part$prob) & !is.na(part$variables[[item]])",
    "  if (!any(here)) return(NULL)",
    "  levels <- levels(part$variables[[item]])",
    "  rows <- lapply(levels, function(l) {",
    "    given <- part$variables[[item]]",
    "    part <- update(part, hit__ = as.numeric(!is.na(given) & given == l))",
    "    m <- svymean(~hit__, part)",
    "    data.frame(item = item, group = group, level = level, category = l, estimate = as.numeric(coef(m)),",
    "               se = as.numeric(SE(m)), base = sum(here))",
    "  })",
    "  do.call(rbind, rows)",
    "}",
    "make_book <- function(design, items, groups) {",
    "  out <- list()",
    "  for (item in items) {",
    '    out[[length(out) + 1]] <- one(design, item, "", "")',
    "    for (group in groups) for (level in levels(design$variables[[group]]))",
    "      out[[length(out) + 1]] <- one(design, item, group, level)",
    "  }",
    "  do.call(rbind, out)",
    "}",
]


def python_script(recipe: Recipe) -> str:
    """The same in this package: reads the CSV, declares and rakes the design, writes every item by every
    group.
    """
    document = {
        "items": list(recipe.items),
        "groups": list(recipe.groups),
        "margins": {name: dict(counts) for name, counts in recipe.margins.items()},
        "factors": {name: list(levels) for name, levels in recipe.factors.items()},
        "missing": list(recipe.missing),
    }
    start = recipe.design_weight if recipe.margins else recipe.weight
    return _PYTHON.format(
        recipe=json.dumps(document, ensure_ascii=False, indent=1),
        data=json.dumps(recipe.data),
        start=json.dumps(start),
        weights=json.dumps([recipe.weight, recipe.design_weight]),
        stratum=json.dumps(recipe.stratum) if recipe.stratum else "None",
        psu=json.dumps(recipe.psu) if recipe.psu else "None",
    )


_PYTHON = '''"""Table book from the exported data, by the package it came from."""

import csv
import json

from analysis.columns import Column, encode
from analysis.design import SurveyDesign
from analysis.estimates import mean
from analysis.margins import Margin, Margins
from analysis.weighting import rake

RECIPE = json.loads(r"""{recipe}""")

with open({data}, encoding="utf-8-sig", newline="") as file:
    rows = list(csv.DictReader(file))
columns = {{}}
for name in rows[0]:
    values = [row[name] for row in rows]
    if name in {weights}:
        columns[name] = [float(value) for value in values]
    elif name in RECIPE["factors"]:
        clean = [None if value in RECIPE["missing"] else value for value in values]
        codes, levels = encode(clean, RECIPE["factors"][name])
        columns[name] = Column(name, "category", codes, levels)
    else:
        columns[name] = [None if value in RECIPE["missing"] else value for value in values]

design = SurveyDesign.create(columns, weights={start}, strata={stratum}, psu={psu}, lonely="adjust")
if RECIPE["margins"]:
    margins = tuple(Margin.from_counts(name, counts) for name, counts in RECIPE["margins"].items())
    design = rake(design, Margins(margins))

with open("book-from-python.csv", "w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["item", "group", "level", "category", "estimate", "se", "base"])
    for item in RECIPE["items"]:
        for group in ["", *RECIPE["groups"]]:
            found = mean(design, item, by=group or None)
            for number, row in enumerate(found.rows):
                figures = (found.estimate[number], found.se[number], int(found.base[number]))
                writer.writerow([item, group, row.get(group, ""), row["category"], *figures])
'''
