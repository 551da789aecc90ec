"""Population margins from a spreadsheet, a CSV file or pasted text, in German or English notation.

``72.117`` is seventy-two thousand, ``37,1 %`` a share.  Every fault is named with its row or cell: numbers
that cannot be read, merged cells, categories named twice, percentages that do not fit the counts beside them.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl

from analysis.margins import Margin
from surveys.faults import Fault, Faulty

TOTALS = frozenset({"total", "all", "sum", "summe", "gesamt", "insgesamt", "zusammen"})
HEADS = re.compile(
    r"\b(n|%|anzahl|zahl|anteil|prozent|personen|einwohner\w*|bevölkerung|insgesamt|counts?|number|people|persons|"
    r"population|share|percent(age)?|total)\b|%",
    re.IGNORECASE,
)
"""Words that heads of number columns are made of; any other first row must hold numbers, or it would get
lost.
"""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
"""Signs that no category is written with; tabs part cells."""

SUM_TOLERANCE = 0.6
"""Percentage points by which printed shares may miss 100 through rounding."""


@dataclass(frozen=True)
class Number:
    """A number as read; ``share`` when it carried a percent sign; ``decimals`` as printed."""

    value: float
    share: bool
    decimals: int = 0


def number(text: str) -> Number | None:
    """A German or English number, None when it is none.

    >>> number("72.117")
    Number(value=72117.0, share=False, decimals=0)
    >>> number("37,1 %")
    Number(value=37.1, share=True, decimals=1)
    """
    plain = re.sub(r"[\s\u00a0\u202f']", "", text)
    share = plain.endswith("%")
    plain = plain.removesuffix("%").removesuffix("Prozent")
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+(,\d+)?", plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"-?\d{1,3}(,\d{3})+\.\d+|-?\d{1,3}(,\d{3}){2,}", plain):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"-?\d+,\d+", plain):
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"-?\d+(\.\d+)?", plain):
        return None
    return Number(float(plain), share, len(plain.partition(".")[2]))


def cells_of_text(text: str) -> list[list[str]]:
    """Rows of pasted or uploaded text; the separator is found (tab, semicolon, comma only when it is no
    decimal).  Raises :class:`Faulty` with the rows that hold control characters or cannot be read.
    """
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    counts = {sign: sum(sign in line for line in lines) for sign in ("\t", ";")}
    sign = max(counts, key=lambda key: counts[key])
    if counts[sign] == 0:
        sign = ","
    faults = tuple(
        _control(cell, number) for number, cell in enumerate(lines, start=1) if CONTROL.search(cell)
    )
    if faults:
        raise Faulty(faults)
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=sign)
    try:
        return [[cell.strip() for cell in row] for row in reader]
    except csv.Error:
        raise Faulty(
            (Fault("margin-unreadable", f"row {reader.line_num}", {"row": reader.line_num}),)
        ) from None


def _control(text: str, row: int) -> Fault:
    found = CONTROL.search(text)
    return Fault(
        "margin-control", f"row {row}", {"row": row, "sign": f"U+{ord(found[0]) if found else 0:04X}"}
    )


#: Bytes that an XLSX file may hold unpacked.
MAX_UNFOLDED = 100 * 1024 * 1024


def cells_of_xlsx(content: bytes) -> list[list[str]]:
    """Rows of the first sheet.  Raises :class:`Faulty` for merged cells (named) and for files that are no
    workbook.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNFOLDED:
                raise ValueError("a small file that unfolds beyond any table of margins")
        workbook = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError):
        raise Faulty((Fault("not-a-workbook", ""),)) from None
    sheet = workbook.worksheets[0]
    merged = sorted(str(area) for area in sheet.merged_cells.ranges)
    if merged:
        faults = tuple(Fault("merged-cells", f"{sheet.title}!{area}", {"area": area}) for area in merged)
        raise Faulty(faults)
    rows = []
    for row in sheet.iter_rows():
        cells = [_cell(cell) for cell in row]
        if any(cells):
            rows.append(cells)
    return rows


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A cell shown as a percentage holds the share itself: 0.371 is 37.1 %.
        return f"{100 * value:.10g}%" if "%" in str(cell.number_format) else f"{value:.15g}"
    return str(value).strip()


def read_file(name: str, content: bytes) -> list[list[str]]:
    """Rows of an uploaded file by its name; raises :class:`Faulty`."""
    if name.lower().endswith((".xlsx", ".xlsm")):
        return cells_of_xlsx(content)
    try:
        return cells_of_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return cells_of_text(content.decode("cp1252", errors="replace"))


