"""Author text to HTML: ``**strong**``, empty lines, nothing else; a fallen-back text carries its language."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from localtext import Picked, direction

STRONG = re.compile(r"\*\*(.+?)\*\*", re.S)
SAME_EVERYWHERE = ("", "und")


def inline(text: Picked, language: str) -> Markup:
    """Return phrasing content: no paragraphs, but line breaks where the author has an empty line."""
    html = STRONG.sub(r"<strong>\1</strong>", str(escape(text.strip())))
    html = re.sub(r"\n\s*\n", "<br><br>", html)
    if text.language in (language, *SAME_EVERYWHERE):
        return Markup(html)  # noqa: S704 - escaped above, only our own two elements added
    marked = f'<span lang="{escape(text.language)}" dir="{direction(text.language)}">{html}</span>'
    return Markup(marked)  # noqa: S704 - as above


def plain(text: str) -> str:
    """Return the words without markup, for titles, names and print."""
    return " ".join(STRONG.sub(r"\1", text).split())
