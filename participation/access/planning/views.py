"""The planner's page: groups, response and precision -> letters, keys, calendar and work."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from participation.access.planner import Plan, PlanError
from participation.access.planner import plan as make_plan
from participation.access.planning.forms import STEP_NAMES, PlanForm, problem_text
from web.accounts.forms import ROLE_NAMES
from web.rooms import Room

room = Room(
    "planning",
    __name__,
    audience="staff",
    roles=("register_clerk", "editor", "analyst"),
    processes=("register", "office"),
    url_prefix="/office/register/plan",
    menu=(("planning.plan", lazy_gettext("Plan a sample")),),
    about=lazy_gettext("How many letters, keys, days and people a survey takes."),
)

#: Empty rows for a plan that begins.
ROWS = 5


@room.get("", strict_slashes=False)
def plan() -> ResponseReturnValue:
    """The form, and the plan of what it holds; nothing is stored, so the address itself is the plan."""
    today = datetime.now().astimezone().date()
    begun = bool(request.args)
    empty = {"groups": [{} for _row in range(ROWS)], "start": today + timedelta(days=14), "languages": 10}
    form = PlanForm(request.args) if begun else PlanForm(formdata=None, data=empty)
    found: Plan | None = None
    problem = None
    if begun and form.validate():
        try:
            found = make_plan(
                form.filled(),
                start=form.start.data or today,
                share_key=bool(form.share_key.data),
                languages=form.languages.data or 1,
            )
        except PlanError as error:
            problem = problem_text(error)
    page = render_template(
        "planning/plan.html",
        form=form,
        plan=found,
        problem=problem,
        problem_text=problem_text,
        step_names=STEP_NAMES,
        role_names=ROLE_NAMES,
        keys=_keys(found),
    )
    return page, 200 if found is not None or not begun else 422


def _keys(found: Plan | None) -> dict[int, list[str]]:
    """Groups by the number of their key."""
    keys: dict[int, list[str]] = {}
    for one in found.groups if found else ():
        keys.setdefault(one.key, []).append(one.group.label)
    return keys
