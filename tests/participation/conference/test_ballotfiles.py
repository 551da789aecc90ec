"""Files of ballots: every form there and back, every fault with its line."""

import json

import pytest
from hypothesis import given

from participation.conference import ballotfiles, pabulib, preflib
from participation.conference.ballots import Ballot, BallotFileError, Fault, Option, Profile, merged
from participation.conference.forms import FILE_FAULTS, fault_sentence
from participation.conference.report import rules
from tests.participation.conference.profiles import approvals, rankings

MODERN = """# FILE NAME: 1.toi
# TITLE: Fields
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 8
# NUMBER UNIQUE ORDERS: 4
# ALTERNATIVE NAME 1: Housing, districts
# ALTERNATIVE NAME 2: Language
# ALTERNATIVE NAME 3: Work
4: 1,{2,3}
2: 3
1:
1: {1, 2} ,3
"""
OLD = """3
1,Housing
2,Language
3,Work
5,5,2
3,1,2,3
2,{3,1},2
"""
MANY = "9" * 4000
PB = """META
key;value
description;Parks
num_projects;2
num_votes;3
budget;100
vote_type;approval
PROJECTS
project_id;cost;name
1;60;"Trees; many"
2;50;Bench
VOTES
voter_id;age;district;vote
a;30;North;1,2
b;41;South;2
c;22;South;
"""


def _faults(text: str, name: str) -> list[Fault]:
    with pytest.raises(BallotFileError) as caught:
        ballotfiles.read(text, name)
    return list(caught.value.faults)


def _places(text: str, name: str) -> list[tuple[str, str]]:
    faults = _faults(text, name)
    assert all(fault_sentence(fault) for fault in faults)
    return [(f.code, f.place) for f in faults]


def test_preflib_of_today() -> None:
    profile = ballotfiles.read(MODERN, "x.toi")
    assert profile.title == "Fields"
    assert profile.options[0] == Option("1", "Housing, districts")
    assert [(b.count, b.ranking) for b in profile.ballots] == [
        (4, ((0,), (1, 2))),
        (2, ((2,),)),
        (1, ()),
        (1, ((0, 1), (2,))),
    ]


def test_preflib_of_before_2022() -> None:
    profile = ballotfiles.read(OLD, "old.toc")
    assert [o.name for o in profile.options] == ["Housing", "Language", "Work"]
    assert [(b.count, b.ranking) for b in profile.ballots] == [(3, ((0,), (1,), (2,))), (2, ((0, 2), (1,)))]


def test_preflib_of_single_ballots_and_huge_counts() -> None:
    head = "# NUMBER ALTERNATIVES: 2\n# ALTERNATIVE NAME 1: a\n# ALTERNATIVE NAME 2: b\n"
    single = ballotfiles.read(head + "1: 1,2\n1: 1,2\n1: 2\n", "x.soi")
    assert [(b.count, b.ranking) for b in single.ballots] == [(2, ((0,), (1,))), (1, ((1,),))]
    huge = ballotfiles.read(head + f"{10**40}: 1,2\n", "x.soc")
    assert huge.total == 10**40


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (MODERN.replace("8\n", "9\n", 1), "x.toi", [("voters_differ", "header")]),
        (MODERN, "x.soi", [("tie_in_strict", "line 9"), ("tie_in_strict", "line 12")]),
        (MODERN, "x.toc", [("incomplete", "line 10"), ("incomplete", "line 11")]),
        (MODERN.replace("2: 3", "2: 4,4"), "x.toi", [("option_unknown", "line 10")] * 2),
        (MODERN.replace("2: 3", "2: 3,3"), "x.toi", [("option_twice", "line 10")]),
        (MODERN.replace("2: 3", "two: 3"), "x.toi", [("no_count", "line 10")]),
        (MODERN.replace("{2,3}", "{2,3"), "x.toi", [("braces", "line 9")]),
        (
            MODERN.replace("NAME 2", "NAME 1"),
            "x.toi",
            [("option_twice", "line 7")],
        ),
        (MODERN.replace("ALTERNATIVES: 3", "ALTERNATIVES: 2"), "x.toi", [("options_differ", "line 3")]),
        (MODERN.replace("ALTERNATIVES: 3", "ALTERNATIVES: 4"), "x.toi", [("options_differ", "line 3")]),
        (f"# NUMBER ALTERNATIVES: {10**11}\n1: 1\n", "x.toi", [("options_differ", "line 1")]),
        (MODERN.replace("ALTERNATIVES: 3", "ALTERNATIVES: x"), "x.toi", [("no_number", "line 3")]),
        ("", "x.soc", [("no_header", "line 1")]),
        ("# TITLE: nothing\n", "x.soc", [("no_options", "header")]),
        ("# TITLE: x\n1: 1\n", "x.soi", [("no_options", "header"), ("option_unknown", "line 2")]),
        (OLD.replace("5,5,2", "5,5"), "x.toc", [("no_totals", "line 5")]),
        ("2\n1,a\n2,b\n", "x.toc", [("no_totals", "line 3")]),
        ("4\n1,a\n", "x.toc", [("options_differ", "line 1")]),
        (OLD.replace("2,Language", "Language"), "x.toc", [("no_option_line", "line 3")]),
    ],
)
def test_faults_of_preflib(text: str, name: str, expected: list[tuple[str, str]]) -> None:
    assert _places(text, name)[: len(expected)] == expected


