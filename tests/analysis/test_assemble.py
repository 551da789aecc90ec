import json
from pathlib import Path

import numpy as np
import pytest

from analysis import assemble
from analysis.assemble import Answers, Frame
from analysis.errors import DataError
from analysis.margins import Margin
from analysis.plan import Step
from surveys.answers import check
from surveys.questionnaire import read

MODELS = Path(assemble.__file__).resolve().parents[1] / "surveys" / "models"


@pytest.fixture(scope="module")
def questionnaire():
    return read(json.loads((MODELS / "living-here.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def responses(questionnaire):
    """Random answers sent through the real check, so that routing and missing codes are those of the
    product.
    """
    rng = np.random.default_rng(1)
    found = []
    for number in range(160):
        raw = {"_consent": "yes"}
        for field in questionnaire.fields:
            codes = [option.code for option in field.options]
            if field.kind == "single" and codes and rng.random() < 0.9:
                raw[field.address] = str(rng.choice(codes))
            elif field.kind == "multiple":
                plain = [option.code for option in field.options if not option.exclusive]
                raw[field.address] = [str(code) for code in rng.choice(plain, 1)]
        checked = check(questionnaire, raw)
        found.append(
            Answers(f"{number:04x}", "k1" if number % 2 else "k2", "self", bytes(4), 1, checked.answers)
        )
    return found


FRAME = Frame(
    key="w1",
    label={"en": "2024"},
    time=2024.0,
    mode="web",
    frame="register",
    population_text="adults",
    population={"k1": 4000.0, "k2": 9000.0},
    invited={"k1": 200, "k2": 200},
)


def test_every_closed_field_has_its_columns(questionnaire, responses):
    found = assemble.columns(questionnaire, responses)
    names = {name.split("_")[0] for name in found if not name.startswith("_")}
    assert {field.address.split("_")[0] for field in questionnaire.fields if field.kind != "text"} == names
    assert all(len(column) == 160 for column in found.values())


def test_missing_codes_stay_apart(questionnaire, responses):
    found = assemble.columns(questionnaire, responses)
    for field in questionnaire.fields:
        if field.kind != "single":
            continue
        column = found[field.address]
        for row, response in enumerate(responses):
            value = response.answers[field.address]
            if isinstance(value, str) and value.startswith("!"):
                assert column.values[row] == -1
                assert column.missing is not None
                assert assemble.MISSING[column.missing[row]] == value[1:]
            else:
                assert column.levels[column.values[row]] == value


def test_design_weights_are_population_over_responses(questionnaire, responses):
    wave = assemble.wave_data(questionnaire, responses, FRAME)
    assert wave.design.weights.sum() == pytest.approx(13_000)
    assert wave.invited == 400
    assert wave.items["gender" if "gender" in wave.items else next(iter(wave.items))].categories


def test_chain_meets_its_margin(questionnaire, responses):
    margin = Margin.from_counts(assemble.KEY, {"k1": 5000.0, "k2": 8000.0})
    wave = assemble.wave_data(
        questionnaire,
        responses,
        FRAME,
        [Step("rake", ("keys",)), Step("trim", (), {"upper": 200.0})],
        {"keys": margin},
    )
    reached = np.bincount(wave.design.data[assemble.KEY].values, wave.design.weights)
    assert reached == pytest.approx([5000, 8000], rel=1e-9)
    assert [step.kind for step in wave.design.steps][-1] == "trimming"


def test_open_participation_has_no_weights(questionnaire, responses):
    frame = Frame("o", {"en": "open"}, 2024.0, "web", "open link", "anybody", {}, {}, open_participation=True)
    wave = assemble.wave_data(questionnaire, responses, frame)
    assert set(wave.design.weights) == {1.0}
    assert wave.open_participation


@pytest.mark.parametrize(
    ("change", "code"),
    [({"population": {"k1": 4000.0}}, "unknown_key")],
)
def test_what_the_register_did_not_publish_is_named(questionnaire, responses, change, code):
    with pytest.raises(DataError) as caught:
        assemble.wave_data(questionnaire, responses, Frame(**{**FRAME.__dict__, **change}))
    assert caught.value.code == code


def test_no_responses_and_unknown_margins_are_named(questionnaire, responses):
    with pytest.raises(DataError) as caught:
        assemble.wave_data(questionnaire, [], FRAME)
    assert caught.value.code == "no_responses"
    with pytest.raises(DataError) as caught:
        assemble.wave_data(questionnaire, responses, FRAME, [Step("rake", ("moon",))])
    assert caught.value.place == "moon"


def test_codebook_of_a_wave(questionnaire, responses):
    wave = assemble.wave_data(questionnaire, responses, FRAME)
    book = assemble.book_of(wave)
    assert set(book.names) == set(wave.design.data)
    assert set(book.sets) == {name for name, item in wave.items.items() if item.multiple}
