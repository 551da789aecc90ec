"""`flask i18n`: catalogues from the sources to the translators and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import click

from web import catalogue_checks, catalogues

_DOMAIN = click.Choice(catalogues.DOMAINS)


@click.group("i18n")
def commands() -> None:
    """Translations of the interface (docs/translating.md)."""


@commands.command()
def extract() -> None:
    """Write the templates messages.pot and resident.pot from the sources."""
    for domain in catalogues.DOMAINS:
        pot = catalogues.extract(domain)
        catalogues.pot_path(domain).write_text(str(pot) + "\n", "utf-8")
        click.echo(f"{domain}: {len(pot)} texts")


@commands.command()
def update() -> None:
    """Extract, and bring every catalogue of languages.toml to the templates."""
    for path in catalogues.update():
        click.echo(f"written: {path.relative_to(catalogues.ROOT)}")
    catalogues.compile_all()


@commands.command("compile")
def compile_catalogues() -> None:
    """Write the binary catalogues that the product reads."""
    click.echo(f"{catalogues.compile_all()} catalogues compiled")


@commands.command()
def status() -> None:
    """How complete every language is, and who has read it."""
    click.echo(f"{'language':<12}{'domain':<11}{'translated':>16}   state")
    for line in catalogues.progress():
        share = f"{100 * line.translated / line.total:.0f} %" if line.total else "-"
        promise = ", called complete" if line.state.complete else ""
        count = f"{line.translated}/{line.total} {share:>6}"
        click.echo(f"{line.state.tag:<12}{line.state.domain:<11}{count:>16}   {line.state.state}{promise}")


@commands.command()
def check() -> None:
    """Fail when a template or catalogue is stale, incomplete although called complete, or faulty."""
    faults = catalogue_checks.check()
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)
    click.echo("all catalogues are as they should be")


@commands.command()
@click.argument("language")
@click.argument("domain", type=_DOMAIN)
@click.option("--all", "everything", is_flag=True, help="Also the texts that are translated already.")
def missing(language: str, domain: catalogues.Domain, everything: bool) -> None:
    """Print the untranslated texts of LANGUAGE and DOMAIN as JSON; fill in every "translation"."""
    try:
        tasks = catalogues.missing(language, domain, everything)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(tasks, ensure_ascii=False, indent=1))


@commands.command()
@click.argument("language")
@click.argument("domain", type=_DOMAIN)
@click.argument("file", type=click.File("r", encoding="utf-8"))
def fill(language: str, domain: catalogues.Domain, file: TextIO) -> None:
    """Write the translations of the JSON FILE into the catalogue; faulty ones are refused by name."""
    try:
        count, refused = catalogues.fill(language, domain, json.load(file))
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    except json.JSONDecodeError as error:
        place = f"{Path(file.name).name}, line {error.lineno}, column {error.colno}"
        raise click.ClickException(f"{place}: not JSON ({error.msg})") from None
    catalogues.compile_all()
    click.echo(f"{count} translations written")
    for line in refused:
        click.echo(f"refused: {line}", err=True)
    if refused:
        raise SystemExit(1)


if __name__ == "__main__":
    # `python -m web.i18n_cli` needs neither settings nor stores, so translators can work anywhere.
    commands()
