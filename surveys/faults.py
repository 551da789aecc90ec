"""A fault: what is wrong, where, how grave. Its sentence is made where there is a reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    ``kind`` is a stable code (``rule-forward``), ``place`` a slash path that uses ids
    (``items/hours/options/many``), ``params`` what the sentence needs. Advice does not stop a
    publication, any other fault does.
    """

    kind: str
    place: str
    params: Mapping[str, Any] = field(default_factory=dict)
    advice: bool = False

    def __hash__(self) -> int:
        """Hash what identifies the fault; the parameters are a mapping and cannot take part."""
        return hash((self.kind, self.place))


class Faulty(ValueError):
    """A document or an answer that cannot be read; carries every fault that was found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        """Keep the faults and name them in the message."""
        self.faults = faults
        super().__init__("; ".join(f"{fault.place}: {fault.kind}" for fault in faults))
