"""From a plan and a wave to the recipe of the scripts that lie beside a sealed export."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from analysis.assemble import KEY, WEIGHT
from analysis.exchange.scripts import Recipe, python_script, r_script
from analysis.margins import Margin
from analysis.plan import Plan
from analysis.tables import WaveData
from localtext import pick

KINDS = {"R": r_script, "py": python_script}
AS_THEY_ARE = (
    "# The final weights are taken as they are: estimates are those of the table book; standard errors\n"
    "# leave out what the weighting chain of the plan changed.\n"
)


def stem(wave: WaveData) -> str:
    """What the files of a wave are called: its title, as far as Latin letters can write it, else its key."""
    title = str(pick(dict(wave.label), "en", {"en": ("de",)}, next(iter(wave.label), "")))
    folded = (
        unicodedata.normalize("NFKD", title.lower().replace("ß", "ss")).encode("ascii", "ignore").decode()
    )
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:60].strip("-") or wave.key


def recipe(plan: Plan, wave: WaveData, margins: Mapping[str, Margin]) -> Recipe:
    """How the exported file of a wave was analysed by a plan.

    The raking is done again where the chain is nothing but raking to single variables that everybody
    answered; any other chain takes the final weights as they are.
    """
    data = wave.design.data
    asked = [item for table in plan.tables for item in (table.items or tuple(wave.items))]
    items = [name for item in dict.fromkeys(asked) if item in wave.items for name in wave.items[item].columns]
    groups = [name for name in plan.groups if name in data and data[name].kind == "category"]
    own = WEIGHT in data
    raked = _raked(plan, wave, margins) if own else {}
    # Without counts of the register every design weight is 1 and there are no strata.
    stratum = KEY if own and bool((data[WEIGHT].values != 1).any()) else ""
    used = [*items, *groups, *raked, *([stratum] if stratum else [])]
    return Recipe(
        data=f"{stem(wave)}.csv",
        weight="weight",
        design_weight=WEIGHT if own else "weight",
        stratum=stratum,
        margins=raked,
        items=items,
        groups=groups,
        factors={name: data[name].levels for name in dict.fromkeys(used) if data[name].kind == "category"},
    )


def script(kind: str, plan: Plan, wave: WaveData, margins: Mapping[str, Margin]) -> str:
    """The script, R or Python; says on top where it takes the weights as they are."""
    made = recipe(plan, wave, margins)
    text = KINDS[kind](made)
    return text if made.margins or not (plan.weighting and WEIGHT in wave.design.data) else AS_THEY_ARE + text


def _raked(plan: Plan, wave: WaveData, margins: Mapping[str, Margin]) -> dict[str, dict[str, float]]:
    if wave.open_participation or [step.kind for step in plan.weighting] != ["rake"]:
        return {}
    (step,) = plan.weighting
    if step.options:
        return {}
    found: dict[str, dict[str, float]] = {}
    for name in step.margins:
        margin = margins.get(f"{name}@{wave.key}") or margins[name]
        if len(margin.variables) != 1:
            return {}
        column = wave.design.data[margin.variables[0]]
        if not column.observed.all() or set(column.levels) != {str(c) for c in margin.categories}:
            return {}
        found[margin.variables[0]] = dict(
            zip((str(c) for c in margin.categories), map(float, margin.counts), strict=True)
        )
    return found
