"""The conformance kit over filesystem: Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.testing.connector import Change, Conformance, Reading, Subject, Writing

pytestmark = pytest.mark.slow

ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 5], pa.uint64()),
        "name": pa.array([None, None, "c", "d", ""]),
        "amount": pa.array([None, 1, 2, 3, 4], pa.decimal128(38, 4)),
        "at": pa.array([None, 1, 2, 3, 4], pa.timestamp("us", "UTC")),
    }
)


class TestParquet(Conformance):
    """Three files of one glob, each of several row groups."""

    family = "filesystem"
    extractor = "filesystem.parquet_extractor"
    writer = "filesystem.parquet_writer"

    def subject(self, folder: Path) -> Subject:
        data = folder / "data"
        (folder / "other").mkdir()
        data.mkdir()
        for number in range(3):
            pq.write_table(ROWS.slice(2 * number, 2), data / f"known-{number}.parquet", row_group_size=1)
        pq.write_table(ROWS.slice(0, 0), data / "empty.parquet")

        def spoil() -> None:
            """Damage the second file's second row; what the file says of itself stays."""
            path = data / "known-1.parquet"
            content = bytearray(path.read_bytes())
            place = pq.read_metadata(path).row_group(1).column(0).data_page_offset
            content[place : place + 8] = b"\xff" * 8
            path.write_bytes(bytes(content))

        return Subject(
            family="filesystem",
            root=folder,
            fields={"base_dir": "data"},
            broken={"no folder": {"base_dir": "nowhere"}},
            discovered=("known-0.parquet", "known-1.parquet", "empty.parquet"),
            changes={"base_dir": "other"},
            reading=Reading(
                component="filesystem.parquet_extractor",
                options={"path": "known-*.parquet"},
                rows=ROWS,
                empty={"path": "empty.parquet"},
                missing={"path": "missing.parquet"},
                spoil=spoil,
                changes={
                    "path": (Change("empty.parquet"), Change(["known-1.parquet", "known-2.parquet"])),
                    "columns": (Change(["id"]), Change(["name"])),
                    "filename_column": "file",
                    "batch_rows": 1,
                },
            ),
            writing=writing(data),
        )


def writing(data: Path) -> Writing:
    target = data / "target.parquet"

    def observe() -> object:
        if not target.exists():
            return None
        found = pq.read_metadata(target)
        groups = [found.row_group(number) for number in range(found.num_row_groups)]
        return [(group.num_rows, group.column(0).compression) for group in groups]

    return Writing(
        component="filesystem.parquet_writer",
        options={"path": "target.parquet"},
        look=lambda: pq.read_table(target) if target.exists() else None,
        traces=lambda: {path.name for path in data.iterdir()},
        observe=observe,
        changes={
            "path": "other.parquet",
            "create_dirs": Change(False, {"path": "new/target.parquet"}),
            "compression": "zstd",
            "row_group_rows": 1,
            "row_group_mb": Change(1, unseen="the kit writes no row group that large"),
        },
    )
