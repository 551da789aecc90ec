"""The application: blueprints, Babel, security headers, commands; nothing else.

``flask --app app`` and gunicorn (``app:create_app()``) both begin here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click
from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import config
import stores
from web import accounts, backup, errors, headers, i18n, rooms, shell
from web.house import House

#: Every room of the house, as "module:attribute"; which process serves it is said by the room itself.
ROOMS = (
    "web.health:room",
    "web.front:room",
    "demo.views:room",
    "web.staff:room",
    "web.accounts.views:room",
    "web.audit.views:room",
    "participation.access.signing.views:room",
    "participation.conference.hall.views:room",
    "participation.conference.slips.views:room",
    "participation.conference.desk.views:room",
    "participation.conference.needs.views:room",
    "participation.conference.voting.views:room",
    "participation.conference.results.views:room",
    "participation.conference.paper.views:room",
    "participation.access.register.views:room",
    "participation.access.people.views:room",
    "participation.access.mailing.views:room",
    "participation.access.planning.views:room",
    "surveys.collection.views:room",
    "surveys.entry.views:room",
    "surveys.interview.views:room",
    "surveys.assurance.views:room",
    "surveys.collection.waves.views:room",
    "surveys.player.views:room",
    "surveys.authoring.views:room",
    "surveys.reading.views:room",
    "analysis.views:room",
    "analysis.inputs.views:room",
    "analysis.planning.views:room",
    "analysis.desk.views:room",
    "analysis.published.views:room",
)

#: Commands and groups of commands, as "module:attribute"; a tuple adds each of its members.
COMMANDS = (
    "web.cli:COMMANDS",
    "web.accounts.cli:COMMANDS",
    "web.i18n_cli:commands",
    "web.shell_cli:styles",
    "surveys.cli:questionnaire",
    "participation.conference.cli:conference",
    "participation.access.worker.cli:COMMANDS",
    "demo.cli:demo",
    "participation.access.register.cli:commands",
    "surveys.assurance.cli:anonymity",
    "analysis.cli:COMMANDS",
)

#: How what a kind of access receives leaves the waiting room, as "module:attribute".
MOVES = {
    "survey": "surveys.collection.store:move_responses",
    "conference": "participation.conference.hall.store:move_ballots",
}

#: What a store needs after a restore, as "module:attribute": the register forgets who used a code since.
AFTER_RESTORE = {"register": "participation.access.register.store:lock_restored"}

#: What the worker does in every round besides mixing: (roles of processes, function of the time).
CHORES: tuple[str, ...] = (
    "analysis.cli:CHORE",
    "participation.conference.hall.views:CHORE",
    "participation.conference.slips.views:CHORE",
    "participation.access.register.cli:CHORE",
)


def _load(place: str) -> Any:
    module, attribute = place.split(":")
    return getattr(import_module(module), attribute)


def _settings() -> config.Settings:
    """Settings of the environment; commands on files also run where they are not complete."""
    try:
        return config.read()
    except config.SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise
        return config.without_stores(error)


def create_app(settings: config.Settings | None = None) -> Flask:
    """The product, for one process and its role.

    Raises:
        config.SettingsError: settings are missing, weak, or more than the role may have.
    """
    settings = settings or _settings()
    app = House(__name__, instance_path=str(settings.instance))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secrets.get("SECRET_KEY"),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_body_bytes,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.tls,
        TESTING=settings.testing,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.extensions["stores"] = stores.open_stores(settings)
    # A rehearsal of the attack runs the product once more, on stores of its own.
    app.extensions["create_app"] = create_app
    app.extensions["moves"] = {kind: _load(place) for kind, place in MOVES.items()}
    app.extensions["chores"] = [_load(place) for place in CHORES]
    backup.AFTER_RESTORE.update({store: _load(place) for store, place in AFTER_RESTORE.items()})
    i18n.set_up(app)
    if not settings.faults:
        _furnish(app, settings)
    for place in COMMANDS:
        found = _load(place)
        for command in found if isinstance(found, tuple) else (found,):
            app.cli.add_command(command)
    return app


def _furnish(app: Flask, settings: config.Settings) -> None:
    """Pages, headers, errors and accounts; left out where only commands on files can run."""
    csrf = CSRFProtect(app)
    headers.set_up(app)
    errors.set_up(app)
    shell.set_up(app)
    accounts.set_up(app, settings)
    for place in ROOMS:
        rooms.furnish(app, _load(place), csrf, settings.role)
    accounts.watch_sign_in(app, settings)
