"""The page on a phone, in Chromium: one question per screen, nothing lost, sent when it can be."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from surveys.questionnaire import read
from tests.surveys.documents import document, item, load, options, questionnaire, words

pytestmark = pytest.mark.browser

STATE = """() => JSON.parse(sessionStorage.getItem(
  Object.keys(sessionStorage).find(name => name.startsWith('vielstimmig'))))"""


def enter(page, served, phone, language="English", person=0):
    """Open the letter's address, choose a language, agree, begin."""
    page.goto(f"{served}/s/{phone.fielding.survey}#{phone.fielding.people[person].code}")
    page.get_by_role("link", name=language).click()
    page.wait_for_selector("html.j")


def begin(page, mine=None):
    page.locator("#_consent input").check()
    next_screen(page)
    if mine:
        page.get_by_label({"yes": "Yes, only I use it", "no": "No, others use it too"}[mine]).check()
    next_screen(page)


def next_screen(page):
    page.locator("form > .p button").nth(1).click()


def here(page):
    return page.evaluate(STATE)["here"]


def to(page, screen):
    for _ in range(30):
        if here(page) == screen:
            return
        page.locator("form > .p button").nth(1).click()
    raise AssertionError(f"{screen} was not reached")


def send(page):
    to(page, "_end")
    page.get_by_role("button", name="Send").click()


def received(page):
    page.get_by_role("heading", name="Your answers have arrived").wait_for()


def test_from_the_letter_to_received(served, survey, page, arrived):
    phone = survey()
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.url, request.post_data or "")))
    enter(page, served, phone)
    assert "#" not in page.url
    begin(page)
    to(page, "district")
    page.get_by_label("South").check()
    to(page, "born")
    page.locator("[id='born.self']").get_by_label("no").check()
    to(page, "arrival")
    page.locator(".i:visible").fill("٢٠٢٠")
    send(page)
    received(page)
    assert page.evaluate("Object.keys(sessionStorage).length") == 0
    page.go_back()
    assert page.evaluate("Object.keys(sessionStorage).length") == 0
    page.go_forward()
    code = str(phone.fielding.people[0].code)
    bodies = {url.removeprefix(served): body for method, url, body in sent if method == "POST"}
    assert set(bodies) == {"/token/ask", "/token", "/s/small/answers"}
    assert all(code not in url for _, url, _ in sent)
    assert code not in bodies["/s/small/answers"]
    assert "2020" not in bodies["/s/small/answers"]
    assert "٢٠٢٠" not in bodies["/s/small/answers"]
    (answers,) = arrived()
    assert (answers["district"], answers["born.self"], answers["arrival"]) == ("south", "no", "late")


def test_the_keys_fingerprint_is_shown_as_on_the_letter(served, survey, page):
    phone = survey()
    enter(page, served, phone)
    (key,) = phone.keys()["keys"]
    page.get_by_text(f"Fingerprint of the key, as on your letter: {key['fingerprint']}").wait_for()


def test_a_code_that_cannot_be_used_is_told_before_the_first_question(served, survey, new_page):
    phone = survey()
    page = new_page()
    enter(page, served, phone)
    begin(page)
    send(page)
    received(page)
    again = new_page()
    enter(again, served, phone)
    again.get_by_role("alert").get_by_text("This access code was used already").wait_for()


def test_what_was_left_out_is_named_and_one_tap_away(served, survey, page):
    enter(page, served, survey())
    begin(page)
    to(page, "district")
    # The note before it is a screen too.
    at, _slash, of = page.locator("form > .p .h").inner_text().split()
    assert (at, int(of) > 5) == ("2", True)
    page.get_by_label("South").check()
    to(page, "_end")
    left = page.locator("#_open")
    number = int(left.locator("summary").inner_text().rpartition(" ")[2])
    assert left.locator("li").count() == number > 0
    left.locator("details").evaluate("one => { one.open = true }")
    page.axe()
    link = left.locator("a").first
    target = link.get_attribute("href")
    assert (target, target == "#district") == (target, False)
    link.click()
    page.locator(target).wait_for()
    assert page.evaluate("history.state.at") == target[1:]
    page.go_back()
    left.locator("summary").wait_for()


