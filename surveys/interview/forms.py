"""What the script of an interview says to the interviewer."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _


def words(r_: Callable[..., str]) -> dict[str, str]:
    """Return the script's words in the language spoken now; ``r_`` translates what residents read too."""
    return {
        "received": _("The answers have arrived. The form is ready for the next person."),
        "kept": _(
            "The interview could not be sent now. It is kept on this device and will be sent by itself. "
            "Do not key it again."
        ),
        "sent": _("%(name)s: the answers have arrived."),
        "waiting": _("Interviews that wait on this device: %(num)s"),
        "leave": _("They are sent as soon as there is a network. Leave this page open until then."),
        "refused": _("Interviews that were not taken: %(num)s"),
        "oneRefused": _("An interview was not taken. It is listed here with the reason."),
        "name": _("%(time)s, code ending in %(end)s"),
        "duplicate": _("An interview with this code is on this device already."),
        "codeGroup": r_("Please check the code: group %(group)s is not right."),
        "codeMissing": r_("Please type the access code from your letter."),
        "consent": r_("Please tick that you want to take part."),
        "most": r_("At most %(num)s answers. Please take some away."),
        "code": r_("Access code"),
        "again": _("Send with this code"),
        "back": _("Put it back into the form"),
        "notEmpty": _("There are answers in the form. Send them first."),
        "discard": _("Discard this interview"),
        "sure": _("The answers of this interview will be deleted. Go on?"),
    }
