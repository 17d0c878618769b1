"""The family in a project: connections from the file, overrides, doctor and discover as a user calls them."""

from __future__ import annotations

import json
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymysql.converters import escape_string

from osiris.errors import AuthFailed, ConfigError, NetworkFailed, NotFound
from osiris.project import Project
from tests.servers.mariadb import Database

pytestmark = pytest.mark.server
PASSWORD = "".join(char for char in string.printable if char.isprintable())
FILE = """\
version: 1
connections:
  mysql:
    shop: {{host: 127.0.0.1, port: {port}, user: shopper, password: '${{PASSWORD}}', database: {name}, default: true}}
    local: {{unix_socket: {socket}, user: shopper, password: '${{PASSWORD}}', database: {name}}}
"""


@pytest.fixture
def shop(database: Database) -> Iterator[Database]:
    """A table, and an account with a password of every ASCII symbol."""
    database.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, amount DECIMAL(10,2))",
        "INSERT INTO orders VALUES (1, 1.50), (2, NULL)",
        f"CREATE USER shopper IDENTIFIED BY '{escape_string(PASSWORD)}'",
        "GRANT ALL ON *.* TO shopper",
    )
    yield database
    database.sql("DROP USER shopper")


@pytest.fixture
def project(shop: Database, tmp_path: Path) -> Project:
    text = FILE.format(port=shop.server.port, name=shop.name, socket=shop.server.socket)
    (tmp_path / "osiris_connections.yaml").write_text(text, encoding="utf-8")
    return Project(tmp_path, environ={"PASSWORD": PASSWORD})


@pytest.fixture
def osiris(project: Project, tmp_path: Path) -> Callable[..., Any]:
    """The command line in the project's folder; gives its document."""

    def run(*arguments: str, password: str = PASSWORD) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "osiris", *arguments, "--json"],
            cwd=tmp_path,
            env={"PASSWORD": password, "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert PASSWORD not in done.stdout + done.stderr
        assert json.dumps(PASSWORD)[1:-1] not in done.stdout + done.stderr
        return json.loads(done.stdout)

    assert project.root == tmp_path
    return run


@pytest.mark.parametrize("reference", ["@mysql.shop", "@mysql.local"])
def test_a_connection_of_the_file_is_used_like_any_other(project: Project, reference: str) -> None:
    with project.connect(reference) as db:
        assert db.doctor(30.0).ok
        assert [resource.name for resource in db.discover()] == ["orders"]
        rows = [row for batch in db.read(table="orders") for row in batch.to_pylist()]
        assert [row["id"] for row in rows] == [1, 2]
        again = db.read(table="orders")
        assert sum(batch.num_rows for batch in again) == 2


def test_an_override_that_is_allowed_is_obeyed(project: Project) -> None:
    """LESSONS 6: `host: localhost` was ignored in silence, and a test run hit production."""
    with project.connect("@mysql.shop") as db:
        with pytest.raises(NetworkFailed, match=r"127\.0\.0\.9:"):
            db.read(table="orders", host="127.0.0.9")
        with pytest.raises(NetworkFailed, match=r"127\.0\.0\.1:1 "):
            db.read(table="orders", port=1)
        with pytest.raises(NotFound, match="no_such_database"):
            db.read(table="orders", database="no_such_database")


@pytest.mark.parametrize("field", ["user", "password", "ssl_mode", "init_sql", "local_infile", "unix_socket"])
def test_an_override_that_is_forbidden_is_refused(project: Project, field: str) -> None:
    value: Any = True if field == "local_infile" else "disabled" if field == "ssl_mode" else "x"
    with project.connect("@mysql.shop") as db, pytest.raises(ConfigError) as raised:
        db.read(table="orders", **{field: value})
    assert field in raised.value.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("unix_socket: /x", "exclude each other"),
        ("ssl_ca: ca.pem", "verify_identity"),
        ("ssl_mode: disabled, ssl_cert: x.pem", "ssl_cert"),
        ("ssl_mode: sometimes", "ssl_mode"),
        ("port: 70000", "port"),
        ("charset: latin1", "charset"),
        ("hots: x", "host"),
    ],
)
def test_fields_that_do_not_go_together_are_refused_before_anything_is_asked(
    tmp_path: Path, fields: str, words: str
) -> None:
    text = f"version: 1\nconnections:\n  mysql:\n    x: {{user: u, host: h, {fields}}}\n"
    (tmp_path / "osiris_connections.yaml").write_text(text, encoding="utf-8")
    project = Project(tmp_path, environ={})
    with pytest.raises(ConfigError) as raised, project.connect("@mysql.x"):
        pass
    assert words in f"{raised.value.message} {raised.value.hint}"


def test_former_names_of_fields_are_understood(project: Project, shop: Database) -> None:
    path = project.root / "osiris_connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("user:", "connect_timeout: 3, user:"), encoding="utf-8")
    with Project(project.root, environ={"PASSWORD": PASSWORD}).connect("@mysql.shop") as db:
        assert [resource.schema for resource in db.discover()] == [shop.name]


def test_a_wrong_password_is_told_with_the_variable_to_look_at(osiris: Callable[..., Any]) -> None:
    found = osiris("connections", "doctor", "@mysql.shop", password="wrong, of course")
    result = found["results"]["mysql"]["shop"]
    assert (result["status"], result["category"]) == ("failure", "auth")
    assert result["hint"] == "check password: ${PASSWORD}"
    assert "wrong, of course" not in json.dumps(found)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_run_with_a_wrong_password_tells_it_too(osiris: Callable[..., Any], tmp_path: Path, options: Any) -> None:
    (tmp_path / "p.yaml").write_text(
        'oml_version: "0.1.0"\nname: p\nsteps:\n'
        "  - {id: r, component: mysql.extractor, config: {table: orders}}\n"
        "  - {id: w, component: filesystem.csv_writer, config: {path: x.csv}}\n"
    )
    error = osiris("run", "p.yaml", *options, password="wrong, of course")["error"]
    assert (error["code"], error["step"]) == ("connection.auth", "r")
    assert error["hint"] == "check password: ${PASSWORD}"
    assert not (tmp_path / "x.csv").exists()


def test_doctor_and_discover_give_their_documents(osiris: Callable[..., Any], shop: Database) -> None:
    found = osiris("connections", "doctor", "--level", "write")
    assert found["ok"], found
    assert found["summary"] == {"ok": 2, "warn": 0, "fail": 0, "untestable": 0}
    listed = osiris("discover", "@mysql.shop")
    (resource,) = listed["resources"]
    assert (resource["schema"], resource["name"]) == (shop.name, "orders")
    assert [field["type"] for field in resource["fields"]] == ["int(11)", "decimal(10,2)"]


def test_the_masked_list_shows_no_password(osiris: Callable[..., Any]) -> None:
    shown = osiris("connections", "list")["connections"]["mysql"]["shop"]
    assert shown["config"]["host"] == "127.0.0.1"
    assert shown["env_vars"] == {"PASSWORD": True}


def test_a_refused_login_of_a_read_is_not_retried_as_a_network_failure(project: Project, shop: Database) -> None:
    shop.sql("ALTER USER shopper IDENTIFIED BY 'changed'")
    with project.connect("@mysql.shop") as db, pytest.raises(AuthFailed) as raised:
        db.read(table="orders")
    assert not raised.value.retryable
