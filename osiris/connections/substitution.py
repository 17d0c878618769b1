"""What stands in `${...}`: a variable, a file, or a secret that a plugin fetches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from osiris.connections import dotenv
from osiris.errors import ConfigError, OsirisError, did_you_mean

GROUP = "osiris.secrets"
_PART = re.compile(r"(?P<literal>\$\$\{)|\$\{(?P<inside>[^{}]*)\}|(?P<broken>\$\{)")
_VARIABLE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<rest>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `${...}`. A variable has a `name` and perhaps a `default`; anything else a `scheme` and the `rest`."""

    text: str
    name: str | None = None
    default: str | None = None
    scheme: str | None = None
    rest: str = ""


def parse(text: str) -> Iterator[str | Placeholder]:
    """The literal parts and placeholders of `text`, in order. Raises ConfigError for one that is malformed."""
    place = 0
    for found in _PART.finditer(text):
        if found.start() > place:
            yield text[place : found.start()]
        place = found.end()
        if found["literal"]:
            yield "${"
        else:
            yield _placeholder(found)
    if place < len(text):
        yield text[place:]


def _placeholder(found: re.Match[str]) -> Placeholder:
    inside = found["inside"]
    if inside is None:
        hint = "write $${ for a literal ${; a default cannot hold braces"
        raise ConfigError('"${" has no matching "}"', code="secrets.syntax", hint=hint)
    if variable := _VARIABLE.fullmatch(inside):
        return Placeholder(found.group(), name=variable["name"], default=variable["default"])
    if scheme := _SCHEME.fullmatch(inside):
        return Placeholder(found.group(), scheme=scheme["scheme"], rest=scheme["rest"])
    hint = "write ${VAR}, ${VAR:-default} or ${file:path}; $${ for a literal ${"
    raise ConfigError("what stands in ${...} is neither a variable nor a scheme", code="secrets.syntax", hint=hint)


class Sources:
    """Where placeholders get their values: `environ`, then the `.env` file in `folder`, files, plugins."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environ = environ

    def has(self, name: str) -> bool:
        """Whether the variable is set."""
        return name in self.environ or name in self._dotenv

    def stands_in_dotenv(self, name: str) -> bool:
        """Whether the variable's value comes from the `.env` file."""
        return name not in self.environ and name in self._dotenv

    def fetch(self, placeholder: Placeholder) -> str:
        """Its value. Raises ConfigError (`secrets.*`), without any value in it."""
        if placeholder.name is not None:
            return self._variable(placeholder.name, placeholder.default)
        if placeholder.scheme == "file":
            return self._file(placeholder.rest)
        return _plugin(placeholder)

    @cached_property
    def _dotenv(self) -> dict[str, str]:
        return dotenv.load(self.folder / ".env")

    def _variable(self, name: str, default: str | None) -> str:
        value = self.environ.get(name)
        if value is None:
            value = self._dotenv.get(name)
        if not value and default is not None:
            return default
        if value is None:
            near = did_you_mean(name, [*self.environ, *self._dotenv], cutoff=0.8)
            hint = near or "set it in the environment or in .env beside the connections file"
            raise ConfigError(f"the variable {name} is not set", code="secrets.unset", hint=hint)
        return value

    def _file(self, name: str) -> str:
        path = self.folder / Path(name).expanduser()
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            message = f"the file {path} cannot be read: {reason}"
            raise ConfigError(
                message, code="secrets.file", hint="relative paths count from the connections file"
            ) from error


def _plugin(placeholder: Placeholder) -> str:
    points = {point.name: point for point in metadata.entry_points(group=GROUP)}
    scheme = placeholder.scheme or ""
    if scheme not in points:
        known = ["file", *points]
        hint = did_you_mean(scheme, known) or f"known: ${{VAR}}, {', '.join(f'${{{name}:...}}' for name in known)}"
        raise ConfigError(f'there is no secret scheme "{scheme}"', code="secrets.scheme", hint=hint)
    try:
        value = points[scheme].load()(placeholder.rest)
    except OsirisError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may fail in any way
        # What its error says may hold a secret that nobody knows of yet: only its class is told, and the chain is cut.
        message = f'the secret scheme "{scheme}" failed: {type(error).__name__}'
        hint = f"see what {points[scheme].value} needs"
        raise ConfigError(message, code="secrets.scheme_failed", hint=hint) from None
    if not isinstance(value, str):
        raise ConfigError(f'the secret scheme "{scheme}" gave no text', code="secrets.scheme_failed")
    return value
