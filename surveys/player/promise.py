"""What is promised to a person who answers, in the words that hold for the way the answers take."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[..., str]


def promises(r_: Say) -> dict[str, str]:
    """Return the sentences by the way they belong to: ``sealed``, ``two_office``, ``one_office``, ``open``,
    ``all``."""
    return {
        "sealed": r_(
            "No record in this system connects your answers to your name: not for the city, not for the "
            "people "
            "who run it, not for a thief. We see whether you answered, not what. After sending, nobody can "
            "find, "
            "change or delete your answers."
        ),
        "two_office": r_(
            "On this way two offices handle your code and your answers. Only together, while you send, "
            "could they "
            "connect them. They keep no record of that."
        ),
        "one_office": r_(
            "On this way one office handles both your code and your answers. It could connect them while "
            "you send. "
            "It keeps no record of that."
        ),
        "open": r_("We do not ask who you are. Anyone can answer here, also more than once."),
        "all": r_("Your answers themselves may describe you. So we ask in broad groups."),
        "free": r_("You may leave out any question."),
    }


def promise_texts(r_: Say) -> list[str]:
    """Return the sentences that a native reader reads and that a sheet of paper carries."""
    found = promises(r_)
    return [found["sealed"], found["all"], found["free"]]
