"""The best that can be wired by hand: python by_hand.py <what> …, in an environment that has what it imports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any


def arrow(url: str) -> Any:
    """lineitem, by connectorx."""
    import connectorx

    return connectorx.read_sql(url, "SELECT * FROM lineitem", return_type="arrow_stream", batch_size=65536)


def to_parquet(url: str, file: str) -> None:
    import pyarrow.parquet

    reader = arrow(url)
    with pyarrow.parquet.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def by_duckdb(url: str, file: str) -> None:
    import duckdb
    from duckdb_extensions import import_extension

    import_extension("postgres_scanner")
    with duckdb.connect() as con:
        con.execute("LOAD postgres_scanner")
        con.execute(f"ATTACH '{url}' AS there (TYPE postgres, READ_ONLY)")
        con.execute(f"COPY (SELECT * FROM there.public.lineitem) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")


def to_postgres(source: str, target: str, table: str) -> None:
    """By ADBC's ingest, in one transaction."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(target) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(table, _plain(arrow(source)), mode="create")
        connection.commit()


def _plain(reader: Any) -> Any:
    """With the kind of text that ADBC takes."""
    import pyarrow as pa

    kinds = {each.name: pa.string() if each.type == pa.large_string() else each.type for each in reader.schema}
    schema = pa.schema(list(kinds.items()))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            yield batch.cast(schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


WHAT = {"parquet": to_parquet, "duckdb": by_duckdb, "postgres": to_postgres}
if __name__ == "__main__":
    WHAT[sys.argv[1]](*sys.argv[2:])
