"""Exact values never leave: every byte that a publication serves is searched for them."""

import html
import io
import itertools
import re
import zipfile

import numpy as np
import pymupdf
import pytest

import stores
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.plan import read
from analysis.publication import publish
from analysis.store import PUBLICATION
from analysis.tables import Item, WaveData, build

SLUG, LANGUAGES = "searched", ("de", "en", "ar")
BASES = {"a": 6133, "b": 4877, "c": 1319, "d": 17}
"""Answers by group: no multiples of five, long enough to be nothing else, the last one hidden."""

SENSITIVE = {"a": 137, "b": 61, "c": 41, "d": 7}
"""How many of each group gave the sensitive answer."""

ARABIC = str.maketrans("٠١٢٣٤٥٦٧٨٩٫٬", "0123456789.,")


def text(word):
    return {tag: f"{word} {tag}" for tag in LANGUAGES}


def wave(key, time, *, even, seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(4), list(BASES.values()))
    total = len(groups)
    shares = np.array([[0.371, 0.629], [0.523, 0.477], [0.234, 0.766], [0.4118, 0.5882]])
    answers = (rng.random(total) > shares[groups, 0]).astype(np.int64)
    hidden = np.flatnonzero(groups == 3)
    answers[hidden] = np.arange(len(hidden)) >= 7
    status = np.ones(total, dtype=np.int64)
    for code, few in enumerate(SENSITIVE.values()):
        status[np.flatnonzero(groups == code)[:few]] = 0
    data = {
        "g": Column("g", "category", groups, tuple(BASES)),
        "q": Column("q", "category", answers, ("1", "2")),
        "s": Column("s", "category", status, ("x", "y")),
        "w": np.ones(total) if even else rng.choice([1.7, 2.9, 7.3, 11.9], total),
        "_record_key": Column("_record_key", "number", rng.random(total)),
    }
    items = {
        "q": Item("q", text("Frage"), ("1", "2"), {"1": text("ja"), "2": text("nein")}, ("q",)),
        "s": Item("s", text("Status"), ("x", "y"), {"x": text("x"), "y": text("y")}, ("s",), 2),
        "g": Item("g", text("Gruppe"), tuple(BASES), {c: text(c) for c in BASES}, ("g",)),
    }
    return WaveData(key, text(key), time, SurveyDesign.create(data, weights="w"), items, invited=51283)


def publication(even):
    finding = {"item": "q", "categories": ["1"], "text": text("sagen ja")}
    hidden = {**finding, "group": "g", "level": "d"}
    trend = {"item": "q", "categories": ["1"]}
    outside = {
        "item": "q",
        "categories": ["1"],
        "label": text("Andere"),
        "time": 2023,
        "estimate": 0.3,
        "n": 900,
    }
    document = {
        "plan": 1,
        "name": "searched",
        "title": text("Titel"),
        "languages": list(LANGUAGES),
        "waves": ["v", "w"],
        "tables": [{"items": ["q", "s"], "groups": ["g"]}],
        "findings": [finding, {**finding, "group": "g", "level": "a"}, hidden],
        "trends": [trend, {**trend, "group": "g", "level": "d"}],
        "outside": [{**outside, "source": "x"}],
        "disclosure": {"sensitive": ["s"]},
    }
    waves = {"v": wave("v", 2020.0, even=even, seed=1), "w": wave("w", 2024.0, even=even, seed=2)}
    return publish(build(read(document), waves)).document, waves


def exact_numbers(waves):
    """Counts of at least three digits, and estimates to more digits than are printed."""
    counts, estimates, hidden = set(), set(), set()
    for data in waves.values():
        columns, weights = data.design.data, data.design.weights
        counts.add(len(weights))
        rows = [np.ones(len(weights), dtype=bool), *(columns["g"].values == code for code in range(4))]
        for number, inside in enumerate(rows):
            for name in ("q", "s"):
                for code in range(2):
                    hit = inside & (columns[name].values == code)
                    counts |= {int(inside.sum()), int(hit.sum())}
                    share = 100 * weights[hit].sum() / weights[inside].sum()
                    (hidden if number == 4 else estimates).add(share)
                    estimates.add(weights[hit].sum())
    return {n for n in counts if n > 100 and n % 5}, estimates, hidden


