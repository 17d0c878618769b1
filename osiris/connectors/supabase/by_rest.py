"""`ByRest`: a project's REST interface, which is PostgREST behind Supabase's gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from osiris.connectors import base
from osiris.connectors.base import Check, Options, Resource, Workspace
from osiris.connectors.supabase.rest import checks, discovery
from osiris.connectors.supabase.rest.api import Asks
from osiris.connectors.supabase.rest.postgrest import PostgREST
from osiris.connectors.supabase.rest.reader import RestExtractor
from osiris.connectors.supabase.rest.writer import RestWriter
from osiris.connectors.supabase.transport import Transport


class ByRest(Asks, Transport):
    """Requests over kept-alive connections; there is no session, and no transaction over several of them."""

    @cached_property
    def api(self) -> PostgREST:
        return PostgREST(self.connection)

    def open(self) -> None:
        self.api.probe()

    def close(self) -> None:
        self.api.close()

    def interrupt(self) -> None:
        self.api.interrupt()

    def checks(self, resources: Sequence[str] = ()) -> Sequence[Check]:
        return checks.of(self.api, resources)

    def discover(self, like: str | None = None) -> Iterator[Resource]:
        return discovery.resources(self.api, like)

    def extractor(self, options: Options, workspace: Workspace) -> base.Extractor[Asks]:
        return RestExtractor(self, options, workspace)

    def writer(self, options: Options, workspace: Workspace) -> base.Writer[Asks]:
        return RestWriter(self, options, workspace)
