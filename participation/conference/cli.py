"""Commands of conferences."""

from __future__ import annotations

import json
from pathlib import Path

import click

from participation.conference import ballotfiles, report
from participation.conference.ballots import POLICIES, BallotFileError, Fault, Policy, Profile
from participation.conference.forms import fault_sentence


@click.group()
def conference() -> None:
    """Conferences: count files of ballots."""


@conference.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unranked", type=click.Choice(POLICIES), default="last", help="What unranked options mean.")
@click.option("--groups", "column", help="Column that holds the group of a ballot.")
@click.option("--seats", type=click.IntRange(min=1), help="How many options are chosen.")
@click.option(
    "--replicates", type=click.IntRange(min=0), default=2000, help="Bootstrap replicates; 0 for none."
)
@click.option("--seed", type=click.IntRange(min=0), default=report.SEED, help="Seed of the bootstrap.")
def tally(
    file: Path, unranked: Policy, column: str | None, seats: int | None, replicates: int, seed: int
) -> None:
    """Count a file of ballots under every rule that fits and print JSON.

    FILE: PrefLib (.soc .soi .toc .toi), Pabulib (.pb), or ballots as CSV or JSON.
    """
    try:
        profile = _profile(file, column)
    except BallotFileError as error:
        for fault in error.faults[:50]:
            click.echo(f"{file.name}: {fault_sentence(fault)}", err=True)
        raise SystemExit(2) from None
    result = report.tally(
        profile, policy=unranked, seats=seats, column=column, replicates=replicates, seed=seed
    )
    click.echo(json.dumps(result, ensure_ascii=False, indent=1))


def _profile(file: Path, column: str | None) -> Profile:
    profile = ballotfiles.read(_text(file), file.name)
    if column is not None and not any(b.attribute(column) for b in profile.ballots):
        known = ", ".join(sorted({key for b in profile.ballots for key, _ in b.attributes})) or "–"
        raise BallotFileError([Fault("no_groups", "", {"column": column, "known": known})])
    return profile


def _text(file: Path) -> str:
    data = file.read_bytes()
    try:
        # Spreadsheets save "Unicode text" as UTF-16, with its mark in front.
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        if file.suffix.lower() == ".json":
            raise BallotFileError([Fault("unreadable")]) from None
        # Older PrefLib files write names in Latin-1.
        return data.decode("latin-1")
