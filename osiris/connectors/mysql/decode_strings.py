"""Texts and bytes: CHAR to LONGTEXT, ENUM, SET, JSON, UUID, BINARY to LONGBLOB, GEOMETRY."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from osiris.connectors._shared import buffers
from osiris.connectors.mysql.decode_kind import Kind
from osiris.connectors.mysql.values import Values


class Binaries(Kind):
    """Bytes as they are."""

    def fast(self, values: Values) -> pa.Array:
        return values.binary()

    def parse(self, value: bytes) -> bytes:
        return value


class Texts(Kind):
    """Text in UTF-8, in which the server sends every character set; what is not valid is an error."""

    name = "UTF-8"
    hint = "read the bytes with CAST(… AS BINARY) in a query, or mend the column"

    def fast(self, values: Values) -> pa.Array | None:
        return buffers.text(values.binary())

    def parse(self, value: bytes) -> str:
        return value.decode("utf-8")


class Json(Texts):
    """JSON documents, as the text that the server sends."""

    def read(self, values: Values) -> pa.Array:
        return pa.ExtensionArray.from_storage(pa.json_(), super().read(values))


class Uuids(Kind):
    """UUID, which comes as text: `123e4567-e89b-12d3-a456-426655440000`."""

    name = "UUID"

    def __init__(self) -> None:
        super().__init__(pa.binary(16))

    def read(self, values: Values) -> pa.Array:
        return pa.ExtensionArray.from_storage(pa.uuid(), super().read(values))

    def fast(self, values: Values) -> pa.Array | None:
        if not values.has_length(36):
            return None
        text = values.block.words(values.begins, 5).view(np.uint8)
        if values.nulls is not None:
            text[values.nulls] = np.frombuffer(str(uuid.UUID(int=0)).encode().ljust(40), np.uint8)
        nibbles = _nibbles()[text[:, _DIGITS]]
        if (text[:, _DASHES] != ord("-")).any() or nibbles.max() > 15:
            return None
        return values.array(self.type, nibbles[:, 0::2] << 4 | nibbles[:, 1::2])

    def parse(self, value: bytes) -> bytes:
        if len(value) != 36:
            raise ValueError
        return uuid.UUID(value.decode("ascii")).bytes


class Nothing(Kind):
    """`SELECT NULL`."""

    name = "NULL"

    def __init__(self) -> None:
        super().__init__(pa.null())

    def fast(self, values: Values) -> pa.Array | None:
        return pa.nulls(len(values)) if values.nulls is not None and values.nulls.all() else None

    def parse(self, value: bytes) -> None:
        raise ValueError


_DASHES: Final = [8, 13, 18, 23]
_DIGITS: Final = [place for place in range(36) if place not in _DASHES]


@cache
def _nibbles() -> NDArray[np.uint8]:
    """The value of each hexadecimal digit, 255 for what is none."""
    table = np.full(256, 255, np.uint8)
    for value, digit in enumerate(b"0123456789abcdef"):
        table[digit] = table[ord(chr(digit).upper())] = value
    return table
