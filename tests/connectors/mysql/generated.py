"""Random tables: a column of each type of MariaDB, filled with values at the limits, random ones and NULL."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.servers.mariadb import Database

Dice = random.Random
LETTERS = "abc XYZ,;'\"\\\t\n\r\0\x1a%_`€žůñß漢字🐘\u0301\ufeff"
NULL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Kind:
    """A column type, and what makes a value of it that PyMySQL can send."""

    sql: str
    make: Callable[[Dice], object]


def integers(sql: str, low: int, high: int) -> Kind:
    limits = [low, high, 0, 1, max(low, -1), high - 1, low + 1]
    return Kind(sql, lambda dice: dice.choice([*limits, dice.randint(low, high), _digits(dice, low, high)]))


def decimals(precision: int, scale: int, *, unsigned: bool = False) -> Kind:
    def make(dice: Dice) -> Decimal:
        digits = dice.choice([0, 1, precision // 2, precision])
        number = dice.choice([0, 10**digits - 1, dice.randrange(10**digits)])
        return Decimal(f"{number if unsigned else dice.choice([number, -number])}E-{scale}")

    return Kind(f"DECIMAL({precision},{scale}){' UNSIGNED' if unsigned else ''}", make)


def floats(sql: str, most_exponent: int) -> Kind:
    def make(dice: Dice) -> float:
        special = [0.0, -0.0, 0.1, -1.5, 16777215.0, 1 / 3, 1e15, 123456.789, -1e-5]
        return dice.choice([*special, dice.uniform(-1, 1) * 10.0 ** dice.randint(-most_exponent, most_exponent)])

    return Kind(sql, make)


def bits(count: int) -> Kind:
    return Kind(f"BIT({count})", lambda dice: dice.choice([0, 1, 2**count - 1, dice.randrange(2**count)]))


def dates(dice: Dice) -> str:
    special = ["0000-00-00", "2022-11-00", "2022-00-10", "2007-02-31", "0000-05-05", "0001-01-01", "9999-12-31"]
    special += ["1970-01-01", "1969-12-31", "2000-02-29", "1900-02-29", "1582-10-10", "0004-02-29"]
    return dice.choice([*special, str(date.fromordinal(dice.randint(1, date.max.toordinal())))])


def datetimes(decimals: int) -> Kind:
    def make(dice: Dice) -> str:
        clock = dice.choice(["00:00:00", "23:59:59", _clock(dice, 23)])
        return f"{dates(dice)} {clock}{_fraction(dice, decimals)}"

    return Kind(f"DATETIME({decimals})", make)


def timestamps(decimals: int) -> Kind:
    def make(dice: Dice) -> str:
        since = dice.choice([1, 2**31 - 1, dice.randrange(1, 2**31)])
        text = str(datetime(1970, 1, 1) + timedelta(seconds=since))  # noqa: DTZ001 - the session is in UTC
        return dice.choice([text + _fraction(dice, decimals), "0000-00-00 00:00:00"])

    return Kind(f"TIMESTAMP({decimals}) NULL", make)


def times(decimals: int) -> Kind:
    def make(dice: Dice) -> str:
        clock = dice.choice(["00:00:00", "838:59:59", "100:00:00", "99:59:59", _clock(dice, 837), _clock(dice, 23)])
        fraction = "" if clock == "838:59:59" else _fraction(dice, decimals)
        return dice.choice(["", "-"]) + clock + fraction

    return Kind(f"TIME({decimals})", make)


def texts(sql: str, most: int, letters: str = LETTERS) -> Kind:
    def make(dice: Dice) -> str:
        length = dice.choice([0, 1, 2, most, dice.randint(0, most)])
        return "".join(dice.choices(letters, k=length))

    return Kind(sql, make)


def binaries(sql: str, most: int) -> Kind:
    return Kind(sql, lambda dice: dice.randbytes(dice.choice([0, 1, most, dice.randint(0, most)])))


KINDS: Sequence[Kind] = (
    integers("TINYINT", -128, 127),
    integers("TINYINT UNSIGNED", 0, 255),
    integers("TINYINT(1)", -128, 127),
    integers("SMALLINT", -(2**15), 2**15 - 1),
    integers("SMALLINT UNSIGNED", 0, 2**16 - 1),
    integers("MEDIUMINT", -(2**23), 2**23 - 1),
    integers("MEDIUMINT UNSIGNED", 0, 2**24 - 1),
    integers("INT", -(2**31), 2**31 - 1),
    integers("INT UNSIGNED", 0, 2**32 - 1),
    integers("INT(12) ZEROFILL", 0, 2**32 - 1),
    integers("BIGINT(40) ZEROFILL", 0, 2**64 - 1),
    integers("BIGINT", -(2**63), 2**63 - 1),
    integers("BIGINT UNSIGNED", 0, 2**64 - 1),
    integers("YEAR", 1901, 2155),
    decimals(1, 0),
    decimals(2, 2),
    decimals(9, 0),
    decimals(10, 2),
    decimals(15, 2, unsigned=True),
    decimals(16, 7),
    decimals(18, 0),
    decimals(18, 7),
    decimals(18, 8),
    decimals(18, 18),
    decimals(19, 0),
    decimals(20, 4),
    decimals(38, 10),
    decimals(39, 38),
    decimals(65, 0),
    decimals(65, 30),
    decimals(65, 30, unsigned=True),
    floats("FLOAT", 37),
    floats("FLOAT(20,3)", 5),
    floats("DOUBLE", 300),
    floats("DOUBLE(20,3)", 5),
    *map(bits, (1, 2, 7, 8, 9, 33, 63, 64)),
    Kind("DATE", dates),
    *map(datetimes, range(7)),
    *map(timestamps, range(7)),
    *map(times, range(7)),
    texts("CHAR(1)", 1),
    texts("CHAR(20)", 20),
    texts("VARCHAR(300)", 300),
    texts("VARCHAR(50) CHARACTER SET latin1", 50, "abc é\xff€ "),
    texts("VARCHAR(50) CHARACTER SET cp1250", 50, "abc žů€ "),
    texts("VARCHAR(50) CHARACTER SET utf16", 50),
    texts("VARCHAR(50) CHARACTER SET utf8mb3", 50, "abc ž€漢"),
    texts("TINYTEXT", 60),
    texts("MEDIUMTEXT", 3000),
    texts("LONGTEXT", 10),
    binaries("BINARY(6)", 6),
    binaries("VARBINARY(300)", 300),
    binaries("BLOB", 700),
    Kind("ENUM('', 'a', 'it''s', 'ž')", lambda dice: dice.choice(["", "a", "it's", "ž"])),
    Kind("SET('a', 'b', 'ž')", lambda dice: ",".join(name for name in ("a", "b", "ž") if dice.random() < 0.5)),
    Kind("JSON", lambda dice: json.dumps({"a": [dice.random(), None, "ž\n"]}, ensure_ascii=dice.random() < 0.5)),
    Kind("UUID", lambda dice: str(uuid.UUID(int=dice.choice([0, 2**128 - 1, dice.getrandbits(128)])))),
    Kind("INET4", lambda dice: ".".join(str(dice.randrange(256)) for _ in range(4))),
    Kind("INET6", lambda dice: ":".join(f"{dice.randrange(2**16):x}" for _ in range(8))),
    Kind("POINT", lambda dice: b"\0" * 4 + bytes.fromhex("0101000000") + dice.randbytes(7) + b"\x3f" + b"\0" * 8),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table `t` in `database`: `id`, then `c0`, `c1` … of `kinds`."""

    database: Database
    kinds: Sequence[Kind]

    @classmethod
    def made(cls, database: Database, seed: int, rows: int, kinds: Sequence[Kind] = KINDS) -> Table:
        """Filled by `seed`: some columns have no NULL, some nothing else, in the others each fifth value is one."""
        dice = Dice(seed)
        shuffled = dice.sample(kinds, len(kinds))
        shares = [dice.choice([0.0, NULL_SHARE, NULL_SHARE, 1.0]) for _ in shuffled]
        columns = ", ".join(f"c{number} {kind.sql}" for number, kind in enumerate(shuffled))
        places = ", ".join(["%s"] * (len(shuffled) + 1))
        with database.server.connect(database.name) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
            cursor.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {columns}) CHARACTER SET utf8mb4")
            for number in range(rows):
                values = [
                    None if dice.random() < share else kind.make(dice)
                    for kind, share in zip(shuffled, shares, strict=True)
                ]
                cursor.execute(f"INSERT INTO t VALUES ({places})", (number, *values))
        return cls(database, shuffled)

    def kind(self, column: str) -> str:
        """The type of a column by its name, `INT` for `id`."""
        return "INT" if column == "id" else self.kinds[int(column[1:])].sql


def plain(value: Any, sql: str) -> Any:
    """What PyMySQL gives, as Arrow should have it. A text where a date should be is one that no calendar has."""
    if value is None:
        return None
    if sql.startswith("BIT"):
        return value == b"\1" if sql == "BIT(1)" else int.from_bytes(value)
    if sql.startswith(("DATE", "TIMESTAMP")) and isinstance(value, str):
        return None
    return value


def _digits(dice: Dice, low: int, high: int) -> int:
    """A number of any length: most that are picked from a wide range are long."""
    found = dice.randrange(10 ** dice.randint(1, len(str(high))))
    return min(max(found, low), high) if low >= 0 or dice.random() < 0.5 else max(-found, low)


def _clock(dice: Dice, most_hours: int) -> str:
    return f"{dice.randint(0, most_hours):02}:{dice.randrange(60):02}:{dice.randrange(60):02}"


def _fraction(dice: Dice, decimals: int) -> str:
    digits = dice.choice(["000000", "999999", f"{dice.randrange(10**6):06}"])[:decimals]
    return f".{digits}" if digits else ""
