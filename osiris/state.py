"""What incremental readers have reached: a local cache of what the targets say, so losing it loses nothing."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from osiris.connectors.base import State
from osiris.errors import ConfigError

FILE = Path(".osiris") / "state.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Store:
    """States by key, in `.osiris/state.json` under the project's folder; each change replaces the file at once."""

    root: Path

    def get(self, key: str) -> State | None:
        return self.all().get(key)

    def put(self, key: str, state: State) -> None:
        self._write({**self.all(), key: state})

    def forget(self, key: str) -> None:
        self._write({name: state for name, state in self.all().items() if name != key})

    def all(self) -> dict[str, State]:
        """Every state; ConfigError when the file is not ours to read."""
        path = self.root / FILE
        if not path.exists():
            return {}
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != VERSION:
                raise ValueError(f"version {data['version']}")
            return {key: State(**state) for key, state in data["states"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"the state cache cannot be read: {error}",
                code="state.damaged",
                file=str(path),
                hint="delete it: the targets keep the states themselves",
            ) from error

    def _write(self, states: dict[str, State]) -> None:
        path = self.root / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        data = {key: {"version": state.version, "data": dict(state.data)} for key, state in sorted(states.items())}
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps({"version": VERSION, "states": data}, indent=1), encoding="utf-8")
        temporary.replace(path)
