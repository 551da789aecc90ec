"""Commands on questionnaire files."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

import typeset
from stores import office
from surveys.authoring import adapting, speech, store
from surveys.checks import check, stops
from surveys.faults import Fault, Faulty
from surveys.player.paper import sheet
from surveys.player.promise import promise_texts
from surveys.questionnaire import expand, loads, read
from surveys.sentences import line
from web.i18n import resident as r_
from web.i18n import speaking

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


@questionnaire.command("print")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("language")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Default: beside FILE.")
@click.option("--variant", default=1, show_default=True, type=click.IntRange(1))
@click.option("--mark", default="", help="The key's mark, the same on all sheets of a stratum; never a code.")
@with_appcontext
def print_file(file: Path, language: str, output: Path | None, variant: int, mark: str) -> None:
    """Set FILE in LANGUAGE as a PDF for print."""
    try:
        document = loads(file.read_bytes())
        faults = check(document)
    except Faulty as error:
        faults = error.faults
    if stops(faults):
        for fault in faults:
            click.echo(line(fault), err=True)
        raise SystemExit(1)
    made = read(document)
    if language not in made.languages:
        raise click.BadParameter(
            f"{language} is not among {', '.join(made.languages)}", param_hint="LANGUAGE"
        )
    if variant > len(made.variants):
        raise click.BadParameter(f"there are {len(made.variants)} variants", param_hint="--variant")
    with speaking(language):
        data = sheet(made, language, r_, variant=variant, mark=mark, promise=promise_texts(r_))
    target = output or file.with_suffix(f".{language}.pdf")
    target.write_bytes(typeset.pdf("questionnaire", data, language))
    click.echo(f"{target}")


@questionnaire.command("speak")
@click.argument("survey")
@click.argument("languages", nargs=-1, required=True)
@with_appcontext
def speak(survey: str, languages: tuple[str, ...]) -> None:
    """Let a machine read every item of SURVEY's newest version aloud in LANGUAGES; for the demo only."""
    with office.read() as session:
        newest = store.newest(session, survey)
    if newest is None:
        raise click.BadParameter(f"there is no survey {survey}", param_hint="SURVEY")
    document, made = newest.document, read(newest.document)
    if unknown := [tag for tag in languages if tag not in made.languages]:
        raise click.BadParameter(
            f"not among the survey's languages: {', '.join(unknown)}", param_hint="LANGUAGES"
        )
    spoken: list[tuple[str, str, bytes]] = []
    for tag in languages:
        for item in adapting.items_of(expand(document)):
            spoken.append((item["id"], tag, speech.speak(speech.script(item, tag, made.pick), tag)))
        click.echo(f"{tag}: {len(spoken)} items spoken so far")
    with office.begin() as session:
        for item_id, tag, content in spoken:
            name = store.add_sound(session, content, "audio/wav", "wav", synthetic=True)
            document = adapting.attach_sound(document, item_id, tag, name)
        saved = store.save_draft(session, survey, document)
    click.echo(f"{survey}: attached to version {saved.version}")
