"""Every outcome of the reference ballots, through the same report that the command prints."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from participation.conference import ballotfiles, closeness, groups, report
from participation.conference.ballots import POLICIES, Profile

#: Bookkeeping of the reference file: who checked a value is no part of the outcome.
ASIDE = {"checked_by", "winners_checked_by", "count_sheet_unchecked", "published", "errors_checked_by"}


def _pure(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _pure(v) for k, v in value.items() if k not in ASIDE}
    return value


def _check_rules(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for rule, outcome in _pure(expected).items():
        if rule == "kendall_w":
            continue
        if isinstance(outcome, dict):
            assert {key: found[rule].get(key) for key in outcome} == outcome, rule
        else:
            assert found[rule] == outcome, rule


def _check(profile: Profile, expected: dict[str, Any]) -> None:
    for policy in POLICIES:
        result = report.tally(profile, policy=policy, replicates=0)
        wanted = expected["policies"][policy]
        _check_rules(result["rules"], wanted)
        assert result["kendall_w"] == _pure(wanted.get("kendall_w"))
        irv = expected.get("irv")
        if irv:
            _check_rules(result["rules"], {"irv": irv})
        if "stv_scottish" in expected:
            _check_stv(result["rules"]["stv_scottish"], expected["stv_scottish"])


def _check_stv(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {key: found[key] for key in _pure(expected)} == _pure(expected)
    sheet = expected.get("count_sheet_unchecked", {})
    assert {key: found[key] for key in sheet} == sheet


def _cases(reference: Path, name: str) -> Any:
    return json.loads((reference / "ballots" / name).read_text())["cases"]


def _file(reference: Path, name: str) -> Profile:
    return ballotfiles.read((reference / "ballots" / name).read_text(), name)


def test_real_and_worked_elections(reference: Path) -> None:
    """Five real elections, 22 worked examples, a hall of 12 options, both policies."""
    cases = _cases(reference, "expected.json")
    assert len(cases) == 28
    for case in cases.values():
        profile = _file(reference, case["file"])
        assert profile.total == case["ballots"]
        _check(profile, case)


def test_published_outcomes(reference: Path) -> None:
    for case in _cases(reference, "expected.json").values():
        for item in case.get("published", []):
            rule = item.get("rule")
            if rule and "classes" in item and "policy" in item:
                rules = report.rules(_file(reference, case["file"]), item["policy"])
                assert rules[rule]["classes"] == item["classes"]


def test_random_profiles(reference: Path) -> None:
    cases = _cases(reference, "synthetic/random-small.json")
    assert len(cases) == 40
    for case in cases:
        _check(ballotfiles.profile_from(case), case["expected"])


def test_group_weights_and_tipping_shares(reference: Path) -> None:
    case = _cases(reference, "expected.json")["hall-12"]
    profile = _file(reference, case["file"])
    for weighting in case["weighted"]:
        shares = {name: Fraction(share) for name, share in weighting["shares"].items()}
        for policy in POLICIES:
            result = report.tally(profile, policy=policy, column="group", shares=shares, replicates=0)
            assert result["weighted"]["weight_per_ballot"] == weighting["weight_per_ballot"]
            _check_rules(result["weighted"]["rules"], weighting["policies"][policy])
    tips = {(t["group"], t["ahead_now"], t["behind_now"]): t for t in result_tips(profile)}
    for expected in case["tipping_shares"]["pairs"]:
        assert tips[expected["group"], expected["ahead_now"], expected["behind_now"]] == expected


def result_tips(profile: Profile) -> list[dict[str, Any]]:
    result = report.tally(profile, policy="last", column="group", replicates=0)
    tips: list[dict[str, Any]] = result["tipping_shares"]
    return tips


def test_committees(reference: Path) -> None:
    cases = _cases(reference, "synthetic/approval-committees.json")
    assert len(cases) == 30
    for case in cases:
        rules = report.rules(ballotfiles.profile_from(case), seats=case["k"])
        expected = _pure(case["expected"])
        assert {key: rules["approval"][key] for key in ("classes", "scores")} == expected.pop("approval")
        assert rules["pav"]["score"] == expected.pop("pav_score")
        assert {rule: rules[rule]["committees"] for rule in expected} == expected


def test_dots(reference: Path) -> None:
    cases = _cases(reference, "synthetic/dots.json")
    assert len(cases) == 14
    for case in cases:
        profile = ballotfiles.profile_from(case)
        assert report.rules(profile)["dots"] == _pure(case["expected"]["dots"])
        for wanted in case["expected"]["committees"]:
            rules = report.rules(profile, seats=wanted["k"])
            assert rules["mes_dots"]["committees"] == wanted["mes_dots"]["committees"]
            support = _pure(wanted["support"])
            assert rules["support"]["pav"]["score"] == support.pop("pav_score")
            assert {rule: rules["support"][rule]["committees"] for rule in support} == support


def test_dots_by_group(reference: Path) -> None:
    (case,) = [c for c in _cases(reference, "synthetic/dots.json") if c["id"] == "hall-dots"]
    result = report.tally(ballotfiles.profile_from(case), column="group")
    for name, outcome in case["expected"]["by_group"].items():
        assert result["groups"][name]["rules"]["dots"]["scores"] == outcome
    for weighting in case["expected"]["weighted"]:
        shares = {name: Fraction(share) for name, share in weighting["shares"].items()}
        found = report.tally(ballotfiles.profile_from(case), column="group", shares=shares)["weighted"]
        assert {key: found["rules"]["dots"][key] for key in ("classes", "scores")} == {
            key: weighting["dots"][key] for key in ("classes", "scores")
        }


def test_plackett_luce(reference: Path) -> None:
    cases = _cases(reference, "synthetic/plackett-luce.json")
    assert len(cases) == 4
    for case in cases:
        if "ballots" not in case:
            case = case | {"ballots": case["choices"], "kind": "pairwise"}
        found = report.rules(ballotfiles.profile_from(case))["plackett_luce"]
        expected = case["expected"]
        assert found["strengths"] == pytest.approx(expected["strengths"], abs=2e-7)
        assert found["standard_errors"] == pytest.approx(expected["standard_errors"], abs=2e-6)
        assert found["log_likelihood"] == pytest.approx(expected["log_likelihood"], abs=2e-6)


def test_bootstrap(reference: Path) -> None:
    """Tolerance 0.04 for 2,000 replicates, as the file names it."""
    data = json.loads((reference / "ballots/synthetic/bootstrap-debian-2006.json").read_text())
    profile = _file(reference, data["file"])
    ids = profile.ids
    for policy in POLICIES:
        found = closeness.rank_intervals(profile, policy, rng=np.random.default_rng(1))
        for rule, expected in data["policies"][policy].items():
            one = found[rule]
            assert dict(zip(ids, one.alone_first, strict=True)) == pytest.approx(
                expected["alone_first"], abs=0.04
            )
            assert dict(zip(ids, one.top[:, 0], strict=True)) == pytest.approx(
                expected["first_shared"], abs=0.04
            )
            for pair, share in expected["p_above"].items():
                x, y = (ids.index(name) for name in pair.split(">"))
                assert one.above[x, y] == pytest.approx(share, abs=0.04)


def test_shown_groups_have_five_ballots(reference: Path) -> None:
    profile = _file(reference, "ranked/hall-12.json")
    few = profile.with_ballots([b for b in profile.ballots if b.attribute("group") != "Verwaltung"][:60])
    lonely = few.with_ballots(
        [*few.ballots, *[b for b in profile.ballots if b.attribute("group") == "Verwaltung"][:4]]
    )
    result = report.tally(lonely, column="group", replicates=0)
    assert all(part["ballots"] >= groups.SMALLEST for part in result["groups"].values())
    assert sum(part["ballots"] for part in result["groups"].values()) == lonely.total
    assert set(result["weighted"]["shares"]) == set(result["groups"])
