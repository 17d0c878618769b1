"""`osiris init --template`: each template on disk makes a project that is valid and runs, and does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from osiris.cli.starter import templates
from tests.cli.conftest import Call, Osiris

pytestmark = pytest.mark.slow

NAMES = list(templates())


@pytest.fixture
def made(osiris: Osiris, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project of the template that the test is about."""
    folder = tmp_path / "project"
    assert osiris("init", folder, "--template", request.param).code == 0
    return folder


def call(osiris: Osiris, folder: Path, verb: str, *more: str) -> Call:
    """`osiris verb` of the project's only pipeline."""
    (pipeline,) = (folder / "pipelines").iterdir()
    return osiris(verb, f"pipelines/{pipeline.name}", "--project", folder, *more)


def run(osiris: Osiris, folder: Path, *more: str) -> dict[str, Any]:
    done = call(osiris, folder, "run", "--json", *more)
    assert done.code == 0, done.err
    return done.document("run")


@pytest.mark.parametrize("made", NAMES, indirect=True)
def test_a_template_is_valid_and_runs_as_it_is_and_again(osiris: Osiris, made: Path) -> None:
    checked = call(osiris, made, "validate", "--json")
    assert checked.document("validate") == {"valid": True, "errors": [], "warnings": []}
    assert osiris("connections", "doctor", "--project", made, "--json").document("connections-doctor")["ok"] is True
    first, second = run(osiris, made), run(osiris, made)
    for report in (first, second):
        assert report.get("warnings", []) == []
        assert all(step["rows_read"] for step in report["steps"])
    assert [step["rows_written"] for step in first["steps"]] == [step["rows_written"] for step in second["steps"]]


def test_the_list_tells_name_and_purpose_of_each_and_makes_nothing(osiris: Osiris, tmp_path: Path) -> None:
    done = osiris("init", tmp_path / "x", "--list-templates", "--json")
    assert done.code == 0
    rows = done.document("init")["templates"]
    assert [row["name"] for row in rows] == NAMES
    assert "starter" in NAMES
    told = osiris("init", tmp_path / "x", "--list-templates")
    for row in rows:
        assert row["description"] in told.out
        assert row["name"] in told.out
    assert not (tmp_path / "x").exists()


def test_an_unknown_template_is_a_wrong_call(osiris: Osiris, tmp_path: Path) -> None:
    done = osiris("init", tmp_path / "x", "--template", "csv-to-parket", "--json")
    assert done.code == 2
    assert done.document("init")["error"]["hint"] == 'did you mean "csv-to-parquet"?'
    assert osiris("init", tmp_path / "x", "--template", "zzz").err.count("starter") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("made", ["csv-to-duckdb"], indirect=True)
def test_nothing_of_the_users_is_overwritten_by_any_template(osiris: Osiris, made: Path) -> None:
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    for name in NAMES:
        done = osiris("init", made, "--template", name, "--json")
        assert (done.code, done.document("init")["error"]["code"]) == (2, "init.exists")
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("made", ["csv-to-parquet"], indirect=True)
def test_bad_rows_are_set_aside(osiris: Osiris, made: Path) -> None:
    assert [step["rows_rejected"] for step in run(osiris, made)["steps"]] == [1, 0]
    (rejects,) = made.rglob("*.rejects.csv")
    assert "twelve" in rejects.read_text()


@pytest.mark.parametrize("made", ["csv-to-duckdb"], indirect=True)
def test_changes_are_merged_by_key(osiris: Osiris, made: Path) -> None:
    run(osiris, made)
    run(osiris, made, "--param", "file=customers-changed.csv")
    with duckdb.connect(str(made / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute("select code, city, email from customers order by code").fetchall()
    assert rows == [
        ("00123", "London", None),
        ("00124", "Arlington", "grace@example.com"),
        ("00207", "Hampton", None),
        ("00310", "Boston", None),
    ]


@pytest.mark.parametrize("made", ["join-and-check"], indirect=True)
def test_a_check_that_fails_leaves_nothing_written(osiris: Osiris, made: Path) -> None:
    done = call(osiris, made, "run", "--param", "max_rejected_percent=20")
    assert done.code == 1
    assert "more than 20 percent of the orders are rejected" in done.err
    assert [path for path in (made / "data").rglob("*") if path.name.startswith(("quality", "rejected"))] == []
    run(osiris, made)
    assert (made / "data/out/quality.csv").read_text() == "orders,rejected,verdict\n8,2,ok\n"
    assert len((made / "data/out/rejected.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("made", ["each-country"], indirect=True)
def test_the_profile_reads_more_and_writes_elsewhere(osiris: Osiris, made: Path) -> None:
    run(osiris, made)
    run(osiris, made, "--profile", "prod")
    written = sorted(path.relative_to(made / "data/out").as_posix() for path in made.rglob("*.parquet"))
    assert written == ["dev/cz.parquet", "dev/uk.parquet", "prod/cz.parquet", "prod/uk.parquet", "prod/us.parquet"]
