"""Estimation at size: raking, calibration, a table book, a bootstrap; the product beside plain numpy, svy and
R.

    python bench/estimates.py [--quick] [--json FILE] [--only rake,book] [--limit SECONDS]

Every tool gets the same synthetic work in a process of its own; loading is not timed, the best of three
repeats counts. Plain numpy is a direct implementation of each task and the physical floor. R runs where
Rscript and its package survey are installed. ``growth`` streams 10,000 to 10,000,000 rows through the product
in chunks.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent))

CATEGORIES = [2, 5, 8, 12, 20]
POPULATION = 2_000_000
SIZES = [10_000, 100_000, 1_000_000]
PLAN = [(task, n) for task in ("rake", "callin", "callog") for n in SIZES]
PLAN += [("book", 10_000), ("book", 100_000), ("boot", 10_000)]
QUICK = [("rake", 100_000), ("callin", 100_000), ("callog", 100_000), ("book", 100_000), ("boot", 10_000)]
METRICS = {
    ("rake", 1_000_000): "estimates.rake_1m_s",
    ("callin", 1_000_000): "estimates.calibrate_linear_1m_s",
    ("callog", 1_000_000): "estimates.calibrate_logit_1m_s",
    ("book", 100_000): "estimates.book_100k_s",
    ("boot", 10_000): "estimates.bootstrap_s",
}
AIM = "at most 1.5 times plain numpy"


# -- the synthetic work


def generate(folder: Path, sizes: list[int]) -> None:
    """Columns as .npy for Python and as raw files for R; margins.json holds the targets."""
    rng = np.random.default_rng(20240601)

    def save(name: str, n: int, values: Any) -> None:
        np.save(folder / f"{name}_{n}.npy", values)
        np.asfortranarray(values).ravel(order="F").tofile(folder / f"{name}_{n}.bin")

    shares = [rng.dirichlet(np.full(k, 6.0)) for k in CATEGORIES]
    moved = [s * np.exp(rng.normal(0, 0.35, k)) for s, k in zip(shares, CATEGORIES, strict=True)]
    targets: dict[str, Any] = {"targets": [(POPULATION * m / m.sum()).tolist() for m in moved]}
    beta = rng.normal(0, 0.25, 30)
    for n in sizes:
        u = rng.normal(size=n)
        lean = 0.1 / (1 + np.exp(-u))
        codes = [
            np.minimum(np.searchsorted(np.cumsum(s), np.clip(rng.random(n) * 0.9 + lean, 0, 0.999999)), k - 1)
            for s, k in zip(shares, CATEGORIES, strict=True)
        ]
        save("codes", n, np.stack(codes, 1).astype(np.int32))
        w = np.exp(rng.normal(0, 0.4, n))
        w *= POPULATION / w.sum()
        save("w", n, w)
        z = rng.normal(size=(n, 29))
        x = np.empty((n, 30))
        x[:, 0] = 1
        x[:, 1:15] = z[:, :14] + 0.3 * u[:, None] > 0.4
        x[:, 15:] = np.exp(0.4 * z[:, 14:]) * 10
        g = np.exp(np.clip((x[:, 1:15] @ beta[:14]) * 0.35, -0.7, 0.7))
        g /= np.average(g, weights=w)
        save("X", n, x)
        targets[f"T_{n}"] = (x.T @ (w * g)).tolist()
        if n <= 100_000:
            for name, values in _interviews(rng, n).items():
                save(name, n, values)
    (folder / "margins.json").write_text(json.dumps(targets), encoding="utf-8")


def _interviews(rng: np.random.Generator, n: int) -> dict[str, Any]:
    psu = rng.integers(0, 400, n).astype(np.int32)
    psu[:400] = np.arange(400)
    shares = np.array([0.22, 0.18, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.03, 0.01])
    domain = rng.choice(10, n, p=shares).astype(np.int32)
    effect = rng.normal(0, 0.4, (400, 100))
    latent = rng.logistic(size=(n, 100)) + effect[psu] + 0.15 * domain[:, None]
    answers = np.digitize(latent, [-1.5, -0.4, 0.5, 1.7]).astype(np.int32)
    return {"psu": psu, "strat": (psu // 20).astype(np.int32), "dom": domain, "q": answers}


# -- one worker per tool: load, run, check


def load(folder: Path, n: int, *names: str) -> list[Any]:
    return [np.load(folder / f"{name}_{n}.npy") for name in names]


def resident_mb() -> float:
    """Highest resident memory of this process since it was started (not of the one that forked it)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, first and best seconds of up to three runs (one run when the first took over 5 s)."""
    start = time.perf_counter()
    result = work()
    first = best = time.perf_counter() - start
    for _ in range(2 if first < 5 else 0):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, first, best


def weights_check(w: Any, codes: Any = None, targets: Any = None, x: Any = None, totals: Any = None) -> dict:
    w = np.asarray(w, float)
    if codes is not None:
        sums = [np.bincount(c, w, len(t)) / np.asarray(t) - 1 for c, t in zip(codes, targets, strict=True)]
        miss = max(float(np.abs(s).max()) for s in sums)
    else:
        miss = float(np.abs(x.T @ w / totals - 1).max())
    return {"max_rel_err": miss, "wmin": float(w.min()), "wmax": float(w.max()), "wsumsq": float(w @ w)}


def numpy_rake(codes: Any, w: Any, targets: Any) -> Any:
    """Proportional fitting of the full table, one ratio per respondent."""
    key = np.zeros(len(w), np.int64)
    for j, k in enumerate(CATEGORIES):
        key = key * k + codes[:, j]
    start = np.bincount(key, w, int(np.prod(CATEGORIES))).reshape(CATEGORIES)
    table = start.copy()
    axes = [tuple(i for i in range(5) if i != j) for j in range(5)]
    for _ in range(500):
        miss = 0.0
        for j in range(5):
            factor = np.asarray(targets[j]) / table.sum(axis=axes[j])
            miss = max(miss, np.abs(factor - 1).max())
            table *= factor.reshape([-1 if i == j else 1 for i in range(5)])
        if miss < 1e-9:
            break
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(start > 0, table / start, 0.0)
    return w * ratio.ravel()[key]


def numpy_calibrate(x: Any, w: Any, totals: Any, kind: str) -> Any:
    """Newton's method on the whole matrix."""
    if kind == "linear":
        return w * (1 + x @ np.linalg.solve(x.T @ (x * w[:, None]), totals - x.T @ w))
    low, high = 0.3, 3.0
    slope = (high - low) / ((1 - low) * (high - 1))
    lam = np.zeros(x.shape[1])
    for _ in range(60):
        e = np.exp(slope * (x @ lam))
        whole = (high - 1) + (1 - low) * e
        g = (low * (high - 1) + high * (1 - low) * e) / whole
        miss = totals - x.T @ (w * g)
        if np.abs(miss / totals).max() < 1e-10:
            break
        dg = (high - low) * slope * (1 - low) * (high - 1) * e / whole**2
        lam = lam + np.linalg.solve(x.T @ (x * (w * dg)[:, None]), miss)
    return w * g


