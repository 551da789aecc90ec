"""The resident's pages over HTTP: same bytes for everyone, encodings, variants, the form without script."""

import gzip
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import brotli
import pytest
from lxml.html import fromstring

from stores import collector, publish, published
from surveys.player import views
from surveys.player.rendered import rendered
from tests.surveys.documents import load, questionnaire


def get(client, path, encoding="identity", **headers):
    return client.get(path, headers={"Accept-Encoding": encoding, **headers}, lint=encoding == "identity")


@pytest.fixture
def small(field):
    field(load("small"), "sample")


def test_language_choice_names_each_language_in_its_own_script(client, small):
    html = client.get("/s/small").text
    links = re.findall(r'href="(/s/small/[^"]+)" lang="([^"]+)" dir="(...)" hreflang="[^"]+">([^<]+)<', html)
    assert links == [
        ("/s/small/de", "de", "ltr", "Deutsch"),
        ("/s/small/en", "en", "ltr", "English"),
        ("/s/small/fa-AF", "fa-AF", "rtl", "دری"),
    ]


def test_the_page_is_the_same_for_everyone_and_in_every_encoding(client, small):
    plain = get(client, "/s/small/de")
    packed = get(client, "/s/small/de", "gzip, deflate")
    brotlied = get(
        client, "/s/small/de", "gzip, deflate, br", **{"User-Agent": "another", "Accept-Language": "tr"}
    )
    assert [reply.headers.get("Content-Encoding") for reply in (plain, packed, brotlied)] == [
        None,
        "gzip",
        "br",
    ]
    assert gzip.decompress(packed.data) == plain.data
    assert brotli.decompress(brotlied.data) == plain.data
    for reply in (plain, packed, brotlied):
        assert "Set-Cookie" not in reply.headers
        assert reply.headers["Vary"] == "Accept-Encoding"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
    again = get(client, "/s/small/de", "br", **{"If-None-Match": brotlied.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_refused_encoding_is_not_sent():
    made = rendered("words " * 50)
    assert made.encoded("br;q=0, gzip;q=0.5")[1] == "gzip"
    assert made.encoded("br;q=0.0, gzip;q=0")[1] == ""
    assert made.encoded("")[1] == ""


def test_no_unsafe_inline_and_the_style_is_the_one_that_is_allowed(client, small):
    policies = {
        get(client, f"/s/small/{tag}").headers["Content-Security-Policy"] for tag in ("de", "en", "fa-AF")
    }
    assert len(policies) == 1
    (policy,) = policies
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 1


def test_a_fallen_back_text_carries_its_language(client, field):
    document = load("fallback")
    document["languages"] = ["de", "fa-AF"]
    field(document, "sample")
    html = client.get("/s/test/fa-AF").text
    assert '<html lang="fa-AF" dir="rtl"' in html
    assert '<h2><span lang="en" dir="ltr">One</span></h2>' in html


def test_variants_without_script(client, small):
    whole = client.get("/s/small/de").text
    first, second = (client.get(f"/s/small/de/v{number}").text for number in (1, 2))
    assert 'class="n v"' in whole
    assert 'class="n"' in first
    assert ['id="hours"' in page for page in (whole, first, second)] == [True, True, False]
    assert ['id="priorities"' in page for page in (whole, first, second)] == [True, False, True]
    drawn = set()
    for _ in range(60):
        reply = client.get("/s/small/de/start")
        assert reply.status_code == 302
        assert reply.headers["Cache-Control"] == "no-store"
        drawn.add(reply.headers["Location"])
    assert drawn == {"/s/small/de/v1", "/s/small/de/v2"}


@pytest.mark.parametrize(
    "path",
    [
        "/s/none",
        "/s/small/tr",
        "/s/small/de/v3",
        "/s/small/de/v0",
        "/s/small/tr/start",
        "/s/small/open",
        "/s/assets/app.py",
        "/s/small/sound/none.mp3",
        "/s/none/sound/none.mp3",
    ],
)
def test_what_is_not_there(client, small, path):
    assert client.get(path).status_code == 404


def test_a_wave_that_is_not_open_says_so(client, field):
    document = load("small")
    field(document, "sample", state="frozen", opens_on="2027-03-05")
    reply = client.get("/s/small?lang=de")
    assert (reply.status_code, "5. März 2027" in reply.text) == (200, True)
    assert client.get("/s/small/de").status_code == 200
    field(document, "open", state="frozen", opens_on=None)
    assert client.get("/s/small/open").status_code == 200
    assert client.get("/s/small/de/start").status_code == 404


def test_a_closed_wave_is_gone(client, field):
    field(load("small"), "sample", state="closed")
    assert client.get("/s/small").status_code == 410
    assert client.get("/s/small/de").status_code == 410


@pytest.mark.parametrize("state", ["frozen", "closed"])
@pytest.mark.parametrize("channel", ["sample", "open"])
def test_who_comes_too_early_or_too_late_reads_the_surveys_own_title(client, field, state, channel):
    field(load("small"), channel, state=state, title="Probewelle 2026")
    base = "/s/small" if channel == "sample" else "/s/small/open"
    for path, title in ((f"{base}/fa-AF", "زندگی در موسترشتات"), (f"{base}?lang=de", "Leben in Musterstadt")):
        page = fromstring(client.get(path).text)
        heads = [page.findtext(".//title"), page.findtext(".//h1")]
        assert [re.sub("[\u2066-\u2069]", "", head) for head in heads] == [title, title]
        links = [link.get("href") for link in page.iterfind(".//details//a")]
        assert links == [f"{base}/{tag}" for tag in ("de", "en", "fa-AF")]


def test_a_wave_without_its_questionnaire_says_at_least_when_it_begins(app, client, field):
    field(load("small"), "sample", state="frozen", opens_on="2027-03-05")
    with app.app_context(), collector.begin() as session:
        publish(session, "office", "questionnaire", "small/1", None)
    reply = client.get("/s/small?lang=en")
    assert (reply.status_code, "March 5, 2027" in reply.text) == (200, True)


def test_a_closed_page_can_say_any_answer_and_asks_for_nothing_more(client, field):
    wave = field(load("small"), "sample", state="closed")
    page = fromstring(client.get("/s/small/de").text)
    data = json.loads(page.get_element_by_id("_d").text)
    assert (data["wave"], data["survey"]) == (wave["id"], "small")
    made = questionnaire()
    assert [one["address"] for one in data["fields"]] == [field.address for field in made.fields]
    assert data["words"]["closed"].startswith("Die Umfrage ist beendet.")
    script = client.get(page.xpath("//script[@src]/@src")[0]).text
    assert ("fetch(" in script, "XMLHttpRequest" in script) == (False, False)


def test_the_page_for_late_answers_is_there_only_after_the_close(client, field):
    document = load("small")
    field(document, "sample")
    assert client.get("/s/small/de/kept").headers["Location"] == "/s/small/de"
    # What was closed a moment ago is closed here at once.
    field(document, "sample", state="closed")
    assert client.get("/s/small/de/kept").status_code == 410
    field(document, "sample", closes_on="2026-01-02")
    assert client.get("/s/small/de/kept").status_code == 410
    field(document, "open", closes_on=None)
    assert client.get("/s/small/open/de/kept").headers["Location"] == "/s/small/open/de"
    assert client.get("/s/small/tr/kept").status_code == 404


def test_a_changed_wave_is_seen_within_a_second(client, app, field, monkeypatch):
    document = load("small")
    field(document, "sample")
    assert client.get("/s/small/en").status_code == 200
    field(document, "sample", languages=["de"])
    app.extensions["player_waves"].clear()
    assert client.get("/s/small/en").status_code == 404


def test_a_rush_makes_the_page_once(app, small, monkeypatch):
    made = []
    make = views._make

    def slowly(*arguments):
        made.append(arguments)
        time.sleep(0.2)
        return make(*arguments)

    monkeypatch.setattr(views, "_make", slowly)
    with ThreadPoolExecutor(8) as crowd:
        replies = list(crowd.map(lambda _: app.test_client().get("/s/small/de").status_code, range(8)))
    assert replies == [200] * 8
    assert len(made) == 1


def test_open_channel_has_its_own_addresses(client, field):
    field(load("small"), "open")
    html = client.get("/s/small/open/de/v1").text
    assert 'action="/s/small/open/answers"' in html
    assert 'name="_code"' not in html
    assert client.get("/s/small/open/de").status_code == 200
    assert client.get("/s/small/open").status_code == 200
    assert client.get("/s/small/open/de/start").headers["Location"].startswith("/s/small/open/de/v")


def test_scripts_are_compressed_and_small(client):
    reply = get(client, "/s/assets/player.js", "br")
    assert len(reply.data) <= 12_000
    assert "immutable" in reply.headers["Cache-Control"]
    text = brotli.decompress(reply.data).decode()
    assert "/* ---" not in text
    assert "function route" in text
    worker = get(client, "/s/sw.js")
    assert (worker.status_code, worker.headers["Cache-Control"]) == (200, "no-cache")


def test_questions_without_script_have_everything(client, small):
    html = client.get("/s/small/de/v1").text
    assert '<fieldset class="q f" id="district"><legend><h2>Wo wohnen Sie?</h2></legend>' in html
    assert 'name="district" value="!dont_know"' in html
    assert '<fieldset class="f" id="born.mother"><legend>Ihre Mutter</legend>' in html
    assert "Ich bin <strong>zuversichtlich</strong>." in html
    assert 'name="wish!" value="!refused"' in html
    assert 'name="arrival" value="early" data-b="2015"' in html
    second = client.get("/s/small/de/v2").text
    assert '<select name="priorities~2"><option value=""></option><option value="homes">Wohnungen' in second


def test_digits_are_latin_unless_set_up_otherwise(app, client, small):
    assert 'value="7"> 7</label>' in client.get("/s/small/fa-AF").text
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], latin_digits=False)
    app.extensions["player_pages"].clear()
    html = client.get("/s/small/fa-AF").text
    assert 'value="7"> ۷</label>' in html
    assert '"digits":"۰۱۲۳۴۵۶۷۸۹"' in html
    assert 'value="7"> 7</label>' in client.get("/s/small/de").text


