"""Faults of texts: languages, translations, placeholders, markup, reading level."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import localtext
from surveys.draft import Draft, answer_lists, texts
from surveys.faults import Fault

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SENTENCE_END = re.compile(r"[.!?؟۔።।。:;…]+(?=\s|$)|\n+")
SENTENCES_BEFORE_OPTIONS = 5
SAME_EVERYWHERE = "und"
"""The tag of a text that is the same in every language, for instance digits."""


def _written(draft: Draft) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield place and content of texts that are written out where they stand."""
    for place, text in texts(draft.document):
        if not isinstance(text, str):
            yield place, text


def _languages(draft: Draft) -> Iterator[Fault]:
    document = draft.document
    languages = document["languages"]
    if document["source"] not in languages:
        yield Fault("source-not-offered", "source", {"language": document["source"]})
    for tag in dict.fromkeys(languages):
        if languages.count(tag) > 1:
            yield Fault("duplicate-language", "languages", {"language": tag})
        if localtext.name(tag) == tag:
            yield Fault("language-without-name", "languages", {"language": tag})
    for tag, chain in document.get("fallbacks", {}).items():
        if tag in chain:
            yield Fault("fallback-to-itself", f"fallbacks/{tag}")
        if chain and not set(chain) & {*languages, document["source"]}:
            yield Fault("fallback-nowhere", f"fallbacks/{tag}")
    for tag in document.get("reading", {}):
        if tag not in languages:
            yield Fault("reading-language-unknown", f"reading/{tag}")


def _translations(draft: Draft) -> Iterator[Fault]:
    """Find texts that are missing, blank or in a language that nobody is offered."""
    languages = draft.document["languages"]
    chained = {tag for chain in draft.document.get("fallbacks", {}).values() for tag in chain}
    for place, text in _written(draft):
        for tag, words in text.items():
            if not words.strip():
                yield Fault("translation-empty", f"{place}/{tag}", {"language": tag})
            elif tag not in languages and tag not in chained and tag != SAME_EVERYWHERE:
                yield Fault("language-not-offered", f"{place}/{tag}", {"language": tag}, advice=True)
        if SAME_EVERYWHERE not in text:
            for tag in localtext.missing(text, languages):
                if tag not in text:
                    yield Fault("translation-missing", place, {"language": tag})


def _placeholders(draft: Draft) -> Iterator[Fault]:
    """Find placeholders that are broken, unknown, lost in translation, unused or not yet filled."""
    declared = draft.document.get("placeholders", {})
    broken = {name.removeprefix("placeholders/") for name in draft.broken}
    source = draft.document["source"]
    used: set[str] = set()
    for place, text in _written(draft):
        expected = set(PLACEHOLDER.findall(text.get(source, "")))
        for tag, words in text.items():
            at = f"{place}/{tag}"
            names = set(PLACEHOLDER.findall(words))
            used |= names
            if re.search(r"[{}]", PLACEHOLDER.sub("", words)):
                yield Fault("placeholder-broken", at)
            for name in sorted(names - declared.keys() - broken):
                yield Fault("placeholder-unknown", at, {"name": name})
            if tag != source and words.strip():
                for name in sorted(expected - names):
                    yield Fault("placeholder-lost", at, {"name": name})
                for name in sorted((names - expected) & declared.keys()):
                    yield Fault("placeholder-added", at, {"name": name})
    for name, found in declared.items():
        if name not in used and not draft.broken:
            yield Fault("placeholder-unused", f"placeholders/{name}", advice=True)
        if draft.final and not any(words.strip() for words in found.get("value", {}).values()):
            yield Fault("placeholder-unfilled", f"placeholders/{name}", {"about": found["about"]})


def _markup(draft: Draft) -> Iterator[Fault]:
    for place, text in _written(draft):
        for tag, words in text.items():
            if words.count("**") % 2:
                yield Fault("markup-unclosed", f"{place}/{tag}")
            if re.search(r"</?[a-zA-Z][^<>]*>|&[a-z]+;", words):
                yield Fault("markup-html", f"{place}/{tag}", advice=True)


def sentences(words: str) -> list[str]:
    """Split a text into sentences by the stops of the scripts we offer."""
    return [part for part in SENTENCE_END.split(words) if part.strip()]


def _reading(draft: Draft) -> Iterator[Fault]:
    """Find sentences too long for the declared reading level, and questions that begin with a speech."""
    levels = draft.document.get("reading", {})
    for place, text in _written(draft):
        for tag, limit in levels.items():
            longest = max((len(part.split()) for part in sentences(text.get(tag, ""))), default=0)
            if longest > limit:
                yield Fault("sentence-too-long", f"{place}/{tag}", {"words": longest, "limit": limit})
    source = draft.document["source"]
    for item in draft.items:
        before = [item.get(key, {}) for key in ("text", "help")]
        count = sum(len(sentences(text.get(source, ""))) for text in before if not isinstance(text, str))
        if count > SENTENCES_BEFORE_OPTIONS and item["type"] != "note":
            params = {"sentences": count, "limit": SENTENCES_BEFORE_OPTIONS}
            yield Fault("long-before-options", f"items/{item['id']}", params, advice=True)


def _labels(draft: Draft) -> Iterator[Fault]:
    """Find two options of one list that read the same in some language."""
    for place, answers in answer_lists(draft.document):
        for tag in draft.document["languages"]:
            seen: dict[str, str] = {}
            for option in answers.get("options", ()):
                words = "" if isinstance(option["label"], str) else option["label"].get(tag, "").strip()
                if words and words in seen:
                    params = {"language": tag, "other": seen[words]}
                    yield Fault("label-repeated", f"{place}/options/{option['code']}", params)
                seen.setdefault(words, option["code"])


def _to_fill(draft: Draft) -> Iterator[Fault]:
    """Find lists that the city has to fill and that still say so when the version is to be published."""
    for name, scale in draft.document.get("scales", {}).items():
        if scale.get("fill") and "about" not in scale:
            yield Fault("fill-without-about", f"scales/{name}")
        if draft.final and scale.get("fill"):
            yield Fault("list-unfilled", f"scales/{name}", {"about": scale.get("about", name)})


TEXT_CHECKS = (_languages, _translations, _placeholders, _markup, _reading, _labels, _to_fill)
