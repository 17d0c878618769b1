"""Pipelines as the earlier system wrote them still validate, compile and run, with the rows that they gave there."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jsonschema import Draft202012Validator

from osiris import Project, documents

pytestmark = pytest.mark.slow

EARLIER = Path(__file__).parent / "project"
FILES: dict[str, dict[str, bytes]] = {
    "copy": {
        "customers.csv": b"'id';'name';'country';'created_at'\r\n'1';'Ada';'UK';'2024-01-05'\r\n"
        b"'2';'Grace';'US';'2024-02-06'\r\n'3';'Katherine';'US';'2024-03-07'\r\n"
    },
    "stats": {"countries.csv": b"country,customers\nUK,1\nUS,2\n"},
    "join": {"joined.csv": b"order_id,name,amount\n10,Ada,19.90\n11,Katherine,5.00\n12,Ada,100.00\n"},
    "all-tables": {
        "customers.csv": (EARLIER / "data/customers.csv").read_bytes(),
        "orders.csv": (EARLIER / "data/orders.csv").read_bytes(),
    },
    "options": {
        "options.csv": b'"note","id","code","when"\n,1,"00123","2024-01-05 10:00:00.000000"\n'
        b',2,"00124","2024-02-06 11:30:00.000000"\n"fine",3,"00125","2024-03-07 12:45:00.000000"\n'
    },
    "formats": {
        "packed.csv": b"1,Ada\n2,Grace\n3,Katherine\n",
        "latin.csv": b"id,word\n1,caf\xe9\n2,na\xefve\n",
        "ragged.csv": b"id,name\n1,Ada\n3,Katherine\n",
        "quoted.csv": b'id,name\n1,"Lovelace, Ada"\n2,"Hopper, Grace"\n',
    },
    "params": {"chosen.csv": b"id,name\n2,Grace\n3,Katherine\n"},
    "generate": {"numbers.csv": b"id,score\n1,1.5\n2,3.0\n3,4.5\n"},
    "tables": {},
}
"""What each pipeline leaves in output/."""
RENAMED = {
    "join": {"dtype"},
    "all-tables": {"dtype"},
    "options": {"dtype", "na_values", "chunk_size"},
    "formats": {"on_bad_lines", "batch_size"},
    "copy": {"chunk_size"},
    "params": {"integer"},
}
"""The former names that each pipeline uses."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The folder, and what of its data is no text that an editor could open."""
    shutil.copytree(EARLIER, tmp_path / "project")
    data = tmp_path / "project/data"
    (data / "latin.csv").write_bytes("1,café\n2,naïve\n".encode("latin-1"))
    (data / "customers.csv.gz").write_bytes(gzip.compress((data / "customers.csv").read_bytes()))
    return Project(tmp_path / "project", environ={})


def test_every_pipeline_of_the_folder_is_in_the_table() -> None:
    assert sorted(FILES) == sorted(path.stem for path in (EARLIER / "pipelines").iterdir())


@pytest.mark.parametrize("name", FILES)
def test_it_validates_compiles_and_runs_with_the_same_rows(project: Project, name: str) -> None:
    pipeline = f"pipelines/{name}.yaml"
    checked = project.check(pipeline)
    assert checked.errors == ()
    told = {warning.message.partition('"')[2].partition('"')[0] for warning in checked.warnings}
    told |= {"integer" for warning in checked.warnings if "integer" in warning.message}
    assert told - {"the type "} == RENAMED.get(name, set())
    compiled = project.compile(pipeline)
    assert compiled.path is not None
    report = project.run(compiled.path)
    assert report.status == "success", report.error
    output = project.root / "output"
    written = {path.name: path.read_bytes() for path in output.iterdir()} if output.exists() else {}
    assert written == FILES[name]


@pytest.mark.parametrize("name", FILES)
def test_an_editor_has_nothing_against_it_but_the_former_names(project: Project, name: str) -> None:
    schema = project.schemas()["pipeline"]
    Draft202012Validator(schema).validate(documents.load(project.root / f"pipelines/{name}.yaml").value)


def rows(path: Path, query: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as database:
        found: list[Any] = database.sql(query).fetchall()
    return found


def test_tables_are_replaced_appended_to_and_upserted_by_one_key_or_several(project: Project) -> None:
    with duckdb.connect(str(project.root / "analytics.duckdb")) as database:
        database.execute(
            "CREATE TABLE customers AS SELECT 1::BIGINT AS id, 'x' AS name, 'UK' AS country, DATE '2024-01-05' d"
        )
        database.execute("ALTER TABLE customers RENAME d TO created_at")
        database.execute("INSERT INTO customers VALUES (9, 'Linus', 'FI', DATE '2024-01-01')")
    for _ in range(2):
        assert project.run("pipelines/tables.yaml").status == "success"
    local, analytics = project.root / "local.duckdb", project.root / "analytics.duckdb"
    assert rows(local, "SELECT id, name FROM customers ORDER BY id") == [(1, "Ada"), (2, "Grace"), (3, "Katherine")]
    assert rows(local, "SELECT id, name FROM by_country ORDER BY id") == [(1, "ADA"), (2, "GRACE")]
    assert rows(local, "SELECT id, count(*) FROM log GROUP BY id ORDER BY id") == [(1, 2), (2, 2), (3, 2)]
    assert rows(analytics, "SELECT id, name FROM customers ORDER BY id") == [(1, "ADA"), (2, "GRACE"), (9, "Linus")]


def test_params_and_profiles_are_given_as_before(project: Project) -> None:
    chosen = project.root / "output/chosen.csv"
    project.run("pipelines/params.yaml", {"country": "UK", "rows": "1"})
    assert chosen.read_text() == "id,name\n1,Ada\n"
    Project(project.root, environ={"OSIRIS_PARAM_COUNTRY": "UK"}).run("pipelines/params.yaml")
    assert chosen.read_text() == "id,name\n1,Ada\n"
    Project(project.root, environ={}, profile="uk").run("pipelines/params.yaml")
    assert chosen.read_text() == "id,name\n1,Ada\n"


def test_the_connections_file_is_read_and_families_that_are_not_here_yet_disturb_nobody(project: Project) -> None:
    found = project.connections
    assert found.families() == ["mysql", "supabase", "duckdb", "filesystem"]
    assert found.resolve("duckdb", "@duckdb.local").get("path") == "./local.duckdb"
    assert found.reference("duckdb", None) == "@duckdb.local"
    assert found.resolve("duckdb", "@duckdb.analytics").get("path") == "analytics.duckdb"
    listed = found.describe()["connections"]
    assert listed["mysql"]["db_movies"]["is_default"] is True
    assert listed["mysql"]["db_movies"]["env_vars"] == {"MYSQL_PASSWORD": False}