def test_author_text_is_never_markup(client, field):
    document = load("single")
    document["sections"][0]["items"][0]["text"]["de"] = 'Ist <b>1 < 2</b> & "wahr"?</script>'
    document["thanks"] = {"de": "</script><script>alert(1)</script>", "en": "x"}
    field(document, "sample")
    html = client.get("/s/test/de").text
    assert "Ist &lt;b&gt;1 &lt; 2&lt;/b&gt; &amp; &#34;wahr&#34;?&lt;/script&gt;" in html
    assert html.count("<script") == 3
    assert "\\u003c/script>" in html


# ---------------------------------------------------------------- the form without script


FORM = {"_consent": "yes", "_version": "1", "_variant": "1", "_language": "en"}


def post(client, phone, code=None, **answers):
    fields = FORM | ({"_code": str(code)} if code else {}) | answers
    return client.post(f"/s/{phone.fielding.survey}/answers", data=fields)


def test_a_form_is_received(client, survey, arrived):
    phone = survey()
    reply = post(client, phone, phone.fielding.people[0].code, district="south", hours="12", satisfied="7")
    assert (reply.status_code, reply.headers.get("Location")) == (303, "/s/small/en/received")
    (answers,) = arrived()
    assert (answers["district"], answers["hours"], answers["satisfied"]) == ("south", "some", "7")


