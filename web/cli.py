"""Commands of the house: schema, backup, secrets, grants, serving."""

from __future__ import annotations

import secrets as random
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from config import SECRETS_OF_ROLE, STORES_OF_ROLE, Settings, SettingsError
from stores import NAMES, Store, Stores
from web import backup as copies
from web import grants as rights
from web import schema, serve
from web.accounts.demo import demo_accounts


def _stores(wanted: tuple[str, ...] = ()) -> list[Store]:
    settings: Settings = current_app.config["SETTINGS"]
    mine = [name for name in NAMES if name in STORES_OF_ROLE[settings.role]]
    return [_named(name) for name in NAMES if name in (wanted or mine)]


_some_stores = click.option(
    "--store", "wanted", multiple=True, type=click.Choice(NAMES), help="only this one (may be repeated)"
)


def _named(name: str) -> Store:
    stores: Stores = current_app.extensions["stores"]
    return stores.get(name)


@click.command("db-upgrade")
@_some_stores
@with_appcontext
def db_upgrade(wanted: tuple[str, ...]) -> None:
    """Bring every store of this process, or those named, to the newest schema."""
    for store in _stores(wanted):
        changed = schema.upgrade(store)
        click.echo(f"{store.name}: {'brought to' if changed else 'already at'} {schema.head(store.name)}")


@click.command("db-check")
@_some_stores
@with_appcontext
def db_check(wanted: tuple[str, ...]) -> None:
    """Fail when a store differs from the models (tables, columns, triggers)."""
    faults = [fault for store in _stores(wanted) for fault in schema.drift(store)]
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)
    click.echo("models and stores agree")


@click.command("db-revision")
@click.argument("message")
@with_appcontext
def db_revision(message: str) -> None:
    """Write a migration for every store whose models have changed."""
    for name in NAMES:
        path = schema.write_revision(name, message)
        click.echo(f"{name}: {path or 'nothing to do'}")


@click.command("db-initial")
@with_appcontext
def db_initial() -> None:
    """Write the first migration of every store anew (only before anything has been released)."""
    for name in NAMES:
        for old in (schema.MIGRATIONS / name).glob("*.py"):
            old.unlink()
        click.echo(f"{name}: {schema.write_revision(name, 'First schema', initial=True)}")


@click.command("backup")
@click.argument("store", type=click.Choice(NAMES))
@click.argument("target", type=click.Path(path_type=Path))
@with_appcontext
def backup(store: str, target: Path) -> None:
    """Write a consistent copy of one STORE to the new file TARGET, while the product runs."""
    try:
        copies.backup(_named(store), target)
    except copies.BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{store}: written to {target}. Keep backups of the three stores apart from each other.")


@click.command("restore")
@click.argument("store", type=click.Choice(NAMES))
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="do not ask")
@with_appcontext
def restore(store: str, source: Path, yes: bool) -> None:
    """Replace one STORE by the backup SOURCE (stop its processes first)."""
    if not yes:
        click.confirm(f"Everything now in the {store} store will be replaced. Go on?", abort=True)
    try:
        copies.restore(_named(store), source)
    except copies.BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{store}: restored from {source}")


@click.command("secrets")
@click.option("--role", type=click.Choice(sorted(SECRETS_OF_ROLE)), default="all", show_default=True)
def secrets(role: str) -> None:
    """Print fresh random secrets for a process of that role, as lines of an environment file."""
    for name in sorted(SECRETS_OF_ROLE[role]):
        click.echo(f"VIELSTIMMIG_{name}={random.token_urlsafe(48)}")


@click.command("grants")
def grants() -> None:
    """Print the PostgreSQL roles and grants that make the table of processes true."""
    schema.load_models()
    for line in rights.everything():
        click.echo(line)


@click.command("serve")
@click.option("--host", envvar="HOST", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option(
    "--port", envvar="PORT", type=click.IntRange(1, 65535), default=8000, show_default=True, help="its port"
)
@with_appcontext
def serve_command(host: str, port: int) -> None:
    """Serve the product with gunicorn and one worker until Ctrl-C."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.faults:
        raise SettingsError(list(settings.faults))
    try:
        serve.check_free(host, port)
    except serve.PortTaken as error:
        raise click.ClickException(str(error)) from None
    children = serve.commands(port, _has_worker(settings), host)
    with serve.foreground():
        code = serve.supervise(children, port, lambda: _announce(port), host)
    raise SystemExit(code)


def _has_worker(settings: Settings) -> bool:
    """Whether the role has background work: it mixes (and so holds the batch keys' secret) or has chores."""
    chores = current_app.extensions.get("chores", ())
    return "BATCH_WRAP" in settings.secrets or any(settings.role in roles for roles, _chore in chores)


#: What a process shows to whom, by role: (path, what is there).
_DOORS = {
    "all": (("/", "residents and the public"), ("/office", "staff")),
    "public": (("/", "residents and the public"),),
    "register": (("/office/register/", "register clerks"),),
    "office": (("/office", "staff"),),
    "analysis": (("/office/analysis/", "analysts and reviewers"),),
    "entry": (("/office/entry/", "entry clerks"),),
}


def _announce(port: int) -> None:
    settings: Settings = current_app.config["SETTINGS"]
    address = f"http://127.0.0.1:{port}"
    click.echo(f"\nVielstimmig is running at {address}  (Ctrl-C stops it)")
    for path, who in _DOORS[settings.role]:
        click.echo(f"  {address}{path:<18} {who}")
    if settings.demo and settings.role in ("all", "office"):
        logins = demo_accounts()
        click.echo(f"\nStaff logins of the demo, all with the password {logins[0].password}")
        for login in logins:
            click.echo(f"  {login.email}")


#: What app.py adds to the flask command.
COMMANDS = (db_upgrade, db_check, db_revision, db_initial, backup, restore, secrets, grants, serve_command)
