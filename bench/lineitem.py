"""The columns of lineitem, and the digest by which files with its rows are compared."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb

DTYPES = {
    "orderkey": "int32",
    "partkey": "int32",
    "suppkey": "int32",
    "linenumber": "int32",
    "quantity": "decimal(15,2)",
    "extendedprice": "decimal(15,2)",
    "discount": "decimal(15,2)",
    "tax": "decimal(15,2)",
    "returnflag": "string",
    "linestatus": "string",
    "shipdate": "date",
    "commitdate": "date",
    "receiptdate": "date",
    "shipinstruct": "string",
    "shipmode": "string",
    "comment": "string",
}
EXACT = {"int32": "BIGINT", "decimal(15,2)": "DECIMAL(38,20)", "date": "TIMESTAMP", "string": "VARCHAR"}
"""As what DuckDB compares a column, however it arrived: a value that is off, or has lost digits, differs."""


def same(folder: Path, pattern: str, wanted: Any) -> bool:
    """Whether the files hold the rows of this digest, in any order."""
    read = f"read_parquet('{pattern}')" if pattern.endswith("parquet") else read_csv(pattern)
    try:
        return bool(wanted == digest(folder, read))
    except duckdb.Error as error:
        print(f"  {pattern}: {str(error)[:300]}")
        return False


def read_csv(pattern: str) -> str:
    return f"read_csv('{pattern}', header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"


def digest(folder: Path, read: str) -> Any:
    """In a process of its own: what starts from a large one counts that as its own peak."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        return other.submit(_sum, folder, read).result()


def _sum(folder: Path, read: str) -> Any:
    columns = ", ".join(f"CAST({name} AS {EXACT[dtype]})" for name, dtype in DTYPES.items())
    with duckdb.connect(config={"file_search_path": str(folder), "threads": 2}) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")
        return con.execute(f"SELECT count(*), sum(hash({columns})) FROM {read}").fetchone()
