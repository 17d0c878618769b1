"""`Fault`: what becomes of one of the next requests instead of an honest answer."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

from tests.servers.web import Asked, Reply


@dataclass(frozen=True, slots=True)
class Fault:
    """`reply` is the answer. With `executed` the request is carried out first, and its own answer is lost.
    It concerns requests of this `method` that have `part` in their path or query; "" is any."""

    reply: Reply
    executed: bool = False
    method: str = ""
    part: str = ""

    def concerns(self, asked: Asked) -> bool:
        return self.method in ("", asked.method) and self.part in asked.path


def dropped(*, executed: bool = True, method: str = "") -> Fault:
    """The connection is closed without an answer."""
    return Fault(Reply(dropped=True), executed, method)


def unavailable(retry_after: str = "1", code: str = "PGRST002", method: str = "") -> Fault:
    told = {"code": code, "message": "Could not query the database for the schema cache. Retrying."}
    return Fault(Reply(503, json.dumps(told).encode(), {"Retry-After": retry_after}), method=method)


def page(status: int = 200) -> Fault:
    """What a proxy answers that wants a login, or is at a loss."""
    return Fault(Reply(status, b"<!doctype html><title>Sign in</title>", content_type="text/html"))


def bomb(size: int) -> Fault:
    """A JSON list of spaces: a thousandth of its size on the wire."""
    body = gzip.compress(b"[" + b" " * size + b"]")
    return Fault(Reply(200, body, {"Content-Encoding": "gzip", "Content-Range": "*/*"}))


def moved(url: str, status: int = 307) -> Fault:
    """A redirect to another place."""
    return Fault(Reply(status, b"", {"Location": url}))
