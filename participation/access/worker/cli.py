"""The one worker: opens waiting rooms, mixes, closes; and does the chores that other rooms bring.

`make run` supervises it beside the web processes.  It may be killed at any moment: every step is one
transaction, and what a crash leaves behind is cleared away at the next start.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from types import FrameType

import click
from flask import current_app
from flask.cli import with_appcontext

from config import Settings
from participation.access.admission import Access
from participation.access.collector import store
from participation.access.collector.store import Mixed, Move
from participation.access.collector.views import batch_folder, open_key
from participation.access.sealing import KeyFolder, SealingError
from stores import Store

#: Seconds between two rounds of work: a round of a conference closes within two.
PAUSE = 0.5

#: Seconds before the same error is logged again.
_SAID_AGAIN = 60.0

#: Roles whose worker mixes; the others' workers only do chores.
MIXING_ROLES = ("all", "public")

#: A job of another room, done in every round of work by the processes it names: roles, function of the time.
Chore = tuple[tuple[str, ...], Callable[[datetime], None]]


def tend(
    collector: Store, folder: KeyFolder, moves: Mapping[str, Move], now: datetime, demo: bool
) -> list[Mixed]:
    """Open the waiting rooms of what has opened, mix what is due, close what is over."""
    with collector.read() as session:
        accesses = store.accesses(session)
        keys = {access.key: tuple(store.key_documents(session, access.key)) for access in accesses}
    mixed = []
    for access in accesses:
        ids = (open_key(access),) if access.levels == ("open",) else keys[access.key]
        for key_id in ids:
            done = _tend_key(collector, folder, moves[access.kind], access, key_id, now, demo)
            mixed += [done] if done is not None else []
    return mixed


def _tend_key(
    collector: Store, folder: KeyFolder, move: Move, access: Access, key_id: str, now: datetime, demo: bool
) -> Mixed | None:
    if access.over(now):
        return store.run_mix(collector, folder, key_id, move, pool=access.pool, closing=True)
    if access.state != "open":
        return None
    with collector.read() as session:
        known = store.is_known(session, key_id)
    if not known:
        # A lost key folder would lose acknowledged answers: outside the demo it must lie on two disks.
        if not demo and folder.mirror_fault() is not None:
            return None
        store.open_batch(collector, folder, key_id)
    return store.run_mix(collector, folder, key_id, move, pool=access.pool)


def tell_about_keys(collector: Store, folder: KeyFolder) -> None:
    """Tell the office whether the batch keys lie on two disks; checked by writing and reading back."""
    with collector.begin() as session:
        store.say(session, "keys", {"fault": folder.mirror_fault()})


def work(stop: threading.Event, pause: float = PAUSE, once: bool = False) -> None:
    """Tend and do the chores until told to stop, or once; after an error the next round tries again."""
    settings: Settings = current_app.config["SETTINGS"]
    collector: Store = current_app.extensions["stores"].get("collector")
    chores: list[Chore] = current_app.extensions.get("chores", [])
    with ExitStack() as held:
        folder: KeyFolder | None = None
        while not stop.is_set():
            now = datetime.now(UTC)
            if folder is None and settings.role in MIXING_ROLES:
                folder = _begin(held, settings, collector)
            if folder is not None:
                moves = current_app.extensions["moves"]
                _safely(partial(tend, collector, folder, moves, now, settings.demo))
            for roles, chore in chores:
                if settings.role == "all" or settings.role in roles:
                    _safely(partial(chore, now))
            if once:
                return
            stop.wait(pause)


def _begin(held: ExitStack, settings: Settings, collector: Store) -> KeyFolder | None:
    """The folder of batch keys, if no other worker mixes: locked on this machine and in the database."""
    folder = batch_folder(settings)
    with ExitStack() as mine:
        if not (mine.enter_context(folder.locked()) and mine.enter_context(store.worker_lock(collector))):
            return None
        store.sweep(collector, folder)
        tell_about_keys(collector, folder)
        held.push(mine.pop_all())
    return folder


def _safely(job: Callable[[], object]) -> None:
    try:
        job()
    except SealingError as error:
        _say(f"the waiting room's keys: {error}; see flask waiting-room")
    except Exception as error:
        # The text of an error may quote a row; its kind and place are enough to mend it.
        place = "".join(traceback.format_tb(error.__traceback__))
        _say(f"a job of the worker failed: {type(error).__name__}\n{place}")


def _say(text: str) -> None:
    """Log an error; one that comes back in every round of work is said once a minute."""
    said: dict[str, float] = current_app.extensions.setdefault("worker_said", {})
    if time.monotonic() - said.get(text, -_SAID_AGAIN) >= _SAID_AGAIN:
        said[text] = time.monotonic()
        current_app.logger.error("%s", text)


@click.command("worker")
@click.option("--once", is_flag=True, help="one round of work, then end")
@with_appcontext
def worker(once: bool) -> None:
    """Mix, close rounds and do background jobs until stopped."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    work(stop, once=once)


@click.command("waiting-room")
@click.option("--give-up", metavar="KEY", help="reopen this key's room; its unreadable answers are lost")
@with_appcontext
def waiting_room(give_up: str | None) -> None:
    """Name waiting rooms whose key is lost (after a restore), and open one again with --give-up."""
    collector: Store = current_app.extensions["stores"].get("collector")
    folder = batch_folder(current_app.config["SETTINGS"])
    if give_up is not None:
        try:
            lost = store.reopen(collector, folder, give_up)
        except SealingError:
            raise click.ClickException(
                f"{give_up} is no waiting room without a key; nothing was changed"
            ) from None
        click.echo(f"{give_up}: open again; {lost} waiting answers that nobody could read were given up")
        return
    found = store.without_key(collector, folder)
    for key_id, rows in found.items():
        click.echo(f"{key_id}\t{rows} waiting answers cannot be read: put the key folder or its mirror back")
    if found:
        raise SystemExit(1)
    click.echo("every open waiting room has its key")


#: What app.py adds to the flask command.
COMMANDS = (worker, waiting_room)
