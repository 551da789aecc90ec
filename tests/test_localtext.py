"""Texts in many languages."""

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal

import localtext


def test_direction_follows_language_and_script():
    right_to_left = ["ar", "fa", "fa-AF", "ps", "ckb", "ur", "he", "az-Arab"]
    left_to_right = ["de", "de-simple", "ku", "kmr", "ti", "sr-Cyrl", "ur-Latn", "vi"]
    assert [localtext.direction(tag) for tag in right_to_left] == ["rtl"] * len(right_to_left)
    assert [localtext.direction(tag) for tag in left_to_right] == ["ltr"] * len(left_to_right)


def test_names_are_in_their_own_script():
    tags = ["ar", "fa-AF", "uk", "de-AT", "xx"]
    assert [localtext.name(tag) for tag in tags] == ["العربية", "دری", "українська", "Deutsch", "xx"]


def test_a_language_is_kept_under_one_tag():
    assert localtext.name("kmr") == localtext.name("ku") == "Kurdî (Kurmancî)"
    assert set(localtext.ALIASES) & set(localtext.NAMES) == set()
    assert set(localtext.ALIASES.values()) - set(localtext.NAMES) == set()


def test_every_named_language_has_an_accepted_tag():
    assert [tag for tag in localtext.NAMES if not localtext.is_tag(tag)] == []
    assert [localtext.is_tag(tag) for tag in ("DE", "de_AT", "", "german", "de-Simple")] == [False] * 5


def test_chain_prefers_what_is_declared():
    assert localtext.chain("fa-AF", {"fa-AF": ["fa", "en"]}, "de") == ("fa-AF", "fa", "en", "de")
    assert localtext.chain("fa-AF", {}, "de") == ("fa-AF", "fa", "de")
    assert localtext.chain("de", ["de", "en"]) == ("de", "en")


def test_pick_falls_back_per_text_and_says_so():
    text = {"fa": "سلام", "de": "Guten Tag", "fa-AF": " "}
    picked = localtext.pick(text, "fa-AF", {"fa-AF": ["fa", "de"]})
    assert (picked, picked.language) == ("سلام", "fa")
    anything = localtext.pick(text, "tr")
    assert (anything, anything.language) == ("سلام", "fa")
    nothing = localtext.pick({"de": ""}, "tr")
    assert (nothing, nothing.language) == ("", "")


def test_completeness_counts_blank_as_missing():
    texts = [{"de": "a", "en": "b"}, {"de": "a", "en": " "}]
    assert localtext.completeness(texts, ["de", "en", "tr"]) == {"de": 1.0, "en": 0.5, "tr": 0.0}
    assert localtext.completeness([], ["de"]) == {"de": 1.0}
    assert localtext.missing({"de": "a"}, ["de", "en"]) == ("en",)


def test_what_is_put_into_a_text_from_right_to_left_keeps_its_own_order() -> None:
    assert localtext.isolate("0000 123456", "ar") == "\u20680000 123456\u2069"
    assert localtext.isolate("0000 123456", "de") == "0000 123456"
    assert localtext.isolate("مدينة", "ar") == "مدينة"
    assert localtext.isolate("مدينة", "de") == "\u2068مدينة\u2069"


def test_quotation_marks_of_the_language():
    assert [localtext.quoted("a", tag) for tag in ("de-simple", "en", "fr", "fa-AF", "pl", "ti")] == [
        "„a“",
        "“a”",
        "«\u202fa\u202f»",
        "«a»",
        "„a”",
        "“a”",
    ]


def test_digits_of_the_language():
    assert [localtext.in_digits("1 bis 10", tag) for tag in ("fa-AF", "ar", "de", "ti")] == [
        "۱ bis ۱۰",
        "١ bis ١٠",
        "1 bis 10",
        "1 bis 10",
    ]
    assert {len(ten) for ten in localtext.DIGITS.values()} == {10}


def test_decimals_as_cldr_writes_them():
    for tag in (*localtext.NAMES,):
        try:
            locale = Locale.parse(tag.replace("-simple", ""), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        if locale.character_order == "right-to-left" or locale.language in ("ps",):
            continue
        expected = format_decimal(-4.25, "0.00", locale=locale, numbering_system="latn")
        found = localtext.number_text(-4.25, tag)
        assert found.lstrip("\N{MINUS SIGN}") == expected.lstrip("-\N{MINUS SIGN}\u200e"), tag
        assert found[0] == "\N{MINUS SIGN}"
    assert localtext.number_text(44.9, "ar") == "44.9"
    assert localtext.number_text(12.0, "de") == "12"
