"""`Line`: the socket of one connection, held before it is connected, so that another thread can cut it at any time."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from osiris.errors import Cancelled, NetworkFailed, TimedOut

Address = tuple[int, Any]
"""A socket family, and what its `connect` takes."""
KEEPALIVE_S = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # macOS: TCP_KEEPALIVE
"""A host that is gone is noticed within two minutes, also by a read that may wait for hours."""
LOOK_S = 0.05
WAIT_MS = 1
"""How long `received` waits for more of what a server is sending."""
T = TypeVar("T")


class Line:
    """Holds the socket that is in use now. `cut` is sticky: what is held later is cut at once."""

    def __init__(self) -> None:
        self._cut = threading.Event()
        self._socket: socket.socket | None = None

    @property
    def is_cut(self) -> bool:
        return self._cut.is_set()

    def raise_if_cut(self) -> None:
        if self.is_cut:
            raise Cancelled("stopped before the server was asked")

    def cut(self) -> None:
        """End whatever blocks on the socket; it stays open until it is closed."""
        self._cut.set()
        self.hang_up()

    def hang_up(self) -> None:
        """End what blocks on the socket that is held now, and nothing that comes later."""
        held = self._socket
        if held is not None:
            with contextlib.suppress(OSError):  # not connected yet, or no longer
                # not that of SSLSocket, which takes the encryption away under a thread that is sending
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def pause(self, wait_s: float) -> None:
        """Wait that long. Raises Cancelled as soon as the line is cut."""
        self._cut.wait(wait_s)
        self.raise_if_cut()

    def hold(self, sock: socket.socket) -> None:
        """From now on `cut` means `sock`. Raises Cancelled when it came before."""
        self._socket = sock
        self.raise_if_cut()

    def let_go(self) -> None:
        """Close the socket if it is still open; idempotent."""
        held, self._socket = self._socket, None
        if held is not None:
            held.close()

    def resolve(self, host: str, port: int, timeout_s: float) -> list[Address]:
        """The addresses of `host`, in the system's order."""
        lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = waited(lookup, timeout_s, self.raise_if_cut)
        if found is None:
            raise TimedOut(
                f"the name {host} was not resolved within {timeout_s:g} s", hint="check the name, and the DNS server"
            )
        if isinstance(found, OSError):
            raise NetworkFailed(
                f"the name {host} is not known: {found.strerror or found}",
                code="connection.dns",
                hint="check host, and that this machine can resolve it",
            ) from found
        return [(family, address) for family, _, _, _, address in found]

    def connect(self, addresses: Sequence[Address], timeout_s: float) -> socket.socket:
        """A socket to the first address that answers, `timeout_s` for all of them. Raises the last one's OSError."""
        ends_at = time.monotonic() + timeout_s
        for place, (family, address) in enumerate(addresses, 1):
            left_s = max(0.1, ends_at - time.monotonic()) / (len(addresses) - place + 1)
            try:
                return self._connected(family, address, left_s)
            except OSError:
                self.raise_if_cut()
                if place == len(addresses):
                    raise
        raise NetworkFailed("the name of the server has no address")

    def _connected(self, family: int, address: Any, timeout_s: float) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.hold(sock)
            sock.settimeout(timeout_s)
            if family != getattr(socket, "AF_UNIX", None):
                _tune(sock)
            sock.connect(address)
            self.raise_if_cut()
        except BaseException:
            sock.close()
            raise
        return sock


def waited(call: Callable[[], T], timeout_s: float, look: Callable[[], None]) -> T | OSError | None:
    """What `call` gives or raises, in a thread of its own: for what nobody can interrupt, such as getaddrinfo.

    None when it takes too long. `look` is called now and then meanwhile, and ends the waiting when it raises.
    """
    done = threading.Event()
    results: list[T | OSError] = []

    def work() -> None:
        try:
            results.append(call())
        except OSError as error:
            results.append(error)
        done.set()

    threading.Thread(target=work, name="osiris-dns", daemon=True).start()
    ends_at = time.monotonic() + timeout_s
    while not done.wait(LOOK_S) and time.monotonic() < ends_at:
        look()
    return results[0] if results else None


def received(sock: socket.socket, view: memoryview) -> int:
    """Fill `view` with what has come and what comes at once: each look at what was received costs the same, however
    much it is. 0 when the server has hung up; on a socket that does not block, BlockingIOError when nothing has come.
    """
    count = sock.recv_into(view)
    while 0 < count < len(view) and _has_more(sock):
        try:
            more = sock.recv_into(view[count:])
        except BlockingIOError:
            break
        if not more:
            break
        count += more
    return count


def _has_more(sock: socket.socket) -> bool:
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], (), (), WAIT_MS / 1000)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(WAIT_MS))


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE_S.items():
        if hasattr(socket, option):  # not on every platform
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