def parts(response):
    """What a file holds: itself, and what is packed in it."""
    yield response.data.decode("utf-8", "replace")
    if response.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
            for name in archive.namelist():
                yield archive.read(name).decode("utf-8", "replace")
    if response.data[:4] == b"%PDF":
        with pymupdf.open(stream=response.data) as pages:
            yield str(pages.metadata) + (pages.get_xml_metadata() or "")
            for page in pages:
                yield page.get_text()
            for number in range(1, pages.xref_length()):
                yield pages.xref_object(number)
                if pages.xref_is_stream(number):
                    yield pages.xref_stream(number).decode("latin-1")


def addresses(document):
    yield "/results/"
    for tag in LANGUAGES:
        own = f"/results/{SLUG}/{tag}"
        yield own
        for item in document["items"]:
            yield f"{own}/items/{item}"
        for item, group in itertools.product(document["items"], ("", "/g")):
            yield f"{own}/figures/{item}{group}.svg"
            yield f"{own}/figures/{item}{group}.svg?print"
        yield f"{own}/flyer.pdf"
        for kind in ("csv", "xlsx", "pdf", "json"):
            yield f"{own}/tables.{kind}"


def serve(app, client, document):
    with app.app_context(), stores.collector.begin() as session:
        stores.publish(session, "results", PUBLICATION, SLUG, {**document, "released_on": "2024-05-01"})
    for address in addresses(document):
        response = client.get(address, lint=False) if "figures" in address else client.get(address)
        if response.status_code == 200:
            yield address, list(parts(response))


def plain(content):
    """Digits as everybody writes them, with and without marks between thousands."""
    content = html.unescape(content).translate(ARABIC)
    return content, re.sub(r"(?<=\d)[.,'’\u00a0\u202f ](?=\d{3}(?!\d))", "", content)


def found(number, content):
    return re.search(rf"(?<!\d)(?<!\d\.){number}(?!\d)(?!\.\d)", content)


@pytest.mark.parametrize("even", [False, True], ids=["rounded", "perturbed"])
def test_no_exact_value_is_in_any_served_byte(app, client, even):
    document, waves = publication(even)
    counts, estimates, hidden = exact_numbers(waves)
    assert counts >= {12346, 6133, 4877, 1319, 137}
    served = dict(serve(app, client, document))
    assert len([a for a in served if ".svg" in a]) >= 8
    assert {a.rsplit("/", 1)[1] for a in served} >= {"tables.csv", "tables.xlsx", "tables.pdf", "flyer.pdf"}
    for address, contents in served.items():
        packed = address.endswith((".pdf", "print"))
        point = r"\." if address.endswith((".csv", ".json")) else "[.,]"
        for content in contents:
            for written in plain(content):
                for count in counts:
                    # Three digits are coordinates as well; in drawings only longer numbers say something.
                    if count > 999 or not (packed or ".svg" in address or "<svg" in written):
                        assert not found(count, written), (address, count)
                for estimate in estimates | hidden:
                    exact = re.escape(f"{estimate:.3f}"[:-1]).replace(r"\.", point)
                    assert not re.search(rf"(?<!\d){exact}\d", written) or packed, (address, estimate)
                    fraction = f"{estimate / 100:.5f}"
                    assert fraction not in written, (address, estimate)


@pytest.mark.parametrize("even", [False, True], ids=["rounded", "perturbed"])
def test_hidden_cells_have_no_figure_anywhere_in_the_document(even):
    document, waves = publication(even)
    _, _, hidden = exact_numbers(waves)
    for table in document["tables"]:
        for row in table["rows"]:
            if row["level"] == "d":
                assert row["base"] is None
                assert row["effective"] is None
                assert {tuple(cell) for cell in row["cells"]} == {("mark",)}
    numbers = re.findall(r"[\d.]+", re.sub(r'"(time|digest|plan)": *"?[^,]*', "", str(document)))
    assert not {f"{share:.1f}" for share in hidden} & set(numbers)
    assert "17" not in numbers


def test_the_search_finds_what_is_there(app, client):
    document, _ = publication(False)
    table = next(t for t in document["tables"] if (t["wave"], t["item"], t["group"]) == ("w", "q", ""))
    table["rows"][0]["base"] = 6133
    hits = [
        a
        for a, contents in serve(app, client, document)
        if any(found(6133, w) for c in contents for w in plain(c))
    ]
    assert {a.rsplit("/", 1)[1] for a in hits} >= {
        "en",
        "tables.csv",
        "tables.xlsx",
        "tables.pdf",
        "tables.json",
    }
