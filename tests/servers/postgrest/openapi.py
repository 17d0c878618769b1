"""GET of the root: the OpenAPI 2.0 description of what the role may see."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.postgrest.catalog import Table
from tests.servers.postgrest.request import Request
from tests.servers.postgrest.session import Session
from tests.servers.postgrest.sql import array, literal
from tests.servers.web import Reply

KINDS = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
    "boolean": "boolean",
    "json": None,
    "jsonb": None,
}
VERBS = {"get": "SELECT", "post": "INSERT", "patch": "UPDATE", "delete": "DELETE"}


def describe(request: Request, session: Session) -> Reply:
    tables = [table for (schema, _), table in session.catalog.tables.items() if schema == session.schema]
    seen = _seen(session, [table.name for table in tables])
    links = _links(session)
    shown = [table for table in tables if seen.get(table.name)]
    told = {
        "swagger": "2.0",
        "info": {"title": "standard public schema", "description": "", "version": "14.1"},
        "basePath": "/",
        "schemes": ["http"],
        "paths": {f"/{table.name}": _verbs(seen[table.name]) for table in shown},
        "definitions": {table.name: _definition(table, links) for table in shown},
    }
    headers = {"Content-Profile": request.schema} if request.schema else {}
    return Reply(200, json.dumps(told).encode(), headers, "application/openapi+json; charset=utf-8")


def _seen(session: Session, tables: list[str]) -> dict[str, list[str]]:
    """What the role may do with each table."""
    checks = ", ".join(f"has_table_privilege(c.oid, '{right}')" for right in VERBS.values())
    rows = session.run(
        f"SELECT c.relname, {checks} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE n.nspname = {literal(session.schema)} AND c.relname = ANY ({array(tables)})"
    )
    return {row[0]: [verb for verb, may in zip(VERBS, row[1:], strict=True) if may] for row in rows}


def _links(session: Session) -> dict[tuple[str, str], str]:
    """The table and column that a foreign key of one column points to, by its own."""
    rows = session.run(
        "SELECT c.relname, a.attname, f.relname, b.attname FROM pg_constraint x "
        "JOIN pg_class c ON c.oid = x.conrelid JOIN pg_class f ON f.oid = x.confrelid "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.conkey[1] "
        "JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = x.confkey[1] "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE x.contype = 'f' AND array_length(x.conkey, 1) = 1 AND n.nspname = {literal(session.schema)}"
    )
    return {
        (table, column): f"`{other}.{target}`.<fk table='{other}' column='{target}'/>"
        for table, column, other, target in rows
    }


def _verbs(verbs: list[str]) -> dict[str, Any]:
    return {verb: {"responses": {"200": {"description": "OK"}}} for verb in verbs}


def _definition(table: Table, links: dict[tuple[str, str], str]) -> dict[str, Any]:
    properties = {}
    for column, known in table.columns.items():
        told: dict[str, Any] = {"format": known["format"]}
        kind = "array" if known["type"].endswith("[]") else KINDS.get(known["type"], "string")
        if kind:
            told["type"] = kind
        notes = ["This is a Primary Key.<pk/>"] if column in table.key else []
        if (table.name, column) in links:
            notes.append(f"This is a Foreign Key to {links[table.name, column]}")
        if notes:
            told["description"] = "Note:\n" + "\n".join(notes)
        if known["default"]:
            told["default"] = known["default"]
        properties[column] = told
    made: dict[str, Any] = {"type": "object", "properties": properties}
    required = [column for column, known in table.columns.items() if known["required"]]
    if required:
        made["required"] = required
    if table.comment:
        made["description"] = table.comment
    return made
