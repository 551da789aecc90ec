"""What stays closed when topics are published in no order, and what the list of ballots gives away."""

import json
import re
import secrets
from typing import Any

import pytest

from participation.conference import receipts
from participation.conference.hall import store as hall_store
from participation.conference.recount import digest
from tests.participation.conference.conftest import Hall

ORDERS = [["o2", "o1", "o5"], ["o1", "o2", "o3"], ["o2", "o3"]]
WORDS = receipts.LISTS["en"]


def _counted(hall: Hall, ballots: int = 9) -> list[list[int]]:
    """A counted round without codes; the receipts of its ballots."""
    hall.make()
    place = f"/office/conferences/{hall.slug}/rounds/r2"
    hall.post(place, place, **{"title-de": "Plenum", "method": "ranking", "places": "3", "level": "open"})
    hall.open_round("r2")
    drawn = [receipts.draw(secrets.randbelow) for _ballot in range(ballots)]
    for n, receipt in enumerate(drawn):
        ranking = [[name] for name in ORDERS[n % 3]]
        body = {"submission": secrets.token_hex(16), "ranking": ranking, "receipt": receipt}
        assert hall.client.post(f"/c/{hall.slug}/r2/ballot", json=body).json == {"state": "received"}
    hall.close_and_reveal("r2")
    return drawn


def _found(hall: Hall, typed: str) -> int:
    page = hall.client.post(f"/c/{hall.slug}/r2/own?lang=en", data={"r": typed})
    assert page.status_code == 200
    return page.get_data(as_text=True).count("<h2>")


def test_only_a_whole_receipt_opens_a_ballot(hall: Hall) -> None:
    drawn = _counted(hall)
    mine = drawn[0]
    whole = " ".join(receipts.shown(mine, "en"))
    assert _found(hall, whole) == 0
    hall.post(f"/office/conferences/{hall.slug}/publish", publish_as="focus")
    assert [_found(hall, " ".join(receipts.shown(mine, tag))) for tag in ("en", "de", "ar")] == [1, 1, 1]

    words = receipts.shown(mine, "en")
    guesses = [" ".join(words[:known]) for known in range(6)]
    guesses += ["-".join(map(str, mine[:2])), " ".join([*words, words[0]]), "*", "%", " ".join(["*"] * 6)]
    # Every other word in every place: who knows five words has learned nothing of the sixth.
    for place in range(6):
        other = (mine[place] + 1 + secrets.randbelow(254)) % 256
        guesses.append(" ".join([*words[:place], WORDS[other], *words[place + 1 :]]))
    guesses.append(" ".join(reversed(words)) if words != words[::-1] else "")
    # All pairs there are, as the receipts once were, here each with one first word.
    guesses += [f"{words[0]} {word}" for word in WORDS]
    assert sum(_found(hall, guess) for guess in guesses) == 0
    hall.client.get(f"/c/{hall.slug}/r2/own?lang=en")
    twice = {"r": [words[0], words[1]]}
    assert hall.client.post(f"/c/{hall.slug}/r2/own?lang=en", data=twice).status_code == 200


def test_nothing_public_tells_ranks_or_ballots_of_focus_topics(hall: Hall, client: Any) -> None:
    drawn = _counted(hall)
    hall.post(f"/office/conferences/{hall.slug}/publish", publish_as="focus")
    desk = f"/office/conferences/{hall.slug}"
    files = [f"rounds/r2/{name}" for name in ("list.json", "outcome.json", "ballots.csv", "outcome.svg")]
    for name in [*files, "live", "events", "stage", "protocol.pdf", "rounds/r2/outcome"]:
        assert client.get(f"{desk}/{name}", lint=False).status_code in (302, 401, 403)
    assert client.get(f"/c/{hall.slug}/r2/list.json", lint=False).status_code == 404
    state = client.get(f"/c/{hall.slug}/state").get_data(as_text=True)
    texts = [state]
    for tag in ("en", "de", "ar"):
        for name in ("", "/r2", "/r2/outcome", "/r2/own", "/needs"):
            texts.append(client.get(f"/c/{hall.slug}{name}?lang={tag}").get_data(as_text=True))
    for text in texts:
        main = text.partition("<main")[2] or text
        assert "<ol" not in main
        assert "order" not in json.loads(text) if text.startswith("{") else "<svg" not in main
        assert not any(" ".join(receipts.shown(one, "en")) in text for one in drawn)
    # The topics are sorted by their names, and one page is the same whatever the order of places was.
    shown = re.findall(r"Thema \d", texts[3].partition('class="places"')[2].partition("</ul>")[0])
    assert shown == sorted(shown)


