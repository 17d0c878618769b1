"""`osiris run --dry-run` as people and programs see it: the plan, the checks, and every failure at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Osiris

pytestmark = pytest.mark.slow

PIPELINE = """\
oml_version: "0.1.0"
name: plan
steps:
  - {id: people, component: filesystem.csv_extractor, mode: read, config: {path: people.csv}}
  - {id: few, component: duckdb.processor, mode: transform, config: {query: select name from people}}
  - {id: save, component: filesystem.parquet_writer, mode: write, config: {path: out/few.parquet}}
  - {id: keep, component: duckdb.writer, mode: write, needs: [few],
     config: {table: few, path: shop.duckdb, write_mode: upsert, primary_key: name}}
"""


@pytest.fixture
def planned(project: Path) -> Path:
    (project / "plan.yaml").write_text(PIPELINE)
    return project


def test_the_plan_is_a_table_with_what_was_checked_below_it(osiris_process: Osiris, planned: Path) -> None:
    done = osiris_process("run", "plan.yaml", "--dry-run", cwd=planned)
    assert done.code == 0, done.err
    assert done.err == ""
    for pattern in (
        r"^STEP +COMPONENT +STATUS +ROWS EXPECTED +SPLITS +READS OR WRITES$",
        r"^people +filesystem\.csv_extractor +planned +- +1 of \d +data/people\.csv$",
        r"^few +duckdb\.processor +planned +- +- +-$",
        r"^save +filesystem\.parquet_writer +planned +- +- +replace data/out/few\.parquet$",
        r"^keep +duckdb\.writer +planned +- +- +upsert main\.few$",
        r"^save: the file is not there yet: it is made$",
        r"^keep: there is no database file yet: it is made, with the table main\.few$",
        r"^ok   @filesystem\.data  perm\.read, server\.limits$",
        r"^warn duckdb  auth\.login, server\.version$",
        r"^     auth\.login: there is no file .*/shop\.duckdb yet$",
        r"^dry run of plan: nothing stands in its way; no target was touched$",
    ):
        assert re.search(pattern, done.out, re.MULTILINE), f"{pattern}\n{done.out}"


def test_the_document_keeps_the_shape_of_run(osiris: Osiris, planned: Path) -> None:
    before = sorted(planned.rglob("*"))
    done = osiris("run", "plan.yaml", "--dry-run", "--project", planned, "--json")
    document = done.document("run")
    assert (done.code, document["status"], document["dry_run"]) == (0, "success", True)
    plans = {step["id"]: step.get("plan") for step in document["steps"]}
    assert plans["people"]["splits"] == 1
    assert plans["people"]["why_one_split"] == "there is one file"
    assert plans["few"] is None
    assert plans["keep"]["write_mode"] == "upsert"
    assert [check["id"] for check in plans["save"]["checks"]] == ["perm.read", "server.limits"]
    assert sorted(planned.rglob("*")) == before


def test_every_failure_is_a_page_of_its_own(osiris: Osiris, planned: Path) -> None:
    text = PIPELINE.replace("select name", "select nmae").replace("path: shop.duckdb", "path: gone/shop.duckdb")
    (planned / "plan.yaml").write_text(text)
    done = osiris("run", "plan.yaml", "--dry-run", "--project", planned)
    assert done.code == 2
    assert done.err.count("error: ") == 2
    assert "in step: few" in done.err
    assert "in step: keep" in done.err
    assert "dry run of plan: failure, 2 errors; no target was touched" in done.out
    document = osiris("run", "plan.yaml", "--dry-run", "--project", planned, "--json").document("run")
    assert [error["step"] for error in document["errors"]] == ["few", "keep"]
    assert document["error"] == document["errors"][0]


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_the_page_fits_the_terminal(osiris_terminal: Osiris, planned: Path, columns: int) -> None:
    done = osiris_terminal("run", "plan.yaml", "--dry-run", cwd=planned, columns=columns, NO_COLOR="1")
    assert done.code == 0
    table = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", done.out.partition("people: one split")[0])
    assert max(len(line.rstrip()) for line in table.splitlines()) <= columns
    assert "waiting" not in done.out


def test_many_files_are_counted_and_not_all_named(osiris: Osiris, planned: Path) -> None:
    for number in range(12):
        (planned / f"data/part-{number:02}.csv").write_text("name\nx\n")
    (planned / "plan.yaml").write_text(PIPELINE.replace("people.csv", '"part-*.csv"'))
    out = osiris("run", "plan.yaml", "--dry-run", "--project", planned).out
    assert re.search(r"part-00\.csv, .*part-01\.csv, .*part-02\.csv and 9 more", out)
    assert "part-03" not in out
