"""Public results: one sentence per finding, who was asked, figures with their tables, downloads.  No script,
no cookie.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from babel.lists import format_list
from flask import Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from markupsafe import Markup

from analysis import priorities
from analysis.exchange import bookfiles
from analysis.exchange.bookfiles import said
from analysis.exchange.flat import harmless
from analysis.figures import table_figure, table_of, trend_figure, trend_title
from analysis.published import store
from localtext import NAMES, direction, isolate, number_text
from stores import collector
from typeset import pdf
from web import headers
from web.i18n import language, speaking
from web.i18n import resident as r_
from web.rooms import Room

room = Room("results", __name__, audience="public", processes=("public", "analysis"), url_prefix="/results")

Document = Mapping[str, Any]
FILES = ("csv", "xlsx", "pdf", "json")


def words() -> dict[str, str]:
    """The words of figures, tables and files in the page's language."""
    return {
        **bookfiles.WORDS,
        "all": r_("All"),
        "base": r_("Answers"),
        "group": r_("Group"),
        "answer": r_("Answer"),
        "question": r_("Question"),
        "wave": r_("Survey"),
        "percent": r_("Percent"),
        "from": r_("from"),
        "to": r_("to"),
        "marks": r_("Marks"),
        "mark": r_("Mark"),
        "code": r_("Code of the question"),
        "level": r_("Subgroup"),
        "effective": r_("Effective number of answers"),
        "p": r_("p value, adjusted"),
        "mark.": r_("too few answers"),
        "mark()": r_("uncertain, because few people answered"),
        "mark0": r_("less than half of the unit"),
        "mark-": r_("nobody"),
        "markr": r_("corrected"),
        "markx": r_("not meaningful"),
        "rounded": r_("Numbers of answers are rounded to multiples of 5, so parts need not add up."),
        "described": r_("The table below holds the same figures."),
        "differs": r_("differs from the others"),
        "effective column": "",
    }


def words_in(tag: str) -> dict[str, str]:
    """The same in another language than the page's, with the column that only the office's tables have."""
    with speaking(tag):
        own = words()
    return {**own, "effective column": own["effective"]}


def _document(slug: str) -> Document:
    with collector.read() as session:
        found = store.publication(session, slug)
    if found is None:
        abort(404)
    return found


def _links(document: Document, endpoint: str, **values: Any) -> list[tuple[str, str]]:
    return [(tag, url_for(endpoint, language=tag, **values)) for tag in document["languages"] if tag in NAMES]


def finding(headline: Document, tag: str) -> dict[str, str]:
    """A finding in one sentence and its interval: "about 8 in 10", "between 78 and 84 of 100"."""
    if "in_ten" not in headline:
        return {"sentence": said(headline["text"], tag), "interval": r_("too few answers")}
    if _in_ten(headline):
        share = r_("About %(in_ten)s in 10", in_ten=headline["in_ten"])
    else:
        share = r_("About %(percent)s in 100", percent=headline["percent"])
    sentence = f"{share}: {said(headline['text'], tag)}"
    uncertain = r_("uncertain, because few people answered") if headline.get("mark") == "()" else ""
    if "low" not in headline:
        # A full count has no sampling error; the page says whom it speaks for.
        return {"sentence": sentence, "interval": uncertain}
    interval = r_("Between %(low)s and %(high)s of 100", low=headline["low"], high=headline["high"])
    return {"sentence": sentence, "interval": f"{interval} ({uncertain})" if uncertain else interval}


def _in_ten(headline: Document) -> bool:
    """Whether a finding is said in tenths: not where that would be nobody or everybody."""
    return "in_ten" in headline and 5 <= headline["percent"] <= 95


def asked(document: Document, tag: str) -> list[str]:
    """Who was asked, how many answered, and what the figures cannot say."""
    wave = document["waves"][-1]
    lines = []
    population = said(document["about"].get("population"), tag)
    if population:
        lines.append(population)
    if wave["open"]:
        lines.append(r_("Anybody could take part. The figures speak only for those who did."))
    if wave.get("invited"):
        lines.append(
            r_(
                "About %(invited)s people were invited, about %(responses)s answered.",
                invited=wave["invited"],
                responses=wave["responses"],
            )
        )
    else:
        lines.append(r_("About %(responses)s people answered.", responses=wave["responses"]))
    lines.append(r_("People who did not answer may see things differently."))
    caution = said(document["about"].get("caution"), tag)
    return [*lines, caution] if caution else lines


