"""`Rest`: a stand-in for PostgREST behind Supabase's gateway, over a real PostgreSQL.

rest = Rest.start(database, max_rows=100)   # see settings.py; database.sql("CREATE TABLE …") before or after
rest.url, rest.service_key, rest.anon_key, rest.secret_key, rest.publishable_key
rest.faults.append(unavailable(retry_after="0"))   # the next request gets this: see faults.py
rest.asked[-1].path                                # what came, in order
rest.stop()
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.servers.postgres import Database
from tests.servers.postgrest import calling, openapi, reading, roles, writing
from tests.servers.postgrest.catalog import Catalog
from tests.servers.postgrest.connections import Connections
from tests.servers.postgrest.errors import Failure
from tests.servers.postgrest.faults import Fault
from tests.servers.postgrest.gateway import Gateway
from tests.servers.postgrest.request import Request
from tests.servers.postgrest.session import Session
from tests.servers.postgrest.settings import Settings
from tests.servers.web import Asked, Reply, Web

NUMBERS = itertools.count(1)


class Rest:
    """Answers from `database`. The keys are those of one project; `secret` signs its JWTs."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.secret = f"a secret of at least 32 characters, number {next(NUMBERS)}"
        self.anon_key, self.service_key = self.token(roles.ANON), self.token(roles.SERVICE)
        self.publishable_key = f"sb_publishable_{self.secret[-10:].encode().hex()}"
        self.secret_key = f"sb_secret_{self.secret[-10:].encode().hex()}"
        known = {self.anon_key: roles.ANON, self.service_key: roles.SERVICE}
        known |= {self.publishable_key: roles.ANON, self.secret_key: roles.SERVICE}
        self.gateway = Gateway(known, self.token)
        self.faults: list[Fault] = []
        self.catalog = Catalog(settings.schemas)
        self._connections = Connections(database)
        self._zones: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._web = Web(self._answer, settings.certificate)
        self.url = self._web.url
        """Without the prefix, as a project's address is."""

    @classmethod
    def start(cls, database: Database, **settings: Any) -> Rest:
        """A server that answers. The fields of `settings` are those of `Settings`."""
        made = cls(database, Settings(**settings))
        roles.install(database, made.settings.schemas)
        made._zones = frozenset(zone for (zone,) in database.sql("SELECT name FROM pg_timezone_names"))
        made._connections.notified()
        made.reload()
        made._web.__enter__()
        return made

    def stop(self) -> None:
        self._web.__exit__()
        roles.forget_limits(self.database)
        self._connections.close()

    @property
    def asked(self) -> list[Asked]:
        """The requests that came, in order."""
        return self._web.asked

    def token(self, role: str, **claims: Any) -> str:
        """A JWT of this project: of a user, or an expired one with `exp=0`."""
        return roles.token({"role": role, "exp": int(time.time()) + 3600, **claims}, self.secret)

    def limit(self, role: str, statement_timeout: str) -> None:
        """How long a statement of this role may take, as `ALTER ROLE … SET statement_timeout` says it."""
        self.database.sql(f"ALTER ROLE {role} SET statement_timeout = '{statement_timeout}'")

    def reload(self) -> None:
        """Load the schema cache again."""
        with self.database.connect() as connection:
            self.catalog.load(connection)

    def _answer(self, asked: Asked) -> Reply:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.concerns(asked)), None)
            if fault is not None:
                self.faults.remove(fault)
        if fault is not None and not fault.executed:
            return fault.reply
        reply = self._through_gateway(asked)
        return reply if fault is None else fault.reply

    def _through_gateway(self, asked: Asked) -> Reply:
        if self.settings.max_body is not None and len(asked.body) > self.settings.max_body:
            return Reply(413, b"<html><h1>413 Request Entity Too Large</h1></html>", content_type="text/html")
        authorization: str | Reply = asked.headers.get("authorization", "")
        if self.settings.gateway:
            root = asked.path.partition("?")[0].rstrip("/") == self.settings.prefix
            authorization = self.gateway.authorization(asked.headers, root=root)
        if isinstance(authorization, Reply):
            return authorization
        try:
            return self._served(asked, authorization)
        except Failure as failure:
            return failure.reply

    def _served(self, asked: Asked, authorization: str) -> Reply:
        claims = roles.claims_of(authorization, self.secret)
        request = Request.of(asked, self.settings.prefix, self._zones)
        schema = request.schema or self.settings.schemas[0]
        if schema not in self.settings.schemas:
            hint = f"Only the following schemas are exposed: {', '.join(self.settings.schemas)}"
            raise Failure(406, "PGRST106", f"Invalid schema: {schema}", None, hint)
        if self._connections.notified() or (self.settings.watches and request.path == "/"):
            self.reload()
        try:
            return self._in_session(request, schema, claims)
        except Failure as failure:
            if not (self.settings.watches and failure.code in ("PGRST202", "PGRST204", "PGRST205")):
                raise
        self.reload()
        return self._in_session(request, schema, claims)

    def _in_session(self, request: Request, schema: str, claims: dict[str, Any]) -> Reply:
        session = Session(self._connections.take(), self.catalog, schema, claims)
        session.safeupdate = self.settings.safeupdate
        try:
            session.begin(request)
            reply = self._handled(request, session)
            session.commit()
        except BaseException:
            session.roll_back()
            raise
        finally:
            self._connections.give_back(session.connection)
        return reply

    def _handled(self, request: Request, session: Session) -> Reply:
        if request.path == "/":
            return openapi.describe(request, session)
        if request.path.startswith("/rpc/"):
            return calling.call(request, session, self.settings.max_rows)
        if request.reads:
            return reading.read(request, session, self.settings.max_rows)
        write = WRITES.get(request.method)
        if write is None:
            raise Failure(405, "PGRST117", f"Unsupported HTTP method: {request.method}")
        return write(request, session)


WRITES: dict[str, Callable[[Request, Session], Reply]] = {
    "POST": writing.insert,
    "PATCH": writing.update,
    "DELETE": writing.delete,
}