def test_a_used_code_is_refused_in_one_sentence(served, survey, new_page):
    phone = survey()
    for number in (0, 1):
        page = new_page()
        enter(page, served, phone)
        if number == 0:
            begin(page)
            send(page)
            received(page)
    page.get_by_role("alert").get_by_text("This access code was used already").wait_for()
    assert page.get_by_text("This access code was used already").count() == 1
    assert page.locator("[name=_code]").get_attribute("aria-describedby") == "_e"


def test_every_question_can_be_left_out_and_refused(served, survey, page, arrived):
    enter(page, served, survey())
    begin(page)
    to(page, "district")
    page.locator("#district").get_by_label("I don't want to say").check()
    to(page, "satisfied")
    page.get_by_label("10 · fully satisfied").check()
    to(page, "wish")
    page.locator("#wish textarea").fill("words")
    page.locator("#wish").get_by_label("I don't want to say").check()
    assert page.locator("#wish textarea").input_value() == ""
    send(page)
    received(page)
    (answers,) = arrived()
    assert (answers["district"], answers["born.self"]) == ("!refused", "!no_answer")


def test_reload_back_and_language_switch_keep_everything(served, survey, page):
    phone = survey(languages=["de", "en", "fa-AF"])
    enter(page, served, phone)
    begin(page)
    to(page, "district")
    page.get_by_label("South").check()
    to(page, "satisfied")
    page.get_by_label("7", exact=True).check()
    page.reload()
    page.wait_for_selector("html.j")
    assert here(page) == "satisfied"
    assert page.get_by_label("7", exact=True).is_checked()
    page.locator("header summary").click()
    page.get_by_role("link", name="دری").click()
    page.wait_for_selector("html.j[lang='fa-AF']")
    assert (page.locator("html").get_attribute("dir"), here(page)) == ("rtl", "satisfied")
    assert page.get_by_label("7", exact=True).is_checked()
    assert page.locator("input[name=district][value=south]").is_checked()
    kept = page.evaluate(STATE)
    assert kept["code"]["text"] == str(phone.fielding.people[0].code).replace("-", "")
    page.locator("form > .p button").nth(1).click()
    after = here(page)
    page.go_back()
    page.wait_for_selector("#satisfied:not([hidden])", state="attached")
    assert here(page) == "satisfied"
    page.go_forward()
    page.wait_for_selector("#satisfied[hidden]", state="attached")
    assert here(page) == after


def settled(page, script):
    """What the script finds, once it has found the same key and the same answers for a second."""
    every = """() => new Promise(done => { indexedDB.open('vielstimmig-player').onsuccess = event => {
      const all = event.target.result.transaction('kept').objectStore('kept').getAll();
      all.onsuccess = () => done(all.result.map(
        one => one.hidden ? [...new Uint8Array(one.hidden)] : [])); } })"""
    before = None
    for _try in range(60):
        now = page.evaluate(every)
        if now == before and len(now) == 2:
            return page.evaluate(script)
        before = now
        page.wait_for_timeout(1_000)
    raise AssertionError(f"not kept on the phone: {before}")


