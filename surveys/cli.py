"""Commands on questionnaire files."""

from __future__ import annotations

from pathlib import Path

import click

from surveys.checks import check, stops
from surveys.faults import Fault, Faulty
from surveys.questionnaire import loads
from surveys.sentences import line

questionnaire = click.Group("questionnaire", help="Check and print questionnaire files.")


@questionnaire.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--final", is_flag=True, help="As for publication: placeholders and lists must be filled.")
def check_file(file: Path, final: bool) -> None:
    """Name every fault of FILE with its place; exit 1 if one stands in the way of publication."""
    try:
        faults = check(loads(file.read_bytes()), final=final)
    except Faulty as error:
        faults = error.faults
    for fault in faults:
        click.echo(line(fault), err=not fault.advice)
    click.echo(_summary(faults))
    if stops(faults):
        raise SystemExit(1)


def _summary(faults: tuple[Fault, ...]) -> str:
    advice = sum(fault.advice for fault in faults)
    return f"{len(faults) - advice} faults, {advice} pieces of advice"
