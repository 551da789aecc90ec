"""The interviewer's page: the person's language, the interviewer's words, the promise of the first page."""

import json

from lxml.html import fromstring

from stores import publish


def place(phone):
    return f"/office/entry/interviews/{phone.fielding.wave.id}"


def test_the_page_promises_what_the_residents_page_promises(app, client, clerk, phone):
    with app.extensions["stores"].get("collector").begin() as session:
        head = {"phone": "0000 1", "website": "example.org", "delete_on": "2027-05-06"}
        publish(session, "register", "letterhead", phone.fielding.access, head)
    facts = [
        [one.text_content() for one in fromstring(page.text).iterfind(".//section[@id='_start']/ul/li")]
        for page in (client.get("/s/small/en"), clerk.get(f"{place(phone)}/en"))
    ]
    assert facts[0] == facts[1]
    assert sum("example.org" in fact for fact in facts[1]) == 1


def test_the_script_speaks_the_interviewers_language(clerk, survey):
    phone = survey(languages=["de", "en", "fa-AF"])
    clerk.submit("/office/language", {"language": "de"}, at="/office")
    page = fromstring(clerk.get(f"{place(phone)}/fa-AF").text)
    data = json.loads(page.get_element_by_id("_d").text)
    assert (page.get("lang"), data["language"], data["direction"]) == ("fa-AF", "de", "ltr")
    assert data["words"]["discard"] == "Dieses Interview verwerfen"
    token = clerk.get(f"{place(phone)}/form-token").get_json()["csrf_token"]
    fields = {"csrf_token": token, "_consent": "yes", "_variant": "1", "_language": "fa-AF", "_code": "x"}
    wrong = clerk.post(f"{place(phone)}/answers", data=fields, headers={"Accept": "application/json"})
    assert wrong.get_json()["text"] == "Bitte prüfen Sie den Code: Gruppe 1 stimmt nicht."
    # Without script it is the page itself that comes back, in its own language.
    again = clerk.post(f"{place(phone)}/answers", data=fields)
    assert fromstring(again.text).get("lang") == "fa-AF"