def test_on_ones_own_phone_answers_survive_the_tab_encrypted(served, survey, page):
    enter(page, served, survey())
    begin(page, mine="yes")
    to(page, "district")
    page.get_by_label("South").check()
    to(page, "born")
    context = page.context
    stored = settled(
        page,
        """() => new Promise(done => { indexedDB.open('vielstimmig-player').onsuccess = event => {
          const kept = event.target.result.transaction('kept').objectStore('kept'), all = kept.getAll();
          all.onsuccess = () => done(all.result.map(one => one instanceof CryptoKey
            ? {key: one.extractable}
            : {text: new TextDecoder().decode(one.hidden).includes('south')})); } })""",
    )
    assert sorted(stored, key=str) == [{"key": False}, {"text": False}]
    page.close()
    other = context.new_page()
    other.goto(f"{served}/s/small/en")
    other.wait_for_selector("html.j")
    other.wait_for_selector("#born:not([hidden])", state="attached")
    assert other.locator("input[name=district][value=south]").is_checked()
    other.get_by_role("button", name="Delete my answers from this phone").click()
    other.wait_for_selector("html.j #_start:not([hidden])")
    assert not other.locator("input[name=district][value=south]").is_checked()
    left = """() => new Promise(done => { indexedDB.open('vielstimmig-player').onsuccess = event => {
      const all = event.target.result.transaction('kept').objectStore('kept').getAllKeys();
      all.onsuccess = () => done(all.result); } })"""
    assert other.evaluate(left) == []


def test_on_a_shared_phone_the_tab_takes_the_answers_with_it(served, survey, page):
    enter(page, served, survey())
    begin(page, mine="no")
    to(page, "district")
    page.get_by_label("South").check()
    context = page.context
    page.close()
    other = context.new_page()
    other.goto(f"{served}/s/small/en")
    other.wait_for_selector("html.j")
    assert other.locator("#_start").is_visible()
    assert not other.locator("input[name=district][value=south]").is_checked()


def test_two_tabs_on_ones_own_phone_are_one(served, survey, page, arrived):
    enter(page, served, survey())
    begin(page, mine="yes")
    to(page, "district")
    page.get_by_label("South").check()
    to(page, "born")
    page.wait_for_timeout(2_000)
    other = page.context.new_page()
    other.goto(f"{served}/s/small/de")
    other.wait_for_selector("#born:not([hidden])", state="attached")
    other.locator("[name='born.self'][value=no]").check()
    page.wait_for_selector("[name='born.self'][value=no]:checked")
    page.locator("[name='born.mother'][value=no]").check()
    other.wait_for_selector("[name='born.mother'][value=no]:checked")
    given = {"district": "south", "born.self": "no", "born.mother": "no"}
    assert page.evaluate(STATE)["answers"] == other.evaluate(STATE)["answers"] == given
    send(page)
    received(page)
    other.get_by_role("heading", name="Ihre Antworten sind angekommen").wait_for()
    assert other.evaluate("Object.keys(sessionStorage)") == []
    (answers,) = arrived()
    assert given.items() <= answers.items()


def test_deleting_in_one_tab_deletes_in_the_other(served, survey, page):
    enter(page, served, survey())
    begin(page, mine="yes")
    to(page, "district")
    page.get_by_label("South").check()
    page.wait_for_timeout(2_000)
    other = page.context.new_page()
    other.goto(f"{served}/s/small/en")
    other.wait_for_selector("#district:not([hidden])", state="attached")
    page.get_by_role("button", name="Delete my answers from this phone").click()
    for tab in (page, other):
        tab.wait_for_selector("html.j #_start:not([hidden])")
        assert tab.locator("input:checked").count() == 0
        assert tab.evaluate(STATE)["answers"] == {}


def test_tabs_on_a_shared_phone_know_nothing_of_each_other(served, survey, page):
    phone = survey()
    enter(page, served, phone)
    begin(page, mine="no")
    other = page.context.new_page()
    enter(other, served, phone, person=1)
    begin(other, mine="no")
    to(page, "district")
    page.get_by_label("South").check()
    send(page)
    received(page)
    to(other, "district")
    assert other.locator("input[name=district]:checked").count() == 0


