"""The register clerk's pages about people: import, hotline, slips, nonresponse."""

from html import unescape

import pytest
from lxml.html import fromstring

from participation.access import codes, sample
from participation.access.issuing import store as issuing
from participation.access.people import importing, store
from participation.access.register import store as register_store
from participation.access.register.store import StratumSpec
from participation.access.register.views import today
from participation.access.signing.views import digest_key
from stores import published
from tests.participation.access.people.conftest import import_csv, import_file, sample_csv
from web.audit import store as log


def people(desk):
    with desk.register.read() as session:
        return store.by_name(session, desk.admission, "Weg")


def test_a_sample_is_imported_as_a_whole(desk):
    desk.strata()
    page = import_csv(desk, sample_csv(10))
    assert "10 people were imported." in page.text
    found = people(desk)
    assert len(found) == 10
    assert found[0].languages == ["ar", "ku", "de"]
    assert found[1].languages == ["de"]
    assert found[0].bands == {"age": "18-39"}
    with desk.register.read() as session:
        (stratum,) = register_store.strata_of(session, desk.admission)
    assert stratum.invited == 10
    assert "10 people are in the register." in desk.clerk.get(f"{desk.base}/sample").text


def test_every_fault_is_listed_and_nothing_imported(desk):
    desk.strata()
    text = sample_csv(3).replace("12345;Musterstadt;a;Syrien", "1234;Musterstadt;b;Syrien")
    page = import_csv(desk, text + "R1;Again;Weg 1;12345;Musterstadt;a;;\n")
    assert page.text.count("is no postcode of five digits") == 2
    assert page.text.count("There is no stratum “b”") == 2
    assert "Stands in the file twice (rows 3 and 5): R1" in page.text
    assert "5 faults. Nothing was imported." in page.text
    assert people(desk) == []
    import re

    link = re.search(r'href="([^"]+faults\.csv)"', page.text)[1]
    table = desk.clerk.get(link)
    assert len(table.text.strip().splitlines()) == 6
    assert "2;PLZ;“1234” is no postcode of five digits." in table.text


def test_a_second_import_of_the_same_people_is_refused(desk):
    desk.strata()
    import_csv(desk, sample_csv(3))
    page = import_csv(desk, sample_csv(4))
    assert page.text.count("Was imported before") == 3
    assert len(people(desk)) == 3


def test_files_that_are_no_table_are_named(desk):
    desk.strata()
    assert "The first row must name every column." in import_csv(desk, "a;;c\n1;2;3\n").text
    assert "Row 3 has 2 cells instead of 3" in import_csv(desk, "a;b;c\n1;2;3\n1;2\n").text
    page = import_csv(desk, sample_csv(2), **{"column-1": "street"})
    assert page.status_code == 422
    assert "is chosen for more than one column" in page.text


def test_a_column_that_is_missing_is_said_while_the_file_is_still_there(desk):
    desk.strata()
    page = import_csv(desk, sample_csv(2), **{"column-3": "", "column-5": ""})
    assert page.status_code == 422
    assert "No column is chosen for: Postcode, Stratum." in page.text
    page = import_csv(desk, sample_csv(2).replace(";", ":"))
    assert "The file has one column only." in page.text


def test_everything_wrong_with_the_columns_is_said_at_once(desk):
    desk.strata()
    page = import_csv(desk, sample_csv(2), **{"column-1": "street", "column-3": "street"})
    assert "“Street and number” is chosen for more than one column." in page.text
    assert "No column is chosen for: Name, Postcode." in page.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfea", "neither UTF-8 nor Windows-1252"),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b'Name;Ort\n"A;B\n' + b"A;B\n" * 50_000, "In row 2 a quote"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "This file is no table"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old Excel file"),
        ("Straße;Ort\nA;B".encode("mac_roman"), "read wrongly: Stra§e"),
    ],
)
def test_a_file_that_could_be_read_wrongly_is_refused_in_words(desk, data, words):
    desk.strata()
    assert words in unescape(import_file(desk, data).text)


def test_people_without_a_number_are_not_imported_twice(desk):
    desk.strata()
    text = "\n".join(line.partition(";")[2] for line in sample_csv(4).splitlines())
    assert "4 people were imported." in import_csv(desk, text).text
    assert import_csv(desk, text).text.count("Was imported before") == 4
    assert len(people(desk)) == 4


