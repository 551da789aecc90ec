"""The demo's conferences: shipped facts, fixed seeds, and one that is played whole."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from flask import Flask

from demo.conference import cli, hall
from demo.conference.playing import cli as playing
from participation.conference import ballotfiles, report, store
from participation.conference.ballots import POLICIES
from participation.conference.compare import CHANGES
from participation.conference.hall import store as hall_store
from participation.conference.needs import store as needs_store
from stores import office


def test_the_lists_have_the_fields_of_the_cities_in_their_languages() -> None:
    sizes = {"rostock-2014": 8, "rostock-2021": 12, "leipzig": 8}
    # The conference that visitors may try is held in Dari too, and ranks Leipzig's fields.
    dari = {"leipzig": {"fa-AF"}}
    assert {name: len(hall.fields(name)) for name in sizes} == sizes
    for name in sizes:
        for line in hall.fields(name):
            assert set(line.label) == {"de", "en", "ar"} | dari.get(name, set())


def test_every_field_of_2014_lives_on_and_some_are_reworded_or_new() -> None:
    before = {line.code: line.label for line in hall.fields("rostock-2014")}
    after = {line.code: line.label for line in hall.fields("rostock-2021")}
    assert set(before) - set(after) == set()
    assert [code for code in before if before[code] != after[code]] == [
        "opening",
        "language",
        "work",
        "advice",
        "participation",
        "district",
    ]
    assert set(after) - set(before) == {"interpreting", "youth", "women", "sport"}


def test_needs_are_marked_as_demo_and_point_at_fields() -> None:
    needs = hall.texts()["needs"]
    known = {line.code for line in hall.fields("rostock-2021")} | {""}
    assert len(needs) >= 12
    assert len({need["language"] for need in needs}) >= 5
    assert all(need["text"].startswith("Demo: ") and need["option"] in known for need in needs)
    assert all(need["group"] in hall.SEATS for need in needs)


def test_likings_name_known_fields_and_the_hall_has_84_seats() -> None:
    assert sum(hall.SEATS.values()) == 84
    rostock = {line.code for line in hall.fields("rostock-2021")}
    leipzig = {line.code for line in hall.fields("leipzig")}
    assert all(set(liking) <= rostock for liking in hall.LIKINGS.values())
    assert all(set(liking) <= leipzig for liking in hall.LEIPZIG_LIKINGS.values())


def test_the_seed_fixes_every_ballot_and_ballots_fit_the_places() -> None:
    options = [line.code for line in hall.fields("rostock-2021")]
    one = hall.cast(hall.LIKINGS, options, hall.SEATS, 3, [1])
    assert one == hall.cast(hall.LIKINGS, options, hall.SEATS, 3, [1])
    assert one != hall.cast(hall.LIKINGS, options, hall.SEATS, 3, [2])
    assert Counter(ballot.group for ballot in one) == Counter(hall.SEATS)
    for ballot in one:
        named = [option for tied in ballot.ranking for option in tied]
        assert 1 <= len(named) <= 3
        assert len(set(named)) == len(named)
        assert set(named) <= set(options)


def test_liking_decides_who_is_first() -> None:
    drawn = hall.rankings({"a": 4.0}, ["a", "b", "c"], 400, 2, np.random.default_rng(1))
    firsts = Counter(ranking[0][0] for ranking in drawn if len(ranking[0]) == 1)
    assert firsts["a"] > 0.8 * sum(firsts.values())


def test_a_smaller_demo_keeps_every_group() -> None:
    assert hall.scaled(hall.SEATS, 1.0) == dict(hall.SEATS)
    assert set(hall.scaled(hall.SEATS, 0.02).values()) == {hall.FEWEST}


def test_the_teaching_ballots_turn_on_what_unranked_means() -> None:
    profile = ballotfiles.read((hall.FOLDER / "debian-2006.json").read_text("utf-8"), "debian-2006.json")
    ballots = hall.one_by_one(profile)
    assert len(ballots) == profile.total == 421
    firsts = {policy: report.rules(profile, policy, 1)["schulze"]["classes"][0] for policy in POLICIES}
    assert firsts == {"last": ["4"], "no_opinion": ["3"]}
    assert (hall.FOLDER / "debian-2006.LICENCE.txt").read_text("utf-8").startswith("The MIT License")


def test_the_note_of_the_teaching_example_says_what_was_counted() -> None:
    counts = {"3": {"4": 5}, "4": {"3": 7}}, {"3": {"4": 4}, "4": {"3": 2}}
    last, no_opinion = (
        {"schulze": {"classes": [[first], [second]]}, "pairwise": {"n": n}}
        for first, second, n in (("4", "3", counts[0]), ("3", "4", counts[1]))
    )
    found = {"report": {"rules": last, "other_policy": {"rules": no_opinion}}}
    note = cli.teaching_note(found, {"3": "Three", "4": "Four"})
    assert set(note) == {"de", "en", "ar"}
    assert "If unranked means last, Four wins there, 7 to 5 against Three." in note["en"]
    assert "If unranked means no opinion, Three wins, 4 to 2." in note["en"]
    assert not any("%(" in text for text in note.values())


@pytest.mark.slow
def test_all_conferences_are_played_through_the_product(app: Flask, as_role: Any) -> None:
    made = cli.make(app, share=0.1)
    assert "clock" not in app.extensions
    client = app.test_client()
    with app.app_context():
        _check_rostock(app, client, made["conference"])
        _check_comparison(made["comparison"])
    _check_desk(as_role("moderator"), made)
    teaching = client.get(f"/c/{made['teaching']}/r1/outcome?lang=en").get_data(as_text=True)
    assert "421 ballots" in teaching
    assert "Anthony Towns wins there, 190 to 184 against Steve McIntyre" in teaching
    assert "Steve McIntyre wins, 174 to 167" in teaching
    visitors = client.get(f"/c/{made['open_conference']}?lang=ar").get_data(as_text=True)
    assert 'id="data"' in visitors
    assert len(set(made["conference_codes"])) == cli.VISITORS
    room = playing.Room(app, made["open_conference"], datetime.now(UTC))
    with app.app_context(), room.store("collector").read() as session:
        round_ = hall_store.current_round(session, room.slug)
    assert round_ is not None
    assert (round_["state"], round_["practice"], round_["level"]) == ("open", False, "codes")
    answer = client.post("/token/ask", json={"code": made["conference_codes"][0], "round": round_["round"]})
    assert answer.json == {"state": "good"}


def _check_rostock(app: Flask, client: Any, slug: str) -> None:
    voters = sum(hall.scaled(hall.SEATS, 0.1).values())
    room = playing.Room(app, slug, datetime.now(UTC))
    assert [playing.outcome(room, code)["cast"] for code in ("r2", "r3")] == [voters, voters]
    with office.read() as session:
        row = store.conference(session, slug)
        assert row is not None
        versions = {option.code: option.version for option in store.options(session, row)}
        taken = needs_store.sources(session, row)
        states = {one.code: one.state for one in store.rounds(session, row)}
    assert {code for code, version in versions.items() if version == 2} == {
        "opening",
        "language",
        "work",
        "advice",
        "participation",
        "district",
    }
    assert len(taken) == len(hall.texts()["needs"])
    assert Counter(source.option for source in taken.values())["district"] == 3
    assert len({source.language for source in taken.values()}) == 8
    assert states == dict.fromkeys(("r1", "r2", "r3"), "revealed")
    with room.store("collector").read() as session:
        round_ = next(d for d in hall_store.round_documents(session, slug) if d["round"] == "r3")
        modes = Counter(ballot["mode"] for ballot in hall_store.ballots(session, round_))
    assert modes == {"paper": 5, "phone": voters - 5}
    page = client.get(f"/c/{slug}/r3/outcome?lang=en").get_data(as_text=True)
    assert "These topics stand in no order." in page
    assert "<ol" not in page.split("<main")[1]


def _check_comparison(slug: str) -> None:
    with office.read() as session:
        row = store.conference(session, slug)
        assert row is not None
        earlier = store.conference(session, row.mapping["earlier"])
    assert earlier is not None
    assert len(row.mapping["links"]) == 8
    assert {link["change"] for link in row.mapping["links"]} == {CHANGES[0]}


def _check_desk(moderator: Any, made: dict[str, Any]) -> None:
    """What a moderator of the demo looks at first; every page is linted as it is fetched."""
    desk = "/office/conferences"
    assert moderator.get(f"{desk}/").status_code == 200
    for slug in ("conference", "comparison", "teaching", "open_conference"):
        assert moderator.get(f"{desk}/{made[slug]}").status_code == 200
        assert moderator.get(f"{desk}/{made[slug]}/stage").status_code == 200
    for slug, code in (("conference", "r2"), ("conference", "r3"), ("comparison", "r1"), ("teaching", "r1")):
        assert moderator.get(f"{desk}/{made[slug]}/rounds/{code}/outcome").status_code == 200
    mapping = moderator.get(f"{desk}/{made['comparison']}/mapping").get_data(as_text=True)
    kept = re.findall(r'value="(\w+) (?:>|&gt;) \1 : same"', mapping)
    assert kept == [line.code for line in hall.fields("leipzig")]
    for slug, code in (("conference", "r3"), ("comparison", "r1")):
        shift = moderator.get(f"{desk}/{made[slug]}/rounds/{code}/shift.svg", lint=False)
        assert shift.mimetype == "image/svg+xml"
    protocol = moderator.get(f"{desk}/{made['conference']}/protocol.pdf", lint=False)
    assert protocol.data.startswith(b"%PDF")
