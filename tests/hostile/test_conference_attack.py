"""The same attacker in a hall: ballots of a round against the slips that were used."""

import json

import pytest

from surveys.rehearsal.cli import rehearse

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def attack(app, engine, people, leak=False):
    """The verdict; one that speaks against the product is asked for a second time, as with surveys."""
    with app.app_context():
        verdict, line = rehearse(engine, people, leak, people, "conference")
        return (verdict, line) if verdict.held else rehearse(engine, people, leak, people, "conference")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_no_ballot_of_three_hundred_is_linked_better_than_by_chance(app, engine):
    verdict, line = attack(app, engine, 300)
    assert verdict.held, line
    assert verdict.people == 300
    # One mix per key at the close; the two smallest of five groups (24 and 6 seats) share a key.
    assert verdict.chance == pytest.approx(4 / 300)
    assert verdict.channels["join"] == 0
    tried = {"order:id", "order:bytes", "order:list", "order:receipt", "order:select", "learned"}
    assert tried <= verdict.channels.keys()
    assert line["waiting_linked"]["rows"] == 300
    assert line["waiting_linked"]["without_secret"] == 0
    if engine == "postgresql":
        assert {"order:xmin", "order:ctid"} <= verdict.channels.keys()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_planted_leak_is_found(app, engine):
    verdict, line = attack(app, engine, 100, leak=True)
    assert not verdict.held, line
    assert verdict.channels["order:created_at"] > verdict.bound


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--plant-leak",), 1)])
def test_the_command_plays_conferences_too(app, arguments, code):
    command = ["anonymity", "attack", "--kind", "conference", "--people", "100", *arguments]
    result = app.test_cli_runner().invoke(args=command)
    if result.exit_code != code:
        result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == code, result.output
    line = json.loads(result.output)
    names = {"linked", "people", "chance", "bound", "channels", "waiting_linked", "content_linked"}
    assert set(line) == names
    assert (line["linked"] > line["bound"]) == bool(code)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_three_thousand_ballots_hold(app, engine):
    verdict, line = attack(app, engine, 3000)
    assert verdict.held, line
    assert verdict.people == 3000
