"""What is special about the addresses of Supabase's databases, told by doctor's checks of the network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from osiris.connectors._shared.postgres.channel import Channel
from osiris.connectors.base import Check, Finding
from osiris.errors import OsirisError

DIRECT: Final = re.compile(r"db\.([a-z0-9]+)\.supabase\.(co|in|red)")
POOLER: Final = (
    "a project's direct address is IPv6 only: use the session pooler, whose string the dashboard shows under Connect "
    "(…pooler.supabase.com:5432, user postgres.<project>)"
)
TRANSACTIONS: Final = 6543
"""The port of the poolers that give a session for one transaction only."""


def told(channel: Channel, checks: Sequence[Check]) -> tuple[Check, ...]:
    """`checks` with Supabase's own hints."""
    return tuple(
        replace(check, probe=_hinting(channel, check.probe))
        if check.id in ("net.dns", "net.tcp")
        else replace(check, probe=_moded(channel, check.probe))
        if check.id == "compat.pooler"
        else check
        for check in checks
    )


def _hinting(channel: Channel, probe: Callable[[], str | Finding]) -> Callable[[], str | Finding]:
    def hinted() -> str | Finding:
        try:
            return probe()
        except Exception as error:
            known: OsirisError = channel.classify(error)
            if _may_be_ipv6_only(channel):
                known.hint = POOLER
            raise known from error

    return hinted


def _moded(channel: Channel, probe: Callable[[], str | Finding]) -> Callable[[], str | Finding]:
    def moded() -> str | Finding:
        found = probe()
        if isinstance(found, str) and any(port == TRANSACTIONS for _, port in channel.place.hosts):
            return f"the pooler gives a session for a transaction, on port {TRANSACTIONS}: that will do"
        return found

    return moded


def _may_be_ipv6_only(channel: Channel) -> bool:
    """Whether a machine without IPv6 cannot reach it. Resolvers of such machines may leave the name unknown."""
    hosts = [host for host, _ in channel.place.hosts]
    return all(DIRECT.fullmatch(host) or _is_ipv6(host) for host in hosts)


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
