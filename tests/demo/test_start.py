"""`flask demo --if-empty`, as every `make run` asks it: whole, interrupted, or somebody's own content."""

from flask import Flask

from stores import publish


def test_a_city_that_was_interrupted_is_named_and_a_whole_one_is_not(app: Flask) -> None:
    runner = app.test_cli_runner()
    collector = app.extensions["stores"].get("collector")
    with collector.begin() as session:
        publish(session, "office", "wave", "living-here", {"state": "open"})
    half = runner.invoke(args=["demo", "--if-empty"])
    folder = app.config["SETTINGS"].instance
    assert (half.exit_code, half.output) == (
        0,
        "There are waves, but not the whole demo city; if its making was interrupted, begin again "
        f"with: rm -r {folder}\n",
    )
    with collector.begin() as session:
        publish(session, "office", "tour", "demo", {})
    whole = runner.invoke(args=["demo", "--if-empty"])
    assert (whole.exit_code, whole.output) == (0, "")
    again = runner.invoke(args=["demo"])
    assert (again.exit_code, "the demo city needs empty stores" in again.output) == (1, True)
