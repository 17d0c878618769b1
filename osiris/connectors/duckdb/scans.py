"""How often a query reads each of its inputs: a stream can be read once, so the others must be kept on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb


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
    inputs = {name.casefold(): given for name, given in named.items()}
    counts, often = _references(tree, inputs)
    # The optimizer may read a table more often than the text names it, and does not say which.
    hidden = _streams(plan) > sum(counts.values())
    return everything if hidden else frozenset(often)


def _one(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[str] | None, column: int = 0) -> str:
    row = con.execute(sql, parameters).fetchone()
    assert row is not None, sql
    return str(row[column])


def _references(tree: Any, inputs: Mapping[str, str]) -> tuple[Counter[str], set[str]]:
    """How often each input is named, and which are read more than once: also by a WITH that is used twice."""
    found = list(_tables(tree, ()))
    uses = Counter(name for name, _ in found)
    counts = Counter(inputs[name] for name, _ in found if name in inputs)
    often = {given for given, count in counts.items() if count > 1}
    for name, inside in found:
        if name in inputs and any(uses[common] > 1 or recursive for common, recursive in inside):
            often.add(inputs[name])
    return counts, often


def _tables(node: Any, inside: tuple[tuple[str, bool], ...]) -> Iterator[tuple[str, tuple[tuple[str, bool], ...]]]:
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
