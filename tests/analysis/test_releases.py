"""From the analyst's request over the reviewer's decision to the public page."""

import io
import re

import openpyxl
import pymupdf
import pytest
import yaml

import stores
from analysis import cli, store
from analysis.published import views as pages
from tests.analysis.conftest import WAVE
from web.i18n import speaking

PLAN = "/office/analysis/plans/first"


@pytest.fixture
def requested(fielded, as_role, small_plan):
    """An analyst has built a book and asked for its release."""
    analyst = as_role("analyst")
    small_plan(analyst)
    analyst.submit(f"{PLAN}/run", {}, at=PLAN)
    with fielded.app_context():
        assert cli.run_next() == "done"
        with stores.collector.read() as session:
            assert store.book(session, "first").audit["safe"], store.book(session, "first").audit
    answer = analyst.submit(f"{PLAN}/release", {"slug": "living-here"}, at=PLAN)
    assert answer.status_code == 302
    return analyst


def the_one(client):
    found = re.search(r'href="(/office/releases/[0-9a-f]{32})"', client.get("/office/releases/").text)
    assert found
    return found[1]


def test_two_people_and_the_public_page(requested, as_role, client):
    assert client.get("/results/living-here").status_code == 404
    address = the_one(requested)
    assert 'name="decision"' not in requested.get(address).text
    reviewer = as_role("reviewer")
    assert reviewer.submit(address, {"decision": "yes", "note": "fine"}).status_code == 302
    page = client.get("/results/living-here/en")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert "Living here" in client.get("/results/?lang=en").text


def test_the_same_person_cannot_decide_even_with_both_roles(fielded, as_role, small_plan):
    both = as_role("analyst", "reviewer")
    small_plan(both)
    both.submit(f"{PLAN}/run", {}, at=PLAN)
    with fielded.app_context():
        cli.run_next()
    both.submit(f"{PLAN}/release", {"slug": "mine"}, at=PLAN)
    address = the_one(both)
    page = both.get(address)
    assert 'name="decision"' not in page.text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', both.get(PLAN).text)[1]
    both.post(address, data={"csrf_token": token, "decision": "yes"})
    assert both.get("/results/mine", lint=False).status_code == 404


def test_refused_is_not_published_and_decided_once(requested, as_role, client):
    address = the_one(requested)
    reviewer = as_role("reviewer")
    reviewer.submit(address, {"decision": "no", "note": "not yet"})
    assert client.get("/results/living-here").status_code == 404
    with requested.application.app_context():
        with stores.collector.read() as session:
            row = store.releases(session)[0]
        with pytest.raises(store.ReleaseFault) as caught, stores.collector.begin() as session:
            store.decide(session, row.id, "third@example.org", True, "", cli.now())
        assert caught.value.code == "decided"


def test_what_was_refused_can_be_asked_for_again_with_an_answer(requested, as_role, client):
    reviewer = as_role("reviewer")
    reviewer.submit(the_one(requested), {"decision": "no", "note": "Is the head of the office informed?"})
    page = requested.get(PLAN).text
    assert "Is the head of the office informed?" in page
    assert 'name="answer"' in page
    assert refusal(requested.application) == "unanswered"
    again = {"slug": "living-here", "answer": "Yes, by letter of 3 May."}
    assert requested.submit(f"{PLAN}/release", again, at=PLAN).status_code == 302
    waiting = the_one_that_waits(requested)
    shown = reviewer.get(waiting).text
    assert "Yes, by letter of 3 May." in shown
    assert "Is the head of the office informed?" in shown
    reviewer.submit(waiting, {"decision": "yes"})
    assert client.get("/results/living-here/en").status_code == 200
    assert 'name="answer"' not in requested.get(PLAN).text


def the_one_that_waits(client):
    with client.application.app_context(), stores.collector.read() as session:
        (row,) = store.releases(session, "requested")
    return f"/office/releases/{row.id.hex()}"