def test_a_language_that_is_not_loaded_is_not_opened_without_network(served, survey, page):
    enter(page, served, survey(languages=["de", "en", "fa-AF"]))
    for _try in range(600):
        if page.evaluate("!!navigator.serviceWorker.controller"):
            break
        page.wait_for_timeout(100)
    page.reload()
    page.wait_for_selector("html.j")
    page.context.set_offline(True)
    page.locator("header summary").click()
    page.get_by_role("link", name="دری").click()
    page.get_by_text("This language can be loaded later.").wait_for()
    assert page.url.endswith("/s/small/en")
    page.axe()
    page.context.set_offline(False)
    page.get_by_role("link", name="دری").click()
    page.wait_for_selector("html.j[lang='fa-AF']")
    page.context.set_offline(True)
    page.locator("header summary").click()
    page.get_by_role("link", name="English").click()
    page.wait_for_selector("html.j[lang='en']")


def test_flight_mode_loses_nothing_and_sends_later(served, survey, page, arrived):
    enter(page, served, survey())
    # The page's own policy forbids evaluating text, so this asks again and again instead of waiting inside.
    for _try in range(600):
        if page.evaluate("!!navigator.serviceWorker.controller"):
            break
        page.wait_for_timeout(100)
    else:
        raise AssertionError("no service worker took the page over within a minute")
    page.reload()
    page.wait_for_selector("html.j")
    begin(page)
    page.context.set_offline(True)
    to(page, "district")
    page.get_by_label("South").check()
    page.reload()
    page.wait_for_selector("html.j")
    assert page.get_by_label("South").is_checked()
    send(page)
    page.get_by_text("Nothing has been sent. Your answers wait on this phone").wait_for()
    assert arrived_count(page) == 1
    # Going back and answering differently: what is sent later are the answers as they are then.
    page.get_by_role("button", name="Back", exact=True).click()
    while here(page) != "district":
        page.get_by_role("button", name="Back", exact=True).click()
    page.get_by_label("North").check()
    to(page, "_end")
    # The page is not told that the network is back (Chromium forgets to after a reload), and tries by itself.
    page.context.set_offline(False)
    received(page)
    (answers,) = arrived()
    assert answers["district"] == "north"


def arrived_count(page):
    """Records in the queue of this phone."""
    return page.evaluate(
        """() => new Promise(done => { indexedDB.open('vielstimmig-player').onsuccess = event => {
          const all = event.target.result.transaction('kept').objectStore('kept').getAllKeys();
          all.onsuccess = () => done(all.result.filter(name => name.endsWith(':queue')).length); } })"""
    )


def test_a_used_code_is_told_plainly_and_the_answers_stay(served, survey, new_page):
    phone = survey()
    for number in range(2):
        page = new_page()
        enter(page, served, phone)
        begin(page)
        to(page, "district")
        page.get_by_label("South").check()
        send(page)
        if number == 0:
            received(page)
        else:
            page.get_by_role("alert").get_by_text("This access code was used already").wait_for()
            assert page.locator("input[name=district][value=south]").is_checked()


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("size", ["100%", "225%"])
def test_the_whole_code_is_seen_where_it_is_typed(served, survey, new_page, width, size):
    """Also the last group, which a message may be about: on the page, and where a form comes back."""
    phone = survey()
    code = str(phone.fielding.people[0].code)
    page = new_page(viewport={"width": width, "height": 640})
    page.goto(f"{served}/s/small/en")
    page.wait_for_selector("html.j")
    page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
    hidden = "field => field.scrollWidth - field.clientWidth"
    page.get_by_label("Access code").fill(code[:-1] + ("0" if code[-1] != "0" else "1"))
    page.get_by_role("button", name="Begin").click()
    assert "group 5 is not right" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Access code").evaluate(hidden) == 0
    form = new_page(java_script_enabled=False, viewport={"width": width, "height": 640})
    form.goto(f"{served}/s/small/en/v1")
    form.locator("#_consent input").check()
    form.get_by_role("button", name="Send").click()
    form.evaluate(f"document.documentElement.style.fontSize = '{size}'")
    form.get_by_label("Access code").fill(code)
    assert form.get_by_label("Access code").evaluate(hidden) == 0


