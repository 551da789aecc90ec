"""Table book, auditor and publication: how long a city waits for its results.

The book is that of the model questionnaire's size: 54 items, 8 groups, 2 waves, 20,000 responses each.  The
physical floor of the same run is one bincount of weights per table, which nobody can do without.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analysis.exchange.bookfiles import WORDS, xlsx_book  # noqa: E402
from analysis.figures import table_figure  # noqa: E402
from analysis.plan import read  # noqa: E402
from analysis.publication import audit, publish  # noqa: E402
from analysis.tables import build  # noqa: E402
from tests.analysis.book_data import plan_document, two_waves  # noqa: E402


def timed(work):
    """Result and processor seconds: everything here is computing, and other work on the machine must not
    count.
    """
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def floor_of(waves, book):
    """Weighted counts of every table by one bincount each: what any implementation must do at least."""
    for table in book.tables:
        data = waves[table.wave].design
        item = waves[table.wave].items[table.item]
        for name in item.columns:
            column = data.data[name]
            group = data.data[table.group].values if table.group else np.zeros(len(column), np.int64)
            size = (int(group.max()) + 2) * (len(column.levels) + 1)
            np.bincount((group + 1) * (len(column.levels) + 1) + column.values + 1, data.weights, size)


def measure(quick):
    responses, items = (2_000, 10) if quick else (20_000, 53)
    waves = two_waves(responses=responses, items=items)
    plan = read(plan_document())
    book, book_s = timed(lambda: build(plan, waves))
    publication, publish_s = timed(lambda: publish(book))
    document = publication.document
    figures, figures_s = timed(
        lambda: [table_figure(document, t, "en", f"f{i}") for i, t in enumerate(document["tables"])]
    )
    _, floor_s = timed(lambda: floor_of(waves, book))
    _, xlsx_s = timed(lambda: xlsx_book(document, ["en", "ar"], {"en": WORDS}))
    small = read(plan_document(tables=[{"items": "all", "groups": ["district", "origin"]}]))
    part = publish(build(small, waves))
    reports, audit_s = timed(lambda: audit(part, waves, small.policy))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = book_s + publish_s + figures_s
    targets = sum(report.targets for report in reports.values())

    def row(metric, value, unit, aim="", rival="", rival_value=None):
        ratio = None if not rival_value else round(value / rival_value, 2)
        return {
            "bench": "results",
            "metric": metric,
            "value": round(value, 3),
            "unit": unit,
            "aim": aim,
            "rival": rival,
            "rival_value": None if rival_value is None else round(rival_value, 3),
            "ratio": ratio,
            "peak_mb": round(peak),
        }

    return [
        row("results.table_book_s", whole, "s", "< 5", "one bincount per table", floor_s),
        row("results.estimates_s", book_s, "s", "", "one bincount per table", floor_s),
        row("results.publication_s", publish_s, "s"),
        row("results.figures_s", figures_s, "s"),
        row("results.tables", len(book.tables), "tables"),
        row("results.figures", len(figures), "figures"),
        row("results.workbook_s", xlsx_s, "s"),
        row("results.audit_s", audit_s, "s"),
        row("results.audit_targets", targets, "groups attacked"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rows = measure(options.quick)
    for row in rows:
        told = f"  ({row['ratio']} x {row['rival']})" if row["ratio"] else ""
        print(f"{row['metric']:26} {row['value']:>10} {row['unit']:16} aim {row['aim'] or '-':6} {told}")
    print(f"peak memory {rows[0]['peak_mb']} MB")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
