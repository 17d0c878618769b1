"""A process that gives back what it is sent, pickled: what survives the way survives a spawned worker.

python -m osiris.testing.echo      frames on standard input: 4 bytes of length, then a pickle
"""

from __future__ import annotations

import atexit
import os
import pickle
import struct
import subprocess
import sys
from typing import Any, BinaryIO


class Echo:
    """Starts the process with the first value; close it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def back(self, value: Any) -> Any:
        """`value` as it comes back. Raises what pickling raises; RuntimeError when the process cannot read it."""
        data = pickle.dumps(value)
        if self._process is None:
            environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "osiris.testing.echo"],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        _send(self._process.stdin, data)
        answer, why = pickle.loads(_receive(self._process.stdout))  # noqa: S301 - from our own process
        if why:
            raise RuntimeError(f"another process cannot take {type(value).__name__}: {why}")
        return answer

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None


shared = Echo()
"""One for all tests of a process."""
atexit.register(shared.close)


def _send(stream: BinaryIO | Any, data: bytes) -> None:
    stream.write(struct.pack("!I", len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO | Any) -> bytes:
    head = stream.read(4)
    return bytes(stream.read(struct.unpack("!I", head)[0])) if head else b""


def main() -> None:
    while data := _receive(sys.stdin.buffer):
        try:
            answer = pickle.dumps((pickle.loads(data), ""))  # noqa: S301 - from our own process
        except Exception as error:  # noqa: BLE001 - whatever the value does when it is rebuilt
            answer = pickle.dumps((None, f"{type(error).__name__}: {error}"))
        _send(sys.stdout.buffer, answer)


if __name__ == "__main__":
    main()
