"""`Declared`: a column's type as MySQL writes it, `decimal(10,2) unsigned`, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Declared:
    """A type of MySQL or MariaDB. `numbers` are its lengths or digits, `members` the words of an ENUM or SET."""

    word: str
    numbers: tuple[int, ...] = ()
    members: tuple[str, ...] = ()
    unsigned: bool = False

    @classmethod
    def of(cls, text: str) -> Declared | None:
        """`text` is a COLUMN_TYPE of information_schema. Lower case only: `FLOAT` is another system's type.

        None for what is not understood, so that nothing of `text` gets into SQL that is not known to be a type.
        """
        found = _TYPE.fullmatch(text)
        if found is None or found["word"] not in WORDS:
            return None
        inside, listed = found["inside"] or "", found["word"] in ("enum", "set")
        if inside.startswith("'") != listed:
            return None
        if listed:
            return cls(found["word"], members=tuple(_unescaped(member[1:-1]) for member in re.findall(_MEMBER, inside)))
        numbers = tuple(map(int, inside.split(","))) if inside else ()
        return cls(found["word"], numbers, unsigned=found["unsigned"] is not None)

    @property
    def length(self) -> int:
        """How many characters or bytes a value may have, digits after the point of a second, or bits."""
        if self.word in SIZES:
            return SIZES[self.word]
        return self.numbers[0] if self.numbers else _UNSAID.get(self.word, 0)

    @property
    def scale(self) -> int:
        """The digits after the point of a DECIMAL."""
        return self.numbers[1] if len(self.numbers) > 1 else 0

    @property
    def sql(self) -> str:
        """The type for a CREATE TABLE. A display width is left out, but for that of BOOLEAN, which is TINYINT(1)."""
        inside = ""
        if self.members:
            inside = ",".join(literal(member) for member in self.members)
        elif self.word in _WITH_NUMBERS or self == BOOLEAN:
            inside = ",".join(map(str, self.numbers))
        return self.word.upper() + (f"({inside})" if inside else "") + (" UNSIGNED" if self.unsigned else "")


def literal(text: str) -> str:
    """`text` as an SQL literal, in a session without NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _unescaped(member: str) -> str:
    """The word that stands between two quotes: information_schema shows it as SQL would have it."""
    return re.sub(
        r"''|\\(.)", lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else "'", member, flags=re.DOTALL
    )


BOOLEAN: Final = Declared("tinyint", (1,))
_MEMBER: Final = r"'(?:[^'\\]|''|\\.)*'"
_TYPE: Final = re.compile(
    rf"(?P<word>[a-z]\w*)(?:\((?P<inside>{_MEMBER}(?:,{_MEMBER})*|\d+(?:,\d+)?)\))?"
    r"(?P<unsigned> unsigned)?(?: zerofill)?(?: /\*[^*]*\*/)?",
    re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
INTEGERS: Final = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
"""Their bits."""
SIZES: Final = {
    "tinytext": 2**8 - 1,
    "text": 2**16 - 1,
    "mediumtext": 2**24 - 1,
    "longtext": 2**32 - 1,
    "tinyblob": 2**8 - 1,
    "blob": 2**16 - 1,
    "mediumblob": 2**24 - 1,
    "longblob": 2**32 - 1,
}
"""The most bytes."""
TEXTS: Final = ("tinytext", "text", "mediumtext", "longtext")
BLOBS: Final = ("tinyblob", "blob", "mediumblob", "longblob")
GEOMETRIES: Final = (
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
)
_WITH_NUMBERS: Final = (
    "decimal",
    "bit",
    "char",
    "varchar",
    "binary",
    "varbinary",
    "time",
    "datetime",
    "timestamp",
)
_UNSAID: Final = {"char": 1, "binary": 1, "bit": 1, "decimal": 10}
WORDS: Final = frozenset(
    (*INTEGERS, *SIZES, *GEOMETRIES, *_WITH_NUMBERS, "float", "double", "date", "year", "enum", "set", "json")
) | {"uuid", "inet4", "inet6", "vector"}
