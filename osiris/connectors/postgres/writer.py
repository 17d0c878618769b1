"""Writes a table of a PostgreSQL server."""

from __future__ import annotations

from osiris.connectors._shared.postgres.writer import TableWriter
from osiris.connectors.postgres.client import Client


class Writer(TableWriter[Client]):
    """By COPY, committed in one transaction."""