def test_a_release_already_made_is_refused(requested):
    answer = requested.submit(f"{PLAN}/release", {"slug": "living-here"}, at=PLAN)
    assert answer.status_code == 302
    assert requested.get("/office/releases/").text.count("/results/living-here") == 1


def stored_plan(app, change):
    """Rewrites the plan's text by ``change`` as its author would."""
    with app.app_context(), stores.collector.begin() as session:
        document = yaml.safe_load(store.plan(session, "first").source)
        change(document)
        store.save_plan(session, "first", yaml.safe_dump(document), "analyst-1@example.org", cli.now())


def run_again(app):
    with app.app_context():
        with stores.collector.begin() as session:
            store.ask(session, "book", "first", "analyst-1@example.org", cli.now())
        assert cli.run_next() == "done"


def refusal(app, slug="living-here"):
    with app.app_context(), stores.collector.begin() as session, pytest.raises(store.ReleaseFault) as caught:
        store.request_release(session, "first", slug, "analyst-1@example.org", cli.now())
    return caught.value.code


def test_a_book_of_an_older_plan_cannot_be_asked_for(requested):
    app = requested.application
    stored_plan(app, lambda plan: plan.update(title={"en": "Another title"}))
    assert refusal(app) == "stale"
    run_again(app)
    with app.app_context(), stores.collector.begin() as session:
        row = store.request_release(session, "first", "living-here", "analyst-1@example.org", cli.now())
        assert row.state == "requested"


def test_a_book_audited_before_another_release_cannot_be_asked_for(requested, as_role):
    app = requested.application
    with app.app_context(), stores.collector.begin() as session:
        store.request_release(session, "first", "second-address", "analyst-1@example.org", cli.now())
    as_role("reviewer").submit(the_one(requested), {"decision": "yes"})
    assert refusal(app, "third-address") == "stale"


def test_exact_counts_cannot_be_asked_for(requested):
    app = requested.application
    stored_plan(app, lambda plan: plan["disclosure"].update(method="exact"))
    run_again(app)
    assert refusal(app) == "sealed_only"


def test_another_plan_cannot_take_a_published_address(requested, as_role):
    app = requested.application
    as_role("reviewer").submit(the_one(requested), {"decision": "yes"})
    with app.app_context(), stores.collector.begin() as session:
        source = yaml.safe_load(store.plan(session, "first").source) | {"name": "other"}
        store.save_plan(session, "other", yaml.safe_dump(source), "analyst-1@example.org", cli.now())
        store.ask(session, "book", "other", "analyst-1@example.org", cli.now())
    with app.app_context():
        assert cli.run_next() == "done"
        with stores.collector.begin() as session, pytest.raises(store.ReleaseFault) as caught:
            store.request_release(session, "other", "living-here", "analyst-1@example.org", cli.now())
    assert caught.value.code == "slug_taken"


def test_withdrawn_pages_are_gone_but_remembered(requested, as_role, client):
    address = the_one(requested)
    reviewer = as_role("reviewer")
    reviewer.submit(address, {"decision": "yes"})
    reviewer.submit(f"{address}/withdraw", {}, at=address)
    assert client.get("/results/living-here").status_code == 404
    with requested.application.app_context(), stores.collector.read() as session:
        assert len(store.ever_released(session, [WAVE])[WAVE]) == 1


@pytest.fixture
def public(requested, as_role, client):
    address = the_one(requested)
    as_role("reviewer").submit(address, {"decision": "yes"})
    return client


@pytest.mark.parametrize("tag", ["de", "en", "ar"])
def test_public_pages_in_every_language(public, tag):
    page = public.get(f"/results/living-here/{tag}")
    assert page.status_code == 200
    assert f'lang="{tag}"' in page.text
    assert "<script" not in page.text
    items = re.findall(rf'href="(/results/living-here/{tag}/items/[^"]+)"', page.text)
    assert len(items) == 3
    for address in items[:3]:
        assert public.get(address).status_code == 200


