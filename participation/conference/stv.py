"""Single transferable vote under the rules of Scottish local government elections (SSI 2007/42, schedule 1,
part III).

Droop quota (rule 46), weighted inclusive Gregory transfers cut off after five decimals (rule 48), equal
surpluses and equal exclusions decided by the most recent earlier stage with unequal votes (rules 49 and 51),
last vacancies (rule 52). A lot is never drawn here: where the rules would need one, the count stops and says
so.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from participation.conference.ballots import Number, Profile, is_strict, simplest

#: Votes are counted in hundred-thousandths, as the rules cut them.
UNIT = 100_000


class LotNeededError(ArithmeticError):
    """The rules decide by lot between ``tied`` (option indices) at this stage."""

    def __init__(self, tied: tuple[int, ...], action: str) -> None:
        self.tied = tied
        self.action = action
        super().__init__(f"{action}: a lot between {tied}")


@dataclass(frozen=True)
class Stage:
    """One stage: what was done (``first``, ``surplus`` or ``exclude``), to whom, and the votes after it."""

    action: str
    option: int | None
    totals: tuple[Number, ...]


@dataclass(frozen=True)
class Count:
    """Result of a count. ``elected`` in the order of election; quota in votes."""

    seats: int
    quota: int
    elected: tuple[int, ...]
    stages: tuple[Stage, ...]


@dataclass
class _Papers:
    """Equal ballot papers with one value each (hundred-thousandths)."""

    order: tuple[int, ...]
    count: int
    value: int


def scottish_stv(profile: Profile, seats: int) -> Count:
    """Elect ``seats`` options.

    Raises:
        ValueError: ballots tie options, carry fractional weights, or there are no seats.
        LotNeededError: a tie that no earlier stage resolves.
    """
    if not is_strict(profile) or profile.scale != 1 or seats < 1:
        raise ValueError("STV needs strict, unweighted ballots and at least one seat")
    return _Counting(profile, seats).run()


class _Counting:
    def __init__(self, profile: Profile, seats: int) -> None:
        size = len(profile.options)
        self.seats = min(seats, size)
        self.piles: list[list[_Papers]] = [[] for _ in range(size)]
        valid = 0
        for ballot in profile.ballots:
            if ballot.ranking:
                valid += ballot.count
                order = tuple(tied[0] for tied in ballot.ranking)
                self.piles[order[0]].append(_Papers(order, ballot.count, UNIT))
        self.quota = valid // (seats + 1) + 1
        self.continuing = set(range(size))
        self.elected: list[int] = []
        self.pending: set[int] = set()
        self.totals = [sum(p.count * p.value for p in pile) for pile in self.piles]
        self.stages: list[Stage] = []

    def run(self) -> Count:
        self._record("first", None)
        while len(self.elected) < self.seats:
            if len(self.continuing) + len(self.elected) <= self.seats:
                self._elect(sorted(self.continuing, key=lambda x: (-self.totals[x], x)))
            elif self.pending:
                self._transfer_surplus()
            else:
                self._exclude()
        return Count(self.seats, self.quota, tuple(self.elected), tuple(self.stages))

    def _record(self, action: str, option: int | None) -> None:
        totals = tuple(simplest(Fraction(t, UNIT)) for t in self.totals)
        self.stages.append(Stage(action, option, totals))
        reached = [x for x in self.continuing if self.totals[x] >= self.quota * UNIT]
        self._elect(sorted(reached, key=lambda x: (-self.totals[x], x)))

    def _elect(self, options: list[int]) -> None:
        for x in options:
            self.continuing.discard(x)
            self.elected.append(x)
            if self.totals[x] > self.quota * UNIT:
                self.pending.add(x)

    def _choose(self, tied: list[int], *, highest: bool, action: str) -> int:
        """One of several equal options, by the most recent earlier stage at which they differ."""
        for stage in reversed(self.stages[:-1]):
            if len(tied) == 1:
                break
            wanted = (max if highest else min)(stage.totals[x] for x in tied)
            tied = [x for x in tied if stage.totals[x] == wanted]
        if len(tied) > 1:
            raise LotNeededError(tuple(tied), action)
        return tied[0]

    def _transfer_surplus(self) -> None:
        largest = max(self.totals[x] for x in self.pending)
        tied = sorted(x for x in self.pending if self.totals[x] == largest)
        x = self._choose(tied, highest=True, action="surplus")
        self.pending.discard(x)
        total = self.totals[x]
        surplus = total - self.quota * UNIT
        pile, self.piles[x] = self.piles[x], []
        self.totals[x] = self.quota * UNIT
        self._move(pile, surplus, total)
        self._record("surplus", x)

    def _exclude(self) -> None:
        fewest = min(self.totals[x] for x in self.continuing)
        tied = sorted(x for x in self.continuing if self.totals[x] == fewest)
        x = self._choose(tied, highest=False, action="exclude")
        self.continuing.discard(x)
        pile, self.piles[x] = self.piles[x], []
        self.totals[x] = 0
        self._move(pile, 1, 1)
        self._record("exclude", x)

    def _move(self, pile: list[_Papers], surplus: int, total: int) -> None:
        """Each paper goes to its next continuing option at surplus * value / total, cut off after five
        decimals."""
        for papers in pile:
            heir = next((y for y in papers.order if y in self.continuing), None)
            value = surplus * papers.value // total
            if heir is not None and value:
                self.piles[heir].append(_Papers(papers.order, papers.count, value))
                self.totals[heir] += papers.count * value
