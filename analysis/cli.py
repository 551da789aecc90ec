"""Commands of the analysis room, and the batches that its pages ask for.

A batch runs in a process of its own (``flask analysis-job``), started by the worker: numbers must not hold
up the mix, and a batch that dies takes nothing with it.  The queue is a table beside the plans
(docs/decisions/results.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from analysis import margin_checks, store
from analysis.audit import AuditReport
from analysis.disclosure import layers, to_document
from analysis.errors import AnalysisError, MarginError
from analysis.exchange.bookfiles import WORDS, html_book, print_data, xlsx_book
from analysis.inputs import store as inputs
from analysis.models import StoredBook
from analysis.plan import Plan, loads, read
from analysis.plan_checks import check
from analysis.priorities import linked
from analysis.publication import Publication, audit, explain, group_words, publish
from analysis.tables import Book, Cancelled, WaveData, build, catalogue
from stores import Store, collector
from surveys.faults import Faulty
from typeset import pdf

Tell = Callable[[float], bool]
_running: list[subprocess.Popen[bytes]] = []


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def load_waves(place: Store, plan: Plan) -> tuple[dict[str, WaveData], dict[str, list[str]]]:
    """Every wave of a plan with its weights, and the ids of its responses."""
    waves, members = {}, {}
    with place.read() as session:
        margins = store.margins(session)
        for key in plan.waves:
            waves[key], members[key] = store.load(session, key, plan.weighting, margins)
    return waves, members


def _check_margins(place: Store, plan: Plan) -> None:
    """Raises :class:`Faulty` with everything that is wrong with the margins of a plan, not only the first."""
    with place.read() as session:
        margins = store.margins(session)
        waves = {key: store.load(session, key)[0] for key in plan.waves}
    faults = margin_checks.check(plan, waves, margins)
    if faults:
        raise Faulty(faults)


def make_book(
    place: Store, plan: Plan, tell: Tell
) -> tuple[Book, Publication, dict[str, Any], dict[str, list[str]]]:
    """Estimate, publish in draft and audit a plan.

    Raises :class:`Faulty` with the plan's faults beside the data, :class:`Cancelled` when told to stop, and
    the engine's errors.
    """
    try:
        waves, members = load_waves(place, plan)
    except MarginError:
        _check_margins(place, plan)
        raise
    with place.read() as session:
        outcomes = inputs.priorities(session)
        known = margin_checks.names(store.margins(session), list(margin_checks.weighted(waves)))
        found = check(plan, catalogue(waves, margins=known, conferences=outcomes))
    faults = tuple(fault for fault in found if not fault.advice)
    if faults:
        raise Faulty(faults)
    book = build(plan, waves, lambda part: tell(0.5 * part))
    publication = publish(book, linked(plan, outcomes))
    with place.read() as session:
        earlier = store.ever_released(session, plan.waves)
        grouped = inputs.ever_grouped(session, plan.waves)
    old = {key: tuple(s for statements, _ in found for s in statements) for key, found in earlier.items()}
    since = {key: layers([ids for _, ids in found], members[key]) for key, found in earlier.items() if found}

    def told(part: float) -> None:
        if tell(0.5 + 0.5 * part):
            raise Cancelled

    reports = audit(
        publication, waves, plan.policy, earlier=old, layers=since, grouped=grouped, progress=told
    )
    return book, publication, audit_document(reports, publication), members


def audit_document(reports: dict[str, AuditReport], publication: Publication) -> dict[str, Any]:
    """The auditor's reports as they are kept beside a book."""
    return {
        "safe": all(report.safe for report in reports.values()),
        "digest": publication.digest,
        "waves": {
            key: {
                "targets": report.targets,
                "exposures": [explain(exposure) for exposure in report.exposures[:200]],
                "skipped": [list(names) for names in report.skipped],
                "undecided": [group_words(*one) for one in report.undecided[:200]],
            }
            for key, report in reports.items()
        },
    }


def run_job(job_id: bytes) -> str:
    """Run one claimed batch to its end; the state it ends in.  Whatever happens is recorded, nothing
    half-kept.
    """
    with collector.read() as session:
        job = store.job(session, job_id)
        stored = store.plan(session, job.subject) if job else None
    if job is None or stored is None:
        return "gone"

    def tell(part: float) -> bool:
        with collector.begin() as session:
            return store.beat(session, job_id, part, now())

    problem: dict[str, Any] | None = None
    state = "done"
    try:
        plan = read(loads(stored.source))
        _, publication, audited, members = make_book(collector, plan, tell)
        row = StoredBook(
            plan=job.subject,
            digest=publication.digest,
            document=dict(publication.document),
            statements={key: to_document(found) for key, found in publication.statements.items()},
            audit=audited,
            members=members,
            made_at=now(),
        )
        with collector.begin() as session:
            store.save_book(session, row)
            store.finish(session, job_id, "done")
        return "done"
    except Cancelled:
        state = "cancelled"
    except Faulty as error:
        state = "failed"
        problem = {
            "code": "faults",
            "faults": [{"kind": f.kind, "place": f.place, "params": dict(f.params)} for f in error.faults],
        }
    except AnalysisError as error:
        state, problem = "failed", {"code": error.code, "message": error.message, "place": error.place}
    except Exception as error:  # a batch must never stay "running": the owner is told, the log has the rest
        current_app.logger.exception("batch failed")
        state, problem = "failed", {"code": "crash", "message": type(error).__name__}
    with collector.begin() as session:
        store.finish(session, job_id, state, problem)
    return state