def foreign(code):
    """A code of another wave: well formed, but its mark is none of this one's."""
    from participation.access import codes

    return str(codes.new_code(codes.new_mark({code.mark})))


def test_a_letter_of_another_survey_is_told_before_the_first_question(served, survey, new_page):
    """By the mark alone: no server is asked about the code."""
    phone = survey()
    code = phone.fielding.people[0].code
    other = foreign(code)
    page = new_page()
    sent = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    page.goto(f"{served}/s/small/en#{other}")
    page.get_by_role("alert").get_by_text("This access code belongs to another survey.").wait_for()
    assert page.get_by_label("Access code").input_value() == other
    page.locator("#_consent input").check()
    page.get_by_role("button", name="Begin").click()
    assert here(page) == "_start"
    assert "belongs to another survey" in page.get_by_role("alert").inner_text()
    assert [one for one in sent if not one.startswith("GET ") or other in one] == []
    page.get_by_label("Access code").fill(str(code))
    page.get_by_role("button", name="Begin").click()
    assert here(page) == "_mine"
    typed = new_page()
    typed.goto(f"{served}/s/small/en")
    typed.wait_for_selector("html.j")
    typed.get_by_label("Access code").fill(other)
    typed.locator("#_consent input").check()
    typed.get_by_role("button", name="Begin").click()
    typed.get_by_role("alert").get_by_text("This access code belongs to another survey.").wait_for()
    assert here(typed) == "_start"


def test_a_list_of_keys_that_comes_late_still_tells_before_the_end(served, survey, new_page):
    phone = survey()
    page = new_page(service_workers="block")
    late = []
    page.route("**/keys.json", lambda route: late.append(route))
    page.goto(f"{served}/s/small/en#{foreign(phone.fielding.people[0].code)}")
    page.wait_for_selector("html.j")
    begin(page)
    to(page, "district")
    page.get_by_label("South").check()
    for route in late:
        route.continue_()
    page.get_by_role("alert").get_by_text("This access code belongs to another survey.").wait_for()
    assert here(page) == "_start"
    assert page.locator("input[name=district][value=south]").is_checked()


def test_a_used_code_can_be_replaced_by_the_right_one(served, survey, new_page, arrived):
    """Somebody took the wrong letter; with the right one every answer is sent."""
    phone = survey()
    first = new_page()
    enter(first, served, phone)
    begin(first)
    send(first)
    received(first)
    page = new_page()
    enter(page, served, phone)
    page.get_by_role("alert").get_by_text("This access code was used already").wait_for()
    begin(page)
    to(page, "district")
    page.get_by_label("South").check()
    send(page)
    page.get_by_role("alert").get_by_text("This access code was used already").wait_for()
    page.axe()
    page.get_by_label("Access code").fill("AAAAA")
    page.get_by_role("button", name="Send").click()
    assert (here(page), "group 1" in page.get_by_role("alert").inner_text()) == ("_end", True)
    page.get_by_label("Access code").fill(str(phone.fielding.people[1].code))
    page.get_by_role("button", name="Send").click()
    received(page)
    assert sorted(answers["district"] for answers in arrived()) == ["!no_answer", "south"]


def test_faults_on_a_screen_are_named_linked_and_prefixed(served, survey, page):
    phone = survey()
    page.goto(f"{served}/s/small/en")
    page.wait_for_selector("html.j")
    page.get_by_role("button", name="Begin").click()
    alert = page.get_by_role("alert")
    assert "Please type the access code" in alert.inner_text()
    assert page.evaluate("document.activeElement.id") == "_e"
    page.get_by_label("Access code").fill("AAAAA")
    page.get_by_role("button", name="Begin").click()
    assert "group 1" in alert.inner_text()
    page.get_by_label("Access code").fill(str(phone.fielding.people[0].code))
    page.get_by_role("button", name="Begin").click()
    assert page.title() == "Error: Living in Musterstadt"
    page.get_by_role("link", name="Please tick").click()
    assert page.evaluate("document.activeElement.name") == "_consent"
    page.keyboard.press("Space")
    page.get_by_role("button", name="Begin").click()
    assert (page.get_by_role("alert").count(), page.title()) == (0, "Living in Musterstadt")


