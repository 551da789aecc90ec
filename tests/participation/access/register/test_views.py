"""The register clerk's room: set-up, strata, keys, figures, languages, lock, deletion."""

from datetime import date, timedelta

import pytest
from babel import dates
from lxml.html import fromstring

from participation.access import journal
from participation.access.issuing import store as issuing
from participation.access.mailing.views import letter_languages as tags_of
from participation.access.people import store as people_store
from participation.access.register import setup, store
from participation.access.register.setup import Cell
from participation.access.register.store import RegisterFault, StratumSpec
from participation.access.register.views import next_steps, today
from participation.access.signing.views import signing_folder
from stores import published
from surveys.rehearsal.store import prepare_wave
from tests.participation.access.people.conftest import import_csv, sample_csv
from tests.surveys.collection.conftest import DOCUMENT
from web import backup


def keys(desk):
    with desk.register.read() as session:
        return store.keys_of(session, desk.admission)


def tasks(desk):
    """What waits to be set up."""
    with desk.app.test_request_context(headers={"Accept-Language": "en"}):
        return [task for task in next_steps(None) if "Set up" in task.text]


def test_a_frozen_wave_waits_until_it_is_set_up(desk):
    page = desk.clerk.get("/office/register/")
    assert "Rehearsal" in page.text
    assert "not set up here yet" not in page.text
    assert desk.submit("set-up", {}, at="").status_code == 302
    assert desk.clerk.submit(
        "/office/register/nothing/set-up", {}, at="/office/register/plan"
    ).status_code in (
        400,
        404,
    )
    assert desk.clerk.get("/office/register/nothing/").status_code == 404


def strata_form(*rows):
    data = {}
    for number, row in enumerate(rows):
        for name, value in zip(("code", "label", "population", "invited", "shares"), row, strict=False):
            data[f"strata-{number}-{name}"] = value
    return data


def test_strata_are_set_up_and_shared(desk):
    form = strata_form(
        ("a", "Group A", "1000", "100"), ("b", "Group B", "2000", "200", "a"), ("", "", "", "")
    )
    assert desk.submit("strata", form).status_code == 302
    with desk.register.read() as session:
        first, second = store.strata_of(session, desk.admission)
    assert (first.label, first.population, first.invited) == ("Group A", 1000, 100)
    assert first.mark == second.mark
    again = desk.clerk.get(f"{desk.base}/strata").text
    assert 'value="Group B"' in again
    assert 'name="strata-1-shares" type="text" value="a"' in again


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((("a",), ("a",)), "stands in two rows"),
        ((("a", "", "", "", "b"),), "does not exist"),
        ((("a", "", "", "", "b"), ("b", "", "", "", "c"), ("c",)), "shares a key itself"),
        ((("a", "", "-5"),), "strata-0-population"),
        ((("a",), ("", "Group B", "300")), "A row has no code: Group B"),
    ],
)
def test_strata_that_cannot_be_are_refused(desk, rows, words):
    page = desk.submit("strata", strata_form(*rows))
    assert page.status_code == 422
    assert words in page.text
    with desk.register.read() as session:
        assert store.strata_of(session, desk.admission) == []


def test_a_stratum_with_people_stays(desk):
    desk.strata()
    import_csv(desk, sample_csv(3))
    page = desk.submit("strata", strata_form(("b", "Other", "10")))
    assert "it cannot be taken away" in page.text


def test_keys_are_made_published_and_final(desk):
    assert "Set up the strata" in desk.clerk.get(f"{desk.base}/keys").text
    desk.strata()
    assert "Nobody is invited" in desk.submit("keys", {"response-0": "50"}).text
    import_csv(desk, sample_csv(120))
    assert "expects too few answers" in desk.submit("keys", {"response-0": "40"}).text
    assert keys(desk) == []
    assert desk.submit("keys", {"response-0": "50"}).status_code == 302
    (key,) = keys(desk)
    with desk.collector.read() as session:
        assert published(session, "register", "key", key.id)["mark"] == key.mark
        figures = published(session, "register", "returns", desk.admission)
    assert figures["keys"][key.id] == {
        "strata": ["a"],
        "label": "Stratum A",
        "N": 1000,
        "n": 120,
        "issued": 0,
    }
    page = desk.clerk.get(f"{desk.base}/keys").text
    assert "Make the keys" not in page
    assert "All keys are made." in page
    answer = desk.submit("keys", {"response-0": "50"})
    assert (answer.status_code, "All keys are made." in answer.text) == (200, True)
    assert [one.id for one in keys(desk)] == [key.id]
    assert "Keys exist already" in desk.clerk.get(f"{desk.base}/strata").text


def test_a_sample_without_its_population_gets_no_key(desk):
    """Strata are fixed with the keys, and without N no answer can be weighted."""
    desk.strata(StratumSpec("a", "Stratum A"))
    import_csv(desk, sample_csv(120))
    page = desk.submit("keys", {"response-0": "50"})
    assert page.status_code == 422
    assert "How many people belong to “Stratum A”?" in page.text
    assert keys(desk) == []


