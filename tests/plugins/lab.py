"""What tests of the execution core work with: the socketdb server, projects that use it, and runs of manifests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from osiris.compile import manifest as manifests
from osiris.compile.manifest import Manifest, ManifestStep, fingerprint_of
from osiris.components import catalog
from osiris.components.catalog import Catalog
from osiris.connections import Connections
from osiris.connectors import registry
from osiris.connectors.base import Options
from osiris.errors import ConfigError, OsirisError
from osiris.execute.base import Binding, Cancellation, Environment, Progress, Request
from osiris.execute.local import LocalExecutor
from osiris.project import Project
from osiris.runs import Report, RunFolder, find
from osiris.testing import hostile as hostile_package

HERE = Path(__file__).parent
FOLDERS = (HERE / "socketdb", hostile_package.FOLDER)
"""What has to be on the path for the two plugins to count as installed."""
LIMIT_S = 30.0
FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from osiris.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
PASSWORD = "open, please"


@contextmanager
def installed() -> Generator[None]:
    """The plugins, found by their `.dist-info` as packages that pip installed would be."""
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in FOLDERS]
    try:
        yield
    finally:
        sys.path[:] = before


@cache
def shared_catalog() -> Catalog:
    return catalog.load(registry.load())


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition; a test that waits in vain fails and says for what."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


@dataclass
class Server:
    """The server process. `port` is its own choice."""

    process: subprocess.Popen[str]
    port: int

    @classmethod
    def start(cls, folder: Path) -> Server:
        command = [sys.executable, "-m", "socketdb_server", str(folder)]
        environ = {**os.environ, "PYTHONPATH": str(FOLDERS[0])}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True)
        assert process.stdout is not None
        return cls(process, int(process.stdout.readline()))

    def stop(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait()


@dataclass
class Database:
    """One database of the server, seen from a control connection."""

    server: Server
    name: str

    def control(self, do: str, **rest: Any) -> Any:
        with socket.create_connection(("127.0.0.1", self.server.port), LIMIT_S) as sock:
            sock.sendall(json.dumps({"do": do, "database": self.name, **rest}).encode() + b"\n")
            answer = json.loads(sock.makefile().readline())
        assert "done" in answer, answer
        return answer["done"]

    def sql(self, text: str, *values: Any) -> list[list[Any]]:
        found: list[list[Any]] = self.control("sql", sql=text, values=values)
        return found

    def numbers(self, table: str, count: int, first: int = 0) -> None:
        """A table of `count` rows (n, word), n from `first` on."""
        self.sql(f'CREATE TABLE IF NOT EXISTS "{table}" (n int, word text)')
        series = "WITH RECURSIVE s(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM s WHERE n + 1 < ?)"
        if count:
            self.sql(f"INSERT INTO \"{table}\" {series} SELECT n, 'w' || n FROM s", first, first + count)

    def column(self, table: str, name: str = "n") -> list[Any]:
        """All values of a column, in the order of their rows."""
        return [row[0] for row in self.sql(f'SELECT {name} FROM "{table}" ORDER BY rowid')]

    def tables(self) -> list[str]:
        """Tables that are there, staging included, the commits' own left out."""
        rows = self.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_commits' ORDER BY name")
        return [row[0] for row in rows]

    def staging(self) -> list[str]:
        return [name for name in self.tables() if name.startswith("_stage_")]

    def fault(self, on: str, kind: str, table: str | None = None, **rest: Any) -> None:
        self.control("fault", fault={"on": on, "kind": kind, "table": table, **rest})

    def mend(self) -> None:
        self.control("mend")

    def hits(self, kind: str) -> int:
        """How often a fault of that kind has struck."""
        return int(self.control("hits", kind=kind))

    def release(self) -> None:
        self.control("release")

    @property
    def sessions(self) -> int:
        """How many connections are logged in."""
        return int(self.control("sessions")[0])

    @property
    def peak_sessions(self) -> int:
        return int(self.control("sessions")[1])


def read(name: str, table: str, component: str = "socketdb.extractor", **options: Any) -> ManifestStep:
    given = {"table": table} if component == "socketdb.extractor" else {}
    return ManifestStep(name, component, "read", connection=connection(component), options={**given, **options})


def hostile(name: str, behaviour: str = "good", **options: Any) -> ManifestStep:
    return read(name, "", "hostile.extractor", behaviour=behaviour, **options)


def transform(name: str, *inputs: str, behaviour: str = "chain", **options: Any) -> ManifestStep:
    return ManifestStep(name, "hostile.processor", "transform", inputs, options={"behaviour": behaviour, **options})


def write(name: str, source: str, table: str, component: str = "socketdb.writer", **options: Any) -> ManifestStep:
    given = {"table": table, **options}
    return ManifestStep(name, component, "write", (source,), connection=connection(component), options=given)


def connection(component: str) -> str:
    return f"@{component.partition('.')[0]}.main"