def run_next() -> str | None:
    """Claim and run one batch here; its final state, or None when nothing waits."""
    with collector.begin() as session:
        job = store.claim(session, now())
    return None if job is None else run_job(job.id)


def tend(_time: datetime) -> None:
    """A worker's chore: start a process for a waiting batch, one at a time."""
    _running[:] = [process for process in _running if process.poll() is None]
    if _running:
        return
    with collector.read() as session:
        waiting = any(job.state in {"queued", "running"} for job in store.jobs(session))
    if waiting:
        command = [sys.executable, "-m", "flask", "--app", "app", "analysis-job"]
        root = Path(__file__).resolve().parent.parent
        _running.append(subprocess.Popen(command, cwd=root))  # noqa: S603 - our own command, no input in it


CHORE = (("all", "analysis"), tend)


@click.command("analysis-job")
@with_appcontext
def job_command() -> None:
    """Run the next waiting batch of the analysis room."""
    state = run_next()
    if state is not None:
        click.echo(state)


@click.command("analyse")
@click.argument("plan_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("book"), help="Folder.")
@with_appcontext
def analyse(plan_file: Path, out: Path) -> None:
    """Run an analysis plan on stored waves: table book as HTML, XLSX and PDF, publication and audit as
    JSON.
    """
    try:
        plan = read(loads(plan_file.read_bytes()))
        with collector.begin() as session:
            store.note_waves(session)
        shown = {"last": -10.0}

        def tell(part: float) -> bool:
            if 100 * part - shown["last"] >= 10:
                shown["last"] = 100 * part
                click.echo(f"{100 * part:3.0f} %", err=True)
            return False

        _, publication, audited, _ = make_book(collector, plan, tell)
    except Faulty as error:
        for fault in error.faults:
            details = ", ".join(f"{key}: {value}" for key, value in fault.params.items())
            click.echo(f"{fault.place}: {fault.kind} ({details})", err=True)
        raise SystemExit(2) from None
    except AnalysisError as error:
        raise click.ClickException(str(error)) from None
    write_book(out, publication, audited)
    reports = audited["waves"].values()
    findings = sum(len(wave["exposures"]) for wave in reports)
    missed = sum(len(wave["skipped"]) + len(wave["undecided"]) for wave in reports)
    click.echo(
        f"{out}: {len(publication.document['tables'])} tables, auditor: {findings} findings"
        + (f", {missed} sets of tables not audited" if missed else "")
    )


@click.command("analyse-import")
@click.argument("data_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--meta", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@with_appcontext
def import_command(data_file: Path, meta: Path) -> None:
    """Keep a wave that ran elsewhere: CSV or .sav, described by META (JSON: key, survey, label, dates, mode,
    frame, population_text, languages, weights, strata, psu, population, decimal, variables).
    """
    kind = {"tsv": "csv", "txt": "csv", "zsav": "sav"}.get(
        ending := data_file.suffix.lower().lstrip("."), ending
    )
    try:
        description = json.loads(meta.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{meta} is no JSON: {error}") from None
    if not isinstance(description, dict):
        raise click.ClickException(f"{meta}: write one object with the settings")
    try:
        with collector.begin() as session:
            data = store.add_imported(session, description, data_file.read_bytes(), kind)
    except AnalysisError as error:
        raise click.ClickException(f"{error.place}: {error}" if error.place else str(error)) from None
    click.echo(f"{data.key}: {data.responses} responses, {len(data.items)} items")


def write_book(out: Path, publication: Publication, audited: dict[str, Any]) -> None:
    """Every file of a book into a folder; a full disk leaves no half file behind under its final name."""
    document = publication.document
    languages = list(document["languages"])
    files: dict[str, bytes] = {
        "publication.json": json.dumps(document, ensure_ascii=False, indent=1).encode(),
        "audit.json": json.dumps(audited, ensure_ascii=False, indent=1).encode(),
        "book.xlsx": xlsx_book(document, languages, {}),
    }
    for language in languages:
        files[f"book.{language}.html"] = html_book(document, language).encode()
        files[f"book.{language}.pdf"] = pdf("tablebook", print_data(document, language, WORDS), language)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        part = out / f".{name}.part"
        try:
            part.write_bytes(content)
            part.replace(out / name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise click.ClickException(f"{out / name} was not written: {error.strerror}") from None


COMMANDS = (job_command, analyse, import_command)