def test_strata_of_unequal_fractions_share_no_key(desk):
    desk.strata(StratumSpec("a", "A", 1000), StratumSpec("b", "B", 1000, shares_key_with="a"))
    second = sample_csv(60, stratum="b").replace("R", "S").split("\n", 1)[1]
    import_csv(desk, sample_csv(120) + second)
    page = desk.submit("keys", {"response-0": "50", "response-1": "50"})
    assert "were not sampled at the same fraction" in page.text


def test_checks_before_keys():
    cells = [Cell("a", "A", 1000, 100, "m"), Cell("b", "B", 2003, 200, "m"), Cell("c", "C", None, 0, "n")]
    assert setup.expected(cells, {"a": 0.3, "b": 0.1, "c": 1.0}) == {"m": 50, "n": 0}
    assert setup.empty_stratum(cells) == "C"
    assert setup.empty_stratum(cells[:2]) is None
    assert setup.unequal(cells) is None
    assert setup.unequal([cells[0], Cell("b", "B", 2000, 300, "m")]) == "A, B"
    assert setup.unequal([cells[0], Cell("c", "C", None, 5, "m")]) is None


def test_figures_move_in_steps_until_the_end(ready):
    (key,) = keys(ready)
    with ready.register.begin() as session:
        ids = people_store.recipients(session, ready.admission, 0)
        made = store.make_person_codes(session, ids, 0, today(), b"k")
        from participation.access import codes

        for one in ids[:51]:
            issuing.issue(session, codes.digest(made[one], b"k"), "", key, bytes(32), today())
        before = people_store.returns_document(session, ready.admission, final=False)
        after = people_store.returns_document(session, ready.admission, final=True)
    assert (before["issued"], before["keys"][key.id]["issued"], before["step"]) == (50, 50, 50)
    assert (after["issued"], after["keys"][key.id]["issued"]) == (51, 51)
    assert sum(one["issued"] for one in after["classes"]["stratum"]) == 51
    assert sum(one["issued"] for one in before["classes"]["age"]) == 0
    page = ready.clerk.get(f"{ready.base}/").text
    assert "or a few more" in page
    assert ready.submit("publish", {}, at="").status_code == 302


def test_the_table_of_citizenships_speaks_the_readers_language(desk):
    place = "/office/register/languages"

    def rows():
        return [
            " ".join(row.text_content().split())
            for row in fromstring(desk.clerk.get(place).text).xpath("//tbody/tr/th")
        ]

    english = rows()
    assert english[:3] == ["Afghanistan", "Albania (Albanien)", "Algeria (Algerien)"]
    desk.clerk.submit(place, {"citizenship": "Ägypten", "languages": "ar"})
    assert "Egypt: ar" in " ".join(fromstring(desk.clerk.get(place).text).text_content().split())
    desk.clerk.submit("/office/language", {"language": "de"}, at="/office")
    assert rows()[:3] == ["Afghanistan", "Ägypten", "Albanien"]


def test_a_rule_for_kurmanci_means_the_language_of_the_letters(desk):
    """Registers and people write kmr; the questionnaire and the letters are kept as ku."""
    place = "/office/register/languages"
    desk.clerk.submit(place, {"citizenship": "Syrien", "languages": "kmr ar"})
    with desk.register.read() as session:
        assert people_store.rules(session) == {"sy": ["ku", "ar"]}


def test_letter_languages_can_be_edited(desk):
    place = "/office/register/languages"
    assert "Default table" in desk.clerk.get(place).text
    assert desk.clerk.submit(place, {"citizenship": "Irak", "languages": "ckb ar"}).status_code == 302
    with desk.register.read() as session:
        assert people_store.rules(session) == {"iq": ["ckb", "ar"]}
    desk.clerk.submit(place, {"citizenship": "IRQ", "languages": "ckb"})
    with desk.register.read() as session:
        assert people_store.rules(session) == {"iq": ["ckb"]}
    assert "is not a language tag" in desk.clerk.submit(place, {"citizenship": "x", "languages": "?"}).text
    desk.clerk.submit(f"{place}/remove", {"citizenship": "iq"}, at=place)
    with desk.register.read() as session:
        assert people_store.rules(session) == {}


def test_a_restored_register_is_locked_until_its_journal_is_replayed(ready, tmp_path):
    copy = tmp_path / "register.sqlite"
    backup.backup(ready.register, copy)
    (key,) = keys(ready)
    place = signing_folder(ready.app.config["SETTINGS"]).path / "issued.journal"
    with ready.register.begin() as session:
        ids = people_store.recipients(session, ready.admission, 0)[:1]
        from participation.access import codes

        made = store.make_person_codes(session, ids, 0, today(), b"k")
        digest = codes.digest(made[ids[0]], b"k")
        issued = issuing.issue(session, digest, "", key, bytes(32), today())
    backup.restore(ready.register, copy)
    with ready.register.begin() as session, pytest.raises(RegisterFault, match="locked"):
        issuing.issue(session, digest, "", key, bytes(32), today())
    assert "The register is locked" in ready.clerk.get("/office/register/").text
    assert "There is no journal" in ready.clerk.submit("/office/register/lock", {}).text
    journal.append(place, [issued.entry])
    assert ready.clerk.submit("/office/register/lock", {}).status_code == 302
    with ready.register.read() as session:
        assert store.issued_counts(session, ready.admission) == {key.mark: 1}
        assert store.lock_reason(session) is None
    assert "is not locked" in ready.clerk.get("/office/register/lock").text


