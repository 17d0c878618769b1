"""`FaultProxy`: a TCP proxy between client and server that goes wrong where its script says.

with FaultProxy("127.0.0.1", 3306, Fault("cut", "to_server", at=b"COMMIT")) as proxy:
    connect(proxy.host, proxy.port)
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Self

Kind = Literal["reset", "cut", "half_close", "stall", "blackhole", "delay", "drip"]
Way = Literal["to_server", "to_client"]
KINDS: tuple[Kind, ...] = ("reset", "cut", "half_close", "stall", "drip", "delay")
CHUNK_BYTES = 65536
PATTERN_BYTES = 256


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the bytes that go one `way` of a connection.

    reset: both ends see a reset. cut: both are closed in order. half_close: no more bytes this way, the other goes on.
    stall: nothing more is passed on, and nothing closed. blackhole: accepted, and never a byte either way.
    delay: `wait_s` before each chunk. drip: one byte every `wait_s`.

    It strikes after `after_bytes` bytes, or just before `at` is whole: those bytes never arrive as one. With
    `lose_answer` they do, and it strikes on the first byte that the other side answers. `connection` counts from 0.
    """

    kind: Kind
    way: Way = "to_client"
    after_bytes: int = 0
    at: bytes = b""
    lose_answer: bool = False
    wait_s: float = 0.05
    connection: int | None = None

    def __post_init__(self) -> None:
        if len(self.at) > PATTERN_BYTES:
            raise ValueError(f"at has {len(self.at)} bytes; patterns of up to {PATTERN_BYTES} are looked for")


def chaos(seed: int, count: int, *, up_to_bytes: int = 4096) -> list[Fault]:
    """A script of `count` faults, one for each connection in turn, of any kind, way and place: the same for a seed."""
    dice = random.Random(seed)
    ways: tuple[Way, ...] = ("to_server", "to_client")
    return [
        Fault(
            dice.choice(KINDS),
            dice.choice(ways),
            after_bytes=dice.randrange(up_to_bytes),
            wait_s=dice.uniform(0.0, 0.01),
            connection=number,
        )
        for number in range(count)
    ]


class FaultProxy:
    """Listens on a port of its own and passes bytes on to `host:port`, with the faults of its `script`.

    `hits` counts which faults have struck, `bytes_passed` what went each way, over all connections.
    """

    def __init__(self, host: str, port: int, *script: Fault) -> None:
        self.server = (host, port)
        self.script: Sequence[Fault] = script
        self.hits: Counter[Kind] = Counter()
        self.bytes_passed: Counter[Way] = Counter()
        self.connections = 0
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.host, self.port = self._listener.getsockname()[:2]

    def __enter__(self) -> Self:
        self._start(self._accept, "accept")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def mend(self, *script: Fault) -> None:
        """Go on with another script, or without faults; for the bytes that come from now on."""
        self.script = script

    def hang_up(self) -> None:
        """Close every connection that is there, as when the server is gone; new ones are taken."""
        for link in self._links:
            link.close()

    def close(self) -> None:
        """Stop listening, close every connection and end the threads."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept, which close() alone does not
        self._listener.close()
        for thread in self._threads[:1]:
            thread.join()
        self.hang_up()
        for thread in self._threads[1:]:
            thread.join()

    def _start(self, work: object, name: str) -> None:
        thread = threading.Thread(target=work, name=f"osiris-proxy-{name}", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the listener was closed
                return
            number, self.connections = self.connections, self.connections + 1
            link = _Link(self, number, client)
            self._links.append(link)
            self._start(link.run, f"link-{number}")


@dataclass(slots=True)
class _Link:
    """One connection: its two sockets, and which fault its answer is to meet."""

    proxy: FaultProxy
    number: int
    client: socket.socket
    server: socket.socket | None = None
    losing: dict[Way, Fault] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)
    passed: Counter[Way] = field(default_factory=Counter)
    tails: dict[Way, bytes] = field(default_factory=dict)

    def run(self) -> None:
        """Connect to the server and pump both ways until both have ended."""
        if any(fault.kind == "blackhole" for fault in self._faults(None)):
            self.proxy.hits["blackhole"] += 1
            self.closed.wait()
            return
        try:
            self.server = socket.create_connection(self.proxy.server)
        except OSError:
            self.close(reset=True)
            return
        if self.closed.is_set():  # while it was connecting
            self.close()
            return
        back = threading.Thread(
            target=self._pump, args=("to_client", self.server, self.client), name="osiris-proxy-back", daemon=True
        )
        back.start()
        self._pump("to_server", self.client, self.server)
        back.join()
        self.close()

    def close(self, *, reset: bool = False) -> None:
        """Close both sockets, with a reset if wanted; wakes whoever is blocked in them."""
        self.closed.set()
        for sock in (self.client, self.server):
            if sock is None:
                continue
            with suppress(OSError):
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)  # close() alone wakes no blocked recv
            sock.close()

    def _pump(self, way: Way, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # one of the ends is gone, or this link was closed
            while chunk := source.recv(CHUNK_BYTES):
                if not self._pass(way, chunk, target):
                    return
            target.shutdown(socket.SHUT_WR)

    def _pass(self, way: Way, chunk: bytes, target: socket.socket) -> bool:
        """Send a chunk on; False when a fault has ended this way."""
        if (losing := self.losing.pop(way, None)) is not None:
            return self._strike(losing, target)
        for fault in self._faults(way):
            place = self._place(fault, way, chunk)
            if place is None:
                continue
            if fault.lose_answer:
                self.losing["to_client" if way == "to_server" else "to_server"] = fault
                break
            if fault.kind in ("delay", "drip"):
                return self._slowly(fault, way, chunk, target)
            self._send(way, chunk[:place], target)
            return self._strike(fault, target)
        self._send(way, chunk, target)
        return True

    def _faults(self, way: Way | None) -> list[Fault]:
        return [f for f in self.proxy.script if f.connection in (None, self.number) and way in (None, f.way)]

    def _place(self, fault: Fault, way: Way, chunk: bytes) -> int | None:
        """Where in the chunk the fault strikes; None when it is not there yet."""
        if not fault.at:
            place = fault.after_bytes - self.passed[way]
            return max(0, place) if place < len(chunk) else None
        tail = self.tails.get(way, b"")[-len(fault.at) + 1 :] if len(fault.at) > 1 else b""
        found = (tail + chunk).find(fault.at)
        return None if found < 0 else max(0, found - len(tail))

    def _send(self, way: Way, data: bytes, target: socket.socket) -> None:
        self.passed[way] += len(data)
        self.proxy.bytes_passed[way] += len(data)  # first, so that it is true for whoever has got them
        target.sendall(data)
        self.tails[way] = (self.tails.get(way, b"") + data)[-PATTERN_BYTES:]

    def _slowly(self, fault: Fault, way: Way, chunk: bytes, target: socket.socket) -> bool:
        self.proxy.hits[fault.kind] += 1
        size = 1 if fault.kind == "drip" else len(chunk)
        for start in range(0, len(chunk), size):
            if self.closed.wait(fault.wait_s):
                return False
            self._send(way, chunk[start : start + size], target)
        return True

    def _strike(self, fault: Fault, target: socket.socket) -> bool:
        self.proxy.hits[fault.kind] += 1
        if fault.kind == "stall":
            self.closed.wait()
        elif fault.kind == "half_close":
            target.shutdown(socket.SHUT_WR)
        else:
            self.close(reset=fault.kind == "reset")
        return False