@dataclass
class Lab:
    """A project in `root` whose connections `@socketdb.main` and `@hostile.main` are set, and what was asked of it."""

    root: Path
    database: Database

    def connections(self, **fields: Any) -> None:
        """Write the connections file, with further `fields` for the socketdb; the DuckDB file is `out.duckdb`."""
        own = {"host": "127.0.0.1", "port": self.database.server.port, "database": self.database.name}
        main = {**own, "password": "${SOCKETDB_PASSWORD}", **fields}
        others = {"hostile": {"main": {"hangs": False}}, "duckdb": {"main": {"path": "out.duckdb"}}}
        known = {"version": 1, "connections": {"socketdb": {"main": main}, **others}}
        (self.root / "osiris_connections.yaml").write_text(yaml.safe_dump(known))

    def project(self) -> Project:
        return Project(self.root, environ={"SOCKETDB_PASSWORD": PASSWORD})

    def environment(self, **settings: Any) -> Environment:
        """As a project makes it, but for the catalog, which the tests of a process share: it takes long to load."""
        components = shared_catalog()
        environ = {"SOCKETDB_PASSWORD": PASSWORD}
        connections = Connections.load(self.root, components, environ)

        def bind(step: ManifestStep) -> Binding:
            component = components.get(step.component)
            implementation = components.registry.implementation(step.component)
            options = Options(step.options)
            if component.role == "processor":
                return Binding(implementation, None, options)
            connection = connections.resolve(component.family, step.connection, step.overrides)
            return Binding(implementation, connection, options)

        return Environment(self.root, components.registry, bind, **{"clean_up_s": 20.0, **settings})

    def manifest(self, *steps: ManifestStep, name: str = "pipe") -> Manifest:
        """As the compiler would make it of these steps."""
        defaults = {step.id: shared_catalog().get(step.component).option_defaults() for step in steps}
        filled = [replace(step, options={**defaults[step.id], **step.options}) for step in steps]
        made = Manifest(name, "default", tuple(filled), {}, "")
        return replace(made, fingerprint=fingerprint_of(made))

    def run(self, what: Manifest | Sequence[ManifestStep], request: Request | None = None, **settings: Any) -> Report:
        made = what if isinstance(what, Manifest) else self.manifest(*what)
        return LocalExecutor(self.environment(**settings)).run(made, request or Request())

    def succeed(self, *steps: ManifestStep, **settings: Any) -> Report:
        report = self.run(steps, **settings)
        assert report.status == "success", report.to_json()
        return report

    def fail(self, *steps: ManifestStep, **settings: Any) -> OsirisError:
        """The error of a run that has to fail."""
        report = self.run(steps, **settings)
        assert report.error is not None, report.to_json()
        return report.error

    def start(
        self, what: Manifest | Sequence[ManifestStep], *arguments: str, file_bytes: int | None = None
    ) -> subprocess.Popen[str]:
        """`osiris run` of a manifest in a process of its own, with the plugins installed.

        With `file_bytes` a disk that is full: no file of the process may grow beyond it.
        """
        made = what if isinstance(what, Manifest) else self.manifest(*what)
        path = manifests.write(made, self.root / "build")
        python = (
            [sys.executable, "-m", "osiris"] if file_bytes is None else [sys.executable, "-c", FULL, str(file_bytes)]
        )
        command = [*python, "run", str(path), "--json", "--project", str(self.root), *arguments]
        search = os.pathsep.join([str(HERE.parents[1]), *map(str, FOLDERS)])
        environ = {**os.environ, "PYTHONPATH": search, "SOCKETDB_PASSWORD": PASSWORD}
        return subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.root
        )

    def reach(self, process: subprocess.Popen[str], kind: str, times: int = 1) -> None:
        """Wait until the run has met a fault of that kind."""
        until(lambda: self.database.hits(kind) >= times or process.poll() is not None, f"{kind} happened")
        assert process.poll() is None, process.communicate()

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """The document that `osiris run` printed."""
        out, err = process.communicate(timeout=LIMIT_S)
        assert out, err
        found: dict[str, Any] = json.loads(out)
        return found

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)

    def runs(self) -> list[RunFolder]:
        return list(find(self.root))

    def nothing_is_left(self) -> None:
        """No staging, no scratch, no session, and every ledger is finished."""
        assert self.database.staging() == []
        assert [path.name for path in (self.root / ".osiris").glob("scratch/*")] == []
        until(lambda: self.database.sessions == 0, "all sessions have ended")
        assert [run.path for run in self.runs() if run.state().finished is None] == []


def stopping(cancellation: Cancellation) -> Request:
    return Request(cancellation=cancellation, progress=Progress())


def our_threads() -> set[threading.Thread]:
    """Threads that are ours: C++ libraries call back from their own, which Python shows as Dummy-N."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("Dummy-")}


def refused(call: Callable[[], object]) -> OsirisError:
    """The error of a call that has to raise one before anything is done."""
    try:
        call()
    except OsirisError as error:
        return error
    raise ConfigError("it was not refused")
