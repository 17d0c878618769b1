"""Connections: `osiris_connections.yaml`, references such as `@duckdb.main`, and what `${VAR}` stands for."""

from osiris.connections.connections import Connections, Examined, Why
from osiris.connections.origins import Field
from osiris.connections.resolution import Fault

__all__ = ["Connections", "Examined", "Fault", "Field", "Why"]
