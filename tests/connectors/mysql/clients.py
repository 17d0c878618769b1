"""Clients as the tests of MySQL make them, and what becomes of them."""

from __future__ import annotations

from osiris.connectors.mysql.client import Client
from tests.connectors.clients import Clients

__all__ = ["CLIENTS", "Client", "failure", "made", "opened"]
CLIENTS = Clients("mysql", Client)
made, opened, failure = CLIENTS.made, CLIENTS.opened, CLIENTS.failure
