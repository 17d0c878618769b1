"""`Session`: one request's transaction, as its role, and what the schema cache knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.servers.postgrest.catalog import Catalog, Function, Table
from tests.servers.postgrest.errors import of_database
from tests.servers.postgrest.request import Request
from tests.servers.postgrest.roles import ANON
from tests.servers.postgrest.sql import literal, name


@dataclass(slots=True)
class Session:
    """Entered, it begins; left, it commits, or rolls back on an error."""

    connection: psycopg.Connection[tuple[Any, ...]]
    catalog: Catalog
    schema: str
    claims: Mapping[str, Any]
    safeupdate: bool = True

    def begin(self, request: Request) -> None:
        role = str(self.claims["role"])
        texts = {
            "search_path": f"{name(self.schema)}, public",
            "request.jwt.claims": json.dumps(self.claims),
            "request.method": request.method,
            "request.path": request.path,
            "request.headers": json.dumps(dict(request.headers)),
        }
        if "timezone" in request.prefer:
            texts["timezone"] = request.prefer["timezone"]
        self.run(f"BEGIN {'READ ONLY' if request.reads else 'READ WRITE'}")
        # A role's own settings count for a login, which is not this one.
        own = self.run(f"SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = {literal(role)}")
        texts |= dict(text.split("=", 1) for (text,) in own)
        texts["role"] = role
        self.run(
            "SELECT " + ", ".join(f"set_config({literal(key)}, {literal(text)}, true)" for key, text in texts.items())
        )

    def table(self, named: str) -> Table:
        return self.catalog.table(self.schema, named)

    def function(self, named: str, given: frozenset[str], *, filtered: bool) -> Function:
        return self.catalog.function(self.schema, named, given, filtered=filtered)

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        try:
            cursor = self.connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise of_database(error, anonymous=self.claims["role"] == ANON) from error

    def row(self, statement: str) -> tuple[Any, ...]:
        return self.run(statement)[0]

    def commit(self) -> None:
        self.run("COMMIT")

    def roll_back(self) -> None:
        """The connection is of use again, or closed."""
        try:
            self.connection.execute("ROLLBACK")
        except psycopg.Error:
            self.connection.close()
