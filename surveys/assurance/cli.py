"""`flask anonymity report WAVE`: what the data-protection officer needs to know, in German and English."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

import typeset
from config import STORES_OF_ROLE, Settings
from stores import Store, Stores, collector, office
from surveys.assurance import store
from surveys.assurance.forms import document
from surveys.assurance.store import Findings
from surveys.authoring.store import version
from surveys.collection.models import Wave
from surveys.questionnaire import Questionnaire, read
from surveys.rehearsal.cli import anonymity, rehearse
from surveys.rehearsal.people import content_linked
from web.i18n import speaking

LANGUAGES = ("de", "en")


@anonymity.command("report")
@click.argument("wave")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="folder")
@click.option("--people", type=click.IntRange(100, 20_000), default=300, show_default=True, help="rehearsal")
@click.option("--without-rehearsal", is_flag=True, help="leave the attack with simulated people out")
@click.option("--coarsen-on", type=click.DateTime(["%Y-%m-%d"]), help="day on which responses are coarsened")
@click.option("--delete-on", type=click.DateTime(["%Y-%m-%d"]), help="day on which responses are deleted")
@with_appcontext
def report(
    wave: str,
    output: Path,
    people: int,
    without_rehearsal: bool,
    coarsen_on: datetime | None,
    delete_on: datetime | None,
) -> None:
    """Write the report on WAVE for the data-protection officer, as PDF in German and English.

    It reads the stores that the settings name: for an examination name copies.  The register's bytes are
    compared with the collector's only where this process may read both.
    """
    findings = find(
        wave,
        None if without_rehearsal else people,
        coarsen_on.date() if coarsen_on else None,
        delete_on.date() if delete_on else None,
    )
    output.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        target = output / f"anonymity-{wave}-{language}.pdf"
        with current_app.test_request_context(), speaking(language):
            target.write_bytes(typeset.pdf("assurance", document(findings), language))
        click.echo(str(target))


def find(wave: str, people: int | None, coarsen_on: date | None, delete_on: date | None) -> Findings:
    """Everything the report states, read from the stores of this process.

    Raises:
        click.ClickException: there is no such wave.
    """
    settings: Settings = current_app.config["SETTINGS"]
    stores: Stores = current_app.extensions["stores"]
    register: Store | None = stores.get("register") if "register" in STORES_OF_ROLE[settings.role] else None
    with office.read() as session:
        found = store.wave_of(session, wave)
        known = [f"{one.id} ({one.title})" for one in store.waves(session)]
    if found is None:
        raise click.ClickException(f"there is no wave {wave}; there are: {', '.join(known) or 'none'}")
    with collector.read() as session:
        keys = store.key_figures(session, found)
        answers = store.closed_answers(session, found)
    linked = None if answers is None else content_linked(_questionnaire(found), answers)
    dates: tuple[date | None, date | None] = (None, None)
    if register is not None:
        with register.read() as session:
            dates = store.deletion(session, found)
    rehearsal = None
    if people is not None:
        engine = "postgresql" if collector.engine.dialect.name == "postgresql" else "sqlite"
        _verdict, line = rehearse(engine, people, False, 1)
        rehearsal = line | {"engine": engine}
    return Findings(
        found,
        settings.role == "all",
        keys,
        store.traces(stores.get("collector"), register),
        linked,
        len(answers or ()),
        dates,
        rehearsal,
        coarsen_on,
        delete_on,
        datetime.now().astimezone().date(),
    )


def _questionnaire(wave: Wave) -> Questionnaire:
    with office.read() as session:
        found = version(session, wave.survey, wave.versions[-1])
    if found is None:
        raise click.ClickException(f"the questionnaire of {wave.survey} is missing")
    return read(found.document)
