"""What a run tells is read back as it was written, also while it grows, is torn, or has many lines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from pathlib import Path

import pyarrow as pa
import pytest

from osiris.events import Event, FileSink, about
from osiris.runs import LogEntry, RunLog
from osiris.runs.log import LOG, LogFormatter
from osiris.stream import Budget, End, FirstError, prefetch
from tests.stream.sources import SCHEMA, Numbers

logger = logging.getLogger("osiris.tests.log")


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Path]:
    """A folder whose log takes what `logger` says."""
    handler = logging.FileHandler(tmp_path / LOG, encoding="utf-8")
    handler.setFormatter(LogFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield tmp_path
    logger.removeHandler(handler)
    handler.close()


def told(entries: list[LogEntry]) -> list[tuple[str, str | None, str]]:
    return [(entry.level, entry.step, entry.text) for entry in entries]


def test_records_and_events_are_one_story_in_the_order_of_time(folder: Path) -> None:
    sink = FileSink(folder)
    sink.emit(Event("run.started", None, {"pipeline": "two words", "steps": [1, 2]}))
    logger.info("first")
    with about("read"):
        logger.warning("second %d", 2)
    logger.error("third", extra={"step": "write"})
    sink.emit(Event("step.failed", "read", {"code": "file.missing"}))
    sink.emit(Event("run.finished", None, {"status": "failure"}))
    sink.close()
    entries = RunLog(folder).new()
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert {(entry.source, entry.level, entry.step, entry.text) for entry in entries} == {
        ("event", "info", None, 'run.started pipeline="two words"'),
        ("log", "info", None, "first"),
        ("log", "warning", "read", "second 2"),
        ("log", "error", "write", "third"),
        ("event", "error", "read", "step.failed code=file.missing"),
        ("event", "error", None, "run.finished status=failure"),
    }
    assert next(entry.data for entry in entries if entry.name == "run.started")["steps"] == [1, 2]


def test_a_record_of_many_lines_is_one_entry_and_cannot_pose_as_others(folder: Path) -> None:
    head = "2026-01-01T00:00:00.000+00:00 ERROR osiris [x] made up"
    logger.info("above\n%s\n\x85below\u2028the same", head)
    try:
        raise ValueError("oh")
    except ValueError:
        logger.exception("failed")
    first, second = RunLog(folder).new()
    assert first.text == f"above\n{head}\n\x85below\u2028the same"
    assert second.text.startswith("failed\nTraceback (most")
    assert second.text.endswith("\nValueError: oh")


def test_only_what_was_added_is_told_again_and_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    assert log.new() == []
    file = (tmp_path / LOG).open("w", buffering=1)
    file.write("2026-01-01T00:00:00.000+00:00 INFO a [-] one\n2026-01-01T00:00:00.001+00:00 INFO a [s] tw")
    file.flush()
    assert told(log.new()) == [("info", None, "one")]
    assert log.new() == []
    file.write("o\n")
    assert told(log.new()) == [("info", "s", "two")]
    file.write("  and more\n")
    assert told(log.new()) == [("info", "s", "and more")]
    file.write("2026-01-01T00:00:00.002+00:00 INFO a [-] to")
    file.close()
    assert log.new() == []
    assert told(log.new(over=True)) == [("info", None, "to")]


def test_an_event_that_a_crash_has_torn_is_told_as_what_is_left(tmp_path: Path) -> None:
    whole = '{"at": "2026-01-01T00:00:00.000+00:00", "event": "run.started"}\n'
    (tmp_path / "events.jsonl").write_text(whole + '{"at": "2026')
    log = RunLog(tmp_path)
    assert told(log.new()) == [("info", None, "run.started")]
    assert told(log.new(over=True)) == [("warning", None, '{"at": "2026')]


def test_following_ends_with_the_run_and_misses_nothing(folder: Path) -> None:
    over, ready = threading.Event(), threading.Event()

    def work() -> None:
        logger.info("early")
        ready.wait(20)
        logger.info("late")
        over.set()

    thread = threading.Thread(target=work)
    thread.start()
    texts = []
    for part in RunLog(folder).follow(over.is_set):
        texts += [entry.text for entry in part]
        if texts:
            ready.set()
    thread.join()
    assert texts == ["early", "late"]


class Talking(Numbers):
    """Logs from the thread that reads it, as a connector may."""

    def _give(self) -> Generator[pa.RecordBatch, None, End]:
        logger.info("reading")
        return (yield from super()._give())


def test_what_a_reading_thread_logs_is_about_the_step_that_it_reads(folder: Path) -> None:
    with about("writer"):  # which pulls
        sources = [Talking(0), Talking(10)]
        stream = prefetch(SCHEMA, sources, budget=Budget(1 << 20, 2), first_error=FirstError())
        assert sum(batch.num_rows for batch in stream) == 12
        logger.info("pulled")
    assert sorted(told(RunLog(folder).new())) == [
        ("info", "from 0", "reading"),
        ("info", "from 10", "reading"),
        ("info", "writer", "pulled"),
    ]
