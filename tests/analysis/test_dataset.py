from dataclasses import replace

import numpy as np
import pytest

from analysis import dataset
from analysis.columns import MISSING
from analysis.design import SurveyDesign
from analysis.errors import DataError
from surveys.questionnaire import read
from tests.surveys.documents import options, words


def item(name: str, kind: str, **more: object) -> dict:
    return {"id": name, "concept": name, "type": kind, "text": words(name), **more}


def document(version: int = 1, **more: object) -> dict:
    items = [
        item("trust", "single", options=options("low", "high")),
        item("need", "multiple", options=options("job", "home")),
        item("rank", "ranking", options=options("a", "b", "c")),
        {**item("life", "scale"), "from": 0, "to": 10, "low": words("bad"), "high": words("good")},
    ]
    return {
        "format": "vielstimmig/1",
        "id": "t",
        "version": version,
        "source": "de",
        "languages": ["de", "en"],
        "title": words("T"),
        "consent": words("C"),
        "sections": [{"id": "s", "items": items + list(more.get("items", []))}],
    }


def response(key: str = "k1", **answers: object) -> dict:
    return {"answers": answers, "key": key, "mode": "self", "version": 1}


def test_every_kind_of_field_becomes_columns() -> None:
    columns = dataset.from_documents(
        document(),
        [
            response(trust="high", need=["job"], rank=["b", "a"], life="7"),
            response(trust="!refused", need="!not_asked", rank="!no_answer", life="!dont_know"),
        ],
    )
    assert columns["trust"].values.tolist() == [1, -1]
    assert columns["trust"].levels == ("low", "high")
    assert [columns[f"need_{c}"].values.tolist() for c in ("job", "home")] == [[1, -1], [0, -1]]
    assert np.array_equal(columns["rank_a"].values, [2.0, np.nan], equal_nan=True)
    assert np.array_equal(columns["rank_c"].values, [np.nan, np.nan], equal_nan=True)
    assert columns["life"].numeric()[0] == 7.0


def test_missing_codes_are_never_merged() -> None:
    values = ["!not_asked", "!not_in_variant", "!dont_know", "!refused", "!no_answer", "low", "", None]
    columns = dataset.from_documents(document(), [response(trust=v) for v in values])
    reasons = [MISSING[i] for i in columns["trust"].missing]
    assert reasons == [
        "not_asked", "not_in_variant", "dont_know", "refused", "no_answer", "", "no_answer", "no_answer",
    ]  # fmt: skip
    assert columns["trust"].observed.tolist() == [False] * 5 + [True, False, False]


def test_versions_are_told_apart() -> None:
    added = {
        "id": "new",
        "concept": "new",
        "type": "single",
        "text": words("new"),
        "options": options("x", "y"),
    }
    both = [read(document(1)), read(document(2, items=[added]))]
    rows = [response(trust="low"), {**response(trust="high", new="y"), "version": 2}]
    columns = dataset.columns({q.version: q for q in both}, rows)
    assert [MISSING[i] for i in columns["new"].missing] == ["not_in_variant", ""]
    assert list(dataset.from_documents([document(1), document(2, items=[added])], rows)) == list(columns)


@pytest.mark.parametrize(
    "answers", [{"trust": "middle"}, {"need": ["boat"]}, {"rank": ["z"]}, {"life": "eleven"}]
)
def test_codes_that_nobody_offered_are_named(answers: dict) -> None:
    with pytest.raises(DataError) as caught:
        dataset.from_documents(document(), [response(), response(**answers)])
    assert (caught.value.code, caught.value.place) == ("unknown_code", next(iter(answers)))
    assert caught.value.params["row"] == 2


def test_typed_numbers() -> None:
    field = replace(read(document()).fields[0], kind="exact", address="age")
    made = dataset._exact(field, (), [34, "41", "!refused"])
    assert np.array_equal(made["age"].values, [34.0, 41.0, np.nan], equal_nan=True)
    with pytest.raises(DataError):
        dataset._exact(field, (), ["old"])


def wave(**more: object) -> dataset.Wave:
    rows = [response("k1", trust="low"), response("k1", trust="high"), response("k2", trust="high")] * 4
    settings = {"population": {"k1": 800, "k2": 400}, "invited": {"k1": 40, "k2": 20}, "mode": "web"}
    return dataset.wave("2024", read(document()), rows, **{**settings, **more})


def test_a_wave_has_the_weights_of_its_register() -> None:
    """N/n of the key, then invited over answers inside the key; no finite population correction."""
    made = SurveyDesign.from_wave(wave())
    assert made.weights.tolist() == [100.0, 100.0, 100.0] * 4
    assert [step.kind for step in made.steps] == ["design weights", "nonresponse classes"]
    assert made.steps[1].settings["rates"] == {"k1": 0.2, "k2": 0.2}
    assert made.plan[0].population is None
    assert made.df == 12 - 2
    assert SurveyDesign.from_wave(wave(), nonresponse=False).weights.tolist() == [20.0] * 12
    assert wave().design().weights.sum() == 1200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"population": {"k1": 800}}, "unknown_key"),
        (
            {"invited": {"k1": 40, "k2": 20, "k3": 5}, "population": {"k1": 1, "k2": 1, "k3": 1}},
            "silent_stratum",
        ),
        ({"invited": {"k1": 4, "k2": 20}}, "more_answers_than_invited"),
    ],
)
def test_waves_that_do_not_fit_their_register(more: dict, code: str) -> None:
    with pytest.raises(DataError) as caught:
        SurveyDesign.from_wave(wave(**more))
    assert caught.value.code == code


def test_concepts_and_fieldings() -> None:
    made = wave(frame="register", population_text="adults")
    assert made.column_of("trust") is made.data["trust"]
    assert len(made) == 12
    assert made.fieldings["trust"].mode == "web"
    assert made.fieldings["trust"].languages == {"de", "en"}
    with pytest.raises(DataError) as caught:
        made.column_of("income")
    assert caught.value.code == "no_such_concept"
    assert len(dataset.Wave("empty", {})) == 0


def test_a_response_without_a_key_stands_for_nobody() -> None:
    rows = [response("k1", trust="low"), response("", trust="low")]
    made = dataset.wave("w", read(document()), rows, population={"k1": 10}, invited={"k1": 5})
    with pytest.raises(DataError) as caught:
        SurveyDesign.from_wave(made)
    assert (caught.value.code, caught.value.params["row"]) == ("missing_role", 2)


def test_words_are_never_a_column_and_ways_are_optional() -> None:
    words_item = item("why", "text")
    made = dataset.wave(
        "w",
        {1: read(document(1)), 2: read(document(2, items=[words_item]))},
        [{"answers": {"trust": "low"}, "key": "k1", "version": 2}],
        population={"k1": 10},
        invited={"k1": 5},
    )
    assert "why" not in made.data
    assert "mode" not in made.data
