"""A table read and written page by page with PostgREST's own Python client: `official.py read|write url key file`."""

from __future__ import annotations

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
from postgrest import SyncPostgrestClient

AT_ONCE = 1000


def read(client: SyncPostgrestClient, path: str) -> None:
    rows: list[dict[str, object]] = []
    while (
        page := client.from_("source").select("*").order("id").range(len(rows), len(rows) + AT_ONCE - 1).execute().data
    ):
        rows += page  # type: ignore[arg-type]  # JSON of any kind, as the client has it
    pq.write_table(pa.Table.from_pylist(rows), path)


def write(client: SyncPostgrestClient, path: str) -> None:
    for batch in pq.ParquetFile(path).iter_batches(AT_ONCE):
        rows = json.loads(json.dumps(batch.to_pylist(), default=str))
        client.from_("target").upsert(rows).execute()


if __name__ == "__main__":
    what, url, key, file = sys.argv[1:]
    headers = {"apikey": key, "Authorization": f"Bearer {key}"}
    with SyncPostgrestClient(f"{url}/rest/v1", headers=headers) as made:
        {"read": read, "write": write}[what](made, file)