def test_the_digest_does_not_give_a_guessed_list_away(hall: Hall) -> None:
    """Whoever knows or guesses all ballots cannot confirm it by the published digest: there is a salt."""
    _counted(hall, ballots=5)
    round_ = hall.data_of_round("r2")
    with hall.app.app_context(), hall.app.extensions["stores"].get("collector").read() as session:
        outcome = hall_store.outcome(session, round_)
        kept = hall_store.recount_document(session, round_)
    assert outcome is not None
    assert digest(kept) == outcome["digest"]
    assert len(kept["salt"]) == 32
    assert digest({**kept, "salt": ""}) != outcome["digest"]
    assert kept["salt"] not in json.dumps(outcome)


def test_a_receipt_chosen_twice_on_purpose_breaks_nothing(hall: Hall) -> None:
    drawn = _counted(hall, ballots=5)
    assert len(drawn) == 5
    hall.make(title="Zweite")
    place = f"/office/conferences/{hall.slug}/rounds/r2"
    hall.post(place, place, **{"title-de": "Plenum", "method": "ranking", "places": "3", "level": "open"})
    hall.open_round("r2")
    for ranking in ([["o1"]], [["o2"]], [["o1"]]):
        body = {"submission": secrets.token_hex(16), "ranking": ranking, "receipt": [0] * 6}
        assert hall.client.post(f"/c/{hall.slug}/r2/ballot", json=body).json == {"state": "received"}
    hall.close_and_reveal("r2")
    hall.post(f"/office/conferences/{hall.slug}/publish", publish_as="ranking")
    assert _found(hall, "1 1 1 1 1 1") == 3
    listed = hall.client.get(f"/c/{hall.slug}/r2/list.json", lint=False).json
    assert len(listed["ballots"]) == 3


@pytest.mark.slow
def test_the_list_merges_small_groups_and_hides_who_voted_on_paper(
    hall: Hall, monkeypatch: Any, as_role: Any
) -> None:
    hall.make()
    place = f"/office/conferences/{hall.slug}/rounds/r2"
    settings = {"title-de": "Plenum", "method": "ranking", "places": "3", "paper": "1", "level": "codes"}
    hall.post(place, place, **settings)
    hall.step("r2", "announced")
    hall.print_slips(monkeypatch, g1=7, g2=2, g3=6)
    hall.step("r2", "open")
    hall.tick()
    phones = [("g1", n) for n in range(6)] + [("g2", n) for n in range(2)] + [("g3", n) for n in range(6)]
    for group, n in phones:
        assert hall.phone("r2", hall.codes[group][n]).send(ranking=[["o1"]]).json == {"state": "received"}
    hall.step("r2", "closed")
    hall.key_one_sheet(as_role, "o3")
    hall.close_and_reveal("r2")
    hall.post(f"/office/conferences/{hall.slug}/publish", publish_as="ranking")
    listed = hall.client.get(f"/c/{hall.slug}/r2/list.json", lint=False).json["ballots"]
    assert len(listed) == 15
    sizes = [sum(one["group"] == name for one in listed) for name in {one["group"] for one in listed}]
    assert min(sizes) >= 5
    assert all(set(one) == {"ranking", "receipt", "group"} and len(one["receipt"]) == 6 for one in listed)
