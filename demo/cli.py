"""`flask demo`: a synthetic city with real totals, made from fixed seeds through the product's own doors."""

from __future__ import annotations

from time import monotonic
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings
from demo import city
from demo.conference import cli as conference
from demo.results import cli as results
from demo.survey import cli as survey
from stores import collector, publish, published, published_all


@click.command("demo")
@click.option("--if-empty", is_flag=True, help="do nothing where there is content already")
@click.option("--share", type=click.FloatRange(0.02, 1), default=1.0, help="share of the sample (for tests)")
@with_appcontext
def demo(if_empty: bool, share: float) -> None:
    """Fill the stores with the demo city; only with VIELSTIMMIG_DEMO=1."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.demo:
        raise click.ClickException("the demo city is made only where VIELSTIMMIG_DEMO=1 is set")
    with collector.read() as session:
        empty = not published_all(session, "office", "wave")
        waves_only = published(session, "office", "tour", "demo") is None
    if not empty:
        if if_empty and waves_only:
            # Somebody's own content, or a first start that was broken off: only people can tell.
            click.echo(
                "There are waves, but not the whole demo city; if its making was interrupted, begin again "
                f"with: rm -r {settings.instance}",
                err=True,
            )
        if if_empty:
            return
        raise click.ClickException("there is content already; the demo city needs empty stores")
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    begun = monotonic()
    made: dict[str, Any] = {}
    expected = round(3650 * share)
    survey.speak(app)
    with click.progressbar(length=expected, label="Residents answer") as bar:
        waves = {}
        for year, part in ((2020, share), (2024, 0.6 * share)):
            waves[year] = survey.play(app, year, f"{city.NAME} {year}", share=part, say=bar.update)
            results.note_waves()
    made["codes"] = survey.open_now(app, f"{city.NAME}, jetzt offen")
    made["prepared"] = survey.prepare(app, f"{city.NAME}, in Vorbereitung")
    made["publication"] = results.make_results(waves, share)
    made["plan"] = results.PLAN
    made |= conference.make(app, share)
    with collector.begin() as session:
        publish(session, "office", "tour", "demo", made)
    click.echo(f"The demo city is ready ({monotonic() - begun:.0f} s).")
