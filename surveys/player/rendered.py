"""A page made once and sent many times: the same bytes for everyone, compressed beforehand."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass

import brotli

COMMENT = re.compile(r"^\s*/\*.*?\*/\s*?$", re.S | re.M)
BETWEEN_TAGS = re.compile(r">\s*\n\s*<")


@dataclass(frozen=True)
class Rendered:
    """One document in the three encodings that browsers ask for, with its entity tag."""

    identity: bytes
    gzip: bytes
    brotli: bytes
    etag: str

    def encoded(self, accepted: str) -> tuple[bytes, str]:
        """Return the smallest form that an ``Accept-Encoding`` header allows, and its name ("" for none)."""
        names = {part.partition(";")[0].strip().lower() for part in accepted.split(",") if not _refused(part)}
        if "br" in names:
            return self.brotli, "br"
        if "gzip" in names:
            return self.gzip, "gzip"
        return self.identity, ""


def _refused(part: str) -> bool:
    """Say whether a part of Accept-Encoding has the quality zero."""
    return re.search(r";\s*q=0(\.0*)?\s*$", part) is not None


def rendered(content: str) -> Rendered:
    """Compress a document as well as its encodings can."""
    raw = content.encode()
    return Rendered(
        identity=raw,
        gzip=gzip.compress(raw, 9, mtime=0),
        brotli=brotli.compress(raw, mode=brotli.MODE_TEXT, quality=11, lgwin=22),
        etag=hashlib.sha256(raw).hexdigest()[:20],
    )


def squeezed(html: str) -> str:
    """Remove line breaks between tags and empty lines: they mean nothing between block elements."""
    lines = (line.strip() for line in BETWEEN_TAGS.sub("><", html).splitlines())
    return "\n".join(line for line in lines if line)


def plain_script(source: str) -> str:
    """Remove comments that fill whole lines and indentation; names and statements stay as they are."""
    lines = (line.strip() for line in COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def style_hash(css: str) -> str:
    """Return the source expression under which a content security policy allows this inline style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
