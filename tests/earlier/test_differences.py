"""What the earlier system let pass and this one refuses: each with a message that says what to do instead."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from osiris import ConfigError, Project

EARLIER = Path(__file__).parent / "project"
HEAD = 'oml_version: "0.1.0"\nname: p\n'
READ = "- {id: r, component: filesystem.csv_extractor, mode: read, config: {path: data/customers.csv%s}}\n"
WRITE = "- {id: w, component: filesystem.csv_writer, mode: write, config: {path: output/x.csv%s}}\n"
STEPS = "steps:\n" + READ + WRITE
PIPELINES = {
    "a connection without its @ meant the default": (
        HEAD + STEPS % (', connection: "filesystem.data"', ""),
        "connection.reference",
        'did you mean "@filesystem.data"?',
    ),
    "a forbidden override was not refused": (
        HEAD + STEPS % (', connection: "@filesystem.data", base_dir: /', ""),
        "override.forbidden",
        "use another connection",
    ),
    "an unknown key at the top was a warning": (
        HEAD + "schedule: daily\n" + STEPS % ("", ""),
        "pipeline.unknown_key",
        "osiris run",
    ),
    "version was a forbidden key": (
        HEAD + 'version: "1"\n' + STEPS % ("", ""),
        "pipeline.unknown_key",
        "oml_version",
    ),
    "uses was another name of component": (
        HEAD + "steps:\n- {id: r, uses: filesystem.csv_extractor, mode: read}\n" + WRITE % "",
        "step.unknown_key",
        "component",
    ),
    "with was another name of config": (
        HEAD + STEPS.replace("config: {path: data", "with: {path: data") % ("", ""),
        "step.unknown_key",
        "config",
    ),
    "an unknown component was a warning": (
        HEAD + STEPS.replace("csv_extractor", "csv_reader") % ("", ""),
        "component.unknown",
        "did you mean",
    ),
    "an option that nobody knew passed": (HEAD + STEPS % (", discovery: true", ""), "option.unknown", ""),
    "two steps of one id ran": (HEAD + STEPS % ("", "") + READ % "", "step.duplicate_id", "rename"),
    "a circle was compiled": (
        HEAD + STEPS.replace("mode: read", "mode: read, needs: [w]") % ("", ""),
        "step.cycle",
        "remove one",
    ),
    "a writer took the first of two inputs": (
        HEAD
        + (STEPS % ("", "")).replace("mode: write", "mode: write, needs: [r, s]")
        + READ.replace("id: r", "id: s") % "",
        "step.many_inputs",
        "join them",
    ),
    "a password could stand in a pipeline": (HEAD + STEPS % (", password: hunter2-canary", ""), "option.unknown", ""),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(EARLIER, tmp_path / "project")
    return Project(tmp_path / "project", environ={})


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_refused_with_what_to_do(project: Project, name: str) -> None:
    text, code, hint = PIPELINES[name]
    (project.root / "p.yaml").write_text(text)
    errors = {error.code: error for error in project.check("p.yaml").errors}
    assert code in errors, list(errors)
    assert hint in (errors[code].hint or "")
    assert errors[code].line
    with pytest.raises(ConfigError):
        project.run("p.yaml")
    assert not (project.root / "output").exists()


CONNECTIONS = {
    "groups had no meaning": (
        "version: 1\nconnections: {}\ngroups: {a: {}}\n",
        "@duckdb.a",
        'stand below "connections:"',
    ),
    "families stood at the top": ("version: 1\nduckdb: {a: {path: x}}\n", "@duckdb.a", 'stand below "connections:"'),
    "alias had no meaning": ("version: 1\nconnections: {duckdb: {a: {path: x, alias: b}}}\n", "@duckdb.a", "path"),
    "a database in memory": ("version: 1\nconnections: {duckdb: {a: {memory: true}}}\n", "@duckdb.a", "path"),
    "two defaults": (
        "version: 1\nconnections: {duckdb: {a: {path: x, default: true}, b: {path: y, default: true}}}\n",
        "@duckdb.a",
        "keep one",
    ),
    "a variable that is not set": (
        'version: 1\nconnections: {duckdb: {a: {path: "${NOT_SET_ANYWHERE}"}}}\n',
        "@duckdb.a",
        "set it in",
    ),
}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_connections_file_is_refused_with_what_to_do(project: Project, name: str) -> None:
    text, reference, hint = CONNECTIONS[name]
    (project.root / "osiris_connections.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        project.connections.resolve("duckdb", reference)
    assert hint in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.line


def test_the_settings_of_the_earlier_system_are_refused_at_their_version(project: Project) -> None:
    (project.root / "osiris.yaml").write_text('version: "2.0"\nlogging: {level: INFO}\n')
    with pytest.raises(ConfigError) as caught:
        project.check("pipelines/copy.yaml")
    assert '"version" of osiris.yaml must be 1' in caught.value.message
    assert caught.value.line == 1


def test_a_manifest_of_the_earlier_system_is_refused(project: Project) -> None:
    text = "pipeline: {id: p}\nsteps:\n- {id: r, driver: mysql.extractor, cfg_path: cfg/r.json}\nmeta: {}\n"
    (project.root / "manifest.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        project.run("manifest.yaml")
    assert caught.value.code == "manifest.broken"
    assert caught.value.hint == "compile the pipeline again"


def test_columns_are_written_in_their_order_not_sorted_by_name(project: Project) -> None:
    """LESSONS 10."""
    text = HEAD + (STEPS % (", columns: [name, id]", ""))
    (project.root / "p.yaml").write_text(text)
    assert project.run("p.yaml").status == "success"
    assert (project.root / "output/x.csv").read_text().splitlines()[0] == "name,id"


def test_an_empty_field_is_null_and_a_word_is_a_word_unless_it_is_named(project: Project) -> None:
    """pandas read NA, NULL, nan and others as null unasked."""
    (project.root / "data/words.csv").write_text("a,b\nNA,1\n,2\nNULL,3\n")
    (project.root / "p.yaml").write_text(HEAD + (STEPS % ("", ", null_value: nothing")).replace("customers", "words"))
    assert project.run("p.yaml").status == "success"
    assert (project.root / "output/x.csv").read_text() == "a,b\nNA,1\nnothing,2\nNULL,3\n"
