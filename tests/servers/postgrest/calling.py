"""GET and POST of `/rpc/<function>`: its rows can be selected, filtered, ordered and paged as a table's."""

from __future__ import annotations

from tests.servers.postgrest.catalog import Function
from tests.servers.postgrest.errors import Failure
from tests.servers.postgrest.filters import RESERVED, conditions
from tests.servers.postgrest.payload import keyed
from tests.servers.postgrest.reading import Page, answered, counted, filtered, ordered, selected
from tests.servers.postgrest.request import Request
from tests.servers.postgrest.session import Session
from tests.servers.postgrest.sql import literal, name
from tests.servers.web import Reply

SCALAR = "scalar"


def call(request: Request, session: Session, cap: int | None) -> Reply:
    """Where rows are counted, the function runs once more for that; the real server counts what it has."""
    if request.method not in ("GET", "HEAD", "POST"):
        raise Failure(405, "PGRST101", f"Cannot use the {request.method} method on RPC")
    function, values = _called(request, session)
    invoked = f"{name(function.schema)}.{name(function.name)}({', '.join(values)})"
    if function.void:
        session.run(f"SELECT {invoked}")
        return Reply(204, b"", {"Content-Range": "*/*"}, "")
    if not function.composite:
        every = "coalesce(json_agg(page.scalar), '[]')::text"
        source = f"SELECT {invoked} AS {SCALAR}"
        body = every if function.rows else "coalesce(json_agg(page.scalar)->0, 'null')::text"
        page = Page(source, "", *request.window(cap))
        return answered(request, session, page, counted(request, session, source, cap), body)
    where = filtered(conditions(request.query, "called", frozenset(function.arguments)))
    source = f"FROM {invoked} AS called{where}"
    page = Page(f"SELECT {selected(request, 'called')} {source}", ordered(request, "called"), *request.window(cap))
    total = counted(request, session, f"SELECT 1 {source}", cap)
    return answered(request, session, page, total, "" if function.rows else "coalesce(json_agg(page)->0, 'null')::text")


def _called(request: Request, session: Session) -> tuple[Function, list[str]]:
    """The function, and its arguments as SQL."""
    named = request.path.removeprefix("/rpc/")
    if request.reads:
        given = {key: value for key, value in request.query if key not in RESERVED}
        function = session.function(named, frozenset(given), filtered=True)
        known = {key: literal(value) for key, value in given.items() if key in function.arguments}
        return function, [f"{name(key)} => {value}" for key, value in known.items()]
    body, keys = keyed(request) if request.body else (b"{}", ())
    function = session.function(named, frozenset(keys), filtered=False)
    text = literal(body.decode())
    if not keys:
        return function, []
    typed = {key: function.arguments[key]["type"] for key in keys}
    row = ", ".join(f"{name(key)} {kind}" for key, kind in typed.items())
    return function, [f"{name(key)} => (SELECT _.{name(key)} FROM json_to_record({text}) AS _({row}))" for key in keys]
