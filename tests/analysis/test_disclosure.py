import numpy as np
import pytest

from analysis.columns import Column, as_column
from analysis.disclosure import (
    MISSING_CODE,
    DisclosureError,
    DisclosurePolicy,
    answered,
    at_release,
    audit_release,
    counter,
    domain_of,
    from_document,
    layers,
    publish_counts,
    to_document,
)
from analysis.statements import rounded, where


def people(seed=1, n=400):
    rng = np.random.default_rng(seed)
    return {
        "sex": as_column("sex", rng.choice(["f", "m"], n).tolist()),
        "origin": as_column("origin", rng.choice(["a", "b", "c"], n, p=[0.6, 0.37, 0.03]).tolist()),
        "status": as_column("status", [None if r < 0.1 else "x" if r < 0.5 else "y" for r in rng.random(n)]),
    }


def test_counter_knows_missing_answers():
    columns = people()
    count = counter(columns)
    missing = count(where(status=MISSING_CODE))
    assert missing == int(np.sum(columns["status"].values < 0)) > 0
    assert count(where(status=answered(columns["status"]))) + missing == count(()) == 400
    assert domain_of(columns)["sex"] == ["f", "m"]
    assert domain_of(columns)["status"] == ["x", "y", MISSING_CODE]


def test_sample_tables_are_rounded_and_small_bases_hidden():
    table = publish_counts("t", [people()["origin"]], DisclosurePolicy())
    assert table.hidden.tolist() == [False, False, True, False]
    assert not np.any(table.values % 5)
    assert table.values[2] == 0


def test_exact_tables_need_complements_and_pass_the_auditor():
    columns = people()
    policy = DisclosurePolicy("exact")
    table = publish_counts("t", [columns["origin"]], policy)
    assert int(table.hidden.sum()) >= 2
    assert audit_release(columns, table.statements, policy).safe


def test_full_counts_are_perturbed_alike_in_every_table():
    columns, keys = people(), np.random.default_rng(2).random(400)
    policy = DisclosurePolicy("full")
    one = publish_counts("one", [columns["sex"]], policy, record_keys=keys)
    two = publish_counts("two", [columns["sex"], columns["origin"]], policy, record_keys=keys)
    assert two.values[:, -1].tolist() == one.values.tolist()
    report = audit_release(columns, [*one.statements, *two.statements], policy)
    assert report.safe


def test_full_counts_need_keys():
    with pytest.raises(DisclosureError) as caught:
        publish_counts("t", [people()["sex"]], DisclosurePolicy("full"))
    assert caught.value.code == "no_record_keys"


def test_sensitive_items_have_a_higher_threshold():
    policy = DisclosurePolicy(sensitive=frozenset({"status"}))
    assert (policy.threshold(["sex"]), policy.threshold(["sex", "status"])) == (20, 50)


def test_statements_survive_their_record():
    table = publish_counts("t", [people()["origin"]], DisclosurePolicy("exact"), within=where(sex=["f", "m"]))
    tied = at_release(table.statements, 1)
    assert from_document(to_document(tied)) == tied
    assert dict(tied[0].group)["release"] == {"0", "1"}


def test_layers_tell_releases_apart_and_refuse_vanished_responses():
    column = layers([["a", "b"], ["a", "b", "c"]], ["c", "b", "a", "d"])
    assert column.values.tolist() == [1, 0, 0, 2]
    with pytest.raises(DisclosureError) as caught:
        layers([["a", "z"]], ["a"])
    assert (caught.value.code, caught.value.params["count"]) == ("responses_vanished", 1)


def twice(new=0):
    """Columns, what a first release said, and what a second one says; three people left out a question."""
    ids = [f"r{number}" for number in range(400)]
    columns = {
        "mood": as_column("mood", [None] * 3 + ["good", "bad", "bad"] * 132 + ["good"]),
        "release": layers([ids[: 400 - new]], ids),
    }
    said = [
        rounded("responses", (), 400 - new, 1),
        rounded("mood", where(mood=["good", "bad"]), 397 - new, 1),
    ]
    return columns, at_release(said, 0), [rounded("responses again", (), 400, 1)]


def test_who_left_out_a_harmless_question_is_no_secret_of_a_second_release_either():
    columns, earlier, now = twice()
    report = audit_release(columns, now, DisclosurePolicy(), earlier=earlier, harmless=frozenset({"mood"}))
    assert report.safe
    report = audit_release(columns, now, DisclosurePolicy(), earlier=earlier, harmless=frozenset({"age"}))
    assert not report.safe


def test_who_came_with_the_second_release_stays_a_secret():
    columns, earlier, now = twice(new=3)
    report = audit_release(columns, now, DisclosurePolicy(), earlier=earlier, harmless=frozenset({"mood"}))
    assert not report.safe


def test_unknown_method_and_variable():
    with pytest.raises(DisclosureError):
        DisclosurePolicy("magic")
    columns = people()
    table = publish_counts("t", [columns["sex"]], DisclosurePolicy())
    del columns["sex"]
    with pytest.raises(DisclosureError) as caught:
        audit_release(columns, table.statements, DisclosurePolicy())
    assert caught.value.place == "sex"


def test_a_group_within_a_sub_population():
    columns = people()
    women = np.asarray(columns["sex"].values == 0)
    table = publish_counts("t", [columns["origin"]], DisclosurePolicy(), rows=women, within=where(sex="f"))
    assert dict(table.statements[0].group) == {"origin": frozenset({"a"}), "sex": frozenset({"f"})}
    assert isinstance(columns["sex"], Column)