BANDS = [
    {"code": "young", "to": 29, "label": words("bis 29")},
    {"code": "old", "from": 30, "label": words("ab 30")},
]
NOTHING = {**options("none")[0], "exclusive": True}
MANY = document(
    item("choose", "multiple", options=[*options("a", "b", "c"), NOTHING], max=2),
    item("rank", "ranking", options=options("a", "b", "c"), top=2),
    item("age", "number", entry="type", min=0, max=120, unit=words("Jahre"), options=BANDS),
    item("year", "date", exact=True, min=1900, max=2030),
    item("order", options=options("a", "b", "c", "d", "e", "f", "g", "h"), random=True),
    id="many",
)


def test_at_most_exclusive_and_refused(served, survey, page):
    enter(page, served, survey(document=MANY), "English")
    begin(page)
    box = page.locator("#choose")
    for label in ("A (en)", "B (en)", "C (en)"):
        box.get_by_label(label).check()
    page.get_by_role("button", name="Next").click()
    assert "At most 2 answers" in page.get_by_role("alert").inner_text()
    box.get_by_label("NONE (en)").check()
    assert box.locator("input:checked").count() == 1
    box.get_by_label("A (en)").check()
    assert box.locator("input:checked").evaluate_all("all => all.map(one => one.value)") == ["a"]
    box.get_by_label("I don't want to say").check()
    assert box.locator("input:checked").evaluate_all("all => all.map(one => one.value)") == ["!refused"]


def test_ranking_by_tap_by_buttons_and_by_lists(served, survey, page):
    enter(page, served, survey(document=MANY), "English")
    begin(page)
    to(page, "rank")
    box = page.locator("#rank")

    def ranked():
        return page.evaluate(
            "JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage)[0])).answers.rank"
        )

    box.get_by_role("button", name="C (en)").click()
    box.get_by_role("button", name="A (en)").click()
    assert ranked() == ["c", "a"]
    assert page.get_by_role("status").filter(has_text="A (en): Place 2").count() == 1
    box.get_by_role("button", name="Move up: A (en)").click()
    assert ranked() == ["a", "c"]
    box.get_by_role("button", name="Remove: A (en)").click()
    assert ranked() == ["c"]
    box.get_by_text("Choose from lists instead").click()
    box.get_by_label("Place 2").select_option("b")
    assert ranked() == ["c", "b"]
    assert box.locator("li").count() == 2
    box.get_by_label("I don't want to say").check()
    assert (ranked(), box.locator("li").count()) == ("!refused", 0)


def test_typed_numbers(served, survey, page, arrived):
    enter(page, served, survey(document=MANY), "English")
    begin(page)
    to(page, "age")
    field = page.locator("#age .i")
    for typed, fault in (("old", "whole number"), ("200", "from 0 to 120")):
        field.fill(typed)
        page.get_by_role("button", name="Next").click()
        assert fault in page.get_by_role("alert").inner_text()
    field.fill("29")
    assert page.locator("input[name=age]:checked").get_attribute("value") == "young"
    page.get_by_role("button", name="Next").click()
    page.reload()
    page.wait_for_selector("html.j")
    page.locator("#year .i").fill("1850")
    page.get_by_role("button", name="Next").click()
    assert "from 1900 to 2030" in page.get_by_role("alert").inner_text()
    page.locator("#year .i").fill("1980")
    send(page)
    received(page)
    (answers,) = arrived()
    assert (answers["age"], answers["year"]) == ("young", 1980)


