"""Connectors that break their contract: each is a named error, with nothing committed and nothing left."""

from __future__ import annotations

import pytest

from osiris.errors import OsirisError
from osiris.runs import RunLog
from tests.plugins.lab import Lab, hostile, read, transform, write

BREACHES = {
    "no_end": ("InternalError", "stream.no_end"),
    "miscount": ("InternalError", "stream.count"),
    "wrong_type": ("DataError", "data.schema_changed"),
    "leak": ("InternalError", "stream.leak"),
    "exit": ("InternalError", "internal"),
    "fail": ("NetworkFailed", "connection.network"),
    "bad_plan": ("SourceError", "source.failed"),
}


def nothing_happened(lab: Lab, error: OsirisError, kind: str, code: str) -> None:
    assert (type(error).__name__, error.code) == (kind, code)
    assert lab.database.tables() == []
    lab.nothing_is_left()


@pytest.mark.parametrize("splits", [1, 3])
@pytest.mark.parametrize("behaviour", BREACHES)
def test_a_reader_that_breaks_its_contract_is_named(lab: Lab, behaviour: str, splits: int) -> None:
    """Read without an End, counts that disagree, a schema that changes, a StopIteration that escapes, sys.exit."""
    error = lab.fail(hostile("r", behaviour, splits=splits), write("w", "r", "target"), jobs=2)
    nothing_happened(lab, error, *BREACHES[behaviour])
    assert error.step == "r"


def test_the_traceback_of_a_fault_is_in_the_log_as_an_error(lab: Lab) -> None:
    report = lab.run([hostile("r", "leak"), write("w", "r", "target")])
    (run,) = lab.runs()
    entries = RunLog(run.path).new(over=True)
    assert [entry.level for entry in entries if "Traceback" in entry.text] == ["error"]
    assert report.warnings == (), "the report has it as its error"


@pytest.mark.parametrize("behaviour", ["fail", "wrong_type"])
@pytest.mark.parametrize("between", ["chain", "parquet"])
def test_an_error_keeps_its_class_through_processors(lab: Lab, behaviour: str, between: str) -> None:
    """DESIGN section 3, trap 3."""
    error = lab.fail(
        hostile("r", behaviour), transform("t", "r", behaviour=between), transform("u", "t"), write("w", "u", "target")
    )
    nothing_happened(lab, error, *BREACHES[behaviour])
    assert error.step == "r"


def test_an_error_keeps_its_class_though_the_writer_swallows_it(lab: Lab) -> None:
    error = lab.fail(hostile("r", "fail"), write("w", "r", "x", "hostile.writer", behaviour="swallows"))
    nothing_happened(lab, error, *BREACHES["fail"])


def test_an_error_of_the_server_in_the_middle_keeps_its_class_and_text(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    lab.database.fault("read", "refuse", rows=100, code="forbidden")
    error = lab.fail(read("r", "source", batch_rows=50), transform("t", "r"), write("w", "t", "target"))
    assert type(error).__name__ == "PermissionDenied"
    assert "refused by the test" in error.message
    assert lab.database.tables() == ["source"]


def test_values_of_another_type_in_the_middle_are_a_data_error(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    lab.database.fault("read", "twist", rows=100)
    error = lab.fail(read("r", "source", batch_rows=50), write("w", "r", "target"))
    assert type(error).__name__ == "DataError"
    assert lab.database.tables() == ["source"]


def test_a_server_that_counts_other_rows_than_it_gives_is_not_believed(lab: Lab) -> None:
    lab.database.numbers("source", 1000)
    lab.database.fault("read", "miscount")
    error = lab.fail(read("r", "source"), write("w", "r", "target"))
    assert error.code == "stream.count"
    lab.database.fault("stage", "miscount")
    error = lab.fail(read("r", "source"), write("w", "r", "target"))
    assert (type(error).__name__, error.code) == ("InternalError", "write.count")
    assert lab.database.tables() == ["source"]
    lab.nothing_is_left()


@pytest.mark.parametrize("behaviour", ["skips", "loses"])
@pytest.mark.parametrize("splits", [1, 2])
def test_a_writer_that_loses_rows_commits_nothing(lab: Lab, behaviour: str, splits: int) -> None:
    error = lab.fail(
        hostile("r", splits=splits), write("w", "r", behaviour, "hostile.writer", behaviour=behaviour), jobs=2
    )
    nothing_happened(lab, error, "InternalError", "write.not_drained" if behaviour == "skips" else "write.count")


def test_a_writing_thread_that_dies_is_an_error_though_the_others_take_its_rows(lab: Lab) -> None:
    writer = write("w", "r", "dead", "hostile.writer", behaviour="dies")
    error = lab.fail(hostile("r", splits=2), writer, jobs=2)
    assert "no instance in this thread" in error.message
    lab.nothing_is_left()


def test_two_writers_that_stage_in_memory_are_refused_before_they_begin(lab: Lab) -> None:
    """Only one writer of a flow can be committed first."""
    error = lab.fail(hostile("r"), write("a", "r", "a", "hostile.writer"), write("b", "r", "b", "hostile.writer"))
    nothing_happened(lab, error, "InternalError", "write.not_durable")


def test_a_writer_that_stages_in_memory_is_committed_before_the_one_beside_it(lab: Lab) -> None:
    lab.database.fault("commit", "refuse")
    error = lab.fail(
        hostile("r"), write("a", "r", "durable"), write("b", "r", "b", "hostile.writer", behaviour="stumbles")
    )
    assert (error.code, error.step) == ("commit.unknown", "b")
    assert lab.database.tables() != [], "what is staged stays until the other's commit is known"


def test_a_token_that_the_ledger_cannot_keep_as_it_is_is_refused_at_once(lab: Lab) -> None:
    """Recovery would find another one."""
    error = lab.fail(hostile("r"), write("w", "r", "t", "hostile.writer", behaviour="tuple"))
    nothing_happened(lab, error, "InternalError", "write.not_plain")


def test_a_foreign_error_of_a_processor_is_ours_with_its_cause(lab: Lab) -> None:
    error = lab.fail(hostile("r"), transform("t", "r", behaviour="file"), write("w", "t", "target"))
    nothing_happened(lab, error, "NotFound", "file.missing")
    assert isinstance(error.__cause__, FileNotFoundError)
    assert error.step == "t"
