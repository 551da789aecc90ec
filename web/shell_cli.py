"""`flask styles`: the stylesheet made from Bootstrap's."""

from __future__ import annotations

import click

from web import logical


@click.command("styles")
def styles() -> None:
    """Write static/bootstrap-logical.css anew, after an upgrade of Bootstrap-Flask."""
    logical.TARGET.write_text(logical.logical(logical.SOURCE.read_text("utf-8")), "utf-8")
    click.echo(f"written: {logical.TARGET.name}")
