"""A connection in use without a pipeline: reading, writing, and everything that goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.base import Written
from osiris.errors import AuthFailed, ConfigError, DataError, NetworkFailed, NotFound, WriteFailed
from osiris.execute.lease import Leases
from osiris.project import Project
from tests.project.conftest import BOXES, Make
from tests.toybox import BEARS, read_table


def left(folder: Path) -> list[str]:
    """What lies in a box, staging included."""
    return sorted(path.name for path in folder.iterdir())


def test_a_table_is_read_in_batches_up_to_its_end(make: Make) -> None:
    with make().connect("@toybox.good") as db:
        stream = db.read(table="bears")
        assert pa.Table.from_batches(list(stream), stream.schema) == BEARS
        assert stream.end is not None
        assert (stream.end.rows, stream.end.stop_reason) == (3, "exhausted")


@pytest.mark.parametrize("call", ["read", "write", "discover"])
def test_a_refused_login_says_where_the_password_is_written(make: Make, tmp_path: Path, call: str) -> None:
    """In the words of doctor."""
    project = make(BOXES.replace("{BOX_PASSWORD}", "{WRONG}"))
    (tmp_path / ".env").write_text("WRONG=canary-wrong\n")
    with project.connect("@toybox.good") as db:
        calls: dict[str, Callable[[], object]] = {
            "read": lambda: db.read(table="bears"),
            "write": lambda: db.write(BEARS, table="copy"),
            "discover": db.discover,
        }
        with pytest.raises(AuthFailed) as raised:
            calls[call]()
        assert raised.value.hint == db.doctor().hint == "check password: ${WRONG} in .env"


def test_what_is_read_can_be_written_elsewhere(make: Make, tmp_path: Path) -> None:
    project = make()
    with project.connect("@toybox.good") as source, project.connect("@toybox.other") as target:
        assert target.write(source.read(table="bears"), table="copy") == Written(3)
    assert read_table(tmp_path / "other", "copy") == BEARS
    assert left(tmp_path / "other") == ["copy.arrow"]


@pytest.mark.parametrize(
    "rows",
    [BEARS, BEARS.to_reader(), BEARS.to_batches(max_chunksize=2), iter(BEARS.to_batches()), BEARS.to_batches()[0]],
    ids=["table", "reader", "list", "iterator", "batch"],
)
def test_any_kind_of_rows_can_be_written(make: Make, tmp_path: Path, rows: Any) -> None:
    with make().connect("@toybox.other") as db:
        assert db.write(rows, table="t").rows == 3
    assert read_table(tmp_path / "other", "t") == BEARS


def test_no_rows_still_make_a_table(make: Make, tmp_path: Path) -> None:
    with make().connect("@toybox.other") as db:
        assert db.write(BEARS.slice(0, 0), table="empty").rows == 0
    assert read_table(tmp_path / "other", "empty").schema == BEARS.schema


@pytest.mark.parametrize("rows", [[], [1], [BEARS]], ids=["nothing", "numbers", "tables"])
def test_what_is_no_rows_is_refused(make: Make, tmp_path: Path, rows: Iterable[Any]) -> None:
    with make().connect("@toybox.other") as db, pytest.raises(ConfigError, match="rows must be record batches"):
        db.write(rows, table="t")
    assert left(tmp_path / "other") == []


def test_batches_that_do_not_fit_together_write_nothing(make: Make, tmp_path: Path) -> None:
    batches = [*BEARS.to_batches(), pa.record_batch({"id": ["x"]})]
    with make().connect("@toybox.other") as db, pytest.raises(DataError):
        db.write(batches, table="t")
    assert left(tmp_path / "other") == []


def test_a_source_that_fails_halfway_writes_nothing_and_keeps_its_class(make: Make, tmp_path: Path) -> None:
    """LESSONS 4: a failure while paging returned the pages so far as success."""
    project = make()
    with project.connect("@toybox.good") as source, project.connect("@toybox.other") as target:
        with pytest.raises(NetworkFailed, match="the box was shaken"):
            target.write(source.read(table="bears", fail_at=2), table="t")
        assert left(tmp_path / "other") == []
        assert target.write(source.read(table="bears"), table="t").rows == 3


def test_a_commit_that_fails_leaves_nothing(make: Make, tmp_path: Path) -> None:
    with make().connect("@toybox.other") as db, pytest.raises(NetworkFailed):
        db.write(BEARS, table="t", trouble="before")
    assert left(tmp_path / "other") == []


def test_a_commit_whose_answer_was_lost_is_asked_for(make: Make, tmp_path: Path) -> None:
    """LESSONS 11: retried inserts after a lost answer duplicated rows."""
    with make().connect("@toybox.other") as db:
        assert db.write(BEARS, table="t", trouble="after").rows == 3
    assert left(tmp_path / "other") == ["t.arrow"]


def test_an_interrupted_write_is_undone(make: Make, tmp_path: Path) -> None:
    def rows() -> Iterable[pa.RecordBatch]:
        yield from BEARS.to_batches()
        raise KeyboardInterrupt

    with make().connect("@toybox.other") as db, pytest.raises(KeyboardInterrupt):
        db.write(rows(), table="t")
    assert left(tmp_path / "other") == []


def test_a_target_that_a_run_writes_to_is_not_touched(make: Make, tmp_path: Path) -> None:
    leases = Leases(tmp_path, {"run": "a-run"})
    leases.take("toybox/t", wait=False)
    with make().connect("@toybox.other") as db:
        with pytest.raises(Exception, match="another run is at work on toybox/t") as caught:
            db.write(BEARS, table="t")
        assert getattr(caught.value, "code", "") == "run.busy"
        leases.close()
        assert db.write(BEARS, table="t").rows == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tabel": "bears"}, 'unknown option "tabel"'),
        ({}, '"table" of toybox.extractor is required'),
        ({"table": 7}, "must be text, not 7"),
        ({"table": "bears", "password": "other-password"}, '"password" comes from the connection @toybox.good'),
        ({"table": "bears", "size": "big"}, "must be a whole number"),
    ],
)
def test_options_are_checked_before_anything_is_opened(make: Make, options: dict[str, Any], message: str) -> None:
    """LESSONS 13."""
    with make().connect("@toybox.good") as db, pytest.raises(ConfigError) as caught:
        db.read(**options)
    assert message in caught.value.message
    assert "other-password" not in str(caught.value)


def test_a_former_name_of_an_option_works(make: Make) -> None:
    with make().connect("@toybox.good") as db:
        assert sum(batch.num_rows for batch in db.read(tbl="bears")) == 3


def test_an_allowed_override_is_obeyed(make: Make, tmp_path: Path) -> None:
    """LESSONS 6."""
    with make().connect("@toybox.good") as db:
        db.write(BEARS, table="t", folder="other")
        assert left(tmp_path / "box") == ["bears.arrow"]
        assert sum(batch.num_rows for batch in db.read(table="t", folder="other")) == 3


def test_the_component_is_chosen_or_named(make: Make) -> None:
    with make().connect("@toybox.good") as db:
        for name in ("toybox.extractor", "extractor"):
            assert sum(batch.num_rows for batch in db.read(name, table="bears")) == 3
        with pytest.raises(ConfigError, match=r"toybox\.writer does not extract"):
            db.read("writer", table="bears")
        with pytest.raises(NotFound, match=r"toybox\.reader"):
            db.read("reader", table="bears")


def test_a_family_with_many_readers_asks_which(make: Make) -> None:
    with make().connect("filesystem") as db, pytest.raises(ConfigError, match="components for extract") as caught:
        db.read(path="x.csv")
    assert "filesystem.csv_extractor" in str(caught.value.hint)


def test_what_can_be_read_is_listed(make: Make) -> None:
    """LESSONS 8: `@mysql.b` showed the tables of `@mysql.a`."""
    project = make()
    found = project.discover("@toybox.good")
    assert found.to_json()["resources"] == [
        {
            "name": "bears",
            "type": "table",
            "fields": [
                {"name": "id", "type": "int64", "nullable": True, "primary_key": False},
                {"name": "name", "type": "string", "nullable": True, "primary_key": False},
            ],
        }
    ]
    assert project.discover("@toybox.good", like="wolves*").resources == ()
    assert project.discover("@toybox.other").resources == ()
    assert project.discover("@toybox.good").fingerprint == found.fingerprint
    assert project.discover("@toybox.other").fingerprint != found.fingerprint
    assert found.to_json()["connection"] == "@toybox.good"


def test_the_end_of_a_session_ends_what_is_being_read(make: Make, tmp_path: Path) -> None:
    with make().connect("@toybox.good") as db:
        stream = db.read(table="bears")
        next(iter(stream))
    assert stream.end is None
    assert [path for path in (tmp_path / ".osiris" / "sessions").rglob("*") if path.name == "scratch"] == []


def test_doctor_of_a_session_is_that_of_its_connection(make: Make) -> None:
    with make().connect("@toybox.good") as db:
        assert db.doctor().ok
    with make(BOX_PASSWORD="wrong-password").connect("@toybox.good") as db:
        assert db.doctor().category == "auth"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("toybox.good", "is not a reference"),
        ("@toybox.god", "there is no connection @toybox.god"),
        ("@nobody.x", "there is no connection"),
        ("nobody", "is not a reference"),
    ],
)
def test_only_a_reference_or_a_family_opens_a_session(make: Make, reference: str, message: str) -> None:
    """LESSONS 7."""
    with pytest.raises(ConfigError, match=message), make().connect(reference):
        pass


def test_a_family_alone_means_its_default_connection(make: Make) -> None:
    with make().connect("toybox") as db:
        assert db.reference == "@toybox.good"


def test_a_connection_that_cannot_be_resolved_is_refused_at_once(make: Make) -> None:
    project = make(BOXES.replace("${BOX_PASSWORD}", "${GONE}"))
    with pytest.raises(ConfigError, match="the variable GONE is not set"), project.connect("@toybox.good"):
        pass


def test_a_table_that_is_not_there_is_told(make: Make) -> None:
    with make().connect("@toybox.good") as db, pytest.raises(NotFound):
        db.read(table="wolves")


def test_importing_osiris_and_connecting_needs_no_more_than_the_root(make: Make) -> None:
    import osiris

    assert osiris.Project is Project
    assert issubclass(osiris.WriteFailed, osiris.OsirisError)
    assert WriteFailed is osiris.WriteFailed
    assert make().root.is_absolute()
