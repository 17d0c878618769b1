"""Generates the demo's customers and orders, the same each time, with the rows that break careless readers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

SEED = 20260131
CUSTOMERS = 500
FIRST = (
    "Ana",
    "Božena",
    "Chiara",
    "Dvořák",
    "Łukasz",
    "Mária",
    "Ngọc",
    "Øystein",
    "Σοφία",
    "Юлия",
    "秀英",
    "محمد",
    "Zoë",
)
LAST = ("Smith", "O'Brien", "Nováková", "García", "Müller", "Jørgensen", "Nguyễn", "Παπαδοπούλου", "王", "d'Angelo")
CITIES = ("Brno", "Zürich", "São Paulo", "東京", "Kraków", "Tromsø", "Αθήνα", "Cork", "Mumbai", "El Alto")
NOTES: tuple[str | None, ...] = (
    None,
    None,
    None,
    "",
    "ring twice",
    "leave it with the neighbour, please",
    'she said "never on Mondays"',
    "first line\nsecond line",
    "gift 🎁, no invoice",
    "NULL",
    "N/A; see ticket #00042",
    "  two spaces before, one behind ",
    "tab\there",
    "=1+1",
)


@dataclass(frozen=True, slots=True)
class Customer:
    """`code` keeps its leading zeros; `email` may be missing; `credit` has more digits than a float can hold."""

    code: str
    name: str
    city: str
    email: str | None
    since: date
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """`note` is null, empty or text, and these three are not the same."""

    order_id: int
    customer_code: str
    ordered_at: datetime
    quantity: int
    amount: Decimal
    gift: bool | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Shop:
    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]


def generate(orders: int) -> Shop:
    """A shop with that many orders; a shop of the same size is always the same."""
    dice = random.Random(SEED)
    customers = tuple(_customer(number, dice) for number in range(CUSTOMERS))
    return Shop(customers, tuple(_order(number, customers, dice) for number in range(1, orders + 1)))


def write_csv(shop: Shop, folder: Path) -> None:
    """`customers.csv` with commas, `orders.csv` with semicolons; a null is an empty field, an empty text is `""`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "customers.csv", ",", Customer, (astuple(customer) for customer in shop.customers))
    _write(folder / "orders.csv", ";", Order, (astuple(order) for order in shop.orders))


def _customer(number: int, dice: random.Random) -> Customer:
    name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
    if number % 50 == 7:
        name = f'{name}, called "the {number}th"'
    if number % 70 == 9:
        name = f"{name}\n(moved)"
    return Customer(
        code=f"{number * 37 + 123:05d}",
        name=name,
        city=dice.choice(CITIES),
        email=None if number % 11 == 3 else f"customer{number}@example.com",
        since=date(2019, 1, 1) + timedelta(days=dice.randrange(2500)),
        credit=Decimal(dice.randrange(10**22)).scaleb(-4),
    )


def _order(number: int, customers: Sequence[Customer], dice: random.Random) -> Order:
    amount = Decimal(dice.randrange(100, 10**6)).scaleb(-2)
    if number % 997 == 0:
        amount = Decimal("12345678901234567890.12")
    return Order(
        order_id=9_007_199_254_740_993 + number,
        customer_code=dice.choice(customers).code,
        ordered_at=datetime(2026, 1, 1) + timedelta(seconds=dice.randrange(365 * 86400)),  # noqa: DTZ001 - local time
        quantity=dice.randrange(1, 9),
        amount=amount,
        gift=dice.choice((True, False, None)),
        note=dice.choice(NOTES),
    )


def _write(path: Path, delimiter: str, kind: type[Customer | Order], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(delimiter.join(field.name for field in fields(kind)) + "\n")
        for row in rows:
            file.write(delimiter.join(_cell(value) for value in row) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
