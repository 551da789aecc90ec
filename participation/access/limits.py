"""Limits that know no address: counted per code prefix and over all, in memory only.

An address may be a hall's Wi-Fi or a shared house, so nobody is ever counted by it.  Token buckets
(Turner 1986): a burst is allowed, then a steady rate.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


@dataclass
class Limit:
    """At most ``burst`` at once and ``per_second`` in the long run, for each key apart."""

    per_second: float
    burst: float
    clock: Callable[[], float]
    most_keys: int = 10_000
    _buckets: OrderedDict[Hashable, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allows(self, key: Hashable) -> bool:
        """Take one from the key's bucket; False where it is empty."""
        now = self.clock()
        with self._lock:
            left, then = self._buckets.pop(key, (self.burst, now))
            left = min(self.burst, left + (now - then) * self.per_second)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, now)
            # The longest unused are forgotten: they have filled up again, or nearly.
            while len(self._buckets) > self.most_keys:
                self._buckets.popitem(last=False)
        return allowed
