"""Letters, reminders, slips: who gets one, that codes are durable before they leave, and kept nowhere."""

import csv
import io
import zipfile
from datetime import date, timedelta

import pymupdf
import pytest
from babel import dates
from lxml.html import fromstring

from participation.access import codes, letters
from participation.access.issuing import store as issuing
from participation.access.letters import Letter, Sender, Words
from participation.access.mailing import views
from participation.access.people import store
from participation.access.register import store as register_store
from participation.access.register.views import today
from participation.access.signing.views import digest_key
from stores import publish, published
from tests.participation.access.people.conftest import HEAD
from web import promise
from web.i18n import resident_languages


def print_letters(ready, **data):
    return ready.submit("letters/print", {"letter": "0", "format": "csv"} | data, at="letters")


def table(answer):
    text = answer.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def digest(ready, code):
    return codes.digest(codes.read_code(code), digest_key(ready.app.config["SETTINGS"]))


def test_nothing_is_printed_before_all_is_known(desk):
    desk.strata()
    page = desk.clerk.get(f"{desk.base}/letters")
    assert "Still missing" in page.text
    assert "Telephone of the hotline" in page.text
    answer = desk.submit("letters/head", {**HEAD, "phone": "", "address": "nowhere"}, at="letters")
    assert answer.status_code == 422
    answer = desk.submit(
        "letters/batch", {"stratum": "a", "label": "x", "amount": "5", "languages": "de"}, at="letters"
    )
    assert answer.status_code == 302
    with desk.register.read() as session:
        assert store.batches(session, desk.admission) == []


def test_the_print_shops_table_holds_a_fresh_code_per_person(ready):
    rows = table(print_letters(ready))
    assert len(rows) == 120
    assert len({row["code"] for row in rows}) == 120
    assert {row["languages"] for row in rows} == {"de"}
    assert rows[0]["address"] == HEAD["address"]
    with ready.register.read() as session:
        assert all(issuing.state_of(session, digest(ready, row["code"])) == "good" for row in rows[:5])
        (key,) = register_store.keys_of(session, ready.admission)
        assert [(one.letter, one.people) for one in store.mailings(session, ready.admission)] == [(0, 120)]
    assert rows[0]["fingerprint"].replace(" ", "") == key.id
    assert print_letters(ready).status_code == 302  # nobody is left for the invitation
    assert len(table(print_letters(ready, again="y"))) == 120


def test_reminders_go_to_those_who_used_no_code(ready):
    first = table(print_letters(ready))
    with ready.register.begin() as session:
        (key,) = register_store.keys_of(session, ready.admission)
        used = digest(ready, first[3]["code"])
        issuing.issue(session, used, "", key, bytes(32), today())
        refused = store.by_name(session, ready.admission, first[4]["name"])[0]
        store.set_state(session, refused, "refused", today())
    reminded = table(print_letters(ready, letter="1"))
    assert {row["name"] for row in first} - {row["name"] for row in reminded} == {
        first[3]["name"],
        first[4]["name"],
    }
    assert not {row["code"] for row in first} & {row["code"] for row in reminded}
    # The earlier code stays good until one of the two is used.
    with ready.register.begin() as session:
        old = digest(ready, first[0]["code"])
        new = digest(ready, next(row["code"] for row in reminded if row["name"] == first[0]["name"]))
        issuing.issue(session, new, "", key, bytes(32), today())
        assert issuing.state_of(session, old) == "used"
    assert print_letters(ready, letter="7").status_code == 422


def test_letters_come_as_pdf_in_chunks(ready, monkeypatch):
    monkeypatch.setattr(views, "CHUNK", 50)
    answer = print_letters(ready, format="pdf")
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert [len(archive.namelist()), archive.testzip()] == [3, None]
        with pymupdf.open(stream=archive.read(archive.namelist()[2]), filetype="pdf") as document:
            assert len(document) == 2 * 20
            text = document[0].get_text()
    assert "12345 Musterstadt" in text
    assert "The immigration office receives nothing." in text or "Ausländerbehörde" in text


def test_a_broken_download_leaves_the_rest_to_be_made(ready, monkeypatch):
    monkeypatch.setattr(views, "CHUNK", 50)
    answer = print_letters(ready)
    parts = answer.iter_encoded()
    next(parts)  # the mark of the encoding
    next(parts)  # the first chunk; then the line breaks
    answer.close()
    with ready.register.read() as session:
        assert [one.people for one in store.mailings(session, ready.admission)] == [50]
    assert len(table(print_letters(ready))) == 70


def test_slips_come_as_pdf_in_parts(ready, monkeypatch):
    """They are made while they are sent, when the request is over."""
    monkeypatch.setattr(views, "SLIPS", 5)
    data = {"stratum": "a", "label": "Fair", "amount": "12", "format": "pdf", "languages": "de"}
    answer = ready.submit("letters/batch", data, at="letters")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert [len(archive.namelist()), archive.testzip()] == [3, None]


def test_slips_for_groups_are_counted_and_given_once(ready):
    data = {
        "stratum": "a",
        "label": "Advice office",
        "amount": "12",
        "format": "pdf",
        "languages": "de, en",
    }
    answer = ready.submit("letters/batch", data, at="letters")
    with pymupdf.open(stream=answer.data, filetype="pdf") as document:
        assert len(document) == 2
    rows = table(ready.submit("letters/batch", data | {"format": "csv"}, at="letters"))
    assert len(rows) == 12
    with ready.register.read() as session:
        assert issuing.state_of(session, digest(ready, rows[0]["code"])) == "good"
        assert [one.amount for one in store.batches(session, ready.admission)] == [12, 12]
        (stratum,) = register_store.strata_of(session, ready.admission)
        assert stratum.invited == 120 + 24
    assert ready.submit("letters/batch", data | {"amount": "0"}, at="letters").status_code == 422