def test_a_drawn_order_stays_through_reload_and_language(served, survey, page):
    enter(page, served, survey(document=MANY), "English")
    begin(page)
    to(page, "order")
    order = "() => [...document.querySelectorAll('#order input')].map(one => one.value)"
    drawn = page.evaluate(order)
    assert (sorted(drawn[:8]), drawn[8]) == (list("abcdefgh"), "!refused")
    page.reload()
    page.wait_for_selector("html.j")
    assert page.evaluate(order) == drawn
    page.goto(f"{served}/s/many/de")
    page.wait_for_selector("html.j")
    assert page.evaluate(order) == drawn


def test_by_keyboard_alone(served, survey, page, arrived):
    phone = survey()
    page.goto(f"{served}/s/small/en#{phone.fielding.people[0].code}")
    page.wait_for_selector("html.j")

    def press(name):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()") == name:
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{name} cannot be reached with the Tab key")

    while page.evaluate("document.activeElement.name") != "_consent":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    press("Begin")
    for _ in range(20):
        if here(page) == "_end":
            break
        page.keyboard.press("Tab")
        for _ in range(8):
            if page.evaluate("document.activeElement.type") in ("radio", "checkbox", "textarea"):
                page.keyboard.press("Space")
                break
            page.keyboard.press("Tab")
        press("Next")
    press("Send")
    received(page)
    (answers,) = arrived()
    assert answers["district"] == "north"
    assert {answers["feel.hope"], answers["feel.alone"]} == {"4"}


@pytest.mark.parametrize("language", ["de", "en", "fa-AF"])
@pytest.mark.parametrize("script", [True, False])
def test_no_accessibility_violations_at_320_px_and_large_text(served, survey, new_page, language, script):
    survey(languages=["de", "en", "fa-AF"])
    page = new_page(java_script_enabled=True, viewport={"width": 320, "height": 640})
    if not script:
        page.route("**/assets/player.js*", lambda route: route.abort())
    page.goto(f"{served}/s/small/{language}" + ("" if script else "/v2"))
    if script:
        page.wait_for_selector("html.j")
    page.axe()
    page.fits()
    page.evaluate("document.documentElement.style.fontSize = '225%'")
    page.fits()
    if not script:
        return
    page.locator("#_c input").fill("")
    page.evaluate("document.querySelector('#_c').remove()")
    page.locator("#_consent input").check()
    for _ in range(20):
        if not page.locator("form > .p button").nth(1).is_visible():
            break
        page.locator("form > .p button").nth(1).click()
        page.fits()
        page.axe()


def test_without_script_the_form_is_whole_and_received(served, survey, page_without_script, arrived):
    phone = survey()
    page = page_without_script
    page.goto(f"{served}/s/small/en")
    assert not page.get_by_role("button", name="Send").is_visible()
    page.get_by_role("link", name="Begin").click()
    assert page.url.endswith(("/v1", "/v2"))
    assert not page.locator("#arrival").is_visible()
    page.locator("[id='born.self']").get_by_label("no", exact=True).check()
    assert page.locator("#arrival").is_visible()
    page.locator("#arrival").get_by_label("up to 2015").check()
    page.get_by_label("Access code").fill(str(phone.fielding.people[0].code))
    page.locator("#_consent input").check()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Your answers have arrived").wait_for()
    (answers,) = arrived()
    assert (answers["born.self"], answers["arrival"]) == ("no", "early")


def test_where_has_is_unknown_everything_shows(served, survey, page_without_script):
    survey()
    page = page_without_script

    def without_has(route):
        reply = route.fetch()
        headers = {
            name: text
            for name, text in reply.headers.items()
            if "security" not in name and "encod" not in name
        }
        route.fulfill(status=200, headers=headers, body=reply.text().replace(":has(", ":unknown("))

    page.route("**/v1", without_has)
    page.goto(f"{served}/s/small/en/v1")
    made = questionnaire()
    shown = page.locator(".f:visible").evaluate_all("all => all.map(one => one.id)")
    assert shown == [field.address for field in made.fields if made.in_variant(field.module, 1)]


