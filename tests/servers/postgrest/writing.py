"""POST, PATCH and DELETE of a table or view: one statement in one transaction, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.servers.postgrest.catalog import Table
from tests.servers.postgrest.errors import Failure
from tests.servers.postgrest.filters import conditions, split, unquoted
from tests.servers.postgrest.payload import keyed
from tests.servers.postgrest.reading import content_type, fetched, filtered, selected
from tests.servers.postgrest.request import Request
from tests.servers.postgrest.session import Session
from tests.servers.postgrest.sql import literal, name, names
from tests.servers.web import Reply

UPDATED = "stand_in.updated"
"""A setting of the transaction that counts what an upsert has found there."""


def insert(request: Request, session: Session) -> Reply:
    table = session.table(request.path.strip("/"))
    body, columns = keyed(request)
    source = _source(request, table, columns, body)
    upsert = _upsert(request, table, columns)
    place = f"{name(table.schema)}.{name(table.name)}"
    target = f"{place}({names(columns)})" if columns else place
    statement = f"INSERT INTO {target} SELECT {names(columns)} FROM {source}{upsert.clause}"
    size, text = _run(request, session, table, statement)
    (updated,) = session.row(f"SELECT coalesce(nullif(current_setting('{UPDATED}', true), ''), '0')::int")
    merged = request.prefer.get("resolution") == "merge-duplicates"
    obeyed = ("return", "count", "missing", *(("resolution",) if upsert.key else ()))
    reply = _reply(request, 200 if merged and size - updated <= 0 else 201, text, obeyed, _counted(request, size))
    if request.prefer.get("return") == "headers-only" and size == 1:
        row = json.loads(text)[0]
        place = f"/{table.name}?" + "&".join(f"{key}=eq.{value}" for key, value in row.items())
        return Reply(reply.status, b"", {**reply.headers, "Location": place}, "")
    return reply


def update(request: Request, session: Session) -> Reply:
    table = session.table(request.path.strip("/"))
    body, columns = keyed(request)
    place = f"{name(table.schema)}.{name(table.name)}"
    where = conditions(request.query, place)
    table.types(columns)
    if not columns:
        statement = f"UPDATE {place} SET ({name(next(iter(table.columns)))}) = ROW(NULL) WHERE false"
    else:
        _safe("UPDATE", session, where)
        source = _source(request, table, columns, body)
        sets = ", ".join(f"{name(column)} = _.{name(column)}" for column in columns)
        statement = f"UPDATE {place} SET {sets} FROM (SELECT * FROM {source} LIMIT 1) _{filtered(where)}"
    size, text = _run(request, session, table, statement)
    span = f"0-{size - 1}/{_total(request, size)}" if size else f"*/{_total(request, size)}"
    return _reply(request, 204, text, ("return", "count", "missing", "max-affected"), span)


def delete(request: Request, session: Session) -> Reply:
    table = session.table(request.path.strip("/"))
    place = f"{name(table.schema)}.{name(table.name)}"
    where = conditions(request.query, place)
    _safe("DELETE", session, where)
    size, text = _run(request, session, table, f"DELETE FROM {place}{filtered(where)}")
    return _reply(request, 204, text, ("return", "count", "max-affected"), _counted(request, size))


def _safe(verb: str, session: Session, where: list[str]) -> None:
    if session.safeupdate and not where:
        raise Failure(400, "21000", f"{verb} requires a WHERE clause")


def _source(request: Request, table: Table, columns: tuple[str, ...], body: bytes) -> str:
    """The rows of the body as something to select from; what a row lacks is NULL, or the column's default."""
    types = table.types(columns)
    one = body.lstrip()[:1] == b"{"
    text = literal(body.decode())
    if not columns:
        return "(VALUES (1)) _" if one else f"json_array_elements({text}) _"
    typed = ", ".join(f"{name(column)} {kind}" for column, kind in types.items())
    if request.prefer.get("missing") != "default":
        return f"json_to_record{'' if one else 'set'}({text}) AS _({typed})"
    defaults = [(column, table.columns[column]["default"]) for column in columns]
    made = ", ".join(f"{literal(column)}, {default}" for column, default in defaults if default)
    rows = f"jsonb_array_elements({text}::jsonb)" if not one else f"(SELECT {text}::jsonb)"
    return f"{rows} AS row_(given), jsonb_to_record(jsonb_build_object({made}) || given) AS _({typed})"


@dataclass(frozen=True, slots=True)
class _Upsert:
    key: tuple[str, ...]
    clause: str


def _upsert(request: Request, table: Table, columns: Iterable[str]) -> _Upsert:
    asked = request.first("on_conflict")
    key = tuple(unquoted(part) for part in split(asked)) if asked else table.key
    how = request.prefer.get("resolution")
    if how is None or not key:
        return _Upsert((), "")
    if how == "ignore-duplicates" or not columns:
        return _Upsert(key, f" ON CONFLICT ({names(key)}) DO NOTHING")
    sets = ", ".join(f"{name(column)} = EXCLUDED.{name(column)}" for column in columns)
    count = f"(coalesce(nullif(current_setting('{UPDATED}', true), ''), '0')::int + 1)::text"
    counted = f"set_config('{UPDATED}', {count}, true) IS NOT NULL"
    return _Upsert(key, f" ON CONFLICT ({names(key)}) DO UPDATE SET {sets} WHERE {counted}")


def _run(request: Request, session: Session, table: Table, statement: str) -> tuple[int, bytes]:
    how = request.prefer.get("return")
    place = f"{name(table.schema)}.{name(table.name)}"
    returned = "1 AS one"
    if how == "representation":
        returned = selected(request, place)
    elif how == "headers-only" and table.key:
        returned = ", ".join(f"{place}.{name(column)}" for column in table.key)
    size, text = fetched(request, session, f"{statement} RETURNING {returned}")
    limit = request.prefer.get("max-affected")
    if limit is not None and request.prefer.get("handling") == "strict" and size > int(limit):
        details = f"The query affects {size} rows"
        raise Failure(400, "PGRST124", "Query result exceeds max-affected preference constraint", details)
    return size, text


def _total(request: Request, size: int) -> str:
    return str(size) if "count" in request.prefer else "*"


def _counted(request: Request, size: int) -> str:
    return f"*/{_total(request, size)}"


def _reply(request: Request, status: int, text: bytes, obeyed: tuple[str, ...], span: str) -> Reply:
    headers: dict[str, Any] = {"Content-Range": span, **request.applied(*obeyed)}
    if request.prefer.get("return") != "representation":
        return Reply(status, b"", headers, "")
    if request.schema:
        headers["Content-Profile"] = request.schema
    return Reply(200 if status == 204 else status, text, headers, content_type(request))
