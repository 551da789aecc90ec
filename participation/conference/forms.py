"""What moderators and participants send, and the sentences that name its faults."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from participation.conference.ballots import Fault

#: Sentence of each fault of a file of ballots; the placeholders are the fault's parameters.
FILE_FAULTS: dict[str, Any] = {
    "braces": _l("The brackets do not match in “%(text)s”. Write tied options as {1,2}."),
    "column_twice": _l("The column “%(column)s” appears twice. Rename or remove one of them."),
    "cost_missing": _l("%(found)s of %(options)s options have a cost. Give every option a cost, or none."),
    "format": _l("The format “%(text)s” is unknown. This version reads “%(known)s”."),
    "incomplete": _l(
        "%(suffix)s files promise complete orders, but %(ranked)s of %(options)s options are ranked here."
    ),
    "json": _l("This is no valid JSON: %(text)s"),
    "kind": _l("The kind “%(text)s” is unknown. Known are: %(known)s."),
    "kinds_mixed": _l("The columns mix several kinds of ballots. Use one kind per file."),
    "no_amount": _l("“%(text)s” is no amount of money. Write it such as 1200 or 1200.50."),
    "no_ballot": _l('A ballot must be an object such as {"count": 1, "ranking": []}.'),
    "no_ballot_columns": _l(
        "No ballots were found in the columns %(columns)s. Name them rank:ID, approve:ID, dots:ID, score:ID "
        "or resistance:ID, or write one column “ranking”."
    ),
    "no_ballots": _l("The file holds no list of ballots."),
    "no_cell": _l("The row ends before the column “%(column)s”. The file may have been cut off."),
    "no_column": _l("The column “%(column)s” is missing. The columns are: %(known)s."),
    "no_count": _l("“%(text)s” does not begin with a whole number of ballots."),
    "no_header": _l("The file does not begin with a PrefLib header."),
    "no_list": _l("Here must be a list of options."),
    "no_mark": _l("“%(text)s” for the option “%(option)s” is no whole number."),
    "no_marks": _l("Here must be numbers per option under “%(key)s”."),
    "no_number": _l("“%(text)s” is no whole number of at least 0."),
    "no_option_line": _l("An option needs an id."),
    "no_options": _l("The file names no options."),
    "no_section": _l("“%(text)s” stands before the first section. Begin with META."),
    "no_tick": _l("“%(text)s” for the option “%(option)s” is neither 1 (approved) nor 0."),
    "no_totals": _l("The line “voters, sum, unique orders” is missing after the options."),
    "option_twice": _l("The option “%(option)s” appears twice."),
    "option_unknown": _l("The option “%(option)s” is not on the list of options."),
    "options_differ": _l("%(promised)s options are promised, %(found)s are named."),
    "pair": _l("The winner of a pair must be one of at least two options offered."),
    "points": _l("%(votes)s options are named, but %(points)s whole numbers of points are given."),
    "quote_open": _l("A quotation mark that opens here is never closed. Close it, or remove it."),
    "section_missing": _l("These sections are missing: %(sections)s."),
    "table": _l("The table cannot be read here: %(text)s"),
    "tie_in_strict": _l(
        "%(suffix)s files promise strict orders; tied options belong into a .toc or .toi file."
    ),
    "too_many_cells": _l("%(cells)s cells in a table of %(columns)s columns."),
    "vote_type": _l("The vote_type “%(text)s” is unknown. Known are: %(known)s."),
    "voters_differ": _l("The header promises %(promised)s ballots, the file holds %(found)s."),
    "choose_list": _l("The file holds several lists. Name one of them: %(known)s."),
    "no_label": _l("This topic has no label."),
    "too_many": _l("%(found)s topics are too many; a list may have %(most)s."),
    "no_groups": _l("No ballot has the column “%(column)s”. Columns of this file: %(known)s."),
    "unreadable": _l("The file is no text in UTF-8."),
}


def fault_sentence(fault: Fault) -> str:
    """The fault in the reader's language, with its place."""
    sentence = str(FILE_FAULTS[fault.code]) % dict(fault.params)
    return f"{fault.place}: {sentence}" if fault.place else sentence
