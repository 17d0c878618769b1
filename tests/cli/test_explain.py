"""`osiris explain`: the page and the document, on any terminal, without anything that a run would need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Osiris

pytestmark = pytest.mark.slow

PIPELINE = """\
oml_version: "0.1.0"
name: shop
params:
  file: {type: string, default: people.csv}
  key: {type: string, secret: true}
steps:
  - id: people
    component: filesystem.csv_extractor
    mode: read
    config: {path: "${params.file}", connection: "@filesystem.data"}
  - id: orders
    component: duckdb.extractor
    mode: read
    config: {table: orders, path: other.duckdb}
  - id: both
    component: duckdb.processor
    mode: transform
    needs: [people, orders]
    config:
      sql: |
        select p.*, '${params.key}' as k
        from people as p, orders as o
  - id: save
    component: filesystem.csv_writer
    mode: write
    config: {path: out.csv}
  - id: keep
    component: duckdb.writer
    mode: write
    needs: [both]
    config: {table: kept}
  - {id: again, component: duckdb.extractor, mode: read, config: {table: kept}}
  - {id: last, component: filesystem.parquet_writer, mode: write, config: {path: last.parquet}}
"""
CONNECTIONS = """\
version: 1
connections:
  filesystem:
    data: {base_dir: data}
  duckdb:
    main: {path: "${SHOP_DATABASE}"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(PIPELINE)
    (tmp_path / "osiris_connections.yaml").write_text(CONNECTIONS)
    return tmp_path


def test_flows_are_trees_in_the_order_in_which_they_run(osiris_process: Osiris, shop: Path) -> None:
    done = osiris_process("explain", "shop.yaml", cwd=shop)
    assert done.code == 0, done.err
    trees = done.out.partition("\nflow 1")[2].partition("\npeople:")[0]
    assert trees.splitlines() == [
        " of 2:",
        "  people: read, filesystem.csv_extractor, @filesystem.data",
        "  └─ both (below)",
        "  orders: read, duckdb.extractor, @duckdb.main",
        "  └─ both: transform, duckdb.processor, joins people, orders",
        "     ├─ save: write, filesystem.csv_writer, @filesystem.data",
        "     └─ keep: write, duckdb.writer, @duckdb.main",
        "",
        "flow 2 of 2, after flow 1:",
        "  again: read, duckdb.extractor, @duckdb.main",
        "  └─ last: write, filesystem.parquet_writer, @filesystem.data",
    ]


def test_each_value_stands_beside_its_origin(osiris_process: Osiris, shop: Path) -> None:
    out = osiris_process("explain", "shop.yaml", "--param", "file=x.csv", cwd=shop, COLUMNS="120").out
    for name, comment in {
        "  file: x.csv": "--param file",
        "  key: ***": "NOT set",
        "  path: x.csv": "shop.yaml:10; ${params.file} from --param",
        "  connection: @filesystem.data": "named in shop.yaml:10; osiris_connections.yaml:4",
        "    base_dir: data": "osiris_connections.yaml:4",
        "    path: other.duckdb": "shop.yaml:14; instead of the connection's ${SHOP_DATABASE}",
        "    path: ${SHOP_DATABASE}": "osiris_connections.yaml:6; SHOP_DATABASE is NOT set",
        "  query: |": "shop.yaml:20; written as sql, its former name; ${params.key} is NOT set",
        "  takes the rows of: people, orders": "shop.yaml:18",
        "  takes the rows of: both": "the step before",
        "  waits for: keep": "the step before",
    }.items():
        assert re.search(rf"^{re.escape(name)} +# {re.escape(comment)}$", out, re.MULTILINE), name
    assert "    select p.*, '${params.key}' as k\n" in out
    assert "  by default: read_only: false, write_mode: append" in out
    assert out.endswith(
        "\nNOT set: SHOP_DATABASE, for @duckdb.main\nNOT set: OSIRIS_PARAM_KEY, or give --param key=...\n"
    )


def test_the_document_tells_the_same(osiris: Osiris, shop: Path) -> None:
    done = osiris("explain", "shop.yaml", "--project", shop, "--json")
    assert done.code == 0
    document = done.document("explain")
    assert [step["id"] for step in document["steps"]] == ["people", "orders", "both", "save", "keep", "again", "last"]
    assert [step["flow"] for step in document["steps"]] == [1, 1, 1, 1, 1, 2, 2]
    (path,) = [field for field in document["steps"][4]["connection"]["fields"] if field["name"] == "path"]
    assert path["variables"] == {"SHOP_DATABASE": False}
    assert document["steps"][4]["connection"]["unset"] == ["SHOP_DATABASE"]
    assert [warning["code"] for warning in document["warnings"]] == ["option.deprecated"]


def test_what_the_environment_and_dotenv_set_is_told_and_not_shown(osiris_process: Osiris, shop: Path) -> None:
    (shop / ".env").write_text("SHOP_DATABASE=secret-place.duckdb\n")
    done = osiris_process("explain", "shop.yaml", cwd=shop, OSIRIS_PARAM_KEY="secret-key", COLUMNS="120")
    assert "SHOP_DATABASE is set" in done.out
    assert "${params.key} from the environment" in done.out
    assert "secret-" not in done.out + done.err
    assert "NOT set" not in done.out


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_page_fits_the_terminal(osiris_terminal: Osiris, shop: Path, columns: int) -> None:
    done = osiris_terminal("explain", "shop.yaml", "--quiet", cwd=shop, columns=columns, NO_COLOR="1")
    assert done.code == 0
    lines = [line for line in done.out.splitlines() if len(line) > columns]
    # a word alone may be wider than a narrow page
    assert [line for line in lines if len(line.split()) > 2] == []
    assert "\x1b" not in done.out


def test_a_terminal_without_more_than_ascii_gets_a_tree_of_ascii(osiris_process: Osiris, shop: Path) -> None:
    done = osiris_process("explain", "shop.yaml", cwd=shop, PYTHONIOENCODING="ascii")
    assert "  `- both (below)\n" in done.out
    assert "\\u" not in done.out


def test_an_invalid_pipeline_shows_all_its_errors_as_validate_does(osiris: Osiris, shop: Path) -> None:
    (shop / "bad.yaml").write_text(PIPELINE.replace("sql:", "sqel:").replace("[both]", "[bth]"))
    told = osiris("explain", "bad.yaml", "--project", shop)
    checked = osiris("validate", "bad.yaml", "--project", shop)
    assert (told.code, told.out) == (2, "")
    assert told.err.count("error: ") == checked.err.count("error: ") == 2
    document = osiris("explain", "bad.yaml", "--project", shop, "--json").document("explain")
    expected = osiris("validate", "bad.yaml", "--project", shop, "--json").document("validate")["errors"]
    assert document["errors"] == expected


def test_nothing_is_opened_or_made(osiris: Osiris, shop: Path) -> None:
    """The data's folder and the databases are not even there."""
    assert osiris("explain", "shop.yaml", "--project", shop).code == 0
    assert sorted(path.name for path in shop.iterdir()) == ["osiris_connections.yaml", "shop.yaml"]
