"""`judge`: what an answer of PostgREST means, by the code in its body: statuses alone mislead."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from osiris.connectors._shared.http.answers import Answer, Refusal, by_status
from osiris.connectors._shared.postgres import failures
from osiris.errors import AuthFailed, Busy, ConfigError, NotFound, OsirisError, SourceError, TimedOut
from osiris.secrets import redactor


def judge(answer: Answer) -> Refusal | None:
    """None for what was asked for. `details` of the error has `status`, and `sqlstate` where there is a code.

    A request is one transaction, so that what failed with a code did nothing: it may be sent again, where that helps.
    """
    if 200 <= answer.status < 300:
        return _page(answer) if answer.is_html else None
    said = _said(answer)
    code = _code(answer, said)
    if code is None:
        return _without_code(answer, said)
    error = _error(answer, said, code)
    error.details.update(status=answer.status, sqlstate=code)
    return Refusal(error, untouched=not code.startswith(UNSURE))


UNSURE: Final = ("08", "57P0", "PGRST001")
"""The connection to the database was lost, maybe in the middle of a commit."""


def _without_code(answer: Answer, said: Mapping[str, Any]) -> Refusal | None:
    """What a gateway or a proxy says."""
    refusal = by_status(answer)
    if refusal is not None:
        error, message = refusal.error, _line(said.get("message"))
        error.details["status"] = answer.status
        if message:
            error.message = f"{answer.where} answered {answer.status}: {message}"
            error.args = (error.message,)
        if answer.status == 413:
            error.hint = "the request is larger than the gateway takes: set batch_rows to fewer rows"
    return refusal


def _page(answer: Answer) -> Refusal:
    return Refusal(
        SourceError(
            f"{answer.where} answered {answer.status} with a page of HTML: {answer.excerpt()}",
            code="http.html",
            hint="that is a proxy, a login page or a wrong url: open it in a browser from this machine",
            status=answer.status,
        )
    )


def _said(answer: Answer) -> Mapping[str, Any]:
    """The body of an error; empty when it is not PostgREST's or the gateway's."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(answer: Answer, said: Mapping[str, Any]) -> str | None:
    """PostgREST's own or a SQLSTATE; a header tells it too, for answers without a body."""
    given = said.get("code")
    if not isinstance(given, str):
        found = re.search(r"PostgREST;\s*error=(\w+)", answer.headers.get("proxy-status", ""))
        given = found.group(1) if found else None
    return given if given and re.fullmatch(r"PGRST\w{3}|[0-9A-Z]{5}", given) else None


@dataclass(frozen=True, slots=True)
class _Meaning:
    made: type[OsirisError]
    code: str | None = None
    hint: str | None = None


def _error(answer: Answer, said: Mapping[str, Any], code: str) -> OsirisError:
    text = f"{answer.where} answered {answer.status}: {_line(said.get('message'))} ({code})"
    details, hint = _line(said.get("details")), _line(said.get("hint"))
    meaning = _OWN.get(code) or (_Meaning(SourceError) if code.startswith("PGRST") else None)
    text = f"{text}: {details}" if details else text
    if meaning is not None:
        return meaning.made(text, code=meaning.code, hint=meaning.hint or hint or None)
    error = failures.of_state(code, text, hint or None)
    error.hint = _HINTS.get(code, error.hint)
    return error


def _line(value: object) -> str:
    """On one line and short, secrets masked; `details` may be a list."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return redactor.text(" ".join(text.split()))[:500]


_KEY: Final = "is it whole, of this project, and not revoked? Take it from the project's settings, API Keys"
_TABLE: Final = "check name and schema: case counts; a table made just now shows after NOTIFY pgrst, 'reload schema'"
_HINTS: Final = {
    "57014": "the key's role may take no longer: ask for less at once, or ALTER ROLE … SET statement_timeout",
    "42501": "grant it to the key's role, add a policy for it, or use a secret key, for which policies do not hold",
    "42P01": _TABLE,
    "42P10": "make a unique constraint on just the columns of primary_key, or give dsn, which needs none",
}
_OWN: Final[dict[str, _Meaning]] = {
    "PGRST000": _Meaning(Busy, "server.starting", "the API cannot reach its database: run again"),
    "PGRST001": _Meaning(Busy, "server.starting", "the API lost its database: run again"),
    "PGRST002": _Meaning(Busy, "server.starting", "the API has not read its database's schema yet: run again"),
    "PGRST003": _Meaning(TimedOut, "connection.too_many", "all connections of the API are in use: run again"),
    "PGRST100": _Meaning(ConfigError, "query.invalid"),
    "PGRST106": _Meaning(
        ConfigError, "schema.not_exposed", "expose it in the project's settings, Data API, or name one that is"
    ),
    "PGRST202": _Meaning(NotFound, "function.missing", "check the function's name and its arguments' names"),
    "PGRST204": _Meaning(ConfigError, "column.missing", "check the name: case counts"),
    "PGRST205": _Meaning(NotFound, "table.missing", _TABLE),
    "PGRST300": _Meaning(SourceError, None, "the API has no secret to check keys with"),
    "PGRST301": _Meaning(AuthFailed, None, _KEY),
    "PGRST302": _Meaning(AuthFailed, None, _KEY),
    "PGRST303": _Meaning(AuthFailed, "key.expired", "take a new key from the project's settings, API Keys"),
}
"""https://docs.postgrest.org/en/stable/references/errors.html"""
