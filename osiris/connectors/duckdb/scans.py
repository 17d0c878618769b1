"""How often a query reads each of its inputs: a stream can be read once, so the others must be kept on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

Reference = tuple[str, tuple[tuple[str, bool], ...]]
"""A table's name, and the common table expressions around it: each with its name and whether it recurses."""


def repeated(con: duckdb.DuckDBPyConnection, sql: str, named: Mapping[str, str]) -> frozenset[str]:
    """The inputs that `sql` reads more than once. `named` gives the input behind each registered, unread stream.

    All inputs when that cannot be told; none for a query that does not bind, which fails when it is run.
    """
    everything = frozenset(named.values())
    try:
        statements = con.extract_statements(sql)
        if len(statements) != 1 or statements[0].type.name != "SELECT":
            return everything
        text = statements[0].query
        tree = json.loads(_one(con, "SELECT json_serialize_sql($1)", [text]))
        if tree.get("error"):
            return everything
        plan = json.loads(_one(con, f"EXPLAIN (FORMAT json) {text}", None, column=1))
    except duckdb.Error:
        return frozenset()
    counts: Counter[str] = Counter()
    found = list(_tables(tree, ()))
    for name, given in named.items():
        counts[given] += _reads(name.casefold(), found, frozenset())
    # The optimizer may read a table more often than the text does, and does not say which.
    hidden = _streams(plan) > sum(counts.values())
    return everything if hidden else frozenset(given for given, count in counts.items() if count > 1)


def _one(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[str] | None, column: int = 0) -> str:
    row = con.execute(sql, parameters).fetchone()
    assert row is not None, sql
    return str(row[column])


def _reads(name: str, found: list[Reference], around: frozenset[str]) -> int:
    """How often a table is read if each WITH is read anew wherever it is used; a recursive one counts as twice."""
    total = 0
    for other, inside in found:
        if other != name:
            continue
        times = 1
        for common, recursive in inside:
            if common not in around:
                times *= _reads(common, found, around | {common}) * (2 if recursive else 1)
        total += times
    return total


def _tables(node: Any, inside: tuple[tuple[str, bool], ...]) -> Iterator[Reference]:
    """Each table that is named, case-folded, with the common table expressions around it and whether they recurse."""
    if isinstance(node, list):
        for part in node:
            yield from _tables(part, inside)
    if not isinstance(node, dict):
        return
    if node.get("type") == "BASE_TABLE":
        yield str(node.get("table_name", "")).casefold(), inside
    for key, part in node.items():
        if key == "cte_map":
            for entry in part.get("map", []):
                recursive = "RECURSIVE_CTE_NODE" in json.dumps(entry["value"])
                yield from _tables(entry["value"], (*inside, (str(entry["key"]).casefold(), recursive)))
        else:
            yield from _tables(part, inside)


def _streams(plan: Any) -> int:
    """How many reads of a stream a physical plan has."""
    if isinstance(plan, list):
        return sum(map(_streams, plan))
    if not isinstance(plan, dict):
        return 0
    own = 1 if "ARROW_SCAN" in str(plan.get("name", "")) else 0
    return own + _streams(plan.get("children", []))
