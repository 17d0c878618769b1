"""One run at a time per target: a lock that dies with its process.

A lease is a SQLite file held in an exclusive transaction: the operating system frees it when the process ends, however
it ends, on every platform, so no lease has to be judged stale.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from osiris.errors import Busy, InternalError, PermissionDenied

FOLDER = Path(".osiris") / "leases"
POLL_S = 0.1
LOOK_S = 0.1
"""How long `is_held` may be in the way of somebody who takes the lease."""


@dataclass(frozen=True, slots=True)
class _Held:
    connection: sqlite3.Connection
    path: Path
    inode: tuple[int, int]


class Leases:
    """The leases of one run, all released by `close`. Taking one twice in a run is no conflict.

    `owner` is what others are told of it, such as its run and pipeline; `tell` gets a sentence when waiting begins.
    """

    def __init__(
        self, root: Path, owner: Mapping[str, str], tell: Callable[[str], None] = lambda sentence: None
    ) -> None:
        self._folder = root / FOLDER
        self._owner = dict(owner)
        self._tell = tell
        self._held: dict[str, _Held] = {}

    def take(self, target: str, *, wait: bool, proceed: Callable[[], None] = lambda: None) -> None:
        """Lease `target`. When another run holds it: wait until it is free, or raise Busy naming the holder.

        `proceed` is called now and then while waiting, and ends that by raising.
        """
        if target in self._held:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _name(target)
        told = False
        while (held := _lock(path)) is None:
            if not wait:
                raise Busy(
                    f"another run is at work on {target}{_describe(path)}",
                    code="run.busy",
                    hint="wait until it has ended, or give --wait",
                )
            if not told:
                self._tell(f"waiting for {target}: another run is at work on it{_describe(path)}")
                told = True
            proceed()
            time.sleep(POLL_S)
        self._held[target] = held
        self._sign(target)

    def name_run(self, run_id: str) -> None:
        """Tell others the run's id, of the leases that are held, too."""
        self._owner["run"] = run_id
        for target in self._held:
            self._sign(target)

    def check(self, target: str) -> None:
        """Raise InternalError when the lease is no longer ours, before a commit relies on it."""
        held = self._held.get(target)
        if held is None or not held.connection.in_transaction or _inode(held.path) != held.inode:
            raise InternalError(f"the lease on {target} was lost; nothing was committed", code="run.lease_lost")

    def close(self) -> None:
        """Release them all; they can be taken again."""
        for held in self._held.values():
            held.connection.close()
        self._held.clear()

    def _sign(self, target: str) -> None:
        signed = {**self._owner, "process": f"{os.getpid()} on {platform.node()}", "target": target}
        _owner_of(self._held[target].path).write_text(json.dumps(signed))


def of_pipeline(name: str, profile: str) -> str:
    """The target that every run of a pipeline takes first, so that it has at most one at a time."""
    return f"the pipeline {name!r} ({profile})"


def is_held(root: Path, target: str) -> bool:
    """Whether a run holds the lease now."""
    path = root / FOLDER / _name(target)
    if not path.is_file():
        return False
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            return _is_busy(error)
    return False


def _name(target: str) -> str:
    return f"{hashlib.sha256(target.encode()).hexdigest()[:24]}.lease"


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _lock(path: Path) -> _Held | None:
    connection = sqlite3.connect(path, timeout=LOOK_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        if _is_busy(error):
            return None
        raise PermissionDenied(f"cannot lock {path}: {error}", code="run.lease") from error
    inode = _inode(path)
    if inode is None:
        connection.close()
        return None
    return _Held(connection, path, inode)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _owner_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _describe(path: Path) -> str:
    try:
        owner = json.loads(_owner_of(path).read_text())
        told = [f"{what} {owner[what]}" for what in ("pipeline", "run", "process") if what in owner]
    except (OSError, ValueError, TypeError):
        return ""
    return f" ({', '.join(told)})" if told else ""
