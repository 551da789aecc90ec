"""Exports of 1,000,000 responses with 60 answers each: time and peak memory, one process per format.

The physical floor of the same run is writing as many bytes to the same disk.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analysis.columns import Column  # noqa: E402
from analysis.exchange import flat, metadata, packages  # noqa: E402
from analysis.exchange.codebook import codebook  # noqa: E402

ITEMS, CHUNK = 60, 50_000
LEVELS = ("1", "2", "3", "4", "5")


def chunk(rows, seed):
    rng = np.random.default_rng(seed)
    columns = {}
    for number in range(ITEMS):
        values = rng.integers(-1, 5, rows)
        reason = np.where(values < 0, 1 + number % 5, 0).astype(np.int8)
        columns[f"q{number}"] = Column(f"q{number}", "category", values, LEVELS, reason)
    return columns


def chunks(rows):
    for start in range(0, rows, CHUNK):
        yield chunk(min(CHUNK, rows - start), start)


def write(kind, rows, path):
    book = codebook("bench", chunk(10, 0), languages=("en", "ar"))
    if kind == "csv":
        with path.open("wb") as file:
            flat.write_csv(file, book, chunks(rows))
    elif kind == "triple-s":
        with path.open("wb") as file:
            metadata.triple_s_data(file, book, chunks(rows))
    elif kind == "parquet":
        flat.write_parquet(path, book, chunks(rows))
    elif kind == "sav":
        packages.write_sav(path, book, chunks(rows))
    elif kind == "dta":
        packages.write_dta(path, book, chunks(rows))
    elif kind == "xlsx":
        flat.write_xlsx(path, book, chunks(rows))
    else:
        for _ in chunks(rows):
            pass


def one(kind, rows, folder):
    path = Path(folder) / f"data.{kind}"
    start = time.perf_counter()
    write(kind, rows, path)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"seconds": seconds, "peak": peak, "bytes": path.stat().st_size if path.exists() else 0})
    )


def floor_of(size, folder):
    """Seconds to write `size` bytes to the same disk and make them durable."""
    block, path = b"\0" * (1 << 20), Path(folder) / "floor"
    start = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(max(1, size >> 20)):
            file.write(block)
    seconds = time.perf_counter() - start
    path.unlink()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", nargs=3)
    options = parser.parse_args()
    if options.one:
        one(options.one[0], int(options.one[1]), options.one[2])
        return
    rows_of = dict.fromkeys(("generating", "csv", "parquet", "sav", "dta", "triple-s"), 1000000)
    # A worksheet holds 1,048,576 rows; at this size the format itself is what takes the time.
    rows_of["xlsx"] = 100_000
    rows = []
    for kind, count in rows_of.items():
        count = count // 50 if options.quick else count
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--one", kind, str(count), folder]
            answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            floor_s = floor_of(answer["bytes"], folder)
        rows.append(
            {
                "bench": "exports",
                "metric": f"exports.{kind}_s",
                "value": round(answer["seconds"], 2),
                "unit": f"s for {count} x {ITEMS}",
                "aim": "peak < 1000 MB",
                "rival": "writing the bytes",
                "rival_value": round(floor_s, 3),
                "ratio": round(answer["seconds"] / floor_s, 1) if answer["bytes"] else None,
                "peak_mb": round(answer["peak"]),
            }
        )
        row = rows[-1]
        print(
            f"{row['metric']:22} {row['value']:>8} {row['unit']:24} "
            f"peak {row['peak_mb']:>5} MB  {row['ratio']} x floor"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
