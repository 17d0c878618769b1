"""The gateway in front of a Supabase project: it knows the project's keys, and whom each of them stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.servers.postgrest.roles import SERVICE
from tests.servers.web import Reply

NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
WRONG_KEY = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}
IN_BROWSER = {
    "message": "Forbidden use of secret API key in browser",
    "hint": "Secret API keys can only be used in a protected environment and should never be used in a browser.",
}
CLOSED_ROOT = {"message": "Access to the root of the API needs a secret key"}


@dataclass(slots=True)
class Gateway:
    """`roles` by key; `revoked` keys are known no more. `mint` makes the JWT of a role."""

    roles: dict[str, str]
    mint: Callable[[str], str]
    revoked: set[str] = field(default_factory=set)

    def authorization(self, headers: Mapping[str, str], *, root: bool) -> str | Reply:
        """What the server behind is sent as Authorization, or the answer that refuses the request. `root`: it asks
        for the description of the API."""
        key, given = headers.get("apikey", ""), headers.get("authorization", "")
        role = None if key in self.revoked else self.roles.get(key)
        if role is None:
            return _refused(401, WRONG_KEY if key else NO_KEY)
        if key.startswith("sb_secret_") and "mozilla" in headers.get("user-agent", "").lower():
            return _refused(401, IN_BROWSER)
        if root and role != SERVICE:
            return _refused(403, CLOSED_ROOT)
        return self._passed_on(key, role, given)

    def _passed_on(self, key: str, role: str, given: str) -> str | Reply:
        token = given.removeprefix("Bearer ")
        if not key.startswith("sb_"):
            return given or f"Bearer {key}"
        if token in ("", key):
            return f"Bearer {self.mint(role)}"
        return _refused(401, WRONG_KEY) if token.startswith("sb_") else given


def _refused(status: int, told: Mapping[str, str]) -> Reply:
    return Reply(status, json.dumps(told).encode())
