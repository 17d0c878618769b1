"""`Document`: a YAML or JSON file as plain data, with the line and column of every key and value."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris.documents.compose import Limits, Node, compose
from osiris.errors import ConfigError, did_you_mean

LIMITS = Limits()
NO_PIPELINES = ("osiris.yaml", "osiris_connections.yaml")
"""Never meant by another name."""
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A file's `value` (dict, list, str, int, float, bool or None), and where each part of it stands.

    `name` is the path as errors show it. Aliases are copied, so that no two places share a mapping.
    """

    name: str
    value: Any
    root: Node = field(repr=False)

    def position(self, *path: str | int, key: bool = False) -> tuple[int, int]:
        """1-based line and column of the value at `path`, or of its key; of the nearest ancestor when there is none."""
        node, place = self.root, (self.root.line, self.root.column)
        for name in path:
            below = node.part(name)
            if below is None:
                break
            own = (below.line, below.column)
            place = node.keys.get(str(name), own) if key else own
            node = below
        return place

    def error(
        self, message: str, *path: str | int, code: str = "config.invalid", hint: str | None = None, key: bool = False
    ) -> ConfigError:
        """A ConfigError that points at `path`."""
        line, column = self.position(*path, key=key)
        return ConfigError(message, code=code, hint=hint, file=self.name, line=line, column=column)


def load(path: Path, limits: Limits = LIMITS) -> Document:
    """Read a file. An empty one is the value None.

    Raises ConfigError, with line and column where there is one, for whatever is wrong with it: missing, unreadable, not
    UTF-8, not YAML, tabs, duplicate keys, keys that are not text, more than one document, too large, too deep, an alias
    bomb, a tag that is not plain data.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(limits.size_bytes + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {name}", code="file.missing", hint=_near(path), file=name) from error
    except (OSError, ValueError) as error:
        if path.is_dir():
            hint = _inside(path)
            raise ConfigError(f"{name} is a folder", code="file.unreadable", hint=hint, file=name) from error
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{name} cannot be read: {reason}", code="file.unreadable", file=name) from error
    if len(data) > limits.size_bytes:
        raise _too_large(name, limits)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message, hint = "the file is not UTF-8 text", "save the file as UTF-8"
        raise ConfigError(message, code="yaml.encoding", hint=hint, file=name, line=line, column=column) from error
    return loads(text, name, limits)


def loads(text: str, name: str, limits: Limits = LIMITS) -> Document:
    """As `load`, for a text at hand; `name` is what errors show as the file."""
    text = text.removeprefix("\ufeff")
    if len(text) > limits.size_bytes:
        raise _too_large(name, limits)
    bad = UNPRINTABLE.search(text)
    if bad is not None:
        line, column = text.count("\n", 0, bad.start()) + 1, bad.start() - text.rfind("\n", 0, bad.start())
        message = f"the character U+{ord(bad.group()):04X} is not allowed in YAML"
        hint = 'write it as an escape in a "quoted" text'
        raise ConfigError(message, code="yaml.character", hint=hint, file=name, line=line, column=column)
    root = compose(text, name, limits)
    return Document(name, root.value, root)


def _near(path: Path) -> str:
    folder = path.absolute().parent
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        names = []
    below = sorted(folder.glob(f"*/{glob.escape(path.stem)}.y*ml"))
    if below:
        return f'did you mean "{path.parent / below[0].relative_to(folder)}"?'
    # the suffix alone makes any two names alike
    alike = [each for each in names if each not in NO_PIPELINES and did_you_mean(path.stem, [Path(each).stem])]
    return did_you_mean(path.name, alike) or f"looked in {folder}"


def _inside(folder: Path) -> str:
    """A file that may be meant by the folder: in it, or one further down."""
    found = [*sorted(folder.glob("*.y*ml")), *sorted(folder.glob("[!.]*/*.y*ml"))]
    meant = next((path for path in found if path.name not in NO_PIPELINES), None)
    return f"name a file in it, such as {meant}" if meant else "name a file"


def _too_large(name: str, limits: Limits) -> ConfigError:
    message = f"the file is larger than {limits.size_bytes // 1024**2} MiB"
    return ConfigError(message, code="yaml.too_large", file=name)
