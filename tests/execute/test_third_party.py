"""The socketdb package: a family that nothing in osiris/ names, found, listed, tested and used as any other."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris import errors
from osiris.connectors import registry
from osiris.connectors.base import (
    AtLeastOnce,
    Connection,
    Dataset,
    Discovers,
    End,
    Extractor,
    Options,
    Part,
    ReadPlan,
    Run,
    Split,
    State,
    Token,
    Written,
)
from osiris.errors import OsirisError
from osiris.execute.base import Request
from tests.plugins.lab import FOLDERS, PASSWORD, Lab, hostile, read, write

pytestmark = pytest.mark.slow


def test_the_packages_are_listed_without_being_imported() -> None:
    code = (
        "import sys; from osiris.connectors import registry; from osiris.components import catalog; "
        "found = catalog.load(registry.load()); "
        "print([name for name in found.names() if name.startswith(('socketdb', 'hostile'))], "
        "[name for name in sys.modules if name.startswith(('osiris_socketdb', 'osiris_hostile'))])"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS))}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "['hostile.extractor', 'hostile.processor', 'hostile.writer', 'socketdb.extractor', 'socketdb.writer'] []"
    )


def test_nothing_in_osiris_names_the_family() -> None:
    root = Path(registry.__file__).parents[1]
    assert [path for path in root.rglob("*.py") if "socketdb" in path.read_text()] == []


def test_its_components_are_declared_as_their_classes_are(lab: Lab) -> None:
    project = lab.project()
    reader, writer = (project.registry.implementation(f"socketdb.{kind}") for kind in ("extractor", "writer"))
    capabilities = project.catalog.get("socketdb.extractor").capabilities
    assert capabilities["splits"] == (reader.plan is not Extractor.plan)
    assert capabilities["discover"] == issubclass(project.registry.client("socketdb"), Discovers)
    assert project.catalog.get("socketdb.writer").capabilities["atomic"] != issubclass(writer, AtLeastOnce)


def test_the_doctor_finds_it_well(lab: Lab) -> None:
    report = lab.project().doctor(["@socketdb.main"], level="write")
    found = report.to_json()["results"]["socketdb"]["main"]
    assert (found["status"], found["category"]) == ("success", "ok")
    names = [check["id"] for check in found["checks"]]
    assert names[-3:] == ["net.tcp", "auth.login", "perm.write"]
    assert report.exit_code == 0
    lab.nothing_is_left()


AILMENTS: dict[str, tuple[Callable[[Lab], None], str, str]] = {
    "nobody listens": (lambda lab: lab.connections(port=1), "net.tcp", "network"),
    "wrong password": (lambda lab: lab.connections(password="open, sesame"), "auth.login", "auth"),
    "never answers": (lambda lab: lab.database.fault("login", "stall"), "auth.login", "timeout"),
    "hangs up": (lambda lab: lab.database.fault("login", "drop"), "auth.login", "network"),
    "too busy": (lambda lab: lab.database.fault("login", "refuse", code="busy"), "auth.login", "busy"),
}


@pytest.mark.parametrize("ailment", AILMENTS)
def test_the_doctor_names_the_check_that_fails_and_its_category(lab: Lab, ailment: str) -> None:
    spoil, check, category = AILMENTS[ailment]
    spoil(lab)
    report = lab.project().doctor(["@socketdb.main"], timeout_s=0.5)
    found = report.to_json()["results"]["socketdb"]["main"]
    assert (found["status"], found["category"], found["checks"][-1]["id"]) == ("failure", category, check)
    assert PASSWORD not in str(found)
    assert "sesame" not in str(found)
    assert report.exit_code == 1


def test_discover_lists_its_tables_with_their_columns(lab: Lab) -> None:
    lab.database.numbers("one", 3)
    lab.database.numbers("two", 4)
    found = lab.project().discover("@socketdb.main").to_json()["resources"]
    assert [(table["name"], table["estimated_rows"]) for table in found] == [("one", 3), ("two", 4)]
    assert [(field["name"], field["type"]) for field in found[0]["fields"]] == [("n", "int"), ("word", "text")]


def test_a_session_reads_and_writes_without_a_pipeline(lab: Lab) -> None:
    lab.database.numbers("source", 100)
    with lab.project().connect("@socketdb.main") as db:
        assert db.doctor().ok
        assert [resource.name for resource in db.discover()] == ["source"]
        rows = db.read(table="source")
        assert sum(batch.num_rows for batch in rows) == 100
        assert db.write(pa.table({"n": [1, 2]}), table="target", write_mode="replace").rows == 2
    assert lab.database.column("target") == [1, 2]
    assert lab.database.staging() == []


def test_a_dry_run_plans_the_reads_and_touches_no_target(lab: Lab) -> None:
    lab.database.numbers("source", 10)
    before = lab.database.tables()
    steps = lab.manifest(read("r", "source"), write("w", "r", "target"))
    report = lab.run(steps, Request(dry_run=True))
    assert [step.status for step in report.steps] == ["planned", "planned"]
    assert lab.database.tables() == before
    assert lab.runs() == []
    report = lab.run(lab.manifest(read("r", "missing"), write("w", "r", "target")), Request(dry_run=True))
    assert (report.status, report.error and report.error.code) == ("failure", "not_found")


def echo(data: bytes) -> bytes:
    """In another process: what came out of `data`, put in again."""
    return pickle.dumps(pickle.loads(data))  # noqa: S301 - our own bytes


def every_error() -> list[OsirisError]:
    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, OsirisError)]
    made = [kind("it failed", code="a.code", hint="a hint", file="a file", line=1, column=2, more=3) for kind in kinds]
    assert len(made) > 15
    made.append(errors.RateLimited("wait", retry_after_s=2.5))
    made.append(errors.DataError("no", data_column="n", row=7))
    for error in made:
        error.step = "a step"
    return made


def test_plain_data_and_errors_live_through_a_spawned_process(lab: Lab) -> None:
    """DESIGN section 3, trap 8: an executor on other machines is for it."""
    token = Token("r" * 12, "w", Dataset("space", "name"), durable=True, data={"stage": "x"})
    connection = Connection("socketdb", "main", lab.root, {"password": PASSWORD}, {"database": "other"})
    plan = ReadPlan(pa.schema([pa.field("n", pa.int64())]), (Split(0, {"low": 1}),), (Dataset("a", "b"),), State(1, {}))
    data: list[Any] = [
        Split(3, {"low": 1, "high": None}),
        token,
        Part(3, rejected=1, superseded=2, size_bytes=4, data={"sha256": "x"}),
        State(1, {"cursor": "2026-01-01"}),
        Run("r" * 12, "pipe", "w", 2, sole=False),
        Dataset("space", "name"),
        End(3, "limit", {"seen": 4}),
        Written(3, ("a note",)),
        Options({"table": "t"}),
        plan,
        connection,
        hostile("r"),
        *every_error(),
    ]
    sent = pickle.dumps(data)
    assert PASSWORD.encode() not in sent
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        back = pickle.loads(pool.apply(echo, (sent,)))  # noqa: S301 - our own bytes
    for gone, came in zip(data, back, strict=True):
        assert type(gone) is type(came)
        if isinstance(gone, OsirisError):
            assert (str(gone), vars(gone), gone.exit_code) == (str(came), vars(came), came.exit_code)
        elif isinstance(gone, Options):
            assert gone.to_json() == came.to_json()
        else:
            assert gone == came
    restored = lab.project().connections.restore(back[data.index(connection)])
    assert restored["password"] == PASSWORD
    assert restored["database"] == "other"
