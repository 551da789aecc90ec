"""One routing, three evaluators: Python, the script and CSS walk the same paths.

Shared vectors and random questionnaires go through all three in Chromium.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveys.player import sheet, views
from surveys.player.rendered import plain_script
from surveys.questionnaire import read
from surveys.routing import path
from tests.surveys.documents import DATA, answers, documents, questionnaire

VECTORS = json.loads((DATA / "routing-vectors.json").read_text("utf-8"))
WAVE = {
    "id": "w", "survey": "test", "channel": "open", "languages": ["de"], "levels": ["open"],
    "closes_on": None,
}  # fmt: skip

FILL = """([answers, kinds]) => {
  for (const [address, value] of Object.entries(answers)) {
    const codes = [].concat(value).map(String), kind = kinds[address];
    const missing = codes[0] && codes[0][0] === "!";
    if (kind === "single" || kind === "multiple" || missing) {
      const name = kind === "single" || kind === "multiple" ? address : address + "!";
      for (const code of codes) {
        const input = document.querySelector(`[name="${name}"][value="${code}"]`);
        if (input) input.checked = true;
      }
    } else if (kind === "ranking") {
      codes.forEach((code, place) => {
        const select = document.querySelector(`[name="${address}~${place + 1}"]`);
        if (select) select.value = code;
      });
    } else {
      const input = document.querySelector(`[name="${address}"]`);
      if (input) input.value = codes[0];
    }
  }
  return [...document.querySelectorAll(".f")].filter(box => box.getClientRects().length).map(box => box.id);
}"""

ROUTE = (
    """([fields, rules, modules, answers]) => Object.keys(Player.route(fields, rules, modules, answers))"""
)


@pytest.fixture
def three(app, new_page):
    """A function that gives the paths of script and CSS for a questionnaire, answers and a variant."""
    scripted, styled = new_page(), new_page()
    scripted.add_script_tag(content=plain_script((views.STATIC / "player.js").read_text("utf-8")))

    def walked(made, given_answers, variant):
        fields = [
            {"address": field.address, "item": field.item, "module": field.module} for field in made.fields
        ]
        modules = sorted(made.variants[variant - 1])
        by_script = scripted.evaluate(ROUTE, [fields, sheet.rules_as_data(made), modules, given_answers])
        with app.test_request_context("/"):
            place = views.Place("test", "open", "de", variant)
            html = views._make(WAVE, made, place).document.identity.decode()
        styled.set_content(html.replace("<script src", "<meta data-src"))
        kinds = {field.address: field.kind for field in made.fields}
        by_style = styled.evaluate(FILL, [given_answers, kinds])
        return by_script, by_style

    return walked


@pytest.mark.browser
def test_shared_vectors(three):
    for vector in VECTORS:
        made, variant = questionnaire(vector["document"]), vector.get("variant", 1)
        by_script, by_style = three(made, vector["answers"], variant)
        assert by_script == vector["path"]
        assert by_style == vector["path"]


@pytest.mark.browser
@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_questionnaires(three, data):
    made = read(data.draw(documents()))
    variant = data.draw(st.integers(1, len(made.variants)))
    given_answers = data.draw(answers(made))
    asked = list(path(made, given_answers, variant))
    by_script, by_style = three(made, given_answers, variant)
    assert by_script == asked
    assert by_style == asked


@pytest.mark.browser
@pytest.mark.slow
@given(st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_many_random_questionnaires(three, data):
    made = read(data.draw(documents(largest=14)))
    variant = data.draw(st.integers(1, len(made.variants)))
    given_answers = data.draw(answers(made))
    asked = list(path(made, given_answers, variant))
    assert three(made, given_answers, variant) == (asked, asked)
