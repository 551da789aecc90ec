"""Plans without writing YAML: begun from a wave, and put together by choosing."""

from __future__ import annotations

from typing import Any

import yaml
from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup

from analysis import calibration, margin_checks, plan_builder, store
from analysis.charts import Dot, dots
from analysis.diagnostics import WeightingStep
from analysis.errors import AnalysisError, MarginError
from analysis.exchange.bookfiles import said as text_in
from analysis.figures import frame as figure_frame
from analysis.forms import ActForm, NewPlanForm
from analysis.plan import loads, read, title_of
from analysis.planning import store as planning
from analysis.tables import Item, WaveData
from analysis.views import now, said, told
from localtext import NAMES
from stores import collector, office
from surveys.faults import Faulty
from web.accounts import current_account
from web.audit import audit
from web.i18n import language
from web.rooms import Room

room = Room(
    "plans",
    __name__,
    audience="staff",
    roles=("analyst",),
    processes=("analysis",),
    url_prefix="/office/analysis",
)

STEP_NAMES = {
    "margin items": lazy_gettext("Missing answers of the margins completed"),
    "nonresponse classes": lazy_gettext("Adjustment for nonresponse"),
    "post-stratification": lazy_gettext("Post-stratification"),
    "raking": lazy_gettext("Calibration by raking"),
    **{f"{method} calibration": lazy_gettext("Calibration") for method in calibration.DISTANCES},
    "trimming": lazy_gettext("Trimming"),
}

MOST_LEVELS = 12
"""A variable of more levels makes no groups worth a table."""


@room.route("/plans/new", methods=["GET", "POST"])
def new_plan() -> ResponseReturnValue:
    """A plan written from a wave: all items, the usual groups, the strict defaults."""
    form = NewPlanForm()
    with collector.read() as session:
        form.wave.choices = [
            (w.key, f"{w.survey}: {next(iter(w.document['label'].values()))}") for w in store.waves(session)
        ]
    if form.validate_on_submit():
        try:
            source = _first_plan(form)
            with collector.begin() as session:
                planning.add_plan(session, form.name.data or "", source, current_account().email, now())
        except AnalysisError as error:
            if error.code == "plan_exists":
                form.name.errors = [told(error)]
            else:
                flash(told(error), "danger")
        else:
            return redirect(url_for("analysis.plan", name=form.name.data))
    return render_template("analysis/new_plan.html", form=form), 422 if form.is_submitted() else 200


