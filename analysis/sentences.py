"""What each fault of a plan, a margin, a batch or a release means and what to do, as English source
sentences.

``N_`` marks a sentence for the catalogue of staff texts without translating it here; pages translate.
"""

from __future__ import annotations

from collections.abc import Mapping


def N_(message: str) -> str:
    """Mark a message for extraction."""
    return message


BREAKS: Mapping[str, str] = {
    "wording": N_("the question"),
    "scale": N_("the answers to choose from"),
    "mode": N_("the way of asking"),
    "frame": N_("the list people were drawn from"),
    "languages": N_("the languages"),
    "population": N_("the people asked"),
}
"""What may have changed between two waves."""

UNFIT = N_("The margins of the plan do not fit this wave or each other. The page of the plan says where.")

SENTENCES: Mapping[str, str] = {
    "not-utf8": N_("The file is not UTF-8 (byte %(byte)s). Save it as UTF-8."),
    "not-json": N_("This is neither JSON nor YAML: %(reason)s."),
    "not-yaml": N_("This is neither JSON nor YAML: %(reason)s."),
    "wrong-type": N_("This must be of type %(expected)s."),
    "unknown-key": N_("A plan has no such entry here. Possible are: %(known)s."),
    "plan-version": N_("Write plan: %(expected)s at the top."),
    "missing": N_("Something is missing here: %(expected)s."),
    "named-twice": N_("%(name)s is named twice. Remove one."),
    "unknown-language": N_("“%(tag)s” is no language tag; write them as de, fa-AF or de-simple."),
    "unknown-step": N_("“%(name)s” is no step of the weighting chain. Possible are: %(known)s."),
    "unknown-adjustment": N_("“%(name)s” is no adjustment for several tests. Possible are: %(known)s."),
    "unknown-break": N_("“%(name)s” is no kind of break. Possible are: %(known)s."),
    "reason-too-short": N_("The reason is printed with the result; state it in at least %(least)s letters."),
    "unknown-method": N_("“%(name)s” is no method of disclosure control. Possible are: %(known)s."),
    "precision-rule": N_("This precision rule cannot be applied: %(reason)s."),
    "protects-too-little": N_(
        "Write at least %(least)s: with less, groups of a few people are not protected."
    ),
    "dot-tells": N_(
        "A “.” for fewer than %(own)s answers tells their number to fewer than %(width)s. Write at least "
        "%(least)s, or a smaller width."
    ),
    "not-a-share": N_("Write a share as a number from 0 to 1, not in percent (%(value)s)."),
    "out-of-range": N_("This must lie between %(low)s and %(high)s."),
    "one-wave": N_("A trend needs at least two waves."),
    "unknown-wave": N_("There is no wave %(name)s. Only closed waves can be analysed."),
    "unknown-margin": N_("There is no margin %(name)s for every wave of the plan. Upload it first."),
    "unknown-item": N_("The questionnaire has no item %(name)s."),
    "unknown-category": N_("%(item)s has no answer %(name)s. Its answers are: %(known)s."),
    "unknown-group": N_("There is no variable %(name)s to group by."),
    "unknown-level": N_("%(group)s has no group %(name)s."),
    "unknown-conference": N_("There is no published conference %(name)s."),
    "group-too-small": N_(
        "Fewer than two groups of %(name)s have %(least)s answers. Join groups or leave it out."
    ),
    "levels-will-be-hidden": N_(
        "These groups have fewer than %(least)s answers and will be hidden: %(levels)s."
    ),
    "break-in-series": N_(
        "Between %(first)s and %(second)s these changed: %(kinds)s. No line is drawn and nothing is tested, "
        "unless you state a reason (bridges)."
    ),
    "sensitive-not-declared": N_("The questionnaire calls %(name)s sensitive. List it under sensitive."),
    "margin-repeated": N_(
        "%(name)s and %(first)s are margins of the same variable (%(variable)s). Remove one of them."
    ),
    "margin-no-variable": N_("The margin %(name)s belongs to %(variable)s, which this wave does not have."),
    "margin-without-answers": N_(
        "The margin %(name)s counts %(categories)s, which nobody answered. Answers are: %(known)s. Merge it "
        "with a neighbour or correct the code."
    ),
    "margin-of-nobody": N_("The margin %(name)s counts nobody in %(categories)s, yet somebody answered so."),
    "margin-lacks-answer": N_(
        "The margin %(name)s does not count these answers: %(categories)s. Add them, or write a rule to the "
        "step: outside: {%(variable)s: {%(answer)s: random}}."
    ),
    "margin-rule": N_(
        "The margin %(name)s: the rule for %(categories)s must be random or one of these: %(known)s."
    ),
    **dict.fromkeys(
        (
            "margin_repeated",
            "totals_disagree",
            "category_without_sample",
            "category_without_margin",
            "category_of_nobody",
            "margin_missing",
            "outside_rule",
        ),
        UNFIT,
    ),
    "plan_exists": N_("There is a plan %(name)s already. Choose another name."),
    "margin-undescribed": N_("Say where the counts come from, of which day, and who is counted."),
    "margin-needs-population": N_("Percentages alone need the total population."),
    "margin-empty": N_("There are no counts in this table."),
    "margin-control": N_("Row %(row)s holds a control character (%(sign)s). Save the file as plain text."),
    "margin-unreadable": N_("Row %(row)s cannot be read as a table. Save the file as CSV anew."),
    "margin-row": N_("Row %(row)s lacks a category or a number."),
    "margin-number": N_("Row %(row)s: “%(text)s” cannot be read as a number."),
    "margin-twice": N_("Row %(row)s names %(name)s again."),
    "margin-category": N_("The item has no answer %(name)s."),
    "margin-missing-category": N_("The answer %(name)s of the item is not in the table."),
    "margin-shares-sum": N_("The percentages add up to %(total)s."),
    "margin-total": N_("The total says %(total)s, the parts add up to %(sum)s."),
    "margin-share-contradicts": N_(
        "%(name)s: %(share)s percent is printed, its count gives %(computed)s percent."
    ),
    "margins-disagree": N_("The totals of %(first)s (%(a)s) and %(second)s (%(b)s) differ."),
    "not-a-workbook": N_("This is no Excel workbook. Save it as .xlsx or as CSV."),
    "merged-cells": N_("The cells %(area)s are merged. Take them apart and repeat the category in each row."),
    "setting_needed": N_("%(name)s is needed."),
    "setting_slug": N_("%(name)s: use small letters, digits and hyphens."),
    "setting_dates": N_("Write the first and the last day as 2019-03-31, the first one first."),
    "setting_type": N_(
        "This has another form than is expected here: columns are a list, recodings pairs, people a number."
    ),
    "unknown_setting": N_("There is no setting %(name)s here. Possible are: %(known)s."),
    "concept_map": N_("The concept map is no readable YAML."),
    "file_kind": N_("Files of this kind cannot be read. Bring CSV or SPSS (.sav)."),
    "empty_file": N_("The file has no rows below its header."),
    "not_utf8": N_("The file is not UTF-8. Save it as UTF-8 (“CSV UTF-8” in spreadsheets)."),
    "not_csv": N_("Row %(row)s cannot be read as a table. Save the file as CSV anew."),
    "not_sav": N_("The file is no readable SPSS file (.sav)."),
    "no_such_column": N_("There is no column %(place)s in the file."),
    "column_twice": N_("The file has two columns called %(place)s."),
    "reserved_name": N_("%(place)s: names may not begin with a low line."),
    "measured_twice": N_("%(place)s measures what another column measures already. Keep one of them."),
    "unknown_missing_code": N_("%(name)s is no code for missing answers. Possible are: %(known)s."),
    "zero_weights": N_("The weights in %(place)s add up to nothing."),
    "no_such_answer": N_("%(item)s has no answer %(name)s. Its answers are: %(known)s."),
    "not_recoded": N_("Row %(row)s holds a value for which the concept map has no answer."),
    "row_length": N_("Row %(row)s has more or fewer cells than the header."),
    "missing_weight": N_("The weight in row %(row)s is missing or no number."),
    "wave_exists": N_("There is a wave %(name)s with other data already. Choose another key."),
    "wave_released": N_("This wave stands in a request for release and stays."),
    "answer_not_in_wave": N_("The answer %(name)s does not exist in this wave."),
    "group_not_in_wave": N_("The group %(name)s does not exist in this wave."),
    "no_variable": N_("There is no variable %(name)s."),
    "no_keys": N_("Name at least one variable that others may know of a person."),
    "no_book": N_("Run the plan first."),
    "not_safe": N_("The auditor refuses this book. Look at its findings, join groups or leave tables out."),
    "stale": N_(
        "The plan or what is released of its waves changed since the book was made. Run the plan again."
    ),
    "sealed_only": N_("Exact counts stay in this office. Choose another method under disclosure."),
    "slug_taken": N_("Another plan is published under this address. Choose another one."),
    "full-needs-open": N_(
        "%(name)s is a weighted sample, no full count. Write method: sample under disclosure."
    ),
    "already_released": N_("This very book was requested for this address before."),
    "unanswered": N_(
        "A reviewer has refused this very book. Change it, or write an answer to the objection."
    ),
    "decided": N_("Somebody has decided this request already."),
    "same_person": N_("A second person decides, not the one who asked."),
    "overtaken": N_("Another release of the wave was made since. Run the plan again and request it anew."),
    "gone": N_("There is no such request."),
    "given_up": N_("The batch failed three times and was given up. Tell the operator."),
    "crash": N_("The batch failed unexpectedly. The operator finds the cause in the log."),
    "not_closed": N_("The wave is not closed yet. Answers are read after the last mix."),
    "no_responses": N_("The wave has no responses."),
    "no_questionnaire": N_("The questionnaire of this wave is not published."),
    "unknown_key": N_("The register has not published the population of every key. Ask the register clerk."),
    "responses_vanished": N_(
        "Responses of an earlier release are gone from the data; this cannot be audited."
    ),
    "cannot_protect": N_("Too few cells may be hidden to protect a small one. Join groups."),
}
"""By the code of a fault or an error."""
