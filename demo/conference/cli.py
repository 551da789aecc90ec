"""The demo's conferences: one of 2019, two a year apart, a teaching example, one that is open now.

Every invented participant holds a slip, asks the register for a blind signature and sends a ballot through
the hall's door; it waits, is mixed, and is counted.  Only the clock is set: 2019 plays in 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import click
from flask import Flask

from demo.conference import hall
from demo.conference.playing.cli import (
    CROWD,
    LANGUAGES,
    VISITORS_LANGUAGES,
    Room,
    add_round,
    from_list,
    hand_out,
    outcome,
    publish_outcome,
    set_up,
    step,
    vote,
    vote_on_paper,
)
from participation.conference import ballotfiles, presets, store
from participation.conference.compare import same_ids
from participation.conference.hall import store as hall_store
from participation.conference.needs import store as needs_store
from participation.conference.store import OptionText

#: Slips for visitors of the open conference.
VISITORS = 12

# ---------------------------------------------------------------- the conference of 2019


def play_rostock(app: Flask, share: float) -> str:
    """Two days in June 2019: needs, practice, tables, the list extended, plenum with paper, focus topics."""
    room = set_up(
        app,
        "rostock",
        date(2019, 6, 13),
        choose=2,
        seats=hall.SEATS,
        options=from_list("rostock-2014"),
    )
    practice = add_round(room, presets.TITLES["practice"], {"level": "open"}, practice=True)
    tables = add_round(room, presets.TITLES["tables"], {"places": 3})
    plenum = add_round(room, presets.TITLES["plenum"], {"places": 3, "paper": True})
    voters = hall.scaled(hall.SEATS, share)
    options = [line.code for line in hall.fields("rostock-2014")]
    step(room, practice, "announced", "open")
    vote(room, practice, [replace(one, group="") for one in _half(voters, options)])
    step(room, practice, "closed", "revealed")
    collect_needs(room)
    step(room, tables, "announced", "open")
    hand_out(room, voters)
    vote(room, tables, hall.cast(hall.LIKINGS, options, voters, 3, [1]))
    step(room, tables, "closed", "revealed")
    room.pass_time(days=1)
    options = extend_list(room)
    merge_needs(room)
    step(room, plenum, "announced", "open")
    ballots = hall.cast(hall.LIKINGS, options, voters, 3, [2])
    on_paper = ballots[-min(hall.PAPER, voters["g4"]) :]
    vote(room, plenum, ballots[: -len(on_paper)])
    step(room, plenum, "paper")
    vote_on_paper(room, plenum, "g4", on_paper)
    step(room, plenum, "closed", "revealed")
    publish_outcome(room, "focus")
    return room.slug


def _half(voters: Mapping[str, int], options: Sequence[str]) -> list[hall.Cast]:
    """Every second person tries the practice round."""
    return hall.cast(hall.LIKINGS, options, voters, 2, [0])[::2]


def collect_needs(room: Room) -> None:
    """Needs come in over the hall's page, each in its own language."""
    _collecting(room, True)
    # Threads have no context of the command line, so that every request finds its own language.
    with ThreadPoolExecutor(CROWD) as crowd:
        list(crowd.map(lambda need: _say_need(room, need), hall.texts()["needs"]))
    _collecting(room, False)


def _say_need(room: Room, need: Mapping[str, str]) -> None:
    reply = room.app.test_client().post(
        f"/c/{room.slug}/needs?lang={need['language']}",
        data={"text": need["text"], "origin": need["group"]},
    )
    if reply.status_code != 303:
        raise click.ClickException(f"the hall refused a need of the demo: {need['text']}")


def _collecting(room: Room, now: bool) -> None:
    with room.store("office").begin() as session:
        room.row(session).collecting = now
    room.publish()


def extend_list(room: Room) -> list[str]:
    """The fields of 2014 become those of 2021: rewordings are new versions, what came up is added."""
    with room.store("office").begin() as session:
        row = room.row(session)
        present = {option.code for option in store.options(session, row)}
        for line in hall.fields("rostock-2021"):
            if line.code in present:
                store.reword(session, row, line.code, OptionText(line.label))
            else:
                store.add_option(session, row, OptionText(line.label), line.code)
        return [option.code for option in store.options(session, row)]


def merge_needs(room: Room) -> None:
    """The desk merges needs into fields and sets aside what is none."""
    target = {need["text"]: need["option"] for need in hall.texts()["needs"]}
    with room.store("collector").read() as session:
        found = hall_store.needs(session, room.slug)
    with room.store("office").begin() as session:
        row = room.row(session)
        labels = {group.code: group.label["de"] for group in store.groups(session, row)}
        for need in found:
            merged = {
                "id": need.id.hex(),
                "text": need.text,
                "language": need.language,
                "origin": labels.get(need.origin, need.origin),
            }
            needs_store.assign(session, row, [merged], target[need.text])


