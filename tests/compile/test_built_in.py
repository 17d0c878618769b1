"""The checker with the components that come with Osiris, and pipelines as earlier versions had them."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.compile.check import Checked, check
from osiris.compile.plan import drift, flows
from osiris.components import catalog as catalogs
from osiris.connections import Connections
from osiris.connectors import registry


def checked(folder: Path, text: str, profile: str | None = None) -> Checked:
    path = folder / "p.yaml"
    path.write_text(text, encoding="utf-8")
    catalog = catalogs.load(registry.load())
    connections = Connections.load(folder, catalog, {})
    return check(path, catalog=catalog, connections=connections, params={}, profile=profile, environ={})


EARLIER = """\
# as earlier versions published them: all of mode, needs, metadata, input_df, profiles, a param used without quotes
oml_version: 0.1.0
name: csv-duckdb-demo
metadata:
  intent: "Director statistics"
  created: 2025-01-01
params:
  min_movies:
    type: integer
    default: 1
    description: How many
  out: ./output
profiles:
  dev:
    params:
      min_movies: 2
steps:
- id: extract-movies
  component: filesystem.csv_extractor
  mode: read
  config:
    path: movies.csv
    delimiter: ","

- id: compute-director-stats
  component: duckdb.processor
  mode: transform
  needs: [ "extract-movies" ]
  config:
    query: |
      SELECT director_id, COUNT(*) as movie_count
      FROM input_df
      GROUP BY director_id
      HAVING COUNT(*) >= ${params.min_movies}

- id: write-director-stats
  component: duckdb.writer
  mode: write
  needs: [ "compute-director-stats" ]
  config:
    path: stats.duckdb
    table: "director_stats"
    create_if_missing: true
    write_mode: "upsert"
    primary_key: director_id

- id: write-csv
  component: filesystem.csv_writer
  mode: write
  inputs:
    df: "${compute-director-stats.df}"
  config:
    path: ${params.out}/stats.csv
    delimiter: ","
    header: true
    encoding: "utf-8"
    newline: "lf"
    quotechar: '"'
"""


def test_a_pipeline_of_an_earlier_version_compiles(tmp_path: Path) -> None:
    found = checked(tmp_path, EARLIER, "dev")
    assert [str(error) for error in found.errors] == []
    assert [(w.code, w.line) for w in found.warnings] == [("param.deprecated", 9)]
    manifest = found.manifest()
    assert "HAVING COUNT(*) >= 2" in manifest.steps[1].options["query"]
    assert manifest.steps[3].options["path"] == "./output/stats.csv"
    assert flows(manifest.steps) == [
        ("extract-movies", "compute-director-stats", "write-director-stats", "write-csv")
    ]  # fmt: skip
    assert drift(manifest, catalogs.load(registry.load())) == []


def test_tables_one_after_another_are_a_flow_each(tmp_path: Path) -> None:
    steps = "".join(
        f"""
- id: extract-{table}
  component: filesystem.csv_extractor
  mode: read
  config: {{path: {table}.csv}}
- id: write-{table}-csv
  component: filesystem.csv_writer
  mode: write
  needs: [ "extract-{table}" ]
  config: {{path: "./output/{table}.csv", newline: "lf"}}
"""
        for table in ("actors", "directors", "movies")
    )
    manifest = checked(tmp_path, f'oml_version: "0.1.0"\nname: all-tables\nsteps:{steps}').manifest()
    assert flows(manifest.steps) == [(f"extract-{t}", f"write-{t}-csv") for t in ("actors", "directors", "movies")]


@pytest.mark.parametrize(
    ("old", "new", "code", "at"),
    [
        ("duckdb.writer", "duckdb.writter", "component.unknown", "duckdb.writter"),
        ("newline: ", "newlin: ", "option.unknown", "newlin:"),
        ("primary_key: director_id", "primary_key: director_id\n    primry: x", "option.unknown", "primry"),
        ('"upsert"', '"merge"', "option.value", '"merge"'),
        ("    primary_key: director_id\n", "", "option.constraint", "write_mode"),
        ("mode: transform", "mode: write", "step.mode", "write\n  needs"),
    ],
)
def test_a_mistake_in_it_is_told_with_its_place(tmp_path: Path, old: str, new: str, code: str, at: str) -> None:
    text = EARLIER.replace(old, new, 1)
    before = text[: text.index(at)].split("\n")
    errors = checked(tmp_path, text).errors
    assert (code, len(before), len(before[-1]) + 1) in [(error.code, error.line, error.column) for error in errors]


def test_a_type_that_is_none_is_found_before_the_run(tmp_path: Path) -> None:
    """LESSONS 13: what validates must not fail for its options when it runs."""
    text = """
oml_version: "0.1.0"
name: p
steps:
  - {id: a, component: filesystem.csv_extractor, mode: read, config: {path: x.csv, dtypes: {n: int63}}}
  - {id: b, component: filesystem.csv_writer, mode: write, config: {path: y.csv}}
"""
    (issue,) = checked(tmp_path, text).errors
    assert (issue.line, issue.message) == (5, "\"dtypes.n\" of filesystem.csv_extractor: 'int63' is not a type")
    assert issue.hint == 'did you mean "int64"?'


@pytest.mark.parametrize(
    ("fields", "given", "codes"),
    [
        ("{host: h, user: u, pasword: x}", "", ["connection.field_unknown"]),
        ("{host: h, user: u}", 'connection: "@mysql.nope", ', ["connection.unknown"]),
    ],
)
def test_a_connection_that_is_wrong_is_one_error_and_nothing_is_guessed_of_its_fields(
    tmp_path: Path, fields: str, given: str, codes: list[str]
) -> None:
    (tmp_path / "osiris_connections.yaml").write_text(f"version: 1\nconnections:\n  mysql:\n    x: {fields}\n")
    found = checked(tmp_path, STEPS % given)
    assert sorted({issue.code for issue in found.errors}) == codes
    assert len(found.errors) == len(codes)


STEPS = """\
oml_version: 0.1.0
name: p
steps:
- {id: r, component: mysql.extractor, config: {%stable: t}}
- {id: w, component: filesystem.csv_writer, config: {path: x.csv}}
"""
