"""`Private`: a server in a folder of its own, on a port of its own, for as long as a test process lives."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from tests.servers.certificates import Authority

USER, PASSWORD = "osiris", "s3cret-osiris"
"""An account with all rights."""
LEASH = Path(__file__).with_name("leash.py")
NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Private(ABC):
    """Listens on `port` of 127.0.0.1. `authority` has signed its certificate, for localhost and 127.0.0.1; None is
    without TLS."""

    program: ClassVar[str]
    end_signal: ClassVar[str]
    """The signal that ends it at once."""
    port_taken: ClassVar[str]
    """What it writes when somebody else has the port."""

    folder: Path
    authority: Authority | None = None
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def new_folder(cls) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"osiris-{cls.program}-"))

    @property
    def ca(self) -> str:
        """The file of the CA that has signed its certificate."""
        assert self.authority is not None
        return str(self.authority.ca)

    @property
    def log(self) -> str:
        """What the server wrote about itself."""
        path = self.folder / "log.err"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    @abstractmethod
    def pid(self) -> int:
        """Of the server, once it has started."""

    def resume(self) -> None:
        """Start it, again after `kill`, on the same port and data."""
        self.port = self.port or _free_port()
        command = [sys.executable, str(LEASH), str(self.folder), self.end_signal, *self._command()]
        with (self.folder / "log.err").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, start_new_session=True)
        self._wait()

    def kill(self) -> None:
        """End the server at once, as a crash would; its data stays, for `resume`."""
        process = self._process
        assert process is not None
        os.kill(self.pid, signal.Signals[f"SIG{self.end_signal}"])
        self._process = None
        assert process.stdin is not None
        process.wait(60)
        process.stdin.close()

    def stop(self) -> None:
        """End it and remove its folder."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    @abstractmethod
    def sql(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements with all rights; the rows of the last one."""

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection that works, over TCP with all rights."""
        return {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, **more}

    def _begun(self, install: Callable[[], None]) -> Self:
        """Itself, when it answers. `install` makes its data folder."""
        try:
            install()
            try:
                self.resume()
            except RuntimeError:
                if self.port_taken not in self.log:
                    raise
                self.port = 0  # somebody took the port before the server did
                self.resume()
        except BaseException:
            self.stop()
            raise
        return self

    def _certify(self) -> tuple[Path, Path]:
        """Its certificate and key, signed by an authority of its own."""
        self.authority = Authority.make(self.folder / "tls")
        return self.authority.sign("server", "DNS:localhost", "IP:127.0.0.1")

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def _wait(self) -> None:
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at:
            if self._answers():
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{self.program} does not start:\n{self.log[-4000:]}")


S = TypeVar("S", bound=Private)


@dataclass(frozen=True, slots=True)
class Database(Generic[S]):
    """A database of its own on `server`."""

    server: S
    name: str

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in it with all rights; the rows of the last one."""
        return self.server.sql(*statements, database=self.name)

    def fields(self, **more: Any) -> dict[str, Any]:
        """The fields of a connection to it that works."""
        return self.server.fields(database=self.name, **more)


def new_name() -> str:
    """Of a database that no other test process has."""
    return f"db_{os.getpid()}_{next(NUMBERS)}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