def _first_plan(form: NewPlanForm) -> str:
    with collector.read() as session:
        data, _ids = store.load(session, form.wave.data)
        stored = store.margins(session)
    sensitive = sorted(name for name, item in data.items.items() if item.sensitive >= 2)
    groups = [
        name
        for name, item in data.items.items()
        if not item.multiple and item.sensitive == 1 and 2 <= len(item.categories) <= MOST_LEVELS
    ][:4]
    suited = margin_checks.suited(data, stored)
    if suited.left_out:
        flash(
            _(
                "Left out of the weights, because they do not fit this wave or each other: %(names)s.",
                names=", ".join(suited.left_out),
            ),
            "warning",
        )
    first = next((n for n, i in data.items.items() if i.ordered and i.sensitive == 0), next(iter(data.items)))
    top = list(data.items[first].categories[:2])
    document = {
        "plan": 1,
        "name": form.name.data,
        "title": {language(): form.title.data},
        "languages": sorted(
            {"de", "en", *(tag for tag in next(iter(data.items.values())).label if tag in NAMES)}
        )[:8],
        "waves": [form.wave.data],
        "weighting": _first_weighting(suited),
        "tables": _first_tables(data, groups, set(sensitive)),
        "findings": [{"item": first, "categories": top, "text": _finding_text(data.items[first], top)}],
        "disclosure": {"method": "full" if data.open_participation else "sample", "sensitive": sensitive},
    }
    return str(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


def _first_weighting(suited: margin_checks.Suited) -> list[dict[str, Any]]:
    if not suited.margins:
        return []
    step = {"step": "rake", "margins": list(suited.margins)}
    return [{**step, "outside": {k: dict(v) for k, v in suited.outside.items()}} if suited.outside else step]


def _finding_text(item: Item, categories: list[str]) -> dict[str, str]:
    """Question and answers in every language: a first sentence that the analyst words better."""
    found = {}
    for tag, words in item.label.items():
        named = [item.labels.get(code, {}).get(tag, "") for code in categories]
        if all(named):
            found[tag] = f"{words} – {' / '.join(named)}"
    return found or dict(item.label)


def _first_tables(data: WaveData, groups: list[str], sensitive: set[str]) -> list[dict[str, Any]]:
    """Items by the usual groups; sensitive ones for everybody only, because their small cells are the
    danger.
    """
    plain = [name for name in data.items if name not in sensitive]
    tables: list[dict[str, Any]] = [{"items": plain, "groups": groups}] if plain else []
    return [*tables, {"items": sorted(sensitive), "groups": []}] if sensitive else tables


@room.route("/plans/<name>/build", methods=["GET", "POST"])
def build(name: str) -> ResponseReturnValue:
    """The plan as a form: waves, weights, tables, findings, trends and what is protected, by choosing."""
    with collector.read() as session:
        stored = store.plan(session, name)
    if stored is None:
        abort(404)
    try:
        document = loads(stored.source)
        shown = _choices(document)
    except Faulty as error:
        flash("; ".join(str(said(fault)["words"]) for fault in error.faults), "danger")
        return redirect(url_for("analysis.plan", name=name))
    except AnalysisError as error:
        flash(told(error), "danger")
        return redirect(url_for("analysis.plan", name=name))
    form = ActForm()
    if form.validate_on_submit():
        fields = request.form
        changed = plan_builder.built(document, lambda key: fields.get(key, ""), fields.getlist)
        source = str(yaml.safe_dump(changed, allow_unicode=True, sort_keys=False))
        with collector.begin() as session:
            store.save_plan(session, name, source, current_account().email, now())
        audit(office, current_account(), "analysis.plan", f"plan {name}", {"built": True})
        flash(_("The plan is saved. The checker says below what is still missing."), "info")
        return redirect(url_for("analysis.plan", name=name))
    return render_template("analysis/build.html", name=name, form=form, **shown)


def _choices(document: dict[str, Any]) -> dict[str, Any]:
    """Everything that can be chosen, with what the plan holds."""
    tag = language()
    with collector.read() as session:
        waves, stored = store.waves(session), store.margins(session)
        margins = sorted({name.partition("@")[0] for name in stored})
        known = [wave.key for wave in waves]
        chosen = plan_builder.as_list(document.get("waves"))
        last = next((key for key in reversed(chosen) if key in known), known[-1] if known else "")
        data, _ids = store.load(session, last)
    items = [
        {
            "name": item.name,
            "label": text_in(item.label, tag) or item.name,
            "answers": [(code, text_in(item.labels.get(code), tag)) for code in item.categories],
            "groups": not item.multiple and 2 <= len(item.categories) <= MOST_LEVELS,
            "sensitive": item.sensitive >= 2,
            "section": text_in(item.section, tag),
        }
        for item in data.items.values()
    ]
    sections: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        sections.setdefault(str(item["section"]), []).append(item)
    rules = plan_builder.rules_of(document)
    return {
        "languages": [(t, NAMES.get(t, t)) for t in plan_builder.as_list(document.get("languages", ["en"]))],
        "title": document.get("title") or {},
        "waves": [(wave.key, text_in(wave.document["label"], tag), wave.key in chosen) for wave in waves],
        "margins": [(margin, margin in plan_builder.raked(document)) for margin in margins],
        "upper": plan_builder.trimming(document),
        "items": items,
        "sections": list(sections.items()),
        "tables": plan_builder.tables_of(document),
        "findings": plan_builder.rows_of(document, "findings"),
        "trends": plan_builder.rows_of(document, "trends"),
        "sensitive": plan_builder.as_list(rules.get("sensitive")),
        "places": plan_builder.as_list(rules.get("places")),
    }


@room.get("/plans/<name>/weights")
def weights(name: str) -> ResponseReturnValue:
    """The weighting chain of one wave step by step: of the last one, or of ``?wave=``."""
    with collector.read() as session:
        stored = store.plan(session, name)
    if stored is None:
        abort(404)
    try:
        plan = read(loads(stored.source))
        key = request.args.get("wave", plan.waves[-1])
        if key not in plan.waves:
            abort(404)
        with collector.read() as session:
            known = store.waves(session)
            data, _ids = store.load(session, key, plan.weighting, store.margins(session))
    except Faulty as error:
        flash("; ".join(said(fault)["words"] for fault in error.faults), "danger")
        return redirect(url_for("analysis.plan", name=name))
    except MarginError:
        # The plan's page lists everything that does not fit.
        flash(_("These margins give no weights. The checker says below why."), "danger")
        return redirect(url_for("analysis.plan", name=name))
    except AnalysisError as error:
        flash(told(error), "danger")
        return redirect(url_for("analysis.plan", name=name))
    steps = data.design.steps
    figures = [_moves_figure(step, number) for number, step in enumerate(steps)]
    return render_template(
        "analysis/weights.html",
        name=name,
        title=text_in(title_of(stored.source), language()) or name,
        data=data,
        wave=text_in(data.label, language()),
        others=[
            (one.key, text_in(one.document["label"], language()))
            for one in known
            if one.key in plan.waves and one.key != key
        ],
        steps=steps,
        figures=figures,
        step_names=STEP_NAMES,
    )


def _moves_figure(step: WeightingStep, number: int) -> Markup:
    """Dots at the share of a margin after a step, lines from the share before it."""
    rows = [
        Dot(
            f"{m.margin}: {m.category}",
            round(100 * m.after, 1),
            100 * min(m.before, m.after),
            100 * max(m.before, m.after),
        )
        for m in step.shares()[:12]
    ]
    title = _("Which categories moved most")
    told_in_words = _("The table beside it holds the same figures.")
    # Our own drawing: every label in it was escaped when it was drawn.
    return Markup(dots(figure_frame(title, told_in_words, language(), f"step{number}"), rows))  # noqa: S704
