"""`osiris schema`: what it shows and writes is a schema, is named by the files of a project, and is what is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator, ValidationError

from osiris import documents
from osiris.cli import schemas
from osiris.cli.starter import files_of, templates
from osiris.project.schemas import COMMENT, wired
from tests.cli import published
from tests.cli.conftest import Osiris
from tests.packages import SPEC, write_package

pytestmark = pytest.mark.slow


def test_every_command_has_a_shape_and_every_shape_a_command() -> None:
    assert schemas.names() == sorted(["version", *("-".join(words) for words in published.leaves())])
    assert not set(schemas.names()) & set(schemas.FILES)


@pytest.mark.parametrize("name", schemas.names())
def test_a_shape_is_a_schema_of_its_own_with_every_field_described(name: str) -> None:
    schema = schemas.shape(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["$id"] == f"urn:osiris:json:{name}"
    assert schema["title"] == "osiris " + ("--version" if name == "version" else name.replace("-", " "))
    references = set(re.findall(r"'\$ref': '([^']+)'", str(schema)))
    assert references == {f"#/$defs/{name}" for name in schema["$defs"]}
    assert [field for field, part in fields(schema) if "description" not in part and "$ref" not in part] == []


def fields(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, below in part.items() if isinstance(part, dict) else ():
        if name == "properties":
            yield from below.items()
        yield from fields(below)
    for below in part if isinstance(part, list) else ():
        yield from fields(below)


def test_all_are_listed_and_each_can_be_printed(osiris: Osiris, project: Path) -> None:
    rows = osiris("schema", "--project", project, "--json").document("schema")["schemas"]
    assert [row["name"] for row in rows] == [*schemas.FILES, *schemas.names()]
    for row in rows:
        schema = osiris("schema", row["name"], "--project", project, "--json").document("schema")
        assert [schema["$id"], schema["title"], schema["description"]] == [row["id"], row["title"], row["description"]]


@pytest.mark.parametrize("name", ["pipeline", "run"])
def test_a_schema_is_printed_as_it_is_with_and_without_json(osiris_process: Osiris, project: Path, name: str) -> None:
    """By a process, where no secret of another test is masked."""
    told = osiris_process("schema", name, cwd=project)
    schema = json.loads(told.out)
    assert osiris_process("schema", name, "--json", cwd=project).document("schema") == schema
    if name == "pipeline":
        program = "import json, osiris; print(json.dumps(osiris.Project('.').schemas()['pipeline']))"
        made = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True)
        assert schema == json.loads(made.stdout)
    else:
        assert schema == schemas.shape(name)


def test_an_unknown_name_is_a_wrong_call(osiris: Osiris, project: Path) -> None:
    done = osiris("schema", "pipelin", "--project", project, "--json")
    assert done.code == 2
    assert done.document("schema")["error"]["hint"] == 'did you mean "pipeline"?'
    assert osiris("schema", "pipeline", "--write", "--project", project).code == 2


def test_they_are_written_where_the_files_of_a_project_look_for_them(osiris: Osiris, project: Path) -> None:
    folder = project / ".osiris/schemas"
    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert sorted(first) == [f"{name}.json" for name in schemas.FILES]
    (folder / "pipeline.json").write_text("{}")
    (folder / "settings.json").unlink()
    done = osiris("schema", "--write", "--project", project, "--json")
    assert done.code == 0
    assert done.document("schema")["files"] == [f".osiris/schemas/{name}.json" for name in schemas.FILES]
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert ".osiris/" in (project / ".gitignore").read_text().splitlines()


PROJECTS = {name: template.files for name, template in templates().items()} | {"demo": files_of("demo/project")}


@pytest.mark.parametrize("name", PROJECTS)
def test_each_file_of_each_template_names_a_schema_that_accepts_it(osiris: Osiris, tmp_path: Path, name: str) -> None:
    for path, text in PROJECTS[name].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert osiris("schema", "--write", "--project", tmp_path).code == 0
    files = [path for path in PROJECTS[name] if path.endswith(".yaml")]
    assert {"osiris_connections.yaml"} < set(files)
    for path in files:
        first = PROJECTS[name][path].partition("\n")[0]
        assert first.startswith(COMMENT)
        schema = json.loads((tmp_path / path).parent.joinpath(first.removeprefix(COMMENT)).read_text())
        Draft202012Validator(schema).validate(documents.load(tmp_path / path).value)


def test_a_file_is_wired_once_and_only_if_it_has_a_schema() -> None:
    text = 'oml_version: "0.1.0"\n'
    first = wired("a/b/c.yaml", text)
    assert first == f"# yaml-language-server: $schema=../../.osiris/schemas/pipeline.json\n{text}"
    assert wired("a/b/c.yaml", first) == first
    assert wired("osiris.yaml", "version: 1\n").startswith("# yaml-language-server: $schema=.osiris/")
    for name in ("other.yaml", "data/people.csv", ".gitignore"):
        assert wired(name, "version: 1\n") == "version: 1\n"


WITHOUT_PROJECT = [("completion",), ("demo",), ("init",)]
"""They need no project, or make it."""


@pytest.mark.parametrize("words", published.leaves(), ids=" ".join)
def test_a_command_that_cannot_begin_prints_its_error_in_its_shape(
    osiris: Osiris, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Exit 2; `osiris` holds every document against the command's shape."""
    done = osiris(*words, "--no-such-option", "--json")
    assert done.code == 2
    assert json.loads(done.out)["error"]["code"] == "usage"
    if words not in WITHOUT_PROJECT:
        arguments = ["x"] * sum(1 for p in published.command(words).params if isinstance(p, click.Argument))
        done = osiris(*words, *arguments, "--project", tmp_path / "nowhere", "--json")
        assert done.code == 2
        assert "project.missing" in done.out