def test_pabulib() -> None:
    profile = ballotfiles.read(PB, "x.pb")
    assert (profile.kind, profile.costs, profile.budget) == ("budget", (60, 50), 100)
    assert profile.options == (Option("1", "Trees; many"), Option("2", "Bench"))
    assert [(b.marks, b.attribute("district")) for b in profile.ballots] == [
        (((0, 1), (1, 1)), "North"),
        (((1, 1),), "South"),
        ((), "South"),
    ]


def test_pabulib_points_and_orders() -> None:
    points = PB.replace("approval", "cumulative").replace("district;vote", "district;vote;points")
    points = (
        points.replace("1,2\n", "1,2;3,1\n")
        .replace("South;2\n", "South;2;5\n")
        .replace("South;\n", "South;;\n")
    )
    assert ballotfiles.read(points, "x.pb").ballots[0].marks == ((0, 3), (1, 1))
    orders = ballotfiles.read(PB.replace("approval", "ordinal"), "x.pb")
    assert orders.ballots[0].ranking == ((0,), (1,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PB.replace("approval", "guess"), [("vote_type", "line 7")]),
        (PB.replace("South;2", "South;3"), [("option_unknown", "line 15")]),
        (PB.replace("South;2", "South;2,2"), [("option_twice", "line 15")]),
        (PB.replace("budget;100", "budget;much"), [("no_amount", "line 6")]),
        (PB.replace("2;50", "2;5.5.5"), [("no_amount", "line 11")]),
        (PB.replace("2;50", "1;50"), [("option_twice", "line 11")]),
        (PB.replace("VOTES\n", ""), [("section_missing", "file")]),
        ("x\n" + PB, [("no_section", "line 1")]),
        (PB.replace("approval", "scoring"), [("points", "line 14"), ("points", "line 15")]),
        ("META\nkey;value\nvote_type;approval\nbudget;1\nPROJECTS\nVOTES\n", [("no_options", "PROJECTS")]),
        (PB.replace("c;22;South;\n", ""), [("voters_differ", "line 5")]),
        (PB.replace("num_votes;3", "num_votes;many"), [("no_number", "line 5")]),
        (PB.replace("num_projects;2", "num_projects;3"), [("options_differ", "line 4")]),
        (PB.replace("c;22;South;\n", "c;22"), [("no_cell", "line 16")]),
        (PB.replace("South;2", "South;2;1"), [("too_many_cells", "line 15")]),
        (PB.replace("2;50;Bench", "2;50;Bench;1"), [("too_many_cells", "line 11")]),
        (PB.replace("district;vote", "district;votes"), [("no_column", "VOTES")]),
        (PB.replace("project_id", "id"), [("no_column", "PROJECTS")]),
        (PB.replace("2;50;Bench", '2;50;"Bench'), [("quote_open", "line 11")]),
    ],
)
def test_faults_of_pabulib(text: str, expected: list[tuple[str, str]]) -> None:
    assert _places(text, "x.pb")[: len(expected)] == expected