def margin(
    rows: Sequence[Sequence[str]],
    variable: str,
    *,
    source: str,
    date: str,
    definition: str,
    population: float | None = None,
    categories: Iterable[str] | None = None,
) -> Margin:
    """A margin from rows of category, count (and percentage) or category and percentage.

    A first row of words such as *Anzahl* or *percent* is a heading; a total is checked, not counted.
    Percentages alone need ``population``. ``categories`` are those of the item, when it is known.  Raises
    :class:`Faulty` with every fault.
    """
    faults: list[Fault] = []
    for field, text in (("source", source), ("date", date), ("definition", definition)):
        if not text.strip():
            faults.append(Fault("margin-undescribed", field, {"field": field}))
    counts, shares, total = _entries(rows, faults)
    if not counts and shares:
        if population is None:
            faults.append(Fault("margin-needs-population", "population"))
        else:
            faults += _sum_fault(shares)
            counts = {name: population * share.value / 100 for name, share in shares.items()}
    elif counts:
        faults += _contradictions(counts, shares, total)
    if not counts and not faults:
        faults.append(Fault("margin-empty", ""))
    known = set(categories or ())
    if known:
        faults += [Fault("margin-category", name, {"name": name}) for name in counts if name not in known]
        faults += [
            Fault("margin-missing-category", name, {"name": name}) for name in sorted(known - set(counts))
        ]
    if faults:
        raise Faulty(tuple(faults))
    return Margin.from_counts(variable, counts, source=source, date=date, definition=definition)


def _entries(
    rows: Sequence[Sequence[str]], faults: list[Fault]
) -> tuple[dict[str, float], dict[str, Number], float | None]:
    counts: dict[str, float] = {}
    shares: dict[str, Number] = {}
    total: float | None = None
    for line, row in enumerate(rows, start=1):
        name, values = row[0].strip() if row else "", [cell for cell in row[1:] if cell.strip()]
        read = [number(cell) for cell in values]
        if line == 1 and values and not any(read) and all(HEADS.search(cell) for cell in values):
            continue
        if not name or not values:
            faults.append(Fault("margin-row", f"row {line}", {"row": line}))
            continue
        for cell, found in zip(values, read, strict=True):
            if found is None or found.value < 0:
                faults.append(Fault("margin-number", f"row {line}", {"row": line, "text": cell}))
            elif name.casefold() in TOTALS:
                total = found.value if not found.share else total
            elif name in (shares if found.share else counts):
                faults.append(Fault("margin-twice", f"row {line}", {"row": line, "name": name}))
            elif found.share:
                shares[name] = found
            else:
                counts[name] = found.value
    return counts, shares, total


def _sum_fault(shares: dict[str, Number]) -> list[Fault]:
    total = sum(share.value for share in shares.values())
    if abs(total - 100) > SUM_TOLERANCE:
        return [Fault("margin-shares-sum", "", {"total": round(total, 2)})]
    return []


def _contradictions(counts: dict[str, float], shares: dict[str, Number], total: float | None) -> list[Fault]:
    """Counts against their own total and against the percentages printed beside them."""
    found = []
    whole = sum(counts.values())
    if total is not None and abs(whole - total) > max(1.0, 1e-6 * total):
        found.append(Fault("margin-total", "", {"total": _plain(total), "sum": _plain(whole)}))
    for name, share in shares.items():
        # A share is held to the last decimal that was printed: 37.1 does not fit counts that give 36.9.
        computed = 100 * counts[name] / whole if name in counts and whole > 0 else share.value
        if abs(computed - share.value) > 0.5 * 10.0**-share.decimals + 1e-9:
            params = {"name": name, "share": share.value, "computed": round(computed, share.decimals + 1)}
            found.append(Fault("margin-share-contradicts", name, params))
    return found


def _plain(value: float) -> float | int:
    """People as a whole number where they are one."""
    return int(value) if value.is_integer() else round(value, 2)


def disagreements(margins: dict[str, Margin], tolerance: float = 1e-6) -> list[Fault]:
    """Margins of one population whose totals differ, each named with both totals.

    ``age@WAVE`` stands for ``age`` in that wave, so margins are compared as each wave uses them.
    """
    found: dict[str, Fault] = {}
    for wave in sorted({name.partition("@")[2] for name in margins}):
        entries = [(name, one) for name, one in margins.items() if _counts_in(name, wave, margins)]
        first_name, first = entries[0]
        for name, other in entries[1:]:
            if abs(other.total - first.total) > tolerance * max(first.total, 1.0):
                totals = {"a": round(first.total), "b": round(other.total)}
                params = {"first": first_name, "second": name, **totals}
                found.setdefault(name, Fault("margins-disagree", name, params, advice=True))
    return list(found.values())


def _counts_in(name: str, wave: str, margins: dict[str, Margin]) -> bool:
    """Whether a wave uses this margin: its own, or the common one where it has no own."""
    base, _at, own = name.partition("@")
    return own == wave if own else f"{base}@{wave}" not in margins
