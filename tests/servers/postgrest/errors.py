"""`Failure`: an error as PostgREST answers it, and the HTTP status of each SQLSTATE."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from tests.servers.web import Reply

STATUSES = (
    ("08", 503),
    ("09", 500),
    ("0L", 403),
    ("0P", 403),
    ("23503", 409),
    ("23505", 409),
    ("25006", 405),
    ("25", 500),
    ("28", 403),
    ("2D", 500),
    ("38", 500),
    ("39", 500),
    ("3B", 500),
    ("40", 500),
    ("53400", 500),
    ("53", 503),
    ("54", 500),
    ("55", 500),
    ("57P01", 503),
    ("57", 500),
    ("58", 500),
    ("F0", 500),
    ("HV", 500),
    ("P0001", 400),
    ("P0", 500),
    ("XX", 500),
    ("42883", 404),
    ("42P01", 404),
    ("42P17", 500),
)
"""By how the SQLSTATE begins, the first that fits; any other is 400."""


@dataclass(slots=True)
class Failure(Exception):
    """Ends a request. `code` is PostgREST's own or a SQLSTATE."""

    status: int
    code: str
    message: str
    details: str | list[object] | None = None
    hint: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reply(self) -> Reply:
        told = {"code": self.code, "details": self.details, "hint": self.hint, "message": self.message}
        headers = {"Proxy-Status": f"PostgREST; error={self.code}", **self.headers}
        return Reply(self.status, json.dumps(told).encode(), headers, "application/json; charset=utf-8")


def of_database(error: psycopg.Error, *, anonymous: bool) -> Failure:
    """The failure that an error of PostgreSQL is."""
    if error.sqlstate is None:
        text = "Database client error. Retrying the connection."
        return Failure(503, "PGRST001", text, str(error).strip())
    told = error.diag
    message = told.message_primary or str(error)
    status = _status(error.sqlstate, message, anonymous=anonymous)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Failure(status, error.sqlstate, message, told.message_detail, told.message_hint, headers)


def _status(sqlstate: str, message: str, *, anonymous: bool) -> int:
    if sqlstate == "21000":  # pg-safeupdate's is the caller's mistake
        return 400 if message.endswith("requires a WHERE clause") else 500
    if sqlstate == "42501":
        return 401 if anonymous else 403
    if sqlstate == "22023" and re.fullmatch("role .* does not exist", message):
        return 401
    return next((status for start, status in STATUSES if sqlstate.startswith(start)), 400)


def unreadable(what: str, text: str, found: str) -> Failure:
    """The error of a query parameter that cannot be parsed."""
    return Failure(400, "PGRST100", f'"failed to parse {what} ({text})" (line 1, column 1)', f"unexpected {found}")


def beyond(feature: str) -> Failure:
    """What the real server does and this one does not: a test that meets it is told so."""
    return Failure(400, "PGRST127", f"The stand-in does not know {feature}")
