"""The demo's generated data, and that its check notices what a run could do wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.cli.demo.data import Shop, generate, write_csv
from osiris.cli.demo.truth import compare

ORDERS = 1500


def test_the_same_size_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_csv(generate(200), tmp_path / name)
    for name in ("customers.csv", "orders.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_data_holds_the_rows_that_break_careless_readers(tmp_path: Path) -> None:
    shop = generate(ORDERS)
    write_csv(shop, tmp_path)
    text = (tmp_path / "orders.csv").read_text(encoding="utf-8")
    assert '""never on Mondays""' in text
    assert "first line\nsecond line" in text
    assert ';""\n' in text
    assert ";\n" in text
    assert "12345678901234567890.12" in text
    with (tmp_path / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["code"] == "00123"
    assert [row["name"] for row in rows] == [customer.name for customer in shop.customers]


def write_right(shop: Shop, folder: Path, change: Callable[[list[dict[str, Any]]], Any] = lambda rows: None) -> None:
    """What a run of the demo must write, after `change`."""
    cities = {customer.code: customer.city for customer in shop.customers}
    rows: list[dict[str, Any]] = [
        {"order_id": o.order_id, "customer_code": o.customer_code, "city": cities[o.customer_code]}
        | {"amount": o.amount, "note": o.note}
        for o in shop.orders
    ]
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "orders.parquet")
    sums: dict[str, Any] = {}
    for row in rows:
        sums[row["city"]] = sums.get(row["city"], 0) + row["amount"]
    with (folder / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    with (folder / "cities.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("city", "revenue"), *sums.items()])


def test_right_output_is_found_right(tmp_path: Path) -> None:
    shop = generate(ORDERS)
    write_right(shop, tmp_path)
    findings = compare(shop, tmp_path)
    assert all(finding.ok for finding in findings), [f for f in findings if not f.ok]
    assert {finding.what.partition(":")[0] for finding in findings} == {"orders.parquet", "orders.csv", "cities.csv"}
    assert all(finding.found != "0" for finding in findings)


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda rows: rows.pop(), "rows"),
        (lambda rows: rows[0].update(amount=rows[0]["amount"] * 2), "sum of amount"),
        (lambda rows: [row.update(note=None) for row in rows if row["note"] == ""], "notes that are empty"),
        (lambda rows: [row.update(note=(row["note"] or "").replace("\n", " ")) for row in rows], "notes of two lines"),
        (
            lambda rows: [row.update(customer_code=row["customer_code"].lstrip("0")) for row in rows],
            "customer codes with leading zeros",
        ),
        (lambda rows: rows[-1].update(order_id=rows[-1]["order_id"] + 1), "last order_id"),
        (lambda rows: rows[0].update(city="Nowhere"), "revenue of each city"),
    ],
)
def test_wrong_output_is_noticed(tmp_path: Path, change: Callable[[list[dict[str, Any]]], Any], noticed: str) -> None:
    shop = generate(ORDERS)
    write_right(shop, tmp_path, change)
    assert noticed in {finding.what.partition(": ")[2] for finding in compare(shop, tmp_path) if not finding.ok}
