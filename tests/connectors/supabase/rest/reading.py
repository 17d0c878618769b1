"""Reading over REST, through the family's client and the stand-in, as the drivers do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.connectors.base import Batches, End, Options, Workspace
from osiris.connectors.supabase.client import Client
from osiris.connectors.supabase.extractor import Extractor
from tests.connectors.supabase.projects import over_rest
from tests.servers.postgrest.server import Rest


def _between(stream: Batches, then: list[Callable[[], object]]) -> Iterator[pa.RecordBatch]:
    if then:
        then.pop(0)()
    for batch in stream:
        yield batch
        if then:
            then.pop(0)()


def read(
    rest: Rest, key: str | None = None, then: Sequence[Callable[[], object]] = (), **options: Any
) -> tuple[pa.Table, End]:
    """All rows, by the secret key or another one; what it raises is classified. The first of `then` is called before
    the first page, each other one after a further batch."""
    client = over_rest(rest, key=key or rest.secret_key)
    try:
        client.open()
        extractor = Extractor(client, Options(options), Workspace(Path("scratch"), Path("out")))
        plan = extractor.plan(1, None)
        stream = Batches(plan.schema, extractor.read(plan.splits[0]))
        rows = pa.Table.from_batches(_between(stream, list(then)), plan.schema)
    except Exception as error:
        raise Client.classify(error) from error
    finally:
        client.close()
    assert stream.end is not None
    return rows, stream.end