def break_sentences(found: Document, waves: Mapping[str, str]) -> list[dict[str, str]]:
    """Why no line is drawn between two waves, and between which."""
    names = {
        "wording": r_("the question"),
        "scale": r_("the answers to choose from"),
        "mode": r_("the way of asking"),
        "frame": r_("the list people were drawn from"),
        "languages": r_("the languages"),
        "population": r_("the people asked"),
    }
    return [
        {
            "between": between(broken, waves),
            "words": r_(
                "No line here: between the two surveys this changed: %(what)s.",
                what=format_list([names.get(kind, kind) for kind in broken["kinds"]], locale=get_locale()),
            ),
        }
        for broken in found["breaks"]
    ]


def between(pair: Document, waves: Mapping[str, str]) -> str:
    """The first and the second survey of a change or a break, by their titles."""
    return " – ".join(isolate(waves.get(pair[side], pair[side]), language()) for side in ("first", "second"))


def table_view(document: Document, table: Document, tag: str, ident: str) -> dict[str, Any]:
    """A table with its figure for the templates."""
    own = words()
    return {
        "caption": bookfiles.heading(document, table, tag),
        "heads": bookfiles.answers(document, table, tag),
        "rows": [
            {
                "name": bookfiles.level_text(document, table, row["level"], tag, own["all"]),
                "cells": [
                    (bookfiles.cell_text(cell, tag), bookfiles.interval_text(cell, tag))
                    for cell in row["cells"]
                ],
                "base": row["base"],
            }
            for row in table["rows"]
        ],
        # Our own drawing: every label in it was escaped when it was drawn.
        "figure": Markup(table_figure(document, table, tag, ident, own)),  # noqa: S704
        "item": table["item"],
        "group": table["group"],
    }


@room.get("/")
def index() -> ResponseReturnValue:
    """Everything that is published."""
    with collector.read() as session:
        found = store.publications(session)
    tag = language()
    entries = [
        {
            "title": said(document["title"], tag) or slug,
            "address": url_for(
                "results.page", slug=slug, language=tag if tag in document["languages"] else None
            ),
            "day": document.get("released_on", ""),
            "date": date.fromisoformat(day) if (day := document.get("released_on")) else None,
        }
        for slug, document in sorted(
            found.items(), key=lambda pair: pair[1].get("released_on", ""), reverse=True
        )
    ]
    return render_template("results/index.html", entries=entries)


@room.get("/<slug>", defaults={"language": None})
@room.get("/<slug>/<language>")
def page(slug: str, language: str | None) -> ResponseReturnValue:
    """The publication: findings first."""
    document = _document(slug)
    tag = _tag(document, language)
    headlines = document["headlines"]
    waves = {wave["key"]: said(wave["label"], tag) for wave in document["waves"]}
    lead = list(dict.fromkeys(h["item"] for h in headlines))[:4]
    tables = [table for item in lead if (table := table_of(document, item, "")) is not None]
    trends = [
        {
            "title": trend_title(document, found, tag),
            "figure": Markup(  # noqa: S704 - our own drawing, labels escaped
                trend_figure(document, found, tag, f"trend{number}", words())
            ),
            "points": found["points"],
            "breaks": break_sentences(found, waves),
            "changes": [{**change, "between": between(change, waves)} for change in found["changes"]],
            "verdicts": {(v["first"], v["second"]): v["finding"] for v in found["verdicts"]},
            "notes": found["notes"],
        }
        for number, found in enumerate(document["trends"])
    ]
    return render_template(
        "results/page.html",
        document=document,
        slug=slug,
        tag=tag,
        number=partial(number_text, tag=tag),
        title=said(document["title"], tag) or slug,
        findings=[finding(headline, tag) for headline in headlines],
        asked=asked(document, tag),
        tables=[table_view(document, table, tag, f"figure{number}") for number, table in enumerate(tables)],
        trends=trends,
        conferences=[
            (said(one["title"], tag), priorities.rows(document, one, tag))
            for one in document.get("conferences", ())
        ],
        comparisons=[_comparison(document, found, tag) for found in document["comparisons"]],
        items=[(name, said(item["label"], tag)) for name, item in document["items"].items()],
        method=said(document["about"].get("method"), tag),
        waves=waves,
        files=FILES,
        marks=[(mark.value, words()[f"mark{mark.value}"]) for mark in bookfiles.MARKS],
        language_links=_links(document, "results.page", slug=slug),
    )


