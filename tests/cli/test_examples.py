"""`osiris components example`: for every component that is installed, a pipeline that `validate` accepts as it is."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from osiris.components import catalog
from osiris.connectors import registry
from osiris.project import Project
from tests import toybox
from tests.cli.conftest import Osiris
from tests.plugins import lab

pytestmark = pytest.mark.slow

PLUGINS = (toybox.PLUGINS, *lab.FOLDERS)


def names() -> list[str]:
    with toybox.installed(*PLUGINS):
        return catalog.load(registry.load()).names()


@pytest.fixture(autouse=True)
def plugins() -> Generator[None]:
    with toybox.installed(*PLUGINS):
        yield


@pytest.mark.parametrize("name", names())
def test_the_example_of_every_component_is_valid_as_it_is(osiris: Osiris, tmp_path: Path, name: str) -> None:
    done = osiris("components", "example", name, "--json")
    assert done.code == 0, done.err
    document = done.document("components-example")
    (tmp_path / "osiris_connections.yaml").write_text(document["connections"])
    (tmp_path / "example.yaml").write_text(osiris("components", "example", name).out)
    checked = osiris("validate", "example.yaml", "--project", tmp_path, "--json").document("validate")
    assert (checked["valid"], checked["errors"]) == (True, [])
    assert {warning["code"] for warning in checked["warnings"]} <= {"writer.at_least_once"}
    project = Project(tmp_path, environ=dict.fromkeys(document["variables"], "1"))
    steps = project.compile("example.yaml", write=False).manifest.steps
    assert name in {step.component for step in steps}
    for reference in project.connections.references():
        project.connections.resolve(project.connections.split(reference)[0], reference)


@pytest.mark.parametrize("name", names())
def test_text_and_json_tell_the_same(osiris: Osiris, name: str) -> None:
    document = osiris("components", "example", name, "--json").document("components-example")
    told = osiris("components", "example", name).out
    assert told == document["pipeline"]
    for line in document["connections"].splitlines():
        assert f"#   {line}\n" in told


def test_secrets_and_what_only_the_user_knows_are_variables(osiris: Osiris) -> None:
    document = osiris("components", "example", "toybox.writer", "--json").document("components-example")
    assert "password: ${TOYBOX_PASSWORD}\n" in document["connections"]
    assert document["variables"] == ["TOYBOX_FOLDER", "TOYBOX_PASSWORD"]
    assert "TOYBOX_FOLDER, TOYBOX_PASSWORD" in document["pipeline"]


def test_an_example_runs_where_its_data_is(osiris: Osiris, tmp_path: Path) -> None:
    document = osiris("components", "example", "duckdb.processor", "--json").document("components-example")
    (tmp_path / "osiris_connections.yaml").write_text(document["connections"])
    (tmp_path / "example.yaml").write_text(document["pipeline"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data/customers.csv").write_text("code,since,credit\n001,2026-01-01,2.5\n002,2026-01-02,0\n")
    report = osiris("run", "example.yaml", "--project", tmp_path, "--json").document("run")
    assert report["status"] == "success"
    assert (tmp_path / "data/out/customers.csv").read_text() == "code,credit\n001,2.5000\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("duckdb.writr", 'did you mean "duckdb.writer"?'), ("duckbd.writer", 'did you mean "duckdb.writer"?')],
)
def test_an_unknown_component_is_a_wrong_call(osiris: Osiris, name: str, hint: str) -> None:
    done = osiris("components", "example", name, "--json")
    assert done.code == 2
    assert done.document("components-example")["error"]["hint"] == hint
