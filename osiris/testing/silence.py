"""A connection to something that accepts and never answers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from osiris.testing.faults import Fault, FaultProxy
from osiris.testing.rig import Rig


@contextmanager
def silenced(rig: Rig) -> Generator[dict[str, Any]]:
    """Changes of the connection's fields with which it blocks: the subject's own, else a proxy that is a blackhole."""
    if rig.subject.silent is not None:
        yield dict(rig.subject.silent)
        return
    with proxied(rig, Fault("blackhole")) as (_, fields):
        yield fields


@contextmanager
def proxied(rig: Rig, *script: Fault) -> Generator[tuple[FaultProxy, dict[str, Any]]]:
    """A fault proxy before the subject's `host` and `port`, and the changes that lead through it."""
    fields = rig.connection().fields or {}
    with FaultProxy(str(fields["host"]), int(fields["port"]), *script) as proxy:
        yield proxy, {"host": proxy.host, "port": proxy.port}