# ---------------------------------------------------------------- eight fields, twice


def play_leipzig(app: Flask, year: int, share: float) -> Room:
    """One of two conferences that rank the same eight fields a year apart."""
    room = set_up(
        app,
        f"leipzig-{year}",
        date(year, 11, 20),
        choose=3,
        seats=hall.LEIPZIG_SEATS,
        options=from_list("leipzig"),
    )
    title = {tag: f"{text} {year}" for tag, text in presets.TITLES["plenum"].items()}
    code = add_round(room, title, {})
    voters = hall.scaled(hall.LEIPZIG_SEATS, share)
    likings = dict.fromkeys(hall.LEIPZIG_SEATS, hall.LEIPZIG_LIKINGS[year])
    options = [line.code for line in hall.fields("leipzig")]
    step(room, code, "announced", "open")
    hand_out(room, voters)
    vote(room, code, hall.cast(likings, options, voters, 3, [year]))
    step(room, code, "closed", "revealed")
    publish_outcome(room, "ranking")
    return room


def map_years(earlier: Room, later: Room) -> None:
    """Keep the mapping between the two conferences: every field is the same."""
    codes = [line.code for line in hall.fields("leipzig")]
    links = [
        {"earlier": list(link.earlier), "later": list(link.later), "change": link.change}
        for link in same_ids(codes, codes)
    ]
    with later.store("office").begin() as session:
        later.row(session).mapping = {"earlier": earlier.slug, "links": links}


# ---------------------------------------------------------------- teaching, and open now


def play_teaching(app: Flask) -> str:
    """The real ballots of Debian 2006 go through the hall's door into a round that takes no codes."""
    path = hall.FOLDER / "debian-2006.json"
    profile = ballotfiles.read(path.read_text("utf-8"), path.name)
    options = [(option.id, OptionText(dict.fromkeys(LANGUAGES, option.name))) for option in profile.options]
    room = set_up(app, "teaching", date(2006, 4, 8), choose=1, seats={}, options=options)
    changes = {"level": "open", "places": len(options)}
    code = add_round(room, hall.texts()["round"], changes)
    step(room, code, "announced", "open")
    vote(room, code, hall.one_by_one(profile))
    step(room, code, "closed", "revealed")
    names = {option.id: option.name for option in profile.options}
    publish_outcome(room, "ranking", teaching_note(outcome(room, code), names))
    return room.slug


def teaching_note(found: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """What the moderator says under the outcome: who wins pair by pair under each reading of unranked."""
    counts = {"last": found["report"]["rules"], "no_opinion": found["report"]["other_policy"]["rules"]}
    first = {policy: rules["schulze"]["classes"][0][0] for policy, rules in counts.items()}
    said: dict[str, Any] = {}
    for policy, other in (("last", "no_opinion"), ("no_opinion", "last")):
        wins = counts[policy]["pairwise"]["n"]
        said[policy] = names[first[policy]]
        said[f"{policy}_won"] = wins[first[policy]][first[other]]
        said[f"{policy}_lost"] = wins[first[other]][first[policy]]
    return {tag: text % said for tag, text in hall.texts()["notes"]["teaching"].items()}


def open_now(app: Flask) -> tuple[str, list[str]]:
    """A small conference that is open now; its address and slips that nobody has used."""
    now = datetime.now(UTC)
    options = from_list("leipzig")
    languages = VISITORS_LANGUAGES
    room = set_up(app, "open", now.date(), choose=3, seats={"g4": 30}, options=options, languages=languages)
    room.now = now
    code = add_round(room, presets.TITLES["first"] | {"fa-AF": "دور اول"}, {})
    step(room, code, "announced", "open")
    hand_out(room, {"g4": VISITORS})
    _collecting(room, True)
    return room.slug, [str(slip) for slip in room.codes["g4"]]


def make(app: Flask, share: float = 1.0) -> dict[str, Any]:
    """Play all conferences; what the tour links to."""
    clock = app.extensions.get("clock")
    try:
        with app.app_context():
            teaching = play_teaching(app)
            rostock = play_rostock(app, share)
            earlier, later = (play_leipzig(app, year, share) for year in sorted(hall.LEIPZIG_LIKINGS))
            map_years(earlier, later)
            visitors, unused = open_now(app)
    finally:
        app.extensions.pop("clock", None)
        if clock is not None:
            app.extensions["clock"] = clock
    return {
        "conference": rostock,
        "comparison": later.slug,
        "teaching": teaching,
        "open_conference": visitors,
        "conference_codes": unused,
    }
