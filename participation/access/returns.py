"""Return figures that do not tell who came when: counts in steps, and AAPOR's outcome rates.

Source of the rates: American Association for Public Opinion Research, *Standard Definitions*, 10th edition
(2023), for surveys of named persons.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Steps of shown counts: the pool of a survey's mix, and five in a conference.
STEP = {"survey": 50, "conference": 5}


def in_steps(count: int, step: int) -> int:
    """The count rounded down to a whole step, so that no single person ticks it."""
    return count - count % step


@dataclass(frozen=True)
class Outcomes:
    """Final outcomes of a sample: counts of invited people by disposition."""

    invited: int
    complete: int
    undeliverable: int = 0
    refused: int = 0
    ineligible: int = 0

    @property
    def unknown(self) -> int:
        """Nothing came back, neither answer nor letter."""
        return max(self.invited - self.complete - self.undeliverable - self.refused - self.ineligible, 0)


def rr1(outcomes: Outcomes) -> float | None:
    """Minimum response rate (RR1): completes over all not ruled out as ineligible; None without any."""
    base = outcomes.invited - outcomes.ineligible
    return outcomes.complete / base if base > 0 else None


def rr3(outcomes: Outcomes, eligible_share: float) -> float | None:
    """Response rate RR3: of unknown and undeliverable cases only the share ``eligible_share`` counts."""
    uncertain = outcomes.unknown + outcomes.undeliverable
    base = outcomes.complete + outcomes.refused + eligible_share * uncertain
    return outcomes.complete / base if base > 0 else None


def lost_on_the_way(issued: int, received: int) -> int:
    """Codes that were used without an answer that arrived (issued minus received), never below zero."""
    return max(issued - received, 0)
