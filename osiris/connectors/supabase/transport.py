"""`Transport`: one of the ways into a Supabase project, and what the family asks of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from osiris.connectors import base
from osiris.connectors.base import Connection, Options, Workspace
from osiris.errors import ConfigError


class Transport(base.Client, base.Discovers):
    """A client that also makes the extractor and the writer that go with it."""

    @abstractmethod
    def extractor(self, options: Options, workspace: Workspace) -> base.Extractor[Any]: ...

    @abstractmethod
    def writer(self, options: Options, workspace: Workspace) -> base.Writer[Any]: ...


def refuse_options(options: Options, names: tuple[str, ...], connection: Connection, hint: str) -> None:
    """Raises ConfigError for the first of `names` that is given: what it asks for, this transport cannot do."""
    given = [name for name in names if options.get(name) not in (None, False)]
    if given:
        raise ConfigError(
            f"{connection.reference}: the option {given[0]!r} does not go with this transport",
            code="option.transport",
            hint=hint,
        )