def test_a_phone_without_webcrypto_is_told_and_keeps_its_form(served, survey, page):
    survey()
    page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    page.goto(f"{served}/s/small/en/v1")
    page.get_by_text("This browser cannot send your answers by the safest way").wait_for()
    assert page.locator("html.n").count() == 1
    assert page.get_by_role("button", name="Send").is_visible()
    assert page.get_by_text("It could connect them while you send").is_visible()


def test_after_the_close_nothing_is_kept(served, field, page):
    field(load("small"), "sample", closes_on="2020-01-01")
    page.goto(f"{served}/s/small/en")
    page.wait_for_selector("html.j")
    page.evaluate(
        "sessionStorage.setItem('vielstimmig:0123456789abcdef', JSON.stringify({here: 'district'}))"
    )
    page.reload()
    page.wait_for_selector("html.j")
    assert here(page) == "_start"


def test_sound_loads_only_after_a_tap(served, survey, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    enter(page, served, survey())
    begin(page)
    to(page, "district")
    assert page.locator("#district audio").get_attribute("src").endswith("/s/small/sound/district.mp3")
    assert page.locator("#district audio").get_attribute("preload") == "none"
    to(page, "_end")
    assert [url for url in asked if "/sound/" in url] == []


def test_what_the_script_posts_is_what_python_reads(served, survey, page):
    """The body of the script, straight from the wire, has no fault for surveys.answers."""
    from surveys.answers import check

    bodies = []
    page.on(
        "request",
        lambda request: bodies.append(request.post_data) if request.url.endswith("/answers") else None,
    )
    enter(page, served, survey(document=MANY), "English")
    begin(page)
    page.locator("#choose").get_by_label("B (en)").check()
    to(page, "rank")
    page.locator("#rank").get_by_label("I don't want to say").check()
    to(page, "year")
    page.locator("#year").get_by_label("I don't want to say").check()
    send(page)
    received(page)
    body = json.loads(bodies[0])
    assert body["answers"] == {"_consent": "yes", "choose": ["b"], "rank!": "!refused", "year!": "!refused"}
    assert check(read(MANY), body["answers"]).answers["rank"] == "!refused"


FORBIDDEN = (
    "Object.defineProperty(window, '%s', {get() { throw new DOMException('forbidden', 'SecurityError'); }})"
)
REFUSED = "IDBFactory.prototype.open = function () { throw new DOMException('forbidden', 'SecurityError'); }"


@pytest.mark.parametrize("script", [FORBIDDEN % "sessionStorage", REFUSED])
def test_a_phone_that_may_keep_nothing_is_told_and_can_answer(served, survey, arrived, page, script):
    """Before the first question, not after the last: the safest way needs a place for the token."""
    phone = survey()
    page.add_init_script(script)
    code = phone.fielding.people[0].code
    page.goto(f"{served}/s/small/en/v1#{code}")
    page.get_by_text("This browser cannot send your answers by the safest way").wait_for()
    assert page.get_by_label("Access code").input_value() == code.text
    page.locator("#_consent input").check()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Your answers have arrived").wait_for()
    assert len(arrived()) == 1


@pytest.mark.parametrize("years", [-9, 9])
def test_a_phone_whose_clock_is_years_off_keeps_its_answers_and_sends_them(
    served, survey, arrived, page, years
):
    phone = survey()
    day = datetime.now(UTC).replace(day=1) + timedelta(days=366 * years)
    page.clock.install(time=day)
    enter(page, served, phone)
    begin(page)
    to(page, "district")
    page.locator("#district input").first.check()
    page.reload()
    page.wait_for_selector("html.j")
    page.locator("#district input:checked").wait_for(state="attached")
    assert here(page) == "district"
    send(page)
    received(page)
    assert len(arrived()) == 1