def test_a_sample_letter_has_no_code(ready):
    answer = ready.clerk.get(f"{ready.base}/letters/preview.pdf?language=en&reminder=1")
    with pymupdf.open(stream=answer.data, filetype="pdf") as document:
        text = document[0].get_text()
    assert views.SPECIMEN in text
    assert "We wrote to you some weeks ago." in text.replace("\n", " ")
    with pytest.raises(codes.CodeError):
        codes.read_code(views.SPECIMEN + "x")
    assert ready.clerk.get(f"{ready.base}/letters/preview.pdf?language=xx").status_code == 404


@pytest.mark.parametrize("reminder", [False, True])
def test_a_letter_in_any_two_languages_is_one_sheet(app, reminder):
    """With its real wording, twenty lines in other languages, and a long name of the group."""
    group = "Menschen mit ausländischem Pass in den Stadtteilen Nord und Ost"
    values = {
        "title": "Zusammen leben in Musterstadt",
        "sender": "Stadt Musterstadt, Statistikstelle",
        **{name: HEAD[name] for name in ("phone", "website", "answer_until")},
        "delete_on": "2027-03-31",
        "today": "2026-11-28",
        "levels": ("sealed", "two_office"),
        "group": group,
    }
    with app.test_request_context():
        tags = [tag for tag in sorted(resident_languages()) if promise.is_worded(tag)]
        words = {("a", tag): Words(**promise.letter(tag, values, reminder=reminder)) for tag in tags}
        lines = {tag: promise.other_language_line(tag) for tag in tags}
    assert len(tags) > 15
    sender = Sender(HEAD["name"], HEAD["contact"], HEAD["return_line"])
    person = {"name": "Fatima", "street": "Weg 1", "postcode": "12345", "place": "Musterstadt"}
    made = [
        Letter(person, (tag, "de"), views.SPECIMEN, HEAD["address"], "1a2b", "a")
        for tag in tags
        if tag != "de"
    ]
    with pymupdf.open(stream=letters.letters_pdf(made, words, sender, lines), filetype="pdf") as document:
        assert len(document) == 2 * len(made)


def test_what_the_first_page_needs_is_published(ready):
    with ready.collector.read() as session:
        told = published(session, "register", "letterhead", ready.admission)
    assert (told["phone"], told["website"]) == (HEAD["phone"], HEAD["website"])
    assert told["delete_on"] > today().isoformat()


def test_a_last_day_that_is_over_stands_on_no_letter(ready):
    page = ready.submit("letters/head", HEAD | {"answer_until": "2020-01-01"}, at="letters")
    assert page.status_code == 422
    assert "This day is over." in page.text


def test_a_wave_that_was_extended_is_told_before_a_reminder_prints_the_old_day(ready):
    """The letterhead says 31 January 2027 (HEAD); the fixture's wave ends sixty days from today."""
    wave_ends = today() + timedelta(days=60)
    page = ready.clerk.get(f"{ready.base}/letters").text
    days = [dates.format_date(day, locale="en") for day in (date(2027, 1, 31), wave_ends)]
    assert f"The letterhead says {days[0]}, but the wave ends on {days[1]}. Letters" in page
    assert ready.submit("letters/last-day", {}, at="letters").status_code == 302
    with ready.register.read() as session:
        kept = register_store.admission_of(session, ready.admission).letterhead
    assert kept == HEAD | {"answer_until": wave_ends.isoformat()}
    page = ready.clerk.get(f"{ready.base}/letters").text
    assert "The letterhead says" not in page
    assert ready.submit("letters/last-day", {}, at="letters").status_code == 302
    assert {row["languages"] for row in table(print_letters(ready))} == {"de"}


def test_a_typed_kmr_is_the_kurmanci_of_the_letters(ready):
    with ready.collector.begin() as session:
        wave = published(session, "office", "fielding", ready.admission)
        publish(session, "office", "fielding", ready.admission, wave | {"languages": ["de", "ku"]})
    batch = {"stratum": "a", "label": "Desk", "amount": "1", "languages": "kmr", "format": "csv"}
    (row,) = table(ready.submit("letters/batch", batch, at="letters"))
    assert row["languages"] == "ku"
    with ready.register.begin() as session:
        first, second = (store.by_reference(session, ready.admission, one) for one in ("R1", "R3"))
        first.languages, second.languages = ["kmr", "de"], ["ckb", "de"]
    page = " ".join(fromstring(ready.clerk.get(f"{ready.base}/letters").text).xpath("string(//main)").split())
    assert "not translated into it: العربية (60), کوردیی ناوەندی (1)" in page


@pytest.mark.parametrize("languages", ["de ua", "??", "de en ar"])
def test_a_language_that_the_survey_has_not_is_no_silent_german(ready, languages):
    batch = {"stratum": "a", "label": "Desk", "amount": "3", "languages": languages, "format": "csv"}
    page = ready.submit("letters/batch", batch, at="letters")
    assert page.status_code == 422
    assert "Choose at most 3 of: de, en" in page.text
    with ready.register.read() as session:
        assert store.batches(session, ready.admission) == []
