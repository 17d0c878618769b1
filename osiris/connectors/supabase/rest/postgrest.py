"""`PostgREST`: the REST interface of one connection: where it is, who asks, and what its answers mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from osiris.connectors._shared.http.answers import Answer, Refusal
from osiris.connectors._shared.http.endpoint import (
    Endpoint,
    Retries,
    Timeouts,
    origin_of,
    proxy_of_environment,
    shown,
)
from osiris.connectors._shared.http.limits import Limits, limiter_of
from osiris.connectors._shared.http.session import Request, Session
from osiris.connectors._shared.line import Line
from osiris.connectors.base import Connection
from osiris.connectors.supabase.keys import Key
from osiris.connectors.supabase.rest.api import Query
from osiris.connectors.supabase.rest.judge import judge
from osiris.errors import AuthFailed, ConfigError, NotFound, OsirisError, PermissionDenied, SourceError

HOST: Final = re.compile(r"https://([a-z0-9]+)\.supabase\.(?:co|in|red)")
REST_PATH: Final = "/rest/v1"
PROBED: Final = "_osiris_probe"
DASHBOARD: Final = re.compile(r"https?://(?:www\.|app\.)?supabase\.(?:com|io)(?:/.*?project/([a-z0-9]+))?")


class PostgREST:
    """Used by one thread at a time; another one may `interrupt` it. Connects when it is asked for something."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.schema: str | None = connection.get("schema")
        self.attempts = Retries().attempts
        self.line = Line()
        """For what doctor does without a request."""
        self._described: Mapping[str, Any] | None = None
        self._is_described = False

    @cached_property
    def key(self) -> Key:
        given = self.connection.get("key")
        if not given:
            reference = self.connection.reference
            raise ConfigError(
                f"{reference} needs key to be asked over rest",
                code="connection.field_missing",
                hint="give key, from the project's settings, API Keys; or dsn, which needs none",
            )
        return Key.of(str(given))

    @cached_property
    def url(self) -> str:
        """`https://ref.supabase.co/rest/v1`, without a slash at its end."""
        return f"{address(self.connection)}{_rest_path(self.connection)}"

    @cached_property
    def endpoint(self) -> Endpoint:
        connection = self.connection
        usual, ca = Timeouts(), connection.get("ca_file")
        times = Timeouts(
            float(connection.get("connect_timeout_s", usual.connect_s)),
            float(connection.get("read_timeout_s", usual.read_s)),
            usual.total_s,
        )
        return Endpoint(
            self.url,
            credentials=self.key.headers,
            ca=connection.root / ca if ca else None,
            proxy=proxy_of_environment(self.url),
            timeouts=times,
            retries=Retries(attempts=self.attempts),
        )

    @property
    def project(self) -> str | None:
        """The project that the address names; None when it is none of Supabase's own."""
        found = HOST.fullmatch(address(self.connection))
        return found.group(1) if found else None

    @property
    def sees_all(self) -> bool:
        return self.key.sees_all

    def close(self) -> None:
        session = self.__dict__.get("_session")
        if session is not None:
            session.close()

    def interrupt(self) -> None:
        self.line.cut()
        session = self.__dict__.get("_session")
        if session is not None:
            session.interrupt()

    def get(self, path: str, query: Query = (), headers: Mapping[str, str] | None = None) -> Answer:
        profile = {} if self.schema is None else {"accept-profile": self.schema}
        return self._session.send(
            Request("GET", _target(path, query), {**profile, **(headers or {})}, judge=self._judge)
        )

    def post(self, path: str, query: Query, body: bytes, headers: Mapping[str, str], *, idempotent: bool) -> Answer:
        profile = {} if self.schema is None else {"content-profile": self.schema}
        given = {"content-type": "application/json", **profile, **headers}
        return self._session.send(Request("POST", _target(path, query), given, body, idempotent, self._judge))

    def description(self) -> Mapping[str, Any] | None:
        if not self._is_described:
            self._described = self._describe()
            self._is_described = True
        return self._described

    def probe(self) -> Answer | None:
        """Ask for a table that is not there: whoever is told so was let in, and came to a schema that is exposed. The
        root tells more, but is closed to keys for browsers."""
        try:
            return self.get(PROBED, (("limit", "0"),))
        except NotFound as error:
            if error.code != "table.missing":
                raise
        except PermissionDenied as error:
            if "sqlstate" not in error.details:
                raise
        return None

    def _judge(self, answer: Answer) -> Refusal | None:
        """What another host says was asked without the key, and is none of the project's rows."""
        if origin_of(answer.url) == self.endpoint.origin:
            return judge(answer)
        return Refusal(
            SourceError(
                f"{self.url} redirects to {shown(answer.url)}, another host: not taken",
                code="http.redirect",
                hint="set url to where the API really is",
            )
        )

    def _describe(self) -> Mapping[str, Any] | None:
        try:
            found = self.get("", headers={"accept": "application/openapi+json, application/json"}).json()
        except OsirisError as error:
            if isinstance(error, AuthFailed | PermissionDenied | NotFound):
                return None
            raise
        if not isinstance(found, dict):
            raise SourceError(f"{self.url} does not describe itself as PostgREST does", code="http.json")
        return found

    @cached_property
    def _session(self) -> Session:
        limits = Limits(per_minute=self.connection.get("requests_per_minute"))
        made = Session(self.endpoint, limiter_of((self.connection.root, self.connection.reference), limits))
        if self.line.is_cut:
            made.interrupt()
        return made


def address(connection: Connection) -> str:
    """Scheme, host and what path `url` has before `rest_path`; raises ConfigError."""
    url, project = connection.get("url"), connection.get("project_id")
    if url is None and project is None:
        raise ConfigError(
            f"{connection.reference} needs url or project_id to be asked over rest",
            code="connection.field_missing",
            hint="give url, as in https://abcdefghijklmnopqrst.supabase.co",
        )
    if url is None:
        return f"https://{project}.supabase.co"
    dashboard = DASHBOARD.match(url)
    if dashboard is not None:
        project = dashboard.group(1) or "abcdefghijklmnopqrst"
        raise ConfigError(
            f"url is that of Supabase's dashboard: {url}",
            code="connection.url",
            hint=f"the project's own is https://{project}.supabase.co",
        )
    bare: str = url.rstrip("/")
    return bare.removesuffix(_rest_path(connection))


def _rest_path(connection: Connection) -> str:
    path = str(connection.get("rest_path", REST_PATH)).strip("/")
    return f"/{path}" if path else ""


def _target(path: str, query: Query) -> str:
    """A URL below the API's, encoded. `path` is one name, or `rpc/` and one name."""
    prefix, name = ("rpc/", path[4:]) if path.startswith("rpc/") else ("", path)
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    return f"{prefix}{quote(name, safe='')}{'?' + pairs if pairs else ''}"
