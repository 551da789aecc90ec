"""What each fault means and what to do about it, as English source sentences; pages translate them.

``N_`` marks a sentence for the catalogue of staff texts without translating it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveys.faults import Fault


def N_(message: str) -> str:
    """Mark a message for extraction."""
    return message


SENTENCES: Mapping[str, str] = {
    "too-large": N_("The file has %(bytes)s bytes; %(limit)s is the most that is read."),
    "not-utf8": N_("The file is not UTF-8 (byte %(byte)s). Save it as UTF-8."),
    "not-json": N_("This is neither JSON nor YAML: %(reason)s."),
    "missing-field": N_("The field “%(field)s” is missing. Add it."),
    "unknown-field": N_("There is no field “%(field)s” here. Remove it or correct its name."),
    "field-not-for-type": N_("This type of item has no field “%(field)s”. Remove it or change the type."),
    "wrong-type": N_("This must be of type %(expected)s."),
    "bad-value": N_("“%(value)s” is not allowed here; see the questionnaire format."),
    "bad-tag": N_("“%(value)s” is no language tag; write them as de, fa-AF or de-simple."),
    "bad-code": N_("“%(value)s” is no code; use a to z, 0 to 9 and hyphens, at most 24."),
    "bad-name": N_("“%(value)s” is no name; use a to z, 0 to 9 and hyphens, beginning with a letter."),
    "not-a-text": N_("A text is {language: words} or “@name” of a shared text."),
    "not-a-rule": N_("A rule is one of all, any, not, item with in, item with answered."),
    "duplicate-section": N_("Two sections have this id. Give one another id."),
    "duplicate-item": N_("Two items have this id. Give one another id."),
    "duplicate-part": N_("Two parts of this item have the same id. Give one another id."),
    "duplicate-option": N_("Two options have this code. Give one another code."),
    "concept-repeated": N_("Two items measure “%(concept)s”. Is that meant?"),
    "unknown-scale": N_("There is no shared scale “%(name)s”. Add it under scales or correct the name."),
    "unknown-text": N_("There is no shared text “%(name)s”. Add it under texts or correct the name."),
    "unused-scale": N_("No item uses this scale. Remove it if it is not needed."),
    "unused-text": N_("Nothing uses this text. Remove it if it is not needed."),
    "empty-section": N_("This section has no items. Remove it or add an item."),
    "two-answer-lists": N_("Options and steps (from, to) exclude each other. Keep one."),
    "too-few-options": N_("One option is no choice. Add another."),
    "ends-missing": N_("A scale of steps needs from, to and words for both ends (low, high)."),
    "scale-range": N_(
        "A scale goes from 0 or more upwards with 2 to %(steps)s steps, not %(low)s to %(high)s."
    ),
    "band-open": N_("Only the first band may be open below and only the last above. Fill from and to."),
    "bands-missing": N_("Every option of a number or date is a band: give it from, to or both."),
    "bands-overlap": N_("%(from)s is in two bands; the band before ends at %(to)s."),
    "bands-gap": N_("%(from)s to %(to)s is in no band. Close the gap."),
    "band-empty": N_("This band ends before it begins."),
    "scale-and-options": N_("Here stand both a shared scale and own answers. Keep one."),
    "no-options": N_("There is nothing to choose. Add options or a scale."),
    "steps-not-for-type": N_("Items of type %(type)s need options, not steps."),
    "number-exact": N_(
        "Without bands the exact number is kept, which identifies more. Add bands or “exact”."
    ),
    "number-unlimited": N_("An exact number needs min and max."),
    "limits-crossed": N_("min %(low)s is above max %(high)s."),
    "maximum-out-of-range": N_("At most %(maximum)s of %(options)s options cannot be meant. Correct max."),
    "top-out-of-range": N_("%(top)s places for %(options)s options are too many. Correct top."),
    "exclusive-not-for-type": N_("Only in items of type multiple can an option exclude others."),
    "random-ordered": N_("The order of these answers is meaning and cannot be drawn. Remove random."),
    "text-not-allowed": N_("Free text can name people. Say “free_text”: true if it is wanted."),
    "text-limit": N_("A text of over %(limit)s characters is too long. Lower max_length."),
    "sensitive-without-why": N_("A sensitive question must say why it is asked. Add why."),
    "sensitive-without-refusal": N_("A sensitive question must offer “I don't want to say”."),
    "audio-language-unknown": N_("Audio is announced in %(language)s, which is not among the languages."),
    "audio-missing": N_("Audio is announced in %(language)s, but this item has no file."),
    "audio-unannounced": N_("There is audio in %(language)s, which is not announced under audio."),
    "audio-file-missing": N_("The file %(file)s is not there. Upload it or correct the name."),
    "shares-unknown-code": N_("Population shares are given for a code that no option has."),
    "shares-over-one": N_("These population shares sum to %(sum)s. They cannot exceed 1."),
    "identifying-combination": N_(
        "Together, %(items)s put about %(percent)s %% of people in groups under %(people)s. Widen bands."
    ),
    "source-not-offered": N_("The source language %(language)s is not among the languages."),
    "duplicate-language": N_("%(language)s stands twice among the languages."),
    "language-without-name": N_("We do not know how %(language)s calls itself, so it cannot be offered."),
    "fallback-to-itself": N_("A language cannot fall back to itself."),
    "fallback-nowhere": N_("None of these fallbacks is a language of the questionnaire."),
    "reading-language-unknown": N_("This language is not among the languages."),
    "translation-missing": N_("The text in %(language)s is missing."),
    "translation-empty": N_("The text in %(language)s is blank."),
    "language-not-offered": N_("There is a text in %(language)s, which is not among the languages."),
    "placeholder-broken": N_("A brace stands alone. Placeholders are written {name}."),
    "placeholder-unknown": N_("The placeholder {%(name)s} is not declared. Declare or correct it."),
    "placeholder-lost": N_("The translation has lost the placeholder {%(name)s}."),
    "placeholder-added": N_("The translation has a placeholder {%(name)s} that the source has not."),
    "placeholder-unused": N_("No text uses this placeholder. Remove it if it is not needed."),
    "placeholder-unfilled": N_("This must be filled in before publication: %(about)s."),
    "markup-unclosed": N_("Two asterisks open a strong passage that is not closed."),
    "markup-html": N_("HTML is shown as it is typed. For strong words write **words**."),
    "sentence-too-long": N_("A sentence has %(words)s words; the reading level allows %(limit)s. Split it."),
    "long-before-options": N_(
        "%(sentences)s sentences are read aloud before the first answer; more than %(limit)s tires. Shorten."
    ),
    "label-repeated": N_("In %(language)s this option reads the same as “%(other)s”."),
    "fill-without-about": N_("A list that the city fills must say what it is: add about."),
    "list-unfilled": N_("This list must be filled by the city before publication: %(about)s."),
    "rule-not": N_("“not” stands only over “item … in …” of a single answer."),
    "rule-unknown-item": N_("The rule refers to %(item)s, which does not exist."),
    "rule-forward": N_("The rule refers forward to %(item)s. Rules look back only; move one of the two."),
    "rule-self": N_("The rule refers to its own item."),
    "rule-in-random": N_("The order here is drawn, so a rule cannot look back to %(item)s."),
    "rule-on-note": N_("The rule refers to the note %(item)s, which has no answer."),
    "rule-on-text": N_("Answers of %(item)s are no codes; a rule can only ask whether it is answered."),
    "rule-unknown-code": N_("%(item)s has no option “%(code)s”."),
    "rule-never": N_("This rule contradicts itself and never holds."),
    "unreachable": N_("This is never asked: where its filters are asked, the rule cannot hold."),
    "filter-not-in-variant": N_(
        "In variant %(variant)s the filter %(item)s is not asked. Use one module for both."
    ),
    "modules-without-variants": N_("Modules (%(modules)s) have no effect without variants."),
    "module-in-no-variant": N_("No variant carries the module %(module)s, so it is never asked."),
    "unknown-module": N_("No item belongs to the module %(module)s."),
    "variants-same": N_("This variant asks the same as variant %(other)s. Remove one."),
}


def sentence(fault: Fault, translate: Callable[[str], str] = str) -> str:
    """Return the fault's sentence, translated by ``translate`` (English without it)."""
    return translate(SENTENCES[fault.kind]) % fault.params


def line(fault: Fault, translate: Callable[[str], str] = str) -> str:
    """Return one line for the command line: place, sentence and the fault's code."""
    place = fault.place or "."
    mark = "advice" if fault.advice else "fault"
    return f"{place}: {sentence(fault, translate)} [{mark} {fault.kind}]"
