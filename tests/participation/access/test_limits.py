"""Token buckets that know no address."""

from participation.access.limits import Limit


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_burst_then_a_steady_rate_for_each_key_apart():
    clock = Clock()
    limit = Limit(per_second=2, burst=3, clock=clock)
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limit.allows("b")
    clock.now = 0.5
    assert [limit.allows("a") for _ in range(2)] == [True, False]
    clock.now = 1000
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]


def test_the_longest_unused_keys_are_forgotten():
    limit = Limit(per_second=0, burst=1, clock=Clock(), most_keys=2)
    assert [limit.allows(key) for key in ("a", "b", "c")] == [True, True, True]
    assert limit.allows("a")
    assert not limit.allows("c")