def numpy_totals(q: Any, domain: Any, psu: Any, w: Any, count: int) -> Any:
    units = int(psu.max()) + 1
    base = (psu.astype(np.int64) * 10 + domain) * 5
    tables = [np.bincount(base + q[:, j], w, units * 50) for j in range(count)]
    return np.stack(tables).reshape(count, units, 10, 5)


def numpy_book(q: Any, domain: Any, psu: Any, strata: Any, w: Any) -> tuple[Any, Any]:
    totals = numpy_totals(q, domain, psu, w, q.shape[1])
    answered = totals.sum(3)
    mass = answered.sum(1)
    p = totals.sum(1) / mass[:, :, None]
    z = (totals - p[:, None] * answered[..., None]) / mass[:, None, :, None]
    of_unit = np.zeros(totals.shape[1], int)
    of_unit[psu] = strata
    size = np.bincount(of_unit)
    variance = np.zeros(p.shape)
    for h in range(len(size)):
        part = z[:, of_unit == h]
        variance += size[h] / (size[h] - 1) * ((part - part.mean(1, keepdims=True)) ** 2).sum(1)
    se = np.sqrt(variance)
    half = se / (p * (1 - p)) * student.ppf(0.975, totals.shape[1] - len(size))
    logit = np.log(p / (1 - p))
    _ = 1 / (1 + np.exp(-(logit - half))), 1 / (1 + np.exp(-(logit + half)))
    return p, se