def test_what_is_due_is_deleted(ready):
    past = {"title": "Living here", "delete_on": (today() - timedelta(days=1)).isoformat()}
    ready.submit("dates", past, at="")
    with ready.register.begin() as session:
        row = store.admission_of(session, ready.admission)
        assert row.delete_on > today()
        row.delete_on = today()
    assert ready.clerk.submit("/office/register/purge", {}, at="/office/register/").status_code == 302
    with ready.register.read() as session:
        assert people_store.people_by_stratum(session, ready.admission) == {}
    assert "were deleted on" in ready.clerk.get(f"{ready.base}/").text


def test_commands_do_what_pages_do(desk, tmp_path):
    desk.strata()
    run = desk.app.test_cli_runner().invoke
    file = tmp_path / "sample.csv"
    file.write_text(sample_csv(120, postcode="1"), "utf-8")
    answer = run(args=["register", "import", desk.admission, str(file)])
    assert answer.exit_code == 1
    assert "row 2, column PLZ: “1” is no postcode of five digits." in answer.output
    file.write_text(sample_csv(2) + sample_csv(1).splitlines()[1], "utf-8")
    answer = run(args=["register", "import", desk.admission, str(file)])
    assert "row 4, column Nummer: Stands in the file twice (rows 2 and 4): R0" in answer.output
    file.write_text(sample_csv(120), "utf-8")
    assert (
        "nobody was imported" in run(args=["register", "import", desk.admission, str(file), "--check"]).output
    )
    assert "120 people were imported" in run(args=["register", "import", desk.admission, str(file)]).output
    answer = run(args=["register", "keys", desk.admission, "--response", "0.1"])
    assert "expects too few answers" in answer.output
    answer = run(args=["register", "keys", desk.admission, "--response", "0.5"])
    assert keys(desk)[0].id in answer.output
    assert desk.admission in run(args=["register", "list"]).output
    assert run(args=["register", "publish"]).output.split() == [desk.admission]
    assert run(args=["register", "purge"]).output == "nothing is due\n"
    with desk.register.begin() as session:
        store.admission_of(session, desk.admission).delete_on = date(2027, 1, 1)
    assert "120 people" in run(args=["register", "purge", "--on", "2027-01-01"]).output
    assert "There is no journal" in run(args=["register", "replay"]).output
    assert "unlocked; 0" in run(args=["register", "replay", "--without-journal"]).output
    assert "not set up here" in run(args=["register", "keys", "nothing"]).output


def test_the_worker_publishes_figures_now_and_then(ready):
    from datetime import UTC, datetime

    from participation.access.register.cli import CHORES_EVERY, tidy_and_publish

    def figures():
        with ready.collector.read() as session:
            return published(session, "register", "returns", ready.admission)["strata"]["a"]["label"]

    def rename(label):
        with ready.register.begin() as session:
            store.strata_of(session, ready.admission)[0].label = label

    now = datetime.now(UTC)
    with ready.app.app_context():
        rename("Renamed")
        tidy_and_publish(now)
        assert figures() == "Renamed"
        rename("Again")
        tidy_and_publish(now + timedelta(seconds=CHORES_EVERY - 1))
        assert figures() == "Renamed"
        tidy_and_publish(now + timedelta(seconds=CHORES_EVERY + 1))
        assert figures() == "Again"


def test_a_later_wave_of_the_survey_takes_nothing_from_an_earlier_one(desk):
    """Both are known by their own titles, languages and last days, whichever was frozen last."""
    later = today() + timedelta(days=90)
    with desk.app.app_context():
        stores = desk.app.extensions["stores"].available
        second = prepare_wave(stores, DOCUMENT, ("sealed",), ["en", "fr"], today(), 90)
        assert (tags_of(desk.admission), tags_of(f"wave-{second.id}")) == (["de", "en"], ["de", "en", "fr"])
    assert [task.text for task in tasks(desk)] == ["Set up the invitations of Rehearsal"]
    listed = fromstring(desk.clerk.get("/office/register/").text)
    last = dates.format_date(later, locale="en")
    assert f"Rehearsal (survey, wave 2, {last})" in " ".join(listed.xpath("string(//main)").split())
    assert (
        desk.clerk.submit(f"/office/register/wave-{second.id}/set-up", {}, at="/office/register/").status_code
        == 302
    )
    with desk.register.read() as session:
        assert [row.title for row in store.admission_list(session)] == ["Rehearsal", "Rehearsal"]
    for admission, day in ((desk.admission, today() + timedelta(days=60)), (f"wave-{second.id}", later)):
        page = desk.clerk.get(f"/office/register/{admission}/letters").text
        assert f'value="{day.isoformat()}"' in page
        assert "/s/small" in page
