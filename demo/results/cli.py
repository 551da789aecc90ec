"""The demo's results: margins, a declared plan, the audited book, and its release by two people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click
import numpy as np

from analysis import store
from analysis.cli import run_job
from analysis.margins import Margin
from demo import city, earlier
from demo.survey import cli as survey
from stores import collector
from surveys import questionnaire

PLAN = "living-here"
SLUG = "living-here-2024"
ANALYST, REVIEWER = "analyst@demo.example.org", "reviewer@demo.example.org"


def sensitive() -> list[str]:
    """Items of the questionnaire whose small numbers are hidden earlier."""
    model = questionnaire.read(survey.document())
    return [
        field.address
        for item in model.items
        if item.sensitive >= 2
        for field in item.fields
        if field.kind != "text"
    ]


def groups(share: float) -> list[str]:
    """What a sample of this size can be tabulated by: a plan is declared for the answers to be expected."""
    if share >= 0.5:
        return ["age", "origin"]
    return ["gender", "origin"] if share >= 0.12 else []


def plan(first: str, second: str, share: float) -> dict[str, Any]:
    """The plan of the demo: declared before the data, and the publication plan that the auditor checks.

    The wave of 2016 asked other people in another way: the series breaks, for everybody and also for those
    who were long in the country in 2016 and would have been asked again.  ``share`` of the sample that was
    drawn: the smaller, the larger the weights that are still usual.
    """
    satisfied = ["7", "8", "9", "10"]
    series = {"item": "life", "categories": satisfied, "unchanged_within": 5}
    return {
        "plan": 1,
        "name": PLAN,
        "title": {
            "de": "Leben in Musterstadt: Ergebnisse (Demo)",
            "en": "Living in Musterstadt: results (demo)",
            "ar": "العيش في موسترشتات: النتائج (نسخة تجريبية)",
        },
        "languages": ["de", "en", "ar"],
        "waves": [earlier.KEY, first, second],
        "weighting": [
            {"step": "rake", "margins": ["age", "gender"], "outside": {"gender": {"diverse": "random"}}},
            {"step": "trim", "upper": round(400 / share)},
        ],
        "tables": [
            {
                "items": ["life", "outlook", "housing-satisfaction", "trust", "speak"],
                "groups": groups(share),
            },
            {"items": ["worry-money", "office", "looked"], "groups": []},
        ],
        "tests": {"level": 0.95, "book": "bh", "headlines": "holm"},
        "findings": [
            {
                "item": "life",
                "categories": satisfied,
                "text": {
                    "de": "sind mit ihrem Leben zufrieden (7 bis 10 von 10)",
                    "en": "are satisfied with their life (7 to 10 of 10)",
                    "ar": "راضون عن حياتهم (من 7 إلى 10 من 10)",
                },
            },
            {
                "item": "trust",
                "categories": ["help"],
                "text": {
                    "de": "meinen, dass die meisten Menschen helfen wollen",
                    "en": "think that most people want to help",
                    "ar": "يعتقدون أن معظم الناس يريدون المساعدة",
                },
            },
        ],
        "trends": [series, {**series, "group": "stay-germany", "level": "11"}],
        "outside": [
            {
                "item": "life",
                "categories": satisfied,
                "label": {
                    "de": "Allgemeine Bürgerumfrage (erfunden)",
                    "en": "General citizens' survey (invented)",
                    "ar": "استطلاع عام للسكان (مختلق)",
                },
                "time": 2023,
                "estimate": 0.62,
                "n": 3000,
                "source": "Demo",
            }
        ],
        "disclosure": {"method": "sample", "sensitive": sensitive(), "places": ["district"]},
        "about": {
            "population": {
                "de": "Einwohnerinnen und Einwohner mit Migrationsgeschichte ab 18 Jahren (erfunden)",
                "en": "Residents with a migration history aged 18 and over (invented)",
                "ar": "سكان من أصول مهاجرة بعمر 18 سنة فأكثر (مختلقون)",
            }
        },
    }


def note_waves() -> None:
    """Let the sealed office see a wave while its survey's address still serves it."""
    with collector.begin() as session:
        store.note_waves(session)


def make_results(waves: dict[int, str], share: float) -> str:
    """The earlier wave, margins, plan, book, request and release; returns the publication's address."""
    now = datetime.now(UTC)
    model = questionnaire.read(survey.document())
    with collector.begin() as session:
        store.add_imported(session, earlier.description(), earlier.table(model, survey.SEED, share), "csv")
        for year, wave in waves.items():
            for name, counts in city.margins(year).items():
                margin = Margin(
                    (name,),
                    tuple(counts),
                    np.array(list(counts.values()), dtype=float),
                    source=f"{city.COUNTS[year].source}; the split is invented",
                    date=city.COUNTS[year].date,
                    definition="Residents with a migration background",
                )
                store.save_margin(session, f"{name}@{wave}", margin, ANALYST, now)
                if year == max(waves):
                    store.save_margin(session, name, margin, ANALYST, now)
        first, second = (waves[year] for year in sorted(waves))
        source = json.dumps(plan(first, second, share), ensure_ascii=False, indent=1)
        store.save_plan(session, PLAN, source, ANALYST, now)
        store.ask(session, "book", PLAN, ANALYST, now)
        claimed = store.claim(session, now)
    assert claimed is not None
    state = run_job(claimed.id)
    if state != "done":
        with collector.read() as session:
            job = store.job(session, claimed.id)
        raise click.ClickException(f"the demo's plan did not run: {state} {job.problem if job else ''}")
    with collector.begin() as session:
        asked = store.request_release(session, PLAN, SLUG, ANALYST, datetime.now(UTC))
    with collector.begin() as session:
        store.decide(session, asked.id, REVIEWER, True, "Demo", datetime.now(UTC))
    return SLUG