def test_a_page_says_that_it_shows_the_first_faults_only(desk, monkeypatch):
    desk.strata()
    monkeypatch.setattr(importing, "FAULTS_SHOWN", 2)
    monkeypatch.setattr(sample, "FAULTS_LISTED", 3)
    page = import_csv(desk, sample_csv(5, stratum="b"))
    assert "5 faults. Nothing was imported." in page.text
    assert "The first 2 are shown here." in page.text
    assert "The first 3 stand in the file to download." in page.text
    assert page.text.count("There is no stratum") == 2


def test_an_import_can_be_taken_back_until_letters_exist(ready):
    answer = ready.submit("sample/remove", {}, at="sample")
    assert answer.status_code == 302
    assert people(ready) == []
    import_csv(ready, sample_csv(120))
    assert ready.submit("letters/print", {"letter": "0", "format": "csv"}, at="letters").data
    ready.submit("sample/remove", {}, at="sample")
    assert len(people(ready)) == 50  # as many as a search shows


def test_a_stopped_import_imports_nobody(desk):
    desk.strata()
    import io
    import re

    page = desk.clerk.get(f"{desk.base}/sample")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
    data = {"csrf_token": token, "file": (io.BytesIO(sample_csv(5).encode()), "sample.csv")}
    place = desk.clerk.post(f"{desk.base}/sample", data=data, content_type="multipart/form-data").location
    answer = desk.clerk.submit(f"{place}/stop", {}, at=place)
    assert "The import was stopped." in desk.clerk.get(answer.location).text
    assert desk.clerk.get(place).status_code == 302
    assert people(desk) == []


def test_the_hotline_finds_people_and_books_refusals(ready):
    answer = ready.submit("people", {"what": "R7"})
    assert answer.status_code == 302
    assert "Person 007" in ready.clerk.get(answer.location).text
    place = answer.location.removeprefix(f"{ready.base}/")
    assert ready.submit(place, {"state": "refused"}).status_code == 302
    assert "Person 011" in ready.clerk.get(ready.submit("people", {"what": "Person 011"}).location).text
    assert "Nobody." in ready.submit("people", {"what": "nobody here"}).text
    with ready.register.read() as session:
        assert store.by_reference(session, ready.admission, "R7").state == "refused"
        assert len(store.recipients(session, ready.admission, 0)) == 119
    with ready.app.app_context():
        from stores import office

        with office.read() as session:
            entries = list(log.every(session, log.Filter(action="register.state")))
    assert [entry.details for entry in entries] == [{"state": "refused"}]


def test_letters_that_came_back_are_booked_together(ready):
    answer = ready.submit("people/returned", {"lines": "R1\nR2\n\nR999\n"}, at="people")
    assert answer.status_code == 422
    assert "R999" in answer.text
    with ready.register.read() as session:
        assert store.by_reference(session, ready.admission, "R2").state == "undeliverable"


def some_codes(ready, amount):
    key = digest_key(ready.app.config["SETTINGS"])
    with ready.register.begin() as session:
        ids = store.recipients(session, ready.admission, 0)[:amount]
        made = register_store.make_person_codes(session, ids, 0, today(), key)
    return [made[one] for one in ids]


def test_an_envelope_that_comes_back_undoes_no_refusal(ready):
    with ready.register.begin() as session:
        store.set_state(session, store.by_reference(session, ready.admission, "R5"), "refused", today())
    page = ready.submit("people/returned", {"lines": "R5\nR6\nR6"}, at="people")
    assert "Letters booked as undeliverable: 1" in page.text
    assert "stay so: 1" in page.text
    with ready.register.read() as session:
        states = [store.by_reference(session, ready.admission, one).state for one in ("R5", "R6")]
    assert states == ["refused", "undeliverable"]


def test_people_are_found_by_their_code(ready):
    (code,) = some_codes(ready, 1)
    answer = ready.submit("people", {"what": str(code).lower().replace("-", " ")})
    assert "Person 000" in ready.clerk.get(answer.location).text


def test_a_mistyped_code_is_told_with_its_group(ready):
    (code,) = some_codes(ready, 1)
    groups = str(code).split("-")
    wrong = "0" if groups[2][0] != "0" else "1"
    typed = "-".join([*groups[:2], wrong + groups[2][1:], *groups[3:]])
    for what in (typed, typed.replace("-", "").lower()):
        page = ready.submit("people", {"what": what}).text
        assert "Please check the code: group 3 is not right." in page
        assert "Nobody." not in page
    unknown = str(codes.new_code(code.mark))
    assert "This code is not known here." in ready.submit("people", {"what": unknown}).text
    # A street with a number is no code.
    assert "Nobody." in ready.submit("people", {"what": "Karl-Liebknecht-Straße 1234"}).text