def _tag(document: Document, chosen: str | None) -> str:
    if chosen is not None and chosen not in document["languages"]:
        abort(404)
    return chosen or language()


def _comparison(document: Document, found: Document, tag: str) -> dict[str, Any]:
    return {**found, "title": trend_title(document, found, tag), "label": said(found["label"], tag),
            "population": said(found["population"], tag)}  # fmt: skip


@room.get("/<slug>/<language>/items/<item>")
def item(slug: str, language: str, item: str) -> ResponseReturnValue:
    """One question by every group."""
    document = _document(slug)
    tag = _tag(document, language)
    if item not in document["items"]:
        abort(404)
    wave = document["waves"][-1]["key"]
    tables = [t for t in document["tables"] if t["item"] == item and t["wave"] == wave]
    return render_template(
        "results/item.html",
        slug=slug,
        tag=tag,
        title=said(document["items"][item]["label"], tag),
        publication=said(document["title"], tag) or slug,
        tables=[table_view(document, table, tag, f"figure{number}") for number, table in enumerate(tables)],
        marks=[(mark.value, words()[f"mark{mark.value}"]) for mark in bookfiles.MARKS],
        rounded=words()["rounded"],
        language_links=_links(document, "results.item", slug=slug, item=item),
    )


@room.get("/<slug>/<language>/figures/<item>/<group>.svg")
@room.get("/<slug>/<language>/figures/<item>.svg", defaults={"group": ""})
def figure(slug: str, language: str, item: str, group: str) -> ResponseReturnValue:
    """A figure to be embedded elsewhere; `?print` gives it as PDF."""
    document = _document(slug)
    table = table_of(document, item, group)
    if table is None:
        abort(404)
    tag = _tag(document, language)
    printed = "print" in request.args
    svg = table_figure(document, table, tag, "figure", words(), printed=printed)
    if printed:
        return _file(pdf("figure", {"svg": svg}, tag), f"{slug}-{item}.pdf", "application/pdf")
    headers.allow(frame_ancestors="*")
    return Response(svg, mimetype="image/svg+xml", headers={"Cross-Origin-Resource-Policy": "cross-origin"})


def _file(content: bytes, name: str, kind: str) -> Response:
    response = make_response(content)
    response.mimetype = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@room.get("/<slug>/<language>/tables.<kind>")
def tables(slug: str, language: str, kind: str) -> ResponseReturnValue:
    """Everything as a file: CSV, Excel, PDF or JSON."""
    document = _document(slug)
    tag = _tag(document, language)
    own = words()
    if kind == "csv":
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(bookfiles.columns_of(own))
        for row in bookfiles.rows_of(document, tag, own):
            writer.writerow([harmless(v) if isinstance(v, str) and len(v) > 2 else v for v in row])
        return _file(("\ufeff" + file.getvalue()).encode(), f"{slug}.csv", "text/csv")
    if kind == "xlsx":
        content = bookfiles.xlsx_book(document, [tag], {tag: own})
        return _file(
            content, f"{slug}.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )
    if kind == "pdf":
        content = pdf("tablebook", bookfiles.print_data(document, tag, own), tag)
        return _file(content, f"{slug}-tables.pdf", "application/pdf")
    if kind != "json":
        abort(404)
    content = json.dumps(document, ensure_ascii=False, indent=1).encode()
    return _file(content, f"{slug}.json", "application/json")


@room.get("/<slug>/<language>/flyer.pdf")
def flyer(slug: str, language: str) -> ResponseReturnValue:
    """Two pages to print and hand out."""
    document = _document(slug)
    tag = _tag(document, language)
    lead = list(dict.fromkeys(h["item"] for h in document["headlines"]))[:2]
    figures = []
    for number, name in enumerate(lead):
        table = table_of(document, name, "")
        if table is not None:
            title = bookfiles.heading(document, table, tag)
            figures.append(
                {
                    "title": title,
                    "svg": table_figure(document, table, tag, f"f{number}", words(), printed=True),
                }
            )
    data = {
        "title": said(document["title"], tag) or slug,
        "findings": [
            {**finding(headline, tag), **({"in_ten": headline["in_ten"]} if _in_ten(headline) else {})}
            for headline in document["headlines"][:5]
        ],
        "notes": asked(document, tag),
        "figures": figures,
        "source": request.host_url.rstrip("/") + url_for("results.page", slug=slug, language=tag),
        "dir": direction(tag),
    }
    return _file(pdf("flyer", data, tag), f"{slug}-flyer.pdf", "application/pdf")
