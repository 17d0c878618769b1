"""`Kind`: how the values of one Arrow type are read, all at once or, where that fails, one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import pyarrow as pa

from osiris.connectors.mysql.values import Values


class Kind(ABC):
    """Reads columns of one Arrow type.

    `fast` takes all values at once and knows only the form in which the server writes them; it gives None when one has
    another. Then `parse` takes each by itself: it reads every form that stands for a value, and finds the bad one.
    """

    name: str
    """What messages call a value of this type."""
    hint: str | None = None

    def __init__(self, wanted: pa.DataType) -> None:
        self.type = wanted
        self.name = getattr(self, "name", str(wanted))

    def read(self, values: Values) -> pa.Array:
        """Raises DataError, naming column and row, for a value that is none of this type."""
        found = self.fast(values)
        return self.exact(values) if found is None else found

    @abstractmethod
    def fast(self, values: Values) -> pa.Array | None: ...

    @abstractmethod
    def parse(self, value: bytes) -> Any:
        """What pyarrow takes for the value. Raises ValueError when it is none."""

    def exact(self, values: Values) -> pa.Array:
        given = []
        for place, value in enumerate(values):
            try:
                given.append(None if value is None else self.parse(value))
            except ValueError:
                shown = self.shown(value) if value else None
                raise values.error(place, f"is no {self.name}", self.hint, shown) from None
        return pa.array(given, self.type)

    def shown(self, value: bytes) -> str | None:
        """How messages show a value; None: as the text that it is."""
        return None
