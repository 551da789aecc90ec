"""Commands of the register process: keys, import, figures, journal, deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from participation.access import citizenship, journal, sample, spreadsheet
from participation.access.people import store as people_store
from participation.access.people import uploads
from participation.access.people.forms import fault_text as sample_fault_text
from participation.access.people.forms import table_fault_text
from participation.access.people.importing import FAULTS_SHOWN
from participation.access.people.views import uploads_folder
from participation.access.register import store, views
from participation.access.register.forms import fault_text
from participation.access.register.store import RegisterFault
from stores import office, register
from web.audit import audit
from web.i18n import speaking

commands = AppGroup("register", help="The register: keys, sample, figures, journal, deletion.")


def _in_english(command: Callable[..., Any]) -> Callable[..., Any]:
    """Messages of commands are English; a refusal ends with its reason and not with a traceback."""

    @with_appcontext
    @wraps(command)
    def spoken(*arguments: Any, **options: Any) -> Any:
        with current_app.test_request_context(), speaking("en"):
            try:
                return command(*arguments, **options)
            except RegisterFault as fault:
                raise click.ClickException(fault_text(fault)) from None

    return spoken


def _known(admission: str) -> None:
    with register.read() as session:
        names = [row.id for row in store.admission_list(session)]
    if admission not in names:
        raise click.ClickException(f"{admission} is not set up here; known are: {', '.join(names) or 'none'}")


@commands.command("list")
@_in_english
def list_admissions() -> None:
    """List what is set up here."""
    with register.read() as session:
        for row in store.admission_list(session):
            click.echo(f"{row.id}\t{row.kind}\t{row.title}\tdeleted on {row.delete_on or 'no day yet'}")


@commands.command("keys")
@click.argument("admission")
@click.option("--response", type=click.FloatRange(0.01, 1), help="expected response, as a share (0.25)")
@_in_english
def keys(admission: str, response: float | None) -> None:
    """Make the missing keys of ADMISSION and publish their public halves."""
    _known(admission)
    accesses = views.published_accesses().get(admission, [])
    with register.read() as session:
        cells = views.setup_cells(store.strata_of(session, admission))
    shares = None if response is None else {cell.code: response for cell in cells}
    made = views.make_and_publish(admission, accesses, cells, shares)
    audit(office, None, "register.keys", admission, {"keys": made})
    with register.read() as session:
        for access in accesses:
            for key in store.keys_of(session, admission, access.round):
                click.echo(f"{key.mark}\t{key.id}")


@commands.command("import")
@click.argument("admission")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="a field's column, where it is not guessed",
)
@click.option("--check", "only_check", is_flag=True, help="name the faults and import nobody")
@_in_english
def import_sample(admission: str, file: Path, columns: tuple[str, ...], only_check: bool) -> None:
    """Import the sample FILE (CSV or XLSX) into ADMISSION: everybody, or nobody and a list of faults."""
    _known(admission)
    try:
        table = spreadsheet.read_table(file.read_bytes())
    except spreadsheet.TableError as error:
        raise click.ClickException(table_fault_text(error.code, error.params)) from None
    mapping = sample.guess_mapping(table.columns) | {
        field: name for field, _sign, name in (column.partition("=") for column in columns)
    }
    with register.read() as session:
        found = sample.check(
            table,
            mapping,
            strata=[one.code for one in store.strata_of(session, admission)],
            languages_of=citizenship.Languages(people_store.rules(session)),
            known_references=people_store.known_references(session, admission),
            known_addresses=people_store.known_addresses(session, admission),
        )
    for fault in found.faults[:FAULTS_SHOWN]:
        words = sample_fault_text(asdict(fault))
        click.echo(f"row {fault.row}, column {fault.column}: {words}", err=True)
    if found.amount:
        if found.amount > FAULTS_SHOWN:
            click.echo(f"and {found.amount - FAULTS_SHOWN} more", err=True)
        raise click.ClickException(f"{found.amount} faults; nobody was imported")
    if only_check:
        click.echo(f"{len(found.people)} people, no fault; nobody was imported")
        return
    with (
        click.progressbar(length=len(found.people), label="writing") as bar,
        register.begin() as session,
    ):
        number = people_store.import_people(
            session, admission, found.people, lambda done: bar.update(done - bar.pos)
        )
    audit(office, None, "register.import", admission, {"people": number})
    for name, amount in found.unmapped.items():
        click.echo(f"no letter language for the citizenship {name}: {amount} people get German")
    click.echo(f"{number} people were imported")


@commands.command("publish")
@click.argument("admission", required=False)
@_in_english
def publish(admission: str | None) -> None:
    """Publish N, n and returns in steps, of ADMISSION or of all; safe to repeat."""
    with register.read() as session:
        names = [row.id for row in store.admission_list(session) if row.purged_on is None]
    if admission is not None:
        _known(admission)
        names = [admission]
    for name in names:
        views.publish_figures(name)
        click.echo(name)


@commands.command("replay")
@click.option("--without-journal", is_flag=True, help="the journal is lost; used codes may be used again")
@_in_english
def replay(without_journal: bool) -> None:
    """After a restore: bring back what the journal knows, and issue again."""
    try:
        brought = views.replay(without_journal)
    except journal.JournalError as error:
        raise click.ClickException(f"the journal is damaged: {error}") from None
    audit(office, None, "register.replay", "", {"entries": brought})
    click.echo(f"unlocked; {brought} issued codes were brought back")


@commands.command("purge")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="as if it were that day", hidden=True)
@_in_english
def purge(day: Any) -> None:
    """Delete people, codes and issue states of everything whose day of deletion has come."""
    due: date = day.date() if day is not None else views.today()
    purged = views.purge_due(due)
    audit(office, None, "register.purge", "", {"people": purged})
    for name, people in purged.items():
        click.echo(f"{name}: {people} people and all codes deleted")
    if not purged:
        click.echo("nothing is due")


# ---------------------------------------------------------------- background

#: Seconds between two rounds of the register's chores.
CHORES_EVERY = 300.0


def tidy_and_publish(now: datetime) -> None:
    """A job of the worker: figures in steps, for the office; forgotten uploads are removed."""
    last: float | None = current_app.extensions.get("register_tidied")
    if last is not None and now.timestamp() - last < CHORES_EVERY:
        return
    current_app.extensions["register_tidied"] = now.timestamp()
    uploads.clear(uploads_folder(current_app.config["SETTINGS"]), now.timestamp())
    with register.read() as session:
        names = [row.id for row in store.admission_list(session) if row.purged_on is None]
    by_admission = views.published_accesses()
    for name in names:
        views.publish_figures(name, by_admission.get(name, []))


CHORE = (("register",), tidy_and_publish)
