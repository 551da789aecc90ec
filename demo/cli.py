"""`flask demo`: a synthetic city with real totals, made from fixed seeds through the product's own doors."""

from __future__ import annotations

from time import monotonic

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings
from demo.survey import cli as survey
from stores import collector, publish, published_all


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
    if not empty:
        if if_empty:
            return
        raise click.ClickException("there is content already; the demo city needs empty stores")
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    begun = monotonic()
    expected = round(3650 * share)
    with click.progressbar(length=expected, label="Residents answer") as bar:
        survey.play(app, 2020, "Living here 2020", share=share, say=bar.update)
        survey.play(app, 2024, "Living here 2024", share=0.6 * share, say=bar.update)
    codes = survey.open_now(app, "Living here, open now")
    with collector.begin() as session:
        publish(session, "office", "tour", "demo", {"codes": codes})
    click.echo(f"The demo city is ready ({monotonic() - begun:.0f} s).")
