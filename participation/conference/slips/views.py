"""Keys and printed slips: the one page of a conference that the register's process serves.

It streams slips to the printer; the moderator sees how many there are, never a code twice.
"""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from typing import Any

from flask import Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config import Settings
from localtext import pick
from participation.access import letters
from participation.access.admission import Access, read
from participation.access.codes import grouped
from participation.access.register.store import RegisterFault
from participation.access.register.store import keys_of as register_keys
from participation.access.signing.views import digest_key, secure_context, signing_folder
from participation.conference.slips import store
from stores import Stores, collector, office, published, published_all, register
from web import promise
from web.accounts import current_account
from web.audit import audit
from web.i18n import language, speaking
from web.i18n import resident as r_
from web.rooms import Room

room = Room(
    "slips",
    __name__,
    audience="staff",
    roles=("moderator",),
    processes=("register",),
    url_prefix="/office/slips",
)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _today() -> date:
    return datetime.now().astimezone().date()


def _conference(slug: str) -> dict[str, Any]:
    with collector.read() as session:
        document = published(session, "office", "conference", slug)
    if document is None:
        abort(404)
    return document


def coded_rounds(slug: str) -> list[Access]:
    """Accesses of the conference's rounds that take codes."""
    with collector.read() as session:
        found = [read(document) for document in published_all(session, "office", "access").values()]
    return [access for access in found if access.kind == "conference" and access.admission == slug]


def prepare(slug: str) -> int:
    """Set up groups and make every missing key; how many keys the conference has.

    Raises:
        RegisterFault: why not.
    """
    conference = _conference(slug)
    folder, made = signing_folder(_settings()), []
    title = pick(conference["title"], conference["languages"][0])
    with register.begin() as session:
        shared = store.set_up(session, slug, title, conference["groups"])
    for access in coded_rounds(slug):
        with register.begin() as session:
            made += store.make_keys(session, access, folder, _today())
    with collector.begin() as session:
        store.publish_keys(session, slug, made, shared)
    return len(made)


def make_missing_keys(_now: datetime) -> None:
    """For the worker: keys of rounds that were announced after the slips were printed."""
    opened: Stores = current_app.extensions["stores"]
    with opened.get("collector").read() as session:
        conferences = published_all(session, "office", "conference")
    for slug in conferences:
        rounds = coded_rounds(slug)
        with opened.get("register").read() as session:
            known = bool(store.marks(session, slug))
            missing = known and any(not register_keys(session, slug, access.round) for access in rounds)
        if missing:
            prepare(slug)


#: For the worker: which processes do it, and what.
CHORE = (("register",), make_missing_keys)


@room.get("/<slug>/")
def overview(slug: str) -> ResponseReturnValue:
    """Groups, keys and how many slips are printed."""
    conference = _conference(slug)
    with register.read() as session:
        shared = store.marks(session, slug)
        printed = store.printed(session, slug)
        keys = {a.round: register_keys(session, slug, a.round) for a in coded_rounds(slug)}
    with collector.read() as session:
        rounds = [
            one for one in published_all(session, "office", "round").values() if one["conference"] == slug
        ]
    return render_template(
        "conference/slips.html",
        conference=conference,
        title=pick(conference["title"], language()),
        shared=shared,
        printed=printed,
        keys=keys,
        titles={one["round"]: pick(one["round_title"], language()) for one in rounds},
        pick=lambda text: pick(text, language()),
        insecure=not secure_context(_settings()),
    )


@room.post("/<slug>/print")
def slips(slug: str) -> ResponseReturnValue:
    """Slips of one group, or of all, as PDF; pressing again prints fresh ones."""
    conference = _conference(slug)
    try:
        prepare(slug)
        wanted = _amounts(conference)
        made: list[tuple[dict[str, Any], str]] = []
        with register.begin() as session:
            for group, amount in wanted:
                for code in store.make_slips(
                    session, slug, group["code"], amount, _today(), digest_key(_settings())
                ):
                    made.append((group, grouped(code.text)))
    except RegisterFault as fault:
        flash(_("The slips could not be made (%(code)s).", code=fault.code), "danger")
        return redirect(url_for("slips.overview", slug=slug))
    except ValueError:
        flash(_("Please give whole numbers up to %(num)s.", num=store.MOST_SLIPS), "danger")
        return redirect(url_for("slips.overview", slug=slug))
    if not made:
        flash(_("Please give the number of slips of at least one group."), "danger")
        return redirect(url_for("slips.overview", slug=slug))
    audit(office, current_account(), "conference.slips", slug, {g["code"]: n for g, n in wanted})
    parts = _pdfs(conference, made)
    if len(parts) == 1:
        ((name, pdf),) = parts.items()
        return _download(pdf, name, "application/pdf")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pdf in parts.items():
            archive.writestr(name, pdf)
    return _download(whole.getvalue(), f"slips-{slug}.zip", "application/zip")


def _download(content: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype=kind, headers=headers)


def _amounts(conference: dict[str, Any]) -> list[tuple[dict[str, Any], int]]:
    found = []
    for group in conference["groups"]:
        typed = request.form.get(f"n-{group['code']}", "").strip()
        amount = int(typed) if typed else 0
        if not 0 <= amount <= store.MOST_SLIPS:
            raise ValueError(typed)
        if amount:
            found.append((group, amount))
    return found


def _pdfs(conference: dict[str, Any], made: list[tuple[dict[str, Any], str]]) -> dict[str, bytes]:
    """One file per group, eight slips on a page; the group's name stands on each slip."""
    lines: dict[str, str] = {}
    for tag in conference["languages"]:
        with speaking(tag):
            lines[tag] = r_("Scan the code with your phone, or open the address and type it in.")
    address = f"{_settings().base_url}/c/{conference['slug']}"
    with collector.read() as session:
        prints = [
            d["fingerprint"]
            for d in published_all(session, "register", "key").values()
            if d["admission"] == conference["slug"]
        ]
    first = conference["languages"][0]
    parts: dict[str, bytes] = {}
    for group in conference["groups"]:
        own = [code for other, code in made if other["code"] == group["code"]]
        title = f"{pick(conference['title'], first)} · {pick(group['label'], first)}"
        if own:
            parts[f"slips-{conference['slug']}-{group['code']}.pdf"] = letters.slips_pdf(
                own,
                address=address,
                title=title,
                lines=lines,
                fingerprint=" · ".join(prints[:4]),
                notice=promise.invented(language()),
            )
    return parts
