"""Who asks: the roles of a Supabase project in a database, and the JWT that names one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from tests.servers.postgres import Database
from tests.servers.postgrest.errors import Failure

ANON, SERVICE = "anon", "service_role"
ROLES = (ANON, "authenticated", SERVICE)
SKEW_S = 30


def install(database: Database, schemas: tuple[str, ...]) -> None:
    """Make the roles and let them into the schemas, also into what the superuser will create there."""
    for role in ROLES:
        bypass = " BYPASSRLS" if role == SERVICE else ""
        database.sql(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN{bypass}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"ALTER ROLE {role} RESET ALL",
        )
    for schema in schemas:
        database.sql(*_grants(schema))


def forget_limits(database: Database) -> None:
    """The roles belong to the whole server, and so do the limits that a test gave them."""
    database.sql(*(f"ALTER ROLE {role} RESET ALL" for role in ROLES))


def _grants(schema: str) -> list[str]:
    everybody = ", ".join(ROLES)
    kinds = ("TABLES", "SEQUENCES", "ROUTINES")
    place = f'SCHEMA "{schema}"'
    return [
        f'CREATE SCHEMA IF NOT EXISTS "{schema}"',
        f"GRANT USAGE ON {place} TO {everybody}",
        *(f"GRANT ALL ON ALL {kind} IN {place} TO {everybody}" for kind in kinds),
        *(f"ALTER DEFAULT PRIVILEGES IN {place} GRANT ALL ON {kind} TO {everybody}" for kind in kinds),
    ]


def token(claims: Mapping[str, Any], secret: str) -> str:
    """A JWT, signed with HS256."""
    parts = [_coded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join([*parts, _signature(".".join(parts), secret)])


def claims_of(authorization: str, secret: str) -> dict[str, Any]:
    """The claims of a request with this Authorization header; of nobody, those of the anonymous role."""
    scheme, _, jwt = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return {"role": ANON}
    if not jwt:
        raise _refused("PGRST301", "Empty JWT is sent in Authorization header")
    parts = jwt.split(".")
    if len(parts) != 3:
        raise _refused("PGRST301", f"Expected 3 parts in JWT; got {len(parts)}")
    if not hmac.compare_digest(_signature(f"{parts[0]}.{parts[1]}", secret), parts[2]):
        raise _refused("PGRST301", "No suitable key or wrong key type")
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    if claims.get("exp", time.time()) < time.time() - SKEW_S:
        raise _refused("PGRST303", "JWT expired")
    return {"role": ANON, **claims}


def _refused(code: str, message: str) -> Failure:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return Failure(401, code, message, headers={"WWW-Authenticate": challenge})


def _signature(text: str, secret: str) -> str:
    return _coded(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
