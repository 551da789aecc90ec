"""The attacker: everything at rest in hand, and a guess for every invited person.

Each *channel* is one way to connect people with responses: it pairs them and is scored against the truth that
only the rehearsal knows.  What chance allows follows from the sizes of the batches in which responses
left the waiting room: within a batch of 50 a guess is right once in 50.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom

#: One-sided level of the bound, over all channels together (Bonferroni).
LEVEL = 0.001

#: People of one group whom the learned matcher handles at once: the assignment is cubic.
_LARGEST_GROUP = 1200

#: The learned matcher's cross-validation, penalties, and share of a feature's spread it must foretell.
_FOLDS = 5
_PENALTIES = (3.0, 30.0, 300.0)
_FORETOLD = 0.03


@dataclass(frozen=True)
class PersonTrace:
    """What the register's side holds of one person: nothing here is an answer.

    ``order`` is the place in the order in which codes were used (the journal tells it), ``values`` every byte
    string stored of the person, ``features`` numbers for the learned matcher.
    """

    person: int
    group: str
    order: int
    language: str
    values: tuple[bytes, ...]
    features: tuple[float, ...]


@dataclass(frozen=True)
class ResponseTrace:
    """What the collector's side holds of one response: all that can be ordered, and the batch it left in."""

    id: bytes
    group: str
    batch: int
    orders: Mapping[str, Any]
    features: tuple[float, ...]


@dataclass(frozen=True)
class Evidence:
    """Everything seized, and the truth for scoring."""

    people: list[PersonTrace]
    responses: list[ResponseTrace]
    truth: Mapping[bytes, int]
    collector_bytes: bytes
    register_bytes: bytes
    pool: int = 50
    extra: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """How many links each channel got right, and what chance allows."""

    people: int
    channels: dict[str, int]
    chance: float
    bound: int

    @property
    def linked(self) -> int:
        """The best channel's right links."""
        return max(self.channels.values(), default=0)

    @property
    def held(self) -> bool:
        """Whether no channel did better than chance allows."""
        return self.linked <= self.bound


def attack(evidence: Evidence, random: Random) -> Verdict:
    """Try every channel on the evidence."""
    channels: dict[str, int] = {}
    for name in sorted({name for response in evidence.responses for name in response.orders}):
        channels[f"order:{name}"], channels[f"reverse:{name}"] = _by_order(evidence, name)
    channels["batch"] = _by_batch(evidence, random)
    channels["language"] = _by_language(evidence)
    channels["join"] = _by_join(evidence)
    channels["learned"] = _by_learning(evidence, random)
    channels |= evidence.extra
    chance = chance_of(evidence.responses)
    people = len(evidence.truth)
    bound = int(binom.ppf(1 - LEVEL / max(len(channels), 1), people, chance)) if people else 0
    return Verdict(people, channels, chance, bound)


def chance_of(responses: Sequence[ResponseTrace]) -> float:
    """Mean chance of a right guess for somebody who knows in which batch each person's answer left."""
    sizes = Counter((response.group, response.batch) for response in responses)
    return len(sizes) / len(responses) if responses else 0.0