FAILING = {
    "connections doctor": 1,
    "discover @filesystem.gone": 1,
    "init data/people.csv/below": 1,
    "demo --dir data/people.csv": 2,
    "run failing.yaml": 1,
    "run gone.yaml": 2,
    "compile gone.yaml": 2,
    "validate gone.yaml": 2,
    "components show nosuch.extractor": 2,
    "components list --family nosuch": 2,
    "connections show @nosuch.a": 2,
    "runs show nosuch": 2,
    "schema nosuch": 2,
}
"""Calls that fail in the project below, by how they end."""


@pytest.mark.parametrize("line", FAILING)
def test_a_command_that_fails_prints_its_error_in_its_shape(osiris: Osiris, project: Path, line: str) -> None:
    connections = "version: 1\nconnections:\n  filesystem:\n    good: {base_dir: data, default: true}\n"
    (project / "osiris_connections.yaml").write_text(connections + "    gone: {base_dir: nowhere}\n")
    failing = (project / "pipelines/example.yaml").read_text().replace("name: string", "name: int64")
    (project / "failing.yaml").write_text(failing)
    done = osiris(*line.split(), "--project", project, "--json")
    assert done.code == FAILING[line], done.err


def test_a_connection_that_cannot_be_tested_prints_its_shape_and_exits_3(
    osiris_process: Osiris, project: Path, tmp_path: Path
) -> None:
    needs = SPEC.format(family="stork") + "x-runtime: {requirements: [no-such-lib-xy]}\n"
    write_package(tmp_path / "lib", "stork", files={"osiris_stork/components/stork.extractor/spec.yaml": needs})
    (project / "osiris_connections.yaml").write_text("version: 1\nconnections: {stork: {a: {}}}\n")
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path / "lib")])
    done = osiris_process("connections", "doctor", "--json", cwd=project, PYTHONPATH=path)
    assert done.code == 3, done.err
    assert done.document("connections-doctor")["results"]["stork"]["a"]["status"] == "untestable"


def test_the_check_of_documents_sees_a_field_that_is_not_published() -> None:
    document = {"version": "1"}
    published.check("version", document)
    for wrong in ({"version": 1}, {"version": "1", "build": "2"}, {}):
        with pytest.raises(ValidationError):
            published.check("version", wrong)
    assert published.shape_of(["--project", "runs", "runs", "list", "--json"]) == "runs-list"
    assert published.shape_of(["nosuch"]) == "version"