def test_faults_come_back_with_every_answer_kept_and_a_way_to_each(client, survey, arrived):
    phone = survey()
    wrong = {"district": "south", "obstacles": ["language", "children", "papers"], "hours": "none",
             "born.mother": "no", "wish": "x" * 300, "satisfied": "3"}  # fmt: skip
    reply = post(client, phone, phone.fielding.people[0].code, **wrong)
    assert reply.status_code == 422
    html = reply.text
    assert "<title>Error: Living in Musterstadt</title>" in html
    assert re.findall(r'<li>([^<]+)<br><a href="#([^"]+)">([^<]+)</a></li>', html) == [
        ("What makes searching hard?", "obstacles", "At most 2 answers. Please take some away."),
        ("What do you wish from Musterstadt?", "wish", "This text is too long. At most 200 characters."),
    ]
    checked = re.findall(r'name="([^"]+)" value="([^"]+)"(?: data-[abx][^ ]*)* checked', html)
    assert checked == [
        ("_consent", "yes"),
        ("district", "south"),
        ("born.mother", "no"),
        ("hours", "none"),
        ("obstacles", "language"),
        ("obstacles", "children"),
        ("obstacles", "papers"),
        ("satisfied", "3"),
    ]
    assert "x" * 300 in html
    assert f'value="{phone.fielding.people[0].code}"' in html
    assert arrived() == []