def _grouped(items: Sequence[Any], key: Callable[[Any], Hashable]) -> dict[Hashable, list[Any]]:
    groups: dict[Hashable, list[Any]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _groups(evidence: Evidence) -> list[tuple[list[PersonTrace], list[ResponseTrace]]]:
    """People (in the order of their codes' use) and responses of each key."""
    people = _grouped(evidence.people, lambda one: one.group)
    responses = _grouped(evidence.responses, lambda one: one.group)
    return [
        (sorted(people[group], key=lambda one: one.order), responses[group])
        for group in sorted(people, key=str)
        if group in responses
    ]


def _right(evidence: Evidence, pairs: Sequence[tuple[PersonTrace, ResponseTrace]]) -> int:
    return sum(evidence.truth.get(response.id) == person.person for person, response in pairs)


def _by_order(evidence: Evidence, name: str) -> tuple[int, int]:
    """The order of people against an order of responses (a column's, a file's), forwards and backwards.

    Each way is a channel and counts in the bound: the better of two tries is right more often than one.
    """
    forward, backward = 0, 0
    for people, responses in _groups(evidence):
        known = [response for response in responses if response.orders.get(name) is not None]
        ordered = sorted(known, key=lambda one: _sortable(one.orders[name]))
        forward += _right(evidence, list(zip(people, ordered, strict=False)))
        backward += _right(evidence, list(zip(people, reversed(ordered), strict=False)))
    return forward, backward


def _sortable(value: Any) -> tuple[str, Any]:
    """Numbers by size, anything else by its words; a column of several kinds has an order too."""
    if isinstance(value, bool | int | float):
        return "", value
    if isinstance(value, memoryview):
        value = bytes(value)
    return type(value).__name__, str(value) if isinstance(value, list | dict) else value


def _by_batch(evidence: Evidence, random: Random) -> int:
    """Nightly backups tell the batches; whoever used a code as number r can first leave in a known one."""
    right = 0
    for people, responses in _groups(evidence):
        batches: dict[int, list[ResponseTrace]] = defaultdict(list)
        for response in responses:
            batches[response.batch].append(response)
        order = sorted(batches)
        for place, person in enumerate(people):
            first = max(0, -(-(place + 1 - 2 * evidence.pool) // evidence.pool))
            candidates = batches[order[min(first, len(order) - 1)]]
            right += _right(evidence, [(person, random.choice(candidates))])
    return right


def _by_language(evidence: Evidence) -> int:
    """A trace of the visit's language would tell small languages apart: guess within equal language marks."""
    right = 0
    for people, responses in _groups(evidence):
        for language, speakers in _grouped(people, lambda one: one.language).items():
            marked = [one for one in responses if language in one.orders.values()]
            right += _right(evidence, list(zip(speakers, marked, strict=False)))
    return right


def _by_join(evidence: Evidence) -> int:
    """Any byte string that the register keeps of a person and that lies anywhere in the collector."""
    values = [value for person in evidence.people for value in person.values]
    ids = [response.id for response in evidence.responses]
    return len(positions(values, evidence.collector_bytes)) + len(positions(ids, evidence.register_bytes))


def positions(needles: Sequence[bytes], haystack: bytes) -> dict[bytes, int]:
    """Where each needle (of 8 bytes and more) first lies in the haystack; needles that do not are left out.

    All are sought in one pass per alignment: their first eight bytes as numbers, then compared whole.
    """
    long = sorted({needle for needle in needles if len(needle) >= 8})
    if not long:
        return {}
    heads = np.frombuffer(b"".join(needle[:8] for needle in long), dtype="<u8")
    by_head: dict[int, list[bytes]] = defaultdict(list)
    for head, needle in zip(heads.tolist(), long, strict=True):
        by_head[head].append(needle)
    wanted = np.unique(heads)
    # Most words are told apart by their low bits alone, which costs one look into a small table.
    likely = np.zeros(1 << 16, dtype=bool)
    likely[(wanted & np.uint64(0xFFFF)).astype(np.int64)] = True
    found: dict[bytes, int] = {}
    for shift in range(8):
        usable = (len(haystack) - shift) // 8
        words = np.frombuffer(haystack, dtype="<u8", count=max(usable, 0), offset=min(shift, len(haystack)))
        candidates = np.flatnonzero(likely[(words & np.uint64(0xFFFF)).astype(np.uint16)])
        for place in candidates[np.isin(words[candidates], wanted)].tolist():
            at = shift + 8 * place
            for needle in by_head[int(words[place])]:
                if haystack.startswith(needle, at):
                    found[needle] = min(at, found.get(needle, at))
    return found


def _by_learning(evidence: Evidence, random: Random) -> int:
    """Somebody who knows half of the links learns what connects them, and matches the other half.

    Ridge regression from all features of the people to each feature of the responses, cross-validated; then
    the cheapest assignment (Jonker and Volgenant 1987).
    """
    right = 0
    for people, responses in _groups(evidence):
        by_person = {evidence.truth[one.id]: one for one in responses if one.id in evidence.truth}
        linked = [person for person in people if person.person in by_person]
        shuffled = random.sample(linked, min(len(linked), _LARGEST_GROUP))
        train, test = shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
        if len(train) < 10:
            continue
        right += _match(evidence, train, test, by_person, random)
    return right


def _match(
    evidence: Evidence,
    train: list[PersonTrace],
    test: list[PersonTrace],
    by_person: Mapping[int, ResponseTrace],
    random: Random,
) -> int:
    known = [by_person[person.person] for person in train]
    candidates = random.sample([by_person[person.person] for person in test], len(test))
    x, x_test = _scaled([one.features for one in train], [one.features for one in test])
    y, y_test = _scaled([one.features for one in known], [one.features for one in candidates])
    weight, penalty = _predictable(x, y)
    guess = np.empty_like(y_test)
    for one in _PENALTIES:
        chosen = penalty == one
        guess[:, chosen] = x_test @ _ridge(x, y[:, chosen], one)
    used = weight > 0
    difference = guess[:, None, used] - y_test[None, :, used]
    cost = (difference**2 * weight[used]).sum(axis=2)
    rows, columns = linear_sum_assignment(cost)
    pairs = [(test[row], candidates[column]) for row, column in zip(rows, columns, strict=True)]
    return _right(evidence, pairs)


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)


def _predictable(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much each feature of a response counts, and its best penalty.

    A feature counts by what can be foretold of it for people who were left out of the fit; what cannot be
    foretold is noise and counts nothing, so that one telling column is not drowned by a hundred others.
    """
    fold = np.arange(len(x)) % _FOLDS
    spread = np.where(y.var(axis=0) < 1e-9, np.inf, y.var(axis=0))
    best, penalty = np.full(y.shape[1], -np.inf), np.full(y.shape[1], _PENALTIES[0])
    for one in _PENALTIES:
        errors = np.empty_like(y)
        for left in range(_FOLDS):
            out = fold == left
            errors[out] = y[out] - x[out] @ _ridge(x[~out], y[~out], one)
        explained = np.where(np.isfinite(spread), 1 - (errors**2).mean(axis=0) / spread, 0.0)
        penalty[explained > best] = one
        best = np.maximum(explained, best)
    counts = best > _FORETOLD
    return np.where(counts, best / np.maximum(1 - best, 1e-3), 0.0), penalty


def _scaled(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    middle, width = a.mean(axis=0), a.std(axis=0)
    width[width == 0] = 1.0
    ones_a, ones_b = np.ones((len(a), 1)), np.ones((len(b), 1))
    return np.hstack([(a - middle) / width, ones_a]), np.hstack([(b - middle) / width, ones_b])
