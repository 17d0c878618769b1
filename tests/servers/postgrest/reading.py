"""GET and HEAD of a table or view: one page of its rows, counted when that is asked for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tests.servers.postgrest.errors import Failure, beyond, unreadable
from tests.servers.postgrest.filters import conditions, field, split, unquoted
from tests.servers.postgrest.request import Request
from tests.servers.postgrest.session import Session
from tests.servers.postgrest.sql import name
from tests.servers.web import Reply

JSON, CSV = "application/json; charset=utf-8", "text/csv; charset=utf-8"
OBJECT = "application/vnd.pgrst.object+json; charset=utf-8"
AS_CSV = (
    "(SELECT coalesce(string_agg(k, ','), '') FROM (SELECT json_object_keys(row_to_json(h)) AS k "
    "FROM (SELECT * FROM source LIMIT 1) h) a) || E'\\n' || "
    "coalesce(string_agg(substring(page::text, 2, length(page::text) - 2), E'\\n'), '')"
)
DIRECTIONS = {"asc": "ASC", "desc": "DESC", "nullsfirst": "NULLS FIRST", "nullslast": "NULLS LAST"}


@dataclass(frozen=True, slots=True)
class Page:
    """`source` is a SELECT of all rows that fit, without their order; `order` is its clause."""

    source: str
    order: str
    offset: int
    limit: int | None

    @property
    def statement(self) -> str:
        limit = "" if self.limit is None else f" LIMIT {self.limit}"
        return f"{self.source}{self.order}{limit} OFFSET {self.offset}"


def read(request: Request, session: Session, cap: int | None) -> Reply:
    table = session.table(request.path.strip("/"))
    place = f"{name(table.schema)}.{name(table.name)}"
    where = filtered(conditions(request.query, place))
    offset, limit = request.window(cap)
    page = Page(f"SELECT {selected(request, place)} FROM {place}{where}", ordered(request, place), offset, limit)
    total = counted(request, session, f"SELECT 1 FROM {place}{where}", cap)
    return answered(request, session, page, total)


def answered(request: Request, session: Session, page: Page, total: int | None, body: str = "") -> Reply:
    """`body` is the SQL that makes the body of all rows, where they are not a list of objects."""
    size, text = fetched(request, session, page.statement, body)
    status, span = _status(page.offset, size, total)
    headers = {"Content-Range": span, **request.applied("count")}
    if request.schema:
        headers["Content-Profile"] = request.schema
    if status == 416:
        details = f"An offset of {page.offset} was requested, but there are only {total} rows."
        raise Failure(416, "PGRST103", "Requested range not satisfiable", details, headers={"Content-Range": span})
    return Reply(status, text, headers, content_type(request))


def fetched(request: Request, session: Session, statement: str, body: str = "") -> tuple[int, bytes]:
    """How many rows a statement gives, and the body that is made of them."""
    if request.wants_csv:
        body = AS_CSV
    elif request.wants_one:
        body = "coalesce(json_agg(page)->0, 'null')::text"
    body = body or "coalesce(json_agg(page), '[]')::text"
    size, text = session.row(f"WITH source AS ({statement}) SELECT count(*), {body} FROM (SELECT * FROM source) page")
    if request.wants_one and size != 1:
        details = f"The result contains {size} rows"
        raise Failure(406, "PGRST116", "Cannot coerce the result to a single JSON object", details)
    return size, text.encode()


def content_type(request: Request) -> str:
    return OBJECT if request.wants_one else CSV if request.wants_csv else JSON


def counted(request: Request, session: Session, statement: str, cap: int | None) -> int | None:
    """How many rows there are, as exactly as it is asked for."""
    how = request.prefer.get("count")
    if how is None:
        return None
    if how != "planned":
        within = f" LIMIT {cap + 1}" if how == "estimated" and cap is not None else ""
        (exact,) = session.row(f"SELECT count(*) FROM ({statement}{within}) _")
        if how == "exact" or cap is None or exact <= cap:
            return int(exact)
    (plan,) = session.row(f"EXPLAIN (FORMAT JSON) {statement}")
    planned = plan if isinstance(plan, list) else json.loads(plan)
    return int(planned[0]["Plan"]["Plan Rows"])


def _status(offset: int, size: int, total: int | None) -> tuple[int, str]:
    upper = offset + size - 1
    of = "*" if total is None else str(total)
    span = f"{offset}-{upper}/{of}" if size and (total is None or total) else f"*/{of}"
    if total is None:
        return 200, span
    if offset > total:
        return 416, span
    return (206 if size < total else 200), span


def filtered(where: list[str]) -> str:
    return f" WHERE {' AND '.join(where)}" if where else ""


def selected(request: Request, place: str) -> str:
    """What stands between SELECT and FROM."""
    asked = request.first("select")
    if asked is None:
        return f"{place}.*" if place else "*"
    return ", ".join(_item(item.strip(), place) for item in split(asked) if item.strip())


def _item(text: str, place: str) -> str:
    if text == "*":
        return f"{place}.*" if place else "*"
    if "(" in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        raise beyond("embedded resources and aggregates")
    found = re.fullmatch(
        r'(?:(?P<alias>"(?:[^"\\]|\\.)*"|[^":]+?):(?!:))?(?P<field>"(?:[^"\\]|\\.)*"|[^":]+)(?:::(?P<cast>[\w ]+))?',
        text,
    )
    if found is None:
        raise unreadable("select parameter", text, "character")
    column = field(found["field"], place)
    last = re.split("->>?", found["field"])[-1] if not found["field"].startswith('"') else found["field"]
    alias = name(unquoted(found["alias"] or last))
    return f"CAST({column} AS {found['cast']}) AS {alias}" if found["cast"] else f"{column} AS {alias}"


def ordered(request: Request, place: str) -> str:
    asked = request.first("order")
    if not asked:
        return ""
    return f" ORDER BY {', '.join(_term(term.strip(), place) for term in split(asked))}"


def _term(text: str, place: str) -> str:
    words = split(text, ".")
    if any(word not in DIRECTIONS for word in words[1:]):
        raise unreadable("order", text, "word expecting asc, desc, nullsfirst or nullslast")
    return " ".join([field(words[0], place), *(DIRECTIONS[word] for word in words[1:])])
