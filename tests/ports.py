"""Ports for servers that run as processes of their own.

A port that the system hands out for port 0 comes from the range in which it also picks the ports of
outgoing connections. Between the question and the server's start, or while a killed server starts again,
any connection of this machine could take it. These ports lie below that range.
"""

import random
import socket
from pathlib import Path

#: Below what any system uses for outgoing connections unless it says otherwise.
FIRST, LAST = 20_000, 29_999

_given: set[int] = set()
#: Not the generator that tests seed: processes side by side must not draw the same ports.
_random = random.SystemRandom()


def outgoing() -> range:
    """The ports which the system picks for outgoing connections; empty where it does not say."""
    try:
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()
    except OSError:
        return range(0)
    return range(int(first), int(last) + 1)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens and which nobody gets by chance."""
    avoided = outgoing()
    for _ in range(1_000):
        port = _random.randint(FIRST, LAST)
        if port in _given or port in avoided:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise AssertionError(f"no free port between {FIRST} and {LAST}")