def test_return_slips_are_booked_once_and_published(ready):
    first, second = some_codes(ready, 2)
    assert "Booked." in ready.submit("slips", {"code": str(first)}).text
    assert "Booked." in ready.submit("slips", {"code": str(second)}).text
    again = ready.submit("slips", {"code": str(first)})
    assert "Destroy the inner envelope unopened" in again.text
    assert ready.submit("slips", {"code": "12345"}).status_code == 422
    wrong = str(codes.new_code(first.mark))
    assert "not known here" in ready.submit("slips", {"code": wrong}).text
    assert ready.submit("slips/publish", {}, at="slips").status_code == 302
    with ready.register.read() as session:
        (key,) = register_store.keys_of(session, ready.admission)
    with ready.collector.read() as session:
        assert published(session, "register", "slips", key.id)["booked"] == 2
    journal = ready.app.config["SETTINGS"].signing_keys / "issued.journal"
    assert len(journal.read_text().splitlines()) == 2


def test_nonresponse_speaks_in_labels(ready):
    page = ready.clerk.get(f"{ready.base}/nonresponse?by=age&by=stratum")
    shown = fromstring(page.text)
    assert [label.text for label in shown.xpath("//fieldset//label")] == ["Stratum", "Age group"]
    assert shown.xpath("//tbody/tr/th/text()") == ["18-39 / Stratum A", "40+ / Stratum A", "All"]
    assert "in “18-39 / Stratum A” too few" in page.text


def test_nonresponse_is_shown_for_large_classes_only(ready):
    page = ready.clerk.get(f"{ready.base}/nonresponse?by=age")
    assert "18-39" in page.text
    assert "No R-indicator yet" in page.text
    with ready.register.read() as session:
        found = store.classes(session, ready.admission, ("age",))
        assert [(one.values, one.invited) for one in found] == [(("18-39",), 60), (("40+",), 60)]
        small = store.classes(session, ready.admission, ("age", "stratum"))[:1]
        assert store.large_classes(small) == small
    one = store.Class(("x",), 30, 1, 0, 0, 0)
    two = store.Class(("y",), 40, 2, 1, 0, 0)
    three = store.Class(("z",), 60, 3, 0, 1, 0)
    joined = store.Class(("*",), 70, 3, 1, 0, 0)
    assert store.large_classes([one, two, three]) == [three, joined]
    assert store.large_classes([one, three]) == [store.Class(("*",), 90, 4, 0, 1, 0)]
    assert store.large_classes([one]) == []


@pytest.mark.parametrize(
    "role", ["analyst", "reviewer", "entry_clerk", "administrator", "editor", "moderator"]
)
def test_nobody_else_may_enter(desk, as_role, role):
    other = as_role(role)
    for place in ("sample", "people", "slips", "nonresponse", "letters", "strata", "keys", ""):
        assert other.get(f"{desk.base}/{place}").status_code == 403


def test_posts_need_a_csrf_token(desk):
    for place in ("set-up", "publish", "sample/remove", "slips/publish", "letters/print", "letters/batch"):
        assert desk.clerk.post(f"{desk.base}/{place}", data={}).status_code == 400


def test_r_indicators_are_made_of_steps_and_classes(ready):
    key = digest_key(ready.app.config["SETTINGS"])
    with ready.register.begin() as session:
        (signing,) = register_store.keys_of(session, ready.admission)
        ids = store.recipients(session, ready.admission, 0)
        made = register_store.make_person_codes(session, ids, 0, today(), key)
        for one in ids[:119]:
            digest = codes.digest(made[one], key)
            issuing.issue(session, digest, "", signing, bytes(32), today())
    page = ready.clerk.get(f"{ready.base}/nonresponse?by=age&by=stratum").text
    # 59 and 60 of 60 are both shown as fifty, so both classes answer alike.
    assert "R = 1.000" in page
    assert "Age group 0.000, Stratum 0.000" in page


def test_a_stratum_without_people_breaks_no_page(desk):
    desk.strata(StratumSpec("a", "Stratum A", 1000), StratumSpec("empty", "Stratum E", 500))
    import_csv(desk, sample_csv(120))
    for place in (
        "",
        "strata",
        "keys",
        "people",
        "slips",
        "nonresponse",
        "nonresponse?by=stratum&by=age",
        "letters",
    ):
        assert desk.clerk.get(f"{desk.base}/{place}").status_code == 200, place
    page = desk.submit("keys", {"response-0": "50", "response-1": "50"})
    assert page.status_code == 422
    assert "Nobody is invited in “Stratum E” yet." in page.text
