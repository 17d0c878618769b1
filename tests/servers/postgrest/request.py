"""What a request asks for: its path, query, preferences and range, parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.postgrest.errors import Failure
from tests.servers.web import Asked

PREFERENCES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "return": ("representation", "headers-only", "minimal"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
    "timezone": (),
    "max-affected": (),
}
"""In the order in which those that were obeyed are told; () takes any value."""
SINGLE = "application/vnd.pgrst.object"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` has no prefix: `/films`, `/rpc/add`. `headers` have names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    prefer: Mapping[str, str]

    @classmethod
    def of(cls, asked: Asked, prefix: str, zones: frozenset[str]) -> Request:
        parts = urlsplit(asked.path)
        path = unquote(parts.path)
        if not f"{path}/".startswith(f"{prefix}/"):
            raise Failure(404, "PGRST125", "Invalid path specified in request URL")
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        prefer = _preferences(asked.headers.get("prefer", ""), zones)
        return cls(asked.method, path[len(prefix) :] or "/", query, asked.headers, asked.body, prefer)

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD")

    @property
    def schema(self) -> str | None:
        """The schema that is asked for by name."""
        return self.headers.get("accept-profile" if self.reads else "content-profile")

    @property
    def wants_one(self) -> bool:
        return SINGLE in self.headers.get("accept", "")

    @property
    def wants_csv(self) -> bool:
        return self.headers.get("accept", "").startswith("text/csv")

    def first(self, key: str) -> str | None:
        return next((value for asked, value in self.query if asked == key), None)

    def window(self, cap: int | None = None) -> tuple[int, int | None]:
        """Offset and limit: what the query and the Range header both allow, under the server's cap."""
        limit = _number(self.first("limit"))
        if limit is not None and limit < 0:
            raise Failure(416, "PGRST103", *NEGATIVE)
        start = max(_number(self.first("offset")) or 0, 0)
        first, last = _range(self.headers.get("range", "")) if self.method == "GET" else (0, None)
        offset = max(start, first)
        ends = [end for end in (None if limit is None else start + limit, last) if end is not None]
        if ends and min(ends) < offset:
            raise Failure(416, "PGRST103", *BACKWARDS)
        sizes = [end - offset for end in ends] + ([] if cap is None else [cap])
        return offset, min(sizes, default=None)

    def applied(self, *obeyed: str) -> dict[str, str]:
        """The header that tells which preferences were obeyed."""
        strict = self.prefer.get("handling") == "strict"
        kept = [
            f"{key}={self.prefer[key]}"
            for key in PREFERENCES
            if key in self.prefer
            and key in (*obeyed, "handling", "timezone")
            and (key != "max-affected" or strict)
            and self.prefer[key] != "headers-only"
        ]
        return {"Preference-Applied": ", ".join(kept)} if kept else {}


NEGATIVE = ("Requested range not satisfiable", "Limit should be greater than or equal to zero.")
BACKWARDS = (
    "Requested range not satisfiable",
    "The lower boundary must be lower than or equal to the upper boundary in the Range header.",
)


def _range(text: str) -> tuple[int, int | None]:
    """The first row, and the one after the last."""
    found = re.fullmatch(r"(?:items=)?(\d+)-(\d*)", text)
    if found is None:
        return 0, None
    if found[2] and int(found[2]) < int(found[1]):
        raise Failure(416, "PGRST103", *BACKWARDS)
    return int(found[1]), int(found[2]) + 1 if found[2] else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text) else None


def _preferences(text: str, zones: frozenset[str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    refused = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = part.partition("=")
        known = PREFERENCES.get(key)
        bad = known is None or (known and value not in known) or (key == "timezone" and value not in zones)
        if bad:
            refused.append(part)
        else:
            kept.setdefault(key, value)
    if refused and kept.get("handling") == "strict":
        details = f"Invalid preferences: {', '.join(refused)}"
        raise Failure(400, "PGRST122", "Invalid preferences given with handling=strict", details)
    return kept
