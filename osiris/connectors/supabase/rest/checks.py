"""Doctor's checks of a REST interface, in order; one request tells of encryption, key and schema."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

from osiris.connectors._shared.http.answers import Answer
from osiris.connectors._shared.http.endpoint import Endpoint, origin_of
from osiris.connectors._shared.line import Address
from osiris.connectors.base import Check, Finding
from osiris.connectors.supabase.rest.postgrest import PostgREST
from osiris.errors import NetworkFailed, NotFound, OsirisError, TimedOut, TlsFailed

SKEW_S: Final = 5.0
LEGACY: Final = "Supabase retires its legacy keys: make a secret key (sb_secret_…) in the project's settings, API Keys"
USUAL_ROWS: Final = 1000
"""Supabase's own limit on the rows of an answer, unless a project sets another."""


def of(api: PostgREST, resources: Sequence[str]) -> tuple[Check, ...]:
    """The checks of an interface that was not asked yet."""
    api.attempts = 1
    way, use = WayChecks(api), UseChecks(api, resources)
    return (
        Check("compat.url", way.url),
        Check("compat.key", way.key),
        Check("net.dns", way.resolve),
        Check("net.tcp", way.connect),
        Check("tls.handshake", way.encrypt),
        Check("auth.login", way.log_in),
        Check("compat.schema", way.schema),
        Check("compat.role", use.role),
        Check("perm.read", use.read),
        Check("compat.rls", use.hidden, "full"),
        Check("server.limits", use.limits, "full"),
        Check("clock.skew", way.clock, "full"),
    )


@dataclass(slots=True)
class WayChecks:
    """From the address to the schema."""

    api: PostgREST
    answer: Answer | None = None
    failed: OsirisError | None = None
    was_sent: bool = False
    addresses: list[Address] = field(default_factory=list)

    def url(self) -> str | Finding:
        scheme, host, _ = Endpoint(self.api.url).origin
        if scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
            return Finding(f"{self.api.url}: key and rows go unencrypted", hint="write https:// in url")
        return self.api.url

    def key(self) -> str | Finding:
        key = self.api.key
        key.raise_if_expired(time.time())
        key.raise_unless_of(self.api.project)
        text = f"a {key.kind} key" + (f" of the role {key.role}" if key.role else "")
        return Finding(text, hint=LEGACY) if key.kind == "legacy" and self.api.project else text

    def resolve(self) -> str:
        _, host, port = self.api.endpoint.origin
        if self.api.endpoint.proxy is not None:
            return f"the proxy looks {host} up"
        self.addresses = self.api.line.resolve(host, port, self.api.endpoint.timeouts.connect_s)
        return f"{host} is {', '.join(dict.fromkeys(str(address[0]) for _, address in self.addresses))}"

    def connect(self) -> str:
        _, host, port = self.api.endpoint.origin
        if self.api.endpoint.proxy is not None:
            return "the proxy connects"
        try:
            self.api.line.connect(self.addresses, self.api.endpoint.timeouts.connect_s)
        except OSError as error:
            reached = TimedOut if isinstance(error, TimeoutError) else NetworkFailed
            raise reached(
                f"{host}:{port} cannot be reached: {error.strerror or error}",
                hint="check url, and that no firewall is in between",
            ) from error
        finally:
            self.api.line.let_go()
        return f"{host}:{port}"

    def encrypt(self) -> str:
        self._ask()
        if isinstance(self.failed, TlsFailed | NetworkFailed | TimedOut) and "status" not in self.failed.details:
            raise self.failed
        scheme, _, _ = origin_of(self.api.url)
        trusted = "the connection is encrypted, and its certificate is trusted"
        return trusted if scheme == "https" else "nothing is encrypted, as the url says http"

    def log_in(self) -> str:
        self._ask()
        if self.failed is not None and self.failed.code != "schema.not_exposed":
            raise self.failed
        return "the API takes the key"

    def schema(self) -> str:
        if self.failed is not None:
            raise self.failed
        return f"the schema {self.api.schema} is exposed" if self.api.schema else "the API's first schema is asked"

    def clock(self) -> str | Finding:
        given = self.answer.headers.get("date") if self.answer else None
        if given is None or self.answer is None:
            return "the API does not tell its time"
        skew_s = parsedate_to_datetime(given).timestamp() - self.answer.received_at
        message = f"the API's clock differs by {abs(skew_s):.0f} s"
        return Finding(message, hint="set this machine's clock by NTP") if abs(skew_s) > SKEW_S else message

    def _ask(self) -> None:
        """Once in all: a gateway may block who fails too often."""
        if self.was_sent:
            return
        self.was_sent = True
        try:
            self.answer = self.api.probe()
        except OsirisError as error:
            self.failed = error


@dataclass(slots=True)
class UseChecks:
    """What the key may do."""

    api: PostgREST
    resources: Sequence[str]

    def role(self) -> str | Finding:
        if self.api.sees_all:
            return "row level security does not hold for this key"
        return Finding(
            f"row level security holds for this key, whose role is {self.api.key.role}",
            hint="a writer needs a secret key, or policies that let this role in; so does a reader that is to see all",
        )

    def read(self) -> str:
        missing = [name for name in self._names() if not self._is_there(name)]
        if missing:
            raise NotFound(
                f"the API shows this key no table {', '.join(missing)}",
                code="table.missing",
                hint="check name and schema: case counts. Over rest no table is made; a dsn allows it",
            )
        if not self.resources:
            return "no table was named"
        return f"{', '.join(self.resources)} can be read"

    def hidden(self) -> str | Finding:
        if self.api.sees_all:
            return "nothing is hidden from this key"
        empty = [name for name in self._names() if self.api.get(name, (("limit", "1"),)).json() == []]
        if not empty:
            return "this key sees rows of each table that was named" if self.resources else "no table was named"
        return Finding(
            f"this key sees 0 rows of {', '.join(empty)}",
            hint="if there are any, row level security hides them: add a policy for its role, or use a secret key",
        )

    def limits(self) -> str:
        """How many rows an answer has at most, as far as a table that was named is long enough to tell."""
        for name in self._names():
            try:
                rows = self._count(name, 0, 100 * USUAL_ROWS)
                if rows and self._count(name, rows, 1):
                    return f"an answer has {rows:,} rows at most"
            except OsirisError as error:  # it is good to know, and no more
                return f"how many rows an answer may have is not known: {error.message}"
        return "how many rows an answer may have is not known: no table that was named is longer"

    def _count(self, name: str, offset: int, limit: int) -> int:
        query = (("select", ""), ("offset", str(offset)), ("limit", str(limit)))
        return len(self.api.get(name, query).json())

    def _is_there(self, name: str) -> bool:
        try:
            self.api.get(name, (("limit", "0"),))
        except NotFound:
            return False
        return True

    def _names(self) -> list[str]:
        """Tables as the API calls them: a dataset's name is that of its table, after the schema's."""
        return [name.rpartition(".")[2] for name in self.resources if not name.startswith("rpc/")]