def test_downloads(public):
    for kind in ("csv", "xlsx", "pdf", "json"):
        answer = public.get(f"/results/living-here/ar/tables.{kind}")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(public.get("/results/living-here/ar/tables.xlsx").data))
    assert all(sheet.sheet_view.rightToLeft for sheet in book)
    with pymupdf.open(stream=public.get("/results/living-here/ar/flyer.pdf").data) as pages:
        assert pages.page_count == 2
    assert public.get("/results/living-here/ar/tables.exe").status_code == 404


def test_figures_can_be_embedded(public):
    page = public.get("/results/living-here/en").text
    address = re.search(r'href="(/results/living-here/en/figures/[^"]+\.svg)"', page)[1]
    answer = public.get(address)
    assert answer.mimetype == "image/svg+xml"
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    printed = public.get(f"{address}?print")
    assert printed.mimetype == "application/pdf"


def test_unknown_addresses(public):
    for address in ("/results/none", "/results/living-here/xx", "/results/living-here/en/items/none"):
        assert public.get(address).status_code == 404
    assert public.get("/results/living-here/en/figures/none.svg").status_code == 404


def test_a_refusal_needs_its_reason(requested, as_role):
    address, reviewer = the_one(requested), as_role("reviewer")
    answer = reviewer.submit(address, {"decision": "no", "note": "  "})
    assert answer.status_code == 422
    assert "Sagen Sie, was dagegen spricht" in answer.text
    assert the_one_that_waits(requested) == address


def test_what_is_taken_away_or_replaced_is_said_first(requested, as_role):
    address, reviewer = the_one(requested), as_role("reviewer")
    assert "ersetzt sie" not in reviewer.get(address).text
    reviewer.submit(address, {"decision": "yes"})
    assert '<details class="confirm">' in reviewer.get(address).text
    assert "wieder ansehen" in requested.get(PLAN).text
    stored_plan(requested.application, lambda plan: plan["title"].update(en="Another title"))
    run_again(requested.application)
    requested.submit(f"{PLAN}/release", {"slug": "living-here"}, at=PLAN)
    assert "ersetzt sie" in reviewer.get(the_one_that_waits(requested)).text


def test_heads_of_public_files_are_in_the_language(requested, as_role, client):
    as_role("reviewer").submit(the_one(requested), {"decision": "yes"})
    line = (
        client.get("/results/living-here/de/tables.csv", lint=False).data.decode("utf-8-sig").splitlines()[0]
    )
    assert line == (
        "Umfrage,Kürzel der Frage,Frage,Gruppe,Untergruppe,Antwort,Prozent,von,bis,Antworten,Zeichen,"
        'Effektive Zahl der Antworten,"p-Wert, angepasst"'
    )


def test_the_analysts_book_is_in_the_language_of_each_reader(requested):
    page = requested.get(f"{PLAN}/book.html", lint=False).text
    assert "Rounded" not in page
    assert ("zu wenige Antworten" in page, '<th scope="row">Alle</th>' in page) == (True, True)
    book = openpyxl.load_workbook(io.BytesIO(requested.get(f"{PLAN}/book.xlsx", lint=False).data))
    heads = {sheet.title: sheet["C1"].value for sheet in book if sheet.title.startswith("figures")}
    assert heads == {"figures de": "Frage", "figures en": "Question", "figures ar": "السؤال"}


def test_changes_and_breaks_name_their_two_surveys(app):
    waves = {"w1": "Umfrage 2016", "w2": "Umfrage 2020"}
    pair = {"first": "w1", "second": "w2", "kinds": ["mode", "languages", "wording"]}
    with app.test_request_context("/results/x/ar"), speaking("ar"):
        (found,) = pages.break_sentences({"breaks": [pair]}, waves)
        assert "," not in found["words"]
    with app.test_request_context("/results/x/de"), speaking("de"):
        (found,) = pages.break_sentences({"breaks": [pair]}, waves)
        assert found["between"] == "Umfrage 2016 – Umfrage 2020"
        assert found["words"].endswith("die Art des Fragens, die Sprachen und die Frage.")
        assert pages.between(pair, {}) == "w1 – w2"