def test_pabulib_as_spreadsheets_and_scripts_write_it() -> None:
    expected = ballotfiles.read(PB, "x.pb")
    for text in (
        PB.replace("key;value\n", ""),
        PB.replace("num_votes;3", "num_votes;"),
        PB.replace("Parks", "Parks;;").replace("South;2\n", "South;2;;\n"),
        PB.replace("META", "META;;;").replace("VOTES", "VOTES;;;"),
    ):
        assert ballotfiles.read(text, "x.pb") == expected


def test_a_table_under_another_ending_is_read_for_what_it_is() -> None:
    assert ballotfiles.read(PB, "x.csv") == ballotfiles.read(PB, "x.pb")
    assert ballotfiles.read(MODERN, "x.csv") == ballotfiles.read(MODERN, "x.toi")


def test_alternatives_may_all_go_without_a_name() -> None:
    options = ballotfiles.read("# NUMBER ALTERNATIVES: 2\n1: 2,1\n", "x.soc").options
    assert options == (Option("1", "1"), Option("2", "2"))


def test_csv_with_a_column_per_option() -> None:
    text = "count;group;rank:a;rank:b;rank:c\n3;North;1;2;2\n1;South;;1;\n"
    profile = ballotfiles.read(text, "x.csv")
    assert [(b.count, b.ranking, b.attribute("group")) for b in profile.ballots] == [
        (3, ((0,), (1, 2)), "North"),
        (1, ((1,),), "South"),
    ]
    dots = ballotfiles.read("dots:a,dots:b\n3,0\n,2\n", "x.csv")
    assert (dots.kind, [b.marks for b in dots.ballots]) == ("dots", [((0, 3),), ((1, 2),)])
    scored = ballotfiles.read("score:a,score:b\n3,0\n", "x.csv")
    assert scored.ballots[0].marks == ((0, 3), (1, 0))


def test_csv_with_one_column_of_rankings() -> None:
    profile = ballotfiles.read("ranking,table\na > b = c,1\n,2\nc,1\n", "x.csv")
    assert profile.ids == ("a", "b", "c")
    assert [(b.ranking, b.attribute("table")) for b in profile.ballots] == [
        (((0,), (1, 2)), "1"),
        ((), "2"),
        (((2,),), "1"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rank:a,rank:b\n1,x\n2\n", [("no_mark", "line 2")]),
        ("rank:a,rank:b\n1,2,3\n", [("too_many_cells", "line 2")]),
        ("rank:a,rank:a\n1,2\n", [("column_twice", "line 1")]),
        ("rank:a,dots:b\n1,2\n", [("kinds_mixed", "line 1")]),
        ("name,age\n1,2\n", [("no_ballot_columns", "line 1")]),
        ("count,rank:a\nmany,1\n", [("no_count", "line 2")]),
        ("ranking\na>a\n", [("option_twice", "line 2")]),
        ("ranking,x\n,1\n", [("no_options", "line 1")]),
        ("rank:,rank:b\n1,2\n", [("no_option_line", "line 1")]),
        ("rank:a,rank: a\n1,2\n", [("column_twice", "line 1")]),
        ("approve:a\n1\n0\n2\n", [("no_tick", "line 4")]),
        (f"rank:a,note\n1,{'x' * 200_000}\n", [("table", "line 2")]),
        ('ranking\na\n"a>b\na\n', [("quote_open", "line 3")]),
    ],
)
def test_faults_of_csv(text: str, expected: list[tuple[str, str]]) -> None:
    assert _places(text, "x.csv") == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"format": "ballots/9"}, [("format", "format")]),
        ({"kind": "guess"}, [("kind", "kind")]),
        ({"ballots": 3}, [("no_ballots", "file")]),
        ({"options": []}, [("no_options", "options"), ("option_unknown", "ballots[0]")]),
        ({"options": [{"id": "a"}, {"id": "a"}]}, [("option_twice", "options[1]")]),
        ({"options": [{"id": "a"}, {"name": "b"}]}, [("no_option_line", "options[1]")]),
        ({"options": [{"id": "a", "cost": 3}, {"id": "b"}]}, [("cost_missing", "options")]),
        ({"ballots": [{"ranking": [["b"]]}]}, [("option_unknown", "ballots[0]")]),
        ({"ballots": [{"ranking": "a"}]}, [("no_list", "ballots[0]")]),
        ({"ballots": [{"ranking": [["a"], ["a"]]}]}, [("option_twice", "ballots[0]")]),
        ({"ballots": [{"ranking": [], "count": -1}]}, [("no_number", "ballots[0].count")]),
        ({"ballots": [7]}, [("no_ballot", "ballots[0]")]),
        ({"kind": "dots"}, [("no_marks", "ballots[0]")]),
        ({"kind": "approval"}, [("no_list", "ballots[0]")]),
        ({"kind": "pairwise", "ballots": [{"winner": "a", "from": ["a"]}]}, [("pair", "ballots[0]")]),
        ({"kind": "dots", "ballots": [{"dots": {"a": 1.5}}]}, [("no_number", "ballots[0].dots")]),
    ],
)
def test_faults_of_json(change: dict[str, object], expected: list[tuple[str, str]]) -> None:
    data = {"format": "ballots/1", "options": [{"id": "a"}], "ballots": [{"ranking": [["a"]]}]}
    assert _places(json.dumps(data | change), "x.json") == expected