def test_answers_off_the_path_are_named_before_they_are_left_out(client, survey, arrived):
    phone = survey()
    code = phone.fielding.people[0].code
    answers = {"born.self": "yes", "arrival": "late", "satisfied": "3"}
    first = post(client, phone, code, **answers)
    assert first.status_code == 422
    assert (
        "Since which year have you lived in Germany?"
        in re.search(r'<div class="o">.*?</div>', first.text, re.S)[0]
    )
    assert 'name="_seen" value="1"' in first.text
    second = post(client, phone, code, _seen="1", **answers)
    assert second.status_code == 303
    (stored,) = arrived()
    assert (stored["arrival"], stored["satisfied"]) == ("!not_asked", "3")


def test_an_old_version_still_counts_and_an_unknown_one_does_not(client, survey, app, arrived):
    """The questionnaire is replaced while people answer it."""
    phone = survey()
    newer = load("small") | {"version": 2, "title": {"de": "Neu", "en": "Renewed", "fa-AF": "نو"}}
    with app.app_context(), collector.begin() as session:
        publish(session, "office", "questionnaire", "small/2", newer)
        wave = published(session, "office", "wave", "small")
        publish(session, "office", "wave", "small", wave | {"versions": [1, 2]})
    app.extensions.pop("player_waves", None)
    page = client.get("/s/small/en/v1").text
    assert "<h1>Renewed</h1>" in page
    assert 'name="_version" value="2"' in page
    codes = [person.code for person in phone.fielding.people]
    assert post(client, phone, codes[0], _version="7").status_code in (400, 409)
    assert post(client, phone, codes[0], _version="1", district="north").status_code == 303
    assert post(client, phone, codes[1], _version="2", district="south").status_code == 303
    assert sorted(answers["district"] for answers in arrived()) == ["north", "south"]


def test_consent_is_asked_for(client, survey):
    phone = survey()
    reply = post(client, phone, phone.fielding.people[0].code, _consent="")
    assert '<a href="#_consent">Please tick that you want to take part.</a>' in reply.text


def test_an_empty_form_is_told_all_that_it_lacks(client, survey):
    phone = survey()
    page = fromstring(post(client, phone, "", _consent="").text)
    assert [(link.get("href"), link.text) for link in page.iterfind(".//div[@role='alert']//a")] == [
        ("#_c", "Please type the access code from your letter."),
        ("#_consent", "Please tick that you want to take part."),
    ]


def test_a_doubled_post_is_told_so_and_counts_once(client, survey, arrived):
    phone = survey()
    code = phone.fielding.people[0].code
    assert post(client, phone, code, district="north").status_code == 303
    assert post(client, phone, code, district="north").status_code == 409
    assert len(arrived()) == 1
