"""The toy box of `tests/plugins/toybox`, a connector in a package of its own, put to use by tests."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from osiris.components import catalog
from osiris.components.catalog import Catalog
from osiris.connectors.registry import Provider, Registry

PLUGINS = Path(__file__).parent / "plugins" / "toybox"
PASSWORD = "open sesame!"
BEARS = pa.table({"id": [1, 2, 3], "name": ["Paddington", None, "Pooh"]})


@contextmanager
def installed(*folders: Path) -> Generator[None]:
    """As if packages were installed: folders with packages and their `.dist-info`, the toy box's by default."""
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders or (PLUGINS,)]
    try:
        yield
    finally:
        sys.path[:] = before


def provider() -> Provider:
    specs = PLUGINS / "osiris_toybox" / "components"
    return Provider("toybox", "osiris_toybox", specs, "osiris-toybox", "1.0.0", builtin=False)


def toy_catalog() -> Catalog:
    """A catalog of the toy box alone."""
    return catalog.load(Registry({"toybox": provider()}))


def write_table(folder: Path, name: str, table: pa.Table = BEARS, batch_rows: int = 1) -> None:
    """Put a table into a box, in batches of `batch_rows`."""
    folder.mkdir(exist_ok=True)
    with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as sink:
        sink.write_table(table, max_chunksize=batch_rows)


def read_table(folder: Path, name: str) -> pa.Table:
    with pa.OSFile(str(folder / f"{name}.arrow")) as file:
        return pa.ipc.open_file(file).read_all()
