"""`Key`: what a key of a Supabase project says of itself, read here, without asking anybody."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from osiris.errors import AuthFailed

Kind = Literal["legacy", "publishable", "secret"]
SERVICE: Final = "service_role"
PREFIXES: Final[dict[str, Kind]] = {"sb_publishable_": "publishable", "sb_secret_": "secret"}
STRANGERS: Final = {
    "sbp_": "a personal access token, which is for managing projects",
    "sb_temp_": "a temporary key of the dashboard",
    "postgres://": "a connection string, which belongs into dsn",
    "postgresql://": "a connection string, which belongs into dsn",
    "http": "an address, which belongs into url",
}
"""What is pasted in the place of a key, and what it is."""


@dataclass(frozen=True, slots=True)
class Key:
    """`legacy` keys are JWTs. `role`, `project` and `expires` (seconds since 1970) are None where it does not tell."""

    kind: Kind
    text: str = field(repr=False)
    role: str | None
    project: str | None = None
    expires: float | None = None

    @classmethod
    def of(cls, text: str) -> Key:
        """Raises AuthFailed for what is no key of the REST interface."""
        for prefix, kind in PREFIXES.items():
            if text.startswith(prefix):
                return cls(kind, text, SERVICE if kind == "secret" else "anon")
        stranger = next((what for start, what in STRANGERS.items() if text.startswith(start)), None)
        claims = None if stranger else _claims(text)
        if claims is None:
            raise AuthFailed(
                f"key is {stranger}" if stranger else "key is none of Supabase's: neither sb_secret_… nor eyJ…",
                code="key.kind",
                hint="take the secret key (sb_secret_…) from the project's settings, API Keys",
            )
        expires = claims.get("exp")
        return cls(
            "legacy",
            text,
            _text(claims.get("role")),
            _text(claims.get("ref")),
            float(expires) if isinstance(expires, int | float) else None,
        )

    @property
    def sees_all(self) -> bool:
        """Row level security does not hold for its role."""
        return self.role == SERVICE

    @property
    def headers(self) -> dict[str, str]:
        """The new keys are no JWTs, and refused as such; the gateway finds their role."""
        if self.kind != "legacy":
            return {"apikey": self.text}
        return {"apikey": self.text, "authorization": f"Bearer {self.text}"}

    def raise_if_expired(self, now: float) -> None:
        if self.expires is not None and self.expires <= now:
            raise AuthFailed("key has expired", code="key.expired", hint="take a new one from the project's settings")

    def raise_unless_of(self, project: str | None) -> None:
        """Raises AuthFailed when it says to be another project's. None is not known."""
        if self.project is not None and project is not None and self.project != project:
            raise AuthFailed(
                f"key is that of the project {self.project}, not of {project}",
                code="key.project",
                hint=f"take the key from the settings of {project}, or correct url or project_id",
            )


def _claims(jwt: str) -> dict[str, Any] | None:
    """What a JWT says; None for what is none. Its signature is for the server to check."""
    parts = jwt.split(".")
    if len(parts) != 3 or not jwt.startswith("eyJ"):
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
