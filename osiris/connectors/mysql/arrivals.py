"""What comes to be written to MySQL: the kinds of its values, and names that no table there can have."""

from __future__ import annotations

import pyarrow as pa

from osiris.connectors._shared import arrivals
from osiris.connectors._shared.arrivals import Kind
from osiris.connectors._shared.names import check_columns
from osiris.connectors.mysql.names import Name, valid
from osiris.errors import ConfigError

SYSTEM = "MySQL"


def check_names(names: list[str]) -> None:
    """Raises ConfigError for no column, a name that no server takes or that is reserved, two that are one to MySQL."""
    for name in names:
        try:
            valid(name)
        except ConfigError as error:
            error.code = "column.name"
            error.hint = "rename the column, under columns of the write step"
            raise
    check_columns(names, Name, SYSTEM)


def kind_of(kind: pa.DataType, column: str) -> Kind:
    """The kind of the values of an Arrow type. Raises DataError, naming the column, for what MySQL cannot hold."""
    return arrivals.kind_of(kind, column, SYSTEM)
