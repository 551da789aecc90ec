"""Tests reach nothing beyond this machine: every connection other than loopback or a Unix socket is refused.

The guard is set once, before the first test module is imported, so that neither an import nor a session
fixture can get out either. Chromium is a process of its own and has its own bolt in `tests/browser.py`.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any


class NetworkBlocked(RuntimeError):
    """A test tried to leave the machine."""


def is_local(family: int, address: object) -> bool:
    """True for Unix sockets and for loopback or unspecified IP addresses, and the name `localhost`."""
    if family == socket.AF_UNIX or not isinstance(address, tuple):
        return True
    return is_local_host(address[0])


def is_local_host(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        parsed = ipaddress.ip_address(str(host).split("%", 1)[0])
    except ValueError:
        return False
    return parsed.is_loopback or parsed.is_unspecified


def _guarded(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: Any) -> Any:
        if not is_local(self.family, arguments[position]):
            raise NetworkBlocked(
                f"Tests may not reach {arguments[position]!r}; use a local server or a recording."
            )
        return original(self, *arguments)

    return call


def _guarded_lookup(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if not is_local_host(host):
            raise NetworkBlocked(f"Tests may not look up {host!r}.")
        return original(host, *arguments, **named)

    return getaddrinfo


def block() -> None:
    """Refuse, from now on and for the whole process, every connection that leaves the machine."""
    socket.socket.connect = _guarded(socket.socket.connect, 0)  # type: ignore[method-assign]
    socket.socket.connect_ex = _guarded(socket.socket.connect_ex, 0)  # type: ignore[method-assign]
    socket.socket.sendto = _guarded(socket.socket.sendto, -1)  # type: ignore[method-assign]
    socket.getaddrinfo = _guarded_lookup(socket.getaddrinfo)