def test_a_row_of_empty_cells_is_an_empty_ballot_and_an_empty_line_is_none() -> None:
    profile = ballotfiles.read("rank:a,rank:b\n1,2\n\n,\n,\n", "x.csv")
    assert [(b.count, b.ranking) for b in profile.ballots] == [(1, ((0,), (1,))), (2, ())]
    counted = ballotfiles.read("count,rank:a,rank:b\n1,1,2\n,,\n3,,\n", "x.csv")
    assert [(b.count, b.ranking) for b in counted.ballots] == [(1, ((0,), (1,))), (3, ())]


def test_json_names_a_key_given_twice_and_survives_endless_brackets() -> None:
    assert _places('{"options": ["a"],\n "ballots": [{"count": 1, "count": 2}]}', "x.json") == [
        ("json", "line 1")
    ]
    assert _places("[" * 100_000, "x.json") == [("json", "line 1")]


def test_preflib_names_keep_odd_signs_and_lose_quotes() -> None:
    text = (
        '# NUMBER ALTERNATIVES: 2\n# ALTERNATIVE NAME 1: K\x85 x\n# ALTERNATIVE NAME 2: "B ""c"""\n1: 1,2\n'
    )
    assert [o.name for o in ballotfiles.read(text, "x.soc").options] == ["K\x85 x", 'B "c"']
    old = ballotfiles.read('1\n1,"Smith, John"\n1,1,1\n1,1\n', "x.soc")
    assert old.options == (Option("1", "Smith, John"),)


@pytest.mark.parametrize(
    ("budget", "cost", "expected"),
    [
        ("100.50", "60.25", (10050, (6025, 5000))),
        ("100,5", "60", (1005, (600, 500))),
        ("1 000", "60.00", (1000, (60, 50))),
    ],
)
def test_amounts_with_decimals(budget: str, cost: str, expected: tuple[int, tuple[int, ...]]) -> None:
    profile = ballotfiles.read(
        PB.replace("budget;100", f"budget;{budget}").replace(";60;", f";{cost};"), "x.pb"
    )
    assert (profile.budget, profile.costs) == expected


def test_a_comma_that_may_part_thousands_is_refused() -> None:
    assert _places(PB.replace("budget;100", "budget;1,000"), "x.pb") == [("no_amount", "line 6")]


def test_pabulib_without_a_budget_or_costs_is_counted_by_the_other_rules() -> None:
    without = ballotfiles.read(PB.replace("budget;100\n", ""), "x.pb")
    assert without.budget is None
    assert set(rules(without)) == {"approval"}
    unpriced = ballotfiles.read(PB.replace(";cost", "").replace("1;60;", "1;").replace("2;50;", "2;"), "x.pb")
    assert unpriced.costs == ()
    assert set(rules(unpriced)) == {"approval"}


SCORING = PB[: PB.index("VOTES")].replace("approval", "Scoring").replace("num_votes;3", "num_votes;2") + (
    "VOTES\nvoter_id;vote;points\na;1,2;3,-1\nb;2;5.0\n"
)


def test_scores_of_pabulib() -> None:
    assert [b.marks for b in ballotfiles.read(SCORING, "x.pb").ballots] == [((0, 3), (1, -1)), ((1, 5),)]
    filled = ballotfiles.read(SCORING.replace("budget;100", "budget;100\ndefault_score;2"), "x.pb")
    assert [b.marks for b in filled.ballots] == [((0, 3), (1, -1)), ((0, 2), (1, 5))]
    assert _places(SCORING.replace("budget;100", "budget;100\ndefault_score;some"), "x.pb") == [
        ("no_number", "line 7")
    ]


