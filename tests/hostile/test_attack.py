"""The attacker against the real stack.  300 and 3,000 people are the command's and `make soak`'s."""

import json

import pytest

from surveys.rehearsal.cli import rehearse


def attack(app, engine, people, leak=False):
    """The verdict; one that speaks against the product is asked for a second time.

    Codes and tokens are random, so one honest run in a thousand exceeds the bound by chance; two do not.
    """
    with app.app_context():
        verdict, line = rehearse(engine, people, leak, seed=people)
        return (verdict, line) if verdict.held else rehearse(engine, people, leak, seed=people)


@pytest.mark.slow
def test_nobody_is_linked_better_than_by_chance_over_sqlite(app):
    verdict, line = attack(app, "sqlite", 160)
    assert verdict.held, line
    assert verdict.people == 160
    assert verdict.channels["join"] == 0
    assert verdict.chance == pytest.approx(3 / 160)  # batches of 50, 50 and, at the close, 60
    assert line["waiting_linked"]["without_secret"] == 0


@pytest.mark.slow
@pytest.mark.postgres
def test_nobody_is_linked_better_than_by_chance_over_postgresql(app):
    verdict, line = attack(app, "postgresql", 120)
    assert verdict.held, line
    assert {"order:xmin", "order:ctid", "order:bytes"} <= verdict.channels.keys()
    assert verdict.channels["join"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_planted_leak_is_found(app, engine):
    verdict, _ = attack(app, engine, 100, leak=True)
    assert not verdict.held
    assert verdict.channels["order:created_at"] > 50


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--plant-leak",), 1)])
def test_the_command_prints_one_line_and_its_exit_code(app, arguments, code):
    command = ["anonymity", "attack", "--people", "100", *arguments]
    result = app.test_cli_runner().invoke(args=command)
    if result.exit_code != code:
        result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == code, result.output
    line = json.loads(result.output)
    assert set(line) == {
        "linked",
        "people",
        "chance",
        "bound",
        "channels",
        "waiting_linked",
        "content_linked",
    }
    assert (line["linked"] > line["bound"]) == bool(code)


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("people", [300, 3000])
def test_large_waves_hold(app, engine, people):
    verdict, line = attack(app, engine, people)
    assert verdict.held, line