def numpy_boot(q: Any, domain: Any, psu: Any, strata: Any, w: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    units = int(psu.max()) + 1
    of_unit = np.zeros(units, int)
    of_unit[psu] = strata
    factors = np.zeros((500, units))
    for h in range(of_unit.max() + 1):
        index = np.flatnonzero(of_unit == h)
        k = len(index)
        factors[:, index] = rng.multinomial(k - 1, np.full(k, 1 / k), 500) * (k / (k - 1))
    totals = numpy_totals(q, domain, psu, w, 20)
    again = (factors @ totals.transpose(1, 0, 2, 3).reshape(units, -1)).reshape(500, 20, 10, 5)
    p = again / again.sum(3, keepdims=True)
    return totals.sum(1) / totals.sum((1, 3))[..., None], p.std(0, ddof=1)


def _numpy(task: str, n: int, folder: Path) -> tuple[Callable[[], Any], Callable[[Any], dict]]:
    margins = json.loads((folder / "margins.json").read_text(encoding="utf-8"))
    if task == "rake":
        codes, w = load(folder, n, "codes", "w")
        targets = margins["targets"]
        return lambda: numpy_rake(codes, w, targets), lambda r: weights_check(r, codes.T, targets)
    if task in ("callin", "callog"):
        x, w = load(folder, n, "X", "w")
        totals = np.array(margins[f"T_{n}"])
        kind = "linear" if task == "callin" else "logit"
        return lambda: numpy_calibrate(x, w, totals, kind), lambda r: weights_check(r, x=x, totals=totals)
    data = load(folder, n, "q", "dom", "psu", "strat", "w")
    work = numpy_book if task == "book" else numpy_boot
    return lambda: work(*data), _cells_check


def _cells_check(result: Any) -> dict:
    return {"p_sum": float(result[0].sum()), "se_sum": float(result[1].sum()), "cells": int(result[0].size)}


def _product(task: str, n: int, folder: Path) -> tuple[Callable[[], Any], Callable[[Any], dict]]:
    from analysis.columns import Column
    from analysis.design import SurveyDesign
    from analysis.margins import Margin, Margins
    from analysis.replication import bootstrap
    from analysis.tabulation import tabulate

    margins = json.loads((folder / "margins.json").read_text(encoding="utf-8"))
    if task == "rake":
        codes, w = load(folder, n, "codes", "w")
        levels = [tuple(str(i) for i in range(k)) for k in CATEGORIES]
        data = {
            f"m{j}": Column(f"m{j}", "category", np.ascontiguousarray(codes[:, j]), levels[j])
            for j in range(5)
        }
        counts = [dict(zip(levels[j], t, strict=True)) for j, t in enumerate(margins["targets"])]
        targets = Margins(tuple(Margin.from_counts(f"m{j}", c) for j, c in enumerate(counts)))
        return (
            lambda: SurveyDesign.create(data, weights=w).rake(targets).weights,
            lambda r: weights_check(r, codes.T, margins["targets"]),
        )
    if task in ("callin", "callog"):
        x, w = load(folder, n, "X", "w")
        totals = margins[f"T_{n}"]
        named = {f"x{i}": t for i, t in enumerate(totals)}
        how: dict[str, Any] = {"method": "linear"}
        if task == "callog":
            how = {"method": "logit", "bounds": (0.3, 3.0)}
        return (
            lambda: SurveyDesign.create({"w": w}, weights="w").calibrate(named, columns=x, **how).weights,
            lambda r: weights_check(r, x=x, totals=np.array(totals)),
        )
    q, domain, psu, strata, w = load(folder, n, "q", "dom", "psu", "strat", "w")
    five = tuple("abcde")
    data = {f"q{j}": Column(f"q{j}", "category", np.ascontiguousarray(q[:, j]), five) for j in range(100)}
    data["domain"] = Column("domain", "category", domain, tuple("0123456789"))
    names = [f"q{j}" for j in range(100 if task == "book" else 20)]

    def declared() -> Any:
        return SurveyDesign.create(data, weights=w, strata=strata, psu=psu)

    def work() -> tuple[Any, Any]:
        design = declared() if task == "book" else bootstrap(declared(), 500, seed=1)
        made = tabulate(design, names, by="domain", interval="logit")
        return made.estimate, made.se

    return work, _cells_check


def _svy(task: str, n: int, folder: Path) -> tuple[Callable[[], Any], Callable[[Any], dict]]:
    import polars as pl
    import svy

    margins = json.loads((folder / "margins.json").read_text(encoding="utf-8"))
    (w,) = load(folder, n, "w")
    if task == "rake":
        (codes,) = load(folder, n, "codes")
        targets = margins["targets"]
        frame = pl.DataFrame({**{f"m{j}": codes[:, j] for j in range(5)}, "w": w})
        controls = {f"m{j}": {k: t[k] for k in range(len(t))} for j, t in enumerate(targets)}

        def rake() -> Any:
            sample = svy.Sample(frame, svy.Design(wgt="w"))
            done = sample.weighting.rake(controls=controls, tol=1e-8, max_iter=500)
            return done.data["rk_wgt"].to_numpy()

        return rake, lambda r: weights_check(r, codes.T, targets)
    if task == "callin":
        (x,) = load(folder, n, "X")
        totals = np.array(margins[f"T_{n}"])
        frame = pl.DataFrame({"w": w})

        def calibrate() -> Any:
            sample = svy.Sample(frame, svy.Design(wgt="w"))
            done = sample.weighting.calibrate_matrix(aux_vars=x, controls=list(totals))
            return done.data["calib_wgt"].to_numpy()

        return calibrate, lambda r: weights_check(r, x=x, totals=totals)
    if task == "callog":
        raise SystemExit("unsupported")
    q, domain, psu, strata = load(folder, n, "q", "dom", "psu", "strat")
    columns = {f"q{j}": q[:, j] for j in range(100)}
    frame = pl.DataFrame({**columns, "dom": domain, "psu": psu, "strat": strata, "w": w})
    sample = svy.Sample(frame, svy.Design(stratum="strat", psu="psu", wgt="w"))

    def tabulated() -> tuple[Any, Any]:
        if task == "book":
            parts = sample.estimation.prop([f"q{j}" for j in range(100)], by="dom")
        else:
            replicated = sample.weighting.create_bs_wgts(500, rstate=1)
            parts = replicated.estimation.prop([f"q{j}" for j in range(20)], by="dom", method="replication")
        tables = [part.to_polars() for part in parts]
        return tuple(np.concatenate([t[key].to_numpy() for t in tables]) for key in ("est", "se"))

    return tabulated, _cells_check


WORKERS = {"numpy": _numpy, "product": _product, "svy": _svy}


def worker(tool: str, task: str, n: int, folder: Path) -> None:
    """Runs one task and prints one line of JSON."""
    if task == "growth":
        print(json.dumps(growth(n)))
        return
    work, check = WORKERS[tool](task, n, folder)
    before = resident_mb()
    result, first, best = timed(work)
    out = {"first_s": first, "best_s": best, "rss_before_mb": before, "peak_mb": resident_mb()}
    print(json.dumps({**out, "checks": check(result)}))


# -- growth


def chunks(n: int, size: int = 500_000) -> Iterator[tuple[Any, Any, Any, list[Any]]]:
    """Rows of a city-wide register sample, made chunk by chunk: stratum, weight, domain, 20 questions."""
    for start in range(0, n, size):
        rng = np.random.default_rng(start)
        rows = min(size, n - start)
        answers = [rng.integers(-1, 5, rows, dtype=np.int8) for _ in range(20)]
        domain = rng.integers(0, 10, rows, dtype=np.int8)
        yield rng.integers(0, 60, rows, dtype=np.int16), rng.random(rows) + 0.5, domain, answers


def growth(n: int) -> dict[str, Any]:
    """Twenty questions by ten domains with intervals, every row its own unit, from a stream of chunks."""
    from analysis.partial_sums import Frame, PartialSums
    from analysis.responses import Domains
    from analysis.sampling import Stage
    from analysis.tabulation import Question, book

    sums = PartialSums.empty(Frame(60, 10, (5,) * 20, elements=True))
    spent, before = 0.0, resident_mb()
    for stratum, weights, domain, answers in chunks(n):
        start = time.perf_counter()
        sums.add(stratum, weights, domain, answers)
        spent += time.perf_counter() - start
    start = time.perf_counter()
    none = np.zeros(0, np.int64)
    names = tuple(str(h) for h in range(60))
    stage = Stage(none, none, sums.size, None, np.ones(60), names)
    asked = [Question(f"q{j}", tuple("abcde")) for j in range(20)]
    groups = Domains(none, tuple(str(d) for d in range(10)), tuple({"domain": str(d)} for d in range(10)))
    made = book(sums, stage, asked, groups)
    spent += time.perf_counter() - start
    return {
        "best_s": spent,
        "rss_before_mb": before,
        "peak_mb": resident_mb(),
        "checks": _cells_check((made.estimate, made.se)),
    }


# -- the run


def commands() -> dict[str, list[str]]:
    own = [sys.executable, str(HERE), "--worker"]
    out = {"numpy": [*own, "numpy"], "product": [*own, "product"]}
    if importlib.util.find_spec("svy"):
        out["svy"] = [*own, "svy"]
    if shutil.which("Rscript") and not _run(["Rscript", "-e", "library(survey)"], 60).get("error"):
        out["R survey"] = ["Rscript", str(HERE.with_name("estimates_survey.R"))]
    return out


def _run(command: list[str], limit: float) -> dict[str, Any]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        told, complained = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {"error": f"over {limit:g} s"}
    lines = [line for line in told.splitlines() if line.startswith("{")]
    if process.returncode:
        return {"error": (complained.strip().splitlines() or [f"exit {process.returncode}"])[-1][:200]}
    return json.loads(lines[-1]) if lines else {}


def agrees(task: str, checks: dict, floor: dict) -> str:
    """Whether the answer is the one of plain numpy: weights to 1e-4, standard errors to 1e-6 (bootstrap 15
    %)."""
    if "wsumsq" in checks:
        good = abs(checks["wsumsq"] / floor["wsumsq"] - 1) < 1e-4 and checks["max_rel_err"] < 1e-5
        return "agrees" if good else f"differs (misses a margin by {checks['max_rel_err']:.0e})"
    off = checks["se_sum"] / floor["se_sum"] - 1
    good = checks["cells"] == floor["cells"] and abs(off) < (0.15 if task == "boot" else 1e-6)
    return "agrees" if good else f"differs (standard errors {off:+.1%})"


def compare(folder: Path, plan: list[tuple[str, int]], limit: float) -> list[dict[str, Any]]:
    """All tools on all tasks; one row per task for the report."""
    tools, rows = commands(), []
    for task, n in plan:
        seen: dict[str, dict[str, Any]] = {}
        for tool, command in tools.items():
            seen[tool] = _run([*command, task, str(n), str(folder)], limit)
            result = seen[tool]
            if "best_s" not in result:
                print(f"{task:7} {n:>9,}  {tool:9} {result.get('error', 'no result')}")
                continue
            against = result["best_s"] / seen["numpy"]["best_s"]
            verdict = agrees(task, result["checks"], seen["numpy"]["checks"])
            print(
                f"{task:7} {n:>9,}  {tool:9} {result['best_s']:9.4f} s  {against:8.2f} x numpy  "
                f"{result['peak_mb']:7.0f} MB  {verdict}",
                flush=True,
            )
        rows += _report(task, n, seen)
    return rows


def _report(task: str, n: int, seen: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    if "best_s" not in seen.get("product", {}):
        return []
    own, floor = seen["product"], seen["numpy"]
    metric = METRICS.get((task, n), f"estimates.{task}_{n}_s")
    rows = [
        {
            "bench": "estimates",
            "metric": metric,
            "value": own["best_s"],
            "unit": "s",
            "aim": AIM,
            "rival": "plain numpy",
            "rival_value": floor["best_s"],
            "ratio": own["best_s"] / floor["best_s"],
            "peak_mb": own["peak_mb"],
        }
    ]
    for rival in ("svy", "R survey"):
        if "best_s" in seen.get(rival, {}):
            value = seen[rival]["best_s"]
            about = {"rival": rival, "rival_value": value, "ratio": own["best_s"] / value, "aim": "faster"}
            rows.append({**rows[0], "metric": f"{metric}.{rival.replace(' ', '_')}", **about})
    return rows


def grow(folder: Path, sizes: list[int]) -> list[dict[str, Any]]:
    """Seconds and peak memory as rows grow, and the rows per second of each step."""
    rows = []
    for n in sizes:
        result = _run([sys.executable, str(HERE), "--worker", "product", "growth", str(n), str(folder)], 900)
        if "best_s" not in result:
            print(f"growth  {n:>10,}  {result.get('error')}")
            continue
        print(
            f"growth  {n:>10,}  {result['best_s']:9.4f} s  {n / result['best_s'] / 1e6:8.2f} M rows/s  "
            f"{result['peak_mb']:7.0f} MB",
            flush=True,
        )
        rows.append(
            {
                "bench": "estimates",
                "metric": f"estimates.growth_{n}_s",
                "value": result["best_s"],
                "unit": "s",
                "aim": "linear, under 2 GB",
                "rival": "10,000 rows scaled up",
                "rival_value": rows[0]["value"] * n / sizes[0] if rows else result["best_s"],
                "ratio": result["best_s"] / (rows[0]["value"] * n / sizes[0]) if rows else 1.0,
                "peak_mb": result["peak_mb"],
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=float, default=300)
    parser.add_argument("--worker", nargs=4, metavar=("TOOL", "TASK", "N", "FOLDER"))
    asked = parser.parse_args()
    if asked.worker:
        tool, task, n, folder = asked.worker
        worker(tool, task, int(n), Path(folder))
        return
    only = asked.only.split(",") if asked.only else []
    plan = [(task, n) for task, n in (QUICK if asked.quick else PLAN) if not only or task in only]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if plan:
            generate(folder, sorted({n for _, n in plan}))
        rows = compare(folder, plan, asked.limit)
        if not only or "growth" in only:
            rows += grow(folder, [10_000, 100_000, 1_000_000] + ([] if asked.quick else [10_000_000]))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