@pytest.mark.parametrize("points", ["--3,1", "²,1", "1.5,1", "3", ""])
def test_points_that_are_no_whole_numbers(points: str) -> None:
    assert _places(SCORING.replace("3,-1", points), "x.pb") == [("points", "line 14")]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (MODERN.replace("4: 1", f"{MANY}: 1"), "x.toi", ("no_count", "line 9")),
        (MODERN.replace("VOTERS: 8", f"VOTERS: {MANY}"), "x.toi", ("no_number", "line 4")),
        (OLD.replace("3\n", "²\n", 1), "x.toc", ("no_header", "line 1")),
        (OLD.replace("5,5,2", f"{MANY},5,2"), "x.toc", ("no_totals", "line 5")),
        (PB.replace("budget;100", f"budget;{MANY}"), "x.pb", ("no_amount", "line 6")),
        (f"count,ranking\n{MANY},a\n", "x.csv", ("no_count", "line 2")),
        (f"score:a\n{MANY}\n", "x.csv", ("no_mark", "line 2")),
        (f'{{"options": ["a"], "seats": {MANY}, "ballots": []}}', "x.json", ("no_number", "seats")),
    ],
)
def test_numbers_beyond_reason_are_no_numbers(text: str, name: str, expected: tuple[str, str]) -> None:
    assert _places(text, name)[0] == expected


def test_json_syntax_and_unknown_endings() -> None:
    assert _places('{"a":\n 1,,}', "x.json") == [("json", "line 2")]
    assert ballotfiles.read(MODERN, "ballots.txt").total == 8
    assert ballotfiles.read(PB, "ballots.txt").kind == "budget"
    assert ballotfiles.read("rank:a\n1\n", "ballots.txt").total == 1


@given(rankings())
def test_rankings_there_and_back(profile: Profile) -> None:
    profile = merged(profile)
    assert ballotfiles.read_json(ballotfiles.write_json(profile)).ballots == profile.ballots
    assert merged(ballotfiles.read_csv(ballotfiles.write_csv(profile))).ballots == profile.ballots
    text = preflib.write(profile)
    again = preflib.read(text, preflib.suffix_for(profile))
    assert sorted((b.count, b.ranking) for b in again.ballots) == sorted(
        (b.count, b.ranking) for b in profile.ballots
    )


@given(approvals())
def test_approvals_there_and_back(profile: Profile) -> None:
    profile = merged(profile)
    assert ballotfiles.read_json(ballotfiles.write_json(profile)).ballots == profile.ballots
    assert merged(ballotfiles.read_csv(ballotfiles.write_csv(profile))).ballots == profile.ballots


def test_budget_there_and_back() -> None:
    profile = ballotfiles.read(PB, "x.pb")
    again = ballotfiles.read(pabulib.write(profile), "x.pb")
    assert (again.options, again.costs, again.budget, again.ballots) == (
        profile.options,
        profile.costs,
        profile.budget,
        profile.ballots,
    )
    assert ballotfiles.read_json(ballotfiles.write_json(profile)).costs == profile.costs


def test_pairs_there_and_back() -> None:
    profile = Profile("pairwise", (Option("a"), Option("b")), (Ballot(2, (), ((0, 0), (1, 1))),))
    assert ballotfiles.read_json(ballotfiles.write_json(profile)).ballots == profile.ballots


def test_what_has_no_form_is_refused() -> None:
    dots = Profile("dots", (Option("a"),), (Ballot(1, (), ((0, 1),)),))
    for writer in (preflib.write, pabulib.write):
        with pytest.raises(ValueError):
            writer(dots)
    weighted = Profile("ranking", (Option("a"),), (Ballot(1, ((0,),)),), scale=3)
    for writer in (ballotfiles.write_csv, ballotfiles.write_json):
        with pytest.raises(ValueError):
            writer(weighted)


def test_every_fault_has_a_sentence_and_every_sentence_names_its_parameters() -> None:
    assert fault_sentence(Fault("option_unknown", "line 3", {"option": "x"})) == (
        "line 3: The option “x” is not on the list of options."
    )
    assert all(str(sentence).endswith((".", "%(text)s", "}")) for sentence in FILE_FAULTS.values())
