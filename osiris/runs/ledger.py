"""The run ledger: what was planned, decided and committed, on disk before it happens, so a crash can be settled."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from osiris.errors import ConfigError

if TYPE_CHECKING:
    from osiris.connectors.base import Part, State, Token

FILE = "ledger.jsonl"
TAIL_BYTES = 512
"""More than a `finished` line takes."""
Status = Literal["success", "failure", "cancelled"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One writer of a decided flow: all it takes to commit from staging."""

    token: Token
    parts: tuple[Part, ...]
    state: State | None = None

    def to_json(self) -> dict[str, Any]:
        from osiris.connectors.base import to_json

        state = to_json(self.state) if self.state else None
        return {"token": to_json(self.token), "parts": [to_json(part) for part in self.parts], "state": state}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decision:
        from osiris.connectors.base import Part, State, token_from_json

        state = State(**data["state"]) if data["state"] else None
        return cls(token_from_json(data["token"]), tuple(Part(**part) for part in data["parts"]), state)


@dataclass(slots=True)
class FlowState:
    """What the ledger knows of one flow: `planned` are the tokens whose staging may exist."""

    planned: list[Token] = field(default_factory=list)
    decided: tuple[Decision, ...] | None = None
    committed: dict[str, int] = field(default_factory=dict)
    attempt: int = 0
    done: bool = False


@dataclass(slots=True)
class RunState:
    """A ledger, folded: `flows` by the id of their first step; `finished` is None while the run may still go on."""

    flows: dict[str, FlowState] = field(default_factory=dict)
    finished: Status | None = None


class Ledger:
    """Appends to `ledger.jsonl` in a run's folder, each line on disk (fsync) before the call returns.

    A torn last line, left by a crash, is cut before the first append: it was never acted upon.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        _cut_torn_line(path)
        self._file = path.open("ab", buffering=0)
        _sync_folder(folder)

    def planned(self, flow: str, attempt: int, token: Token) -> None:
        from osiris.connectors.base import to_json

        self._append({"entry": "planned", "flow": flow, "attempt": attempt, "token": to_json(token)})

    def decided(self, flow: str, decisions: Sequence[Decision]) -> None:
        self._append({"entry": "decided", "flow": flow, "writers": [decision.to_json() for decision in decisions]})

    def committed(self, flow: str, step: str, rows: int) -> None:
        self._append({"entry": "committed", "flow": flow, "step": step, "rows": rows})

    def undoing(self, flow: str) -> None:
        """From here on the flow's staging may be gone: whoever goes on must abort, never commit."""
        self._append({"entry": "undoing", "flow": flow})

    def undone(self, flow: str) -> None:
        """All staging of the flow's attempts is gone and nothing of it was committed."""
        self._append({"entry": "undone", "flow": flow})

    def done(self, flow: str) -> None:
        """All of the flow is committed and its staging gone."""
        self._append({"entry": "done", "flow": flow})

    def finished(self, status: Status) -> None:
        self._append({"entry": "finished", "status": status})

    def close(self) -> None:
        self._file.close()

    def _append(self, entry: dict[str, Any]) -> None:
        """A line that does not get there whole (a full disk) is cut away again: it must not damage a later one."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        before = self._file.seek(0, os.SEEK_END)
        try:
            written = self._file.write(line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file.name))
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(before)
            raise


def read(folder: Path) -> RunState:
    """Fold a run's ledger; a missing one is an empty run, a torn last line is left out."""
    state = RunState()
    path = folder / FILE
    if not path.exists():
        return state
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            _fold(state, json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"the run ledger is damaged: {error!r}", code="ledger.damaged", file=str(path), line=number
            ) from error
    return state


def finished(folder: Path) -> Status | None:
    """As `read(folder).finished`, from the last line alone: cheap enough to ask of thousands of runs."""
    try:
        with (folder / FILE).open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(0, size_bytes - TAIL_BYTES))
            tail = file.read()
    except FileNotFoundError:
        return None
    line = tail[: tail.rfind(b"\n") + 1].rstrip(b"\n").rpartition(b"\n")[2]
    try:
        entry = json.loads(line)
    except ValueError:
        return None  # the end of a longer line, so of another entry
    return entry.get("status") if entry.get("entry") == "finished" else None


def _fold(state: RunState, entry: Mapping[str, Any]) -> None:
    kind = entry["entry"]
    if kind == "finished":
        state.finished = entry["status"]
        return
    flow = state.flows.setdefault(entry["flow"], FlowState())
    if kind == "planned":
        from osiris.connectors.base import token_from_json

        flow.planned.append(token_from_json(entry["token"]))
        flow.attempt = max(flow.attempt, entry["attempt"])
        state.finished = None
    elif kind == "decided":
        flow.decided = tuple(Decision.from_json(writer) for writer in entry["writers"])
    elif kind == "committed":
        flow.committed[entry["step"]] = entry["rows"]
    elif kind == "undoing":
        flow.decided = None
    elif kind == "undone":
        flow.planned, flow.decided = [], None
    elif kind == "done":
        flow.done, flow.planned = True, []
    else:
        raise ValueError(f"unknown entry {kind!r}")


def _sync_folder(folder: Path) -> None:
    """Make the file's name outlive a power cut; Windows cannot open a folder, and keeps names by itself."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
