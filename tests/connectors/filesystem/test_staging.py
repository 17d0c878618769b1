"""A large staged file goes to the disk while it is written."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from osiris.connectors.filesystem.staging import FLUSH_BYTES, StagedFile, content_of

PIECE = bytes(range(256)) * 4096


def flushing() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("osiris-flush")]


def large(path: Path) -> StagedFile:
    """As much as makes it flush twice."""
    staged = StagedFile(path)
    for _ in range(2 * FLUSH_BYTES // len(PIECE) + 1):
        staged.write(PIECE)
    return staged


def test_it_is_flushed_before_its_end_and_holds_all_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "large"
    staged = large(path)
    assert flushing()
    content = staged.finish()
    assert content == content_of(path)
    assert content.size_bytes == 2 * FLUSH_BYTES + len(PIECE)
    assert not flushing()


def test_a_small_one_needs_no_thread(tmp_path: Path) -> None:
    staged = StagedFile(tmp_path / "small")
    staged.write(PIECE)
    assert not flushing()
    staged.finish()


def test_one_that_is_let_go_is_closed_behind_the_flush(tmp_path: Path) -> None:
    staged = large(tmp_path / "large")
    staged.drop()
    assert not flushing()
    with pytest.raises(ValueError, match="closed"):
        staged.write(PIECE)
