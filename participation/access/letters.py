"""Letters and slips: what stands on them, as data for the print template; no wording is made here.

A letter holds one page per language of the person, and on the back the key's fingerprint and one line in
every other language of the survey.  The QR code carries the access code in the URL fragment, which no
server ever sees.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import segno

import typeset
from localtext import direction
from participation.access.sample import ADDRESS


@dataclass(frozen=True)
class Words:
    """The wording of one page in one language, translated and filled in."""

    language: str
    title: str
    date: str
    greeting: str
    opening: tuple[str, ...]
    your_code: str
    address_line: str
    promise_title: str
    promise: str
    #: What frightens people, said plainly: voluntary, no effect on residence, where the address came from ...
    facts: tuple[str, ...]
    hotline: str
    closing: str
    key_title: str
    key_text: str


@dataclass(frozen=True)
class Sender:
    """Who writes: name, how to reach them, and the small line above the address window."""

    name: str
    contact: str
    return_line: str


@dataclass(frozen=True)
class Letter:
    """One letter: recipient (empty for a batch), access code as printed, page address, fingerprint.

    ``group`` says whose wording it takes: the promise names the group that answers carry.
    """

    recipient: Mapping[str, str]
    languages: tuple[str, ...]
    code: str
    address: str
    fingerprint: str
    group: str = ""


def code_address(address: str, code: str) -> str:
    """The address in the QR code: the code stands in the fragment, without spaces."""
    return f"{address}#{code.replace(' ', '').replace('-', '')}"


def qr(text: str) -> str:
    """A QR code as SVG, readable from worn paper (error correction M)."""
    stream = io.BytesIO()
    segno.make(text, error="m", micro=False).save(stream, kind="svg", border=2, xmldecl=False, svgns=True)
    return stream.getvalue().decode()


def recipient_lines(address: Mapping[str, str]) -> list[str]:
    """The address field: one line each, postcode and place together, as DIN 5008 has it."""
    lines = [address[name] for name in ADDRESS[:4] if address.get(name)]
    place = f"{address.get('postcode', '')} {address.get('place', '')}".strip()
    return [*lines, place] if place else lines


def letters_pdf(
    letters: Sequence[Letter],
    words: Mapping[tuple[str, str], Words],
    sender: Sender,
    other_lines: Mapping[str, str],
    notice: str = "",
) -> bytes:
    """All letters as one PDF for printing on both sides.

    Args:
        words: (group, language) -> wording; a letter's languages without wording are left out.
        other_lines: language -> the one line for people who read only that language; a letter leaves out
            the languages that it has pages in.
        notice: stands at the foot of every sheet.
    """
    data = {
        "sender": asdict(sender),
        "notice": notice,
        "letters": [_letter(letter, words) for letter in letters],
        "other_languages": [
            {"tag": tag, "lang": _lang(tag), "dir": direction(tag), "text": line}
            for tag, line in other_lines.items()
        ],
    }
    return typeset.pdf("letter", data, "de")


def _lang(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0]


def _letter(letter: Letter, words: Mapping[tuple[str, str], Words]) -> dict[str, Any]:
    pages = [words[letter.group, tag] for tag in letter.languages if (letter.group, tag) in words]
    return {
        "recipient": recipient_lines(letter.recipient),
        "code": letter.code,
        "address": letter.address.removeprefix("https://").removeprefix("http://"),
        "qr": qr(code_address(letter.address, letter.code)),
        "fingerprint": letter.fingerprint,
        "pages": [
            {**asdict(page), "lang": _lang(page.language), "dir": direction(page.language)} for page in pages
        ],
    }


def slips_pdf(
    codes: Iterable[str],
    *,
    address: str,
    title: str,
    lines: Mapping[str, str],
    fingerprint: str,
    notice: str = "",
) -> bytes:
    """Slips for cutting, eight on a page: code, QR code, address, one line per language, a notice."""
    data = {
        "title": title,
        "notice": notice,
        "address": address.removeprefix("https://").removeprefix("http://"),
        "fingerprint": fingerprint,
        "lines": [{"lang": _lang(tag), "dir": direction(tag), "text": line} for tag, line in lines.items()],
        "slips": [{"code": code, "qr": qr(code_address(address, code))} for code in codes],
    }
    return typeset.pdf("slips", data, "de")


def mail_merge(letters: Iterable[Letter], *, header: bool = True) -> str:
    """A table for a print shop: address fields, languages, code, page address, text of the QR code.

    Cells that a spreadsheet would take for a formula are led by an apostrophe.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    if header:
        writer.writerow([*ADDRESS, "languages", "code", "address", "qr", "fingerprint"])
    for letter in letters:
        cells = [letter.recipient.get(name, "") for name in ADDRESS]
        address = code_address(letter.address, letter.code)
        cells += [" ".join(letter.languages), letter.code, letter.address, address, letter.fingerprint]
        writer.writerow([_plain(cell) for cell in cells])
    return stream.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
