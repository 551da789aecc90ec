"""What each fault means and what to do about it, as English source sentences; pages translate them.

``gettext`` here only marks a sentence for the catalogue of staff texts; pages translate it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveys.faults import Fault


def gettext(message: str) -> str:
    """Mark a message for extraction."""
    return message


SENTENCES: Mapping[str, str] = {
    "too-large": gettext("The file has %(bytes)s bytes; %(limit)s is the most that is read."),
    "not-utf8": gettext("The file is not UTF-8 (byte %(byte)s). Save it as UTF-8."),
    "not-json": gettext("This is neither JSON nor YAML: %(reason)s."),
    "missing-field": gettext("The field “%(field)s” is missing. Add it."),
    "unknown-field": gettext("There is no field “%(field)s” here. Remove it or correct its name."),
    "field-not-for-type": gettext(
        "This type of item has no field “%(field)s”. Remove it or change the type."
    ),
    "wrong-type": gettext("This must be of type %(expected)s."),
    "bad-value": gettext("“%(value)s” is not allowed here; see the questionnaire format."),
    "bad-tag": gettext("“%(value)s” is no language tag; write them as de, fa-AF or de-simple."),
    "bad-code": gettext("“%(value)s” is no code; use a to z, 0 to 9 and hyphens, at most 24."),
    "bad-name": gettext("“%(value)s” is no name; use a to z, 0 to 9 and hyphens, beginning with a letter."),
    "not-a-text": gettext("A text is {language: words} or “@name” of a shared text."),
    "not-a-rule": gettext("A rule is one of all, any, not, item with in, item with answered."),
    "duplicate-section": gettext("Two sections have this id. Give one another id."),
    "duplicate-item": gettext("Two items have this id. Give one another id."),
    "duplicate-part": gettext("Two parts of this item have the same id. Give one another id."),
    "duplicate-option": gettext("Two options have this code. Give one another code."),
    "concept-repeated": gettext("Two items measure “%(concept)s”. Is that meant?"),
    "unknown-scale": gettext("There is no shared scale “%(name)s”. Add it under scales or correct the name."),
    "unknown-text": gettext("There is no shared text “%(name)s”. Add it under texts or correct the name."),
    "unused-scale": gettext("No item uses this scale. Remove it if it is not needed."),
    "unused-text": gettext("Nothing uses this text. Remove it if it is not needed."),
    "empty-section": gettext("This section has no items. Remove it or add an item."),
    "two-answer-lists": gettext("Options and steps (from, to) exclude each other. Keep one."),
    "too-few-options": gettext("One option is no choice. Add another."),
    "ends-missing": gettext("A scale of steps needs from, to and words for both ends (low, high)."),
    "scale-range": gettext(
        "A scale goes from 0 or more upwards with 2 to %(steps)s steps, not %(low)s to %(high)s."
    ),
    "band-open": gettext("Only the first band may be open below and only the last above. Fill from and to."),
    "bands-missing": gettext("Every option of a number or date is a band: give it from, to or both."),
    "bands-overlap": gettext("%(from)s is in two bands; the band before ends at %(to)s."),
    "bands-gap": gettext("%(from)s to %(to)s is in no band. Close the gap."),
    "band-empty": gettext("This band ends before it begins."),
    "scale-and-options": gettext("Here stand both a shared scale and own answers. Keep one."),
    "no-options": gettext("There is nothing to choose. Add options or a scale."),
    "steps-not-for-type": gettext("Items of type %(type)s need options, not steps."),
    "number-exact": gettext(
        "Without bands the exact number is kept, which identifies more. Add bands or “exact”."
    ),
    "number-unlimited": gettext("An exact number needs min and max."),
    "limits-crossed": gettext("min %(low)s is above max %(high)s."),
    "maximum-out-of-range": gettext(
        "At most %(maximum)s of %(options)s options cannot be meant. Correct max."
    ),
    "top-out-of-range": gettext("%(top)s places for %(options)s options are too many. Correct top."),
    "exclusive-not-for-type": gettext("Only in items of type multiple can an option exclude others."),
    "random-ordered": gettext("The order of these answers is meaning and cannot be drawn. Remove random."),
    "text-not-allowed": gettext("Free text can name people. Say “free_text”: true if it is wanted."),
    "text-limit": gettext("A text of over %(limit)s characters is too long. Lower max_length."),
    "sensitive-without-why": gettext("A sensitive question must say why it is asked. Add why."),
    "sensitive-without-refusal": gettext("A sensitive question must offer “I don't want to say”."),
    "audio-language-unknown": gettext(
        "Audio is announced in %(language)s, which is not among the languages."
    ),
    "audio-missing": gettext("Audio is announced in %(language)s, but this item has no file."),
    "audio-unannounced": gettext("There is audio in %(language)s, which is not announced under audio."),
    "audio-file-missing": gettext("The file %(file)s is not there. Upload it or correct the name."),
    "shares-unknown-code": gettext("Population shares are given for a code that no option has."),
    "shares-over-one": gettext("These population shares sum to %(sum)s. They cannot exceed 1."),
    "identifying-combination": gettext(
        "Together, %(items)s put about %(percent)s %% of people in groups under %(people)s. Widen bands."
    ),
    "source-not-offered": gettext("The source language %(language)s is not among the languages."),
    "duplicate-language": gettext("%(language)s stands twice among the languages."),
    "language-without-name": gettext(
        "We do not know how %(language)s calls itself, so it cannot be offered."
    ),
    "fallback-to-itself": gettext("A language cannot fall back to itself."),
    "fallback-nowhere": gettext("None of these fallbacks is a language of the questionnaire."),
    "reading-language-unknown": gettext("This language is not among the languages."),
    "translation-missing": gettext("The text in %(language)s is missing."),
    "translation-empty": gettext("The text in %(language)s is blank."),
    "language-not-offered": gettext("There is a text in %(language)s, which is not among the languages."),
    "placeholder-broken": gettext("A brace stands alone. Placeholders are written {name}."),
    "placeholder-unknown": gettext("The placeholder {%(name)s} is not declared. Declare or correct it."),
    "placeholder-lost": gettext("The translation has lost the placeholder {%(name)s}."),
    "placeholder-added": gettext("The translation has a placeholder {%(name)s} that the source has not."),
    "placeholder-unused": gettext("No text uses this placeholder. Remove it if it is not needed."),
    "placeholder-unfilled": gettext("This must be filled in before publication: %(about)s."),
    "markup-unclosed": gettext("Two asterisks open a strong passage that is not closed."),
    "markup-html": gettext("HTML is shown as it is typed. For strong words write **words**."),
    "sentence-too-long": gettext(
        "A sentence has %(words)s words; the reading level allows %(limit)s. Split it."
    ),
    "long-before-options": gettext(
        "%(sentences)s sentences are read aloud before the first answer; more than %(limit)s tires. Shorten."
    ),
    "label-repeated": gettext("In %(language)s this option reads the same as “%(other)s”."),
    "fill-without-about": gettext("A list that the city fills must say what it is: add about."),
    "list-unfilled": gettext("This list must be filled by the city before publication: %(about)s."),
    "rule-not": gettext("“not” stands only over “item … in …” of a single answer."),
    "rule-unknown-item": gettext("The rule refers to %(item)s, which does not exist."),
    "rule-forward": gettext(
        "The rule refers forward to %(item)s. Rules look back only; move one of the two."
    ),
    "rule-self": gettext("The rule refers to its own item."),
    "rule-in-random": gettext("The order here is drawn, so a rule cannot look back to %(item)s."),
    "rule-on-note": gettext("The rule refers to the note %(item)s, which has no answer."),
    "rule-on-text": gettext("Answers of %(item)s are no codes; a rule can only ask whether it is answered."),
    "rule-unknown-code": gettext("%(item)s has no option “%(code)s”."),
    "rule-never": gettext("This rule contradicts itself and never holds."),
    "unreachable": gettext("This is never asked: where its filters are asked, the rule cannot hold."),
    "filter-not-in-variant": gettext(
        "In variant %(variant)s the filter %(item)s is not asked. Use one module for both."
    ),
    "modules-without-variants": gettext("Modules (%(modules)s) have no effect without variants."),
    "module-in-no-variant": gettext("No variant carries the module %(module)s, so it is never asked."),
    "unknown-module": gettext("No item belongs to the module %(module)s."),
    "variants-same": gettext("This variant asks the same as variant %(other)s. Remove one."),
}


def sentence(fault: Fault, translate: Callable[[str], str] = str) -> str:
    """Return the fault's sentence, translated by ``translate`` (English without it)."""
    return translate(SENTENCES[fault.kind]) % fault.params


def line(fault: Fault, translate: Callable[[str], str] = str) -> str:
    """Return one line for the command line: place, sentence and the fault's code."""
    place = fault.place or "."
    mark = "advice" if fault.advice else "fault"
    return f"{place}: {sentence(fault, translate)} [{mark} {fault.kind}]"
