"""Spilled streams are read again as often as wanted, within a limit of disk, and leave no file."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pyarrow as pa
import pytest

from osiris.errors import InternalError, SourceError, WriteFailed
from osiris.stream import Batches, End, FirstError, Spill, SpillSpace
from tests.stream.sources import SCHEMA, batch, numbers


def many(count: int = 200) -> Batches:
    """About 1 kB a batch, of numbers that do not compress."""
    size = 128
    return Batches.of(
        SCHEMA, [batch(*((n * size + k) * 2654435761 % 2**62 for k in range(size))) for n in range(count)]
    )


def test_a_spill_is_read_again_and_again(tmp_path: Path) -> None:
    def source() -> Generator[pa.RecordBatch, None, End]:
        yield batch(1, 2)
        yield batch()
        yield batch(3)
        return End(3, "limit", {"seen": 3})

    spill = Spill(tmp_path / "new" / "spill.arrow")
    spill.fill(Batches(SCHEMA, source()))
    for _ in range(2):
        stream = spill.read("again", FirstError())
        assert stream.schema.equals(SCHEMA, check_metadata=True)
        assert numbers(stream) == [1, 2, 3]
        assert stream.end == End(3, "limit", {"seen": 3})
    spill.close()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_spill_as_a_dataset_is_scanned_again_and_counts_as_read_once(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "spill.arrow")
    spill.fill(Batches.of(SCHEMA, [batch(1, 2), batch(3)]))
    stream = spill.read("rescanned", FirstError())
    data = stream.dataset()
    assert data.count_rows() == data.count_rows() == 3
    assert (stream.rows, stream.end) == (3, End(3))


def test_zero_rows_spill_with_their_schema(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "spill.arrow")
    spill.fill(Batches.of(SCHEMA, []))
    stream = spill.read("nothing", FirstError())
    assert numbers(stream) == []
    assert stream.dataset().schema.equals(SCHEMA)


def test_all_spills_share_their_space_and_give_it_back_also_after_it_was_used_up(tmp_path: Path) -> None:
    space = SpillSpace(300_000)
    first, second = Spill(tmp_path / "1", space), Spill(tmp_path / "2", space)
    first.fill(many(100))
    assert 50_000 < space.used_bytes < 150_000
    with pytest.raises(WriteFailed, match="limit of 300000 bytes") as caught:
        second.fill(many(1000))
    assert caught.value.code == "spill.limit"
    first.close()
    second.close()
    assert space.used_bytes == 0
    assert list(tmp_path.iterdir()) == []
    third = Spill(tmp_path / "3", space)
    third.fill(many(200))
    third.close()


def test_a_stream_that_fails_is_no_full_disk(tmp_path: Path) -> None:
    def source() -> Generator[pa.RecordBatch, None, End]:
        yield batch(1)
        raise ConnectionResetError("the source hung up")

    stream = Batches(SCHEMA, source())
    with pytest.raises(ConnectionResetError):
        Spill(tmp_path / "spill").fill(stream)
    stream = Batches(SCHEMA, source(), classify=lambda error: SourceError(str(error)))
    with pytest.raises(SourceError, match="hung up"):
        Spill(tmp_path / "spill").fill(stream)


def test_a_folder_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteFailed, match="cannot spill to") as caught:
        Spill(tmp_path / "file" / "spill").fill(many(1))
    assert caught.value.code == "spill.disk"


def test_a_spill_that_was_not_filled_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="before it was filled"):
        Spill(tmp_path / "spill").read("early", FirstError())
