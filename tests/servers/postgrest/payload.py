"""The body of a request that writes or calls: JSON as it came, or CSV made into it, and the columns it fills."""

from __future__ import annotations

import csv
import io
import json

from tests.servers.postgrest.errors import Failure
from tests.servers.postgrest.filters import split, unquoted
from tests.servers.postgrest.request import Request


def keyed(request: Request) -> tuple[bytes, tuple[str, ...]]:
    """The body as JSON and its columns: those of `columns`, which lets it pass unread, or the keys of its objects."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0]
    if kind == "text/csv":
        return _of_csv(request.body.decode())
    if kind != "application/json":
        raise _refused(f"Content-Type not acceptable: {kind}")
    asked = request.first("columns")
    if asked is not None:
        return request.body, tuple(dict.fromkeys(unquoted(part) for part in split(asked)))
    return request.body, _keys(request.body)


def _keys(body: bytes) -> tuple[str, ...]:
    try:
        given = json.loads(body)
    except ValueError:
        raise _refused("Empty or invalid json") from None
    objects = given if isinstance(given, list) else [given] if isinstance(given, dict) else []
    if any(not isinstance(one, dict) or one.keys() != objects[0].keys() for one in objects):
        raise _refused("All object keys must match")
    return tuple(objects[0]) if objects else ()


def _of_csv(text: str) -> tuple[bytes, tuple[str, ...]]:
    head, *lines = csv.reader(io.StringIO(text)) if text else [[]]
    if any(len(line) != len(head) for line in lines):
        raise _refused("All lines must have same number of fields")
    rows = [{key: None if value == "NULL" else value for key, value in zip(head, line, strict=True)} for line in lines]
    return json.dumps(rows).encode(), tuple(head)


def _refused(message: str) -> Failure:
    return Failure(400, "PGRST102", message)
