"""Whether the demo's output is what it must be, worked out in plain Python from the generated rows."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from osiris.cli.demo.data import Shop


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about an output file: what the generated data says, and what the file says."""

    what: str
    expected: str
    found: str

    @property
    def ok(self) -> bool:
        return self.expected == self.found

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def compare(shop: Shop, folder: Path) -> list[Finding]:
    """Look at `orders.parquet`, `orders.csv` and `cities.csv` in `folder`."""
    with localcontext(prec=60):  # the default of 28 digits would round the sum of the amounts
        expected = _facts(_joined(shop))
        parquet, text = _facts(_parquet(folder / "orders.parquet")), _facts(_csv(folder / "orders.csv"))
        found = [Finding(f"orders.parquet: {name}", expected[name], parquet[name]) for name in expected]
        found += [Finding(f"orders.csv: {name}", expected[name], text[name]) for name in expected if name in IN_CSV]
        cities, revenue = _cities(_csv(folder / "cities.csv"), "revenue"), _cities(_joined(shop), "amount")
        right = sum(cities.get(city) == amount for city, amount in revenue.items())
        extra = len(cities.keys() - revenue.keys())
        shown = f"{right} of {len(revenue)} right" + (f", {extra} more" if extra else "")
        found.append(Finding("cities.csv: revenue of each city", f"{len(revenue)} of {len(revenue)} right", shown))
    return found


FACTS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "notes that are null": lambda row: row["note"] is None,
    "notes that are empty": lambda row: row["note"] == "",
    "notes of two lines": lambda row: "\n" in (row["note"] or ""),
    "customer codes with leading zeros": lambda row: str(row["customer_code"]).startswith("0"),
}
IN_CSV = ("rows", "sum of amount", "last order_id", *list(FACTS)[2:])
"""What Python's csv reader can tell: to it, null and empty are one."""


def _facts(rows: Iterator[Mapping[str, Any]]) -> dict[str, str]:
    seen: Counter[str] = Counter()
    amount, last = Decimal(0), 0
    for row in rows:
        seen["rows"] += 1
        amount += Decimal(row["amount"])
        last = max(last, int(row["order_id"]))
        seen.update(name for name, holds in FACTS.items() if holds(row))
    numbers = {name: str(seen[name]) for name in ("rows", *FACTS)}
    return {**numbers, "sum of amount": f"{amount:f}", "last order_id": str(last)}


def _joined(shop: Shop) -> Iterator[dict[str, Any]]:
    by_code = {customer.code: customer for customer in shop.customers}
    for order in shop.orders:
        yield {**asdict(order), "city": by_code[order.customer_code].city}


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _cities(rows: Iterator[Mapping[str, Any]], column: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["city"]] = sums.get(row["city"], Decimal(0)) + Decimal(row[column])
    return sums
