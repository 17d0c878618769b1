"""A project: settings, plugins and profiles put to use; checking and compiling from any folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from osiris.errors import ConfigError
from osiris.project import Project
from tests.packages import write_package
from tests.project.conftest import BOXES, Make
from tests.toybox import installed

pytestmark = pytest.mark.slow

PIPELINE = """\
oml_version: "0.1.0"
name: copy
params: {table: {default: bears}}
profiles: {dev: {params: {table: cubs}}}
steps:
  - {id: read, component: toybox.extractor, mode: read, config: {connection: "@toybox.good", table: "${params.table}"}}
  - {id: write, component: toybox.writer, mode: write, config: {connection: "@toybox.other", table: t}}
"""


@pytest.fixture
def project(make: Make, tmp_path: Path) -> Project:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "copy.yaml").write_text(PIPELINE)
    return make()


def test_a_pipeline_without_faults_is_valid_and_is_compiled_below_build(project: Project) -> None:
    assert project.check("pipelines/copy.yaml").errors == ()
    compiled = project.compile("pipelines/copy.yaml")
    assert compiled.path is not None
    assert compiled.path.is_relative_to(project.root / "build" / "default" / "copy")
    assert compiled.path.is_file()
    assert compiled.manifest.steps[0].options["table"] == "bears"


def test_compiling_without_writing_leaves_the_folder_alone(project: Project) -> None:
    assert project.compile("pipelines/copy.yaml", write=False).path is None
    assert not (project.root / "build").exists()


def test_params_and_profiles_are_given_on(project: Project, tmp_path: Path) -> None:
    def table(made: Project, **params: str) -> object:
        return made.compile("pipelines/copy.yaml", params, write=False).manifest.steps[0].options["table"]

    assert table(project, table="wolves") == "wolves"
    assert table(Project(tmp_path, environ=project.environ, profile="dev")) == "cubs"
    (tmp_path / "osiris.yaml").write_text("version: 1\nprofile: dev\n")
    assert table(Project(tmp_path, environ=project.environ)) == "cubs"
    assert table(Project(tmp_path, environ=project.environ, profile="default")) == "bears"


def test_all_faults_are_told_with_their_places(project: Project) -> None:
    path = project.root / "pipelines" / "copy.yaml"
    path.write_text(PIPELINE.replace("table: t}", "tabel: t}").replace("@toybox.good", "toybox.good"))
    errors = project.check(path).errors
    assert {error.code for error in errors} >= {"connection.reference", "option.unknown"}
    assert {error.line for error in errors} == {6, 7}
    with pytest.raises(ConfigError):
        project.compile(path)
    assert not (project.root / "build").exists()


def test_a_pipeline_is_found_in_the_project_and_from_the_current_folder(project: Project, tmp_path: Path) -> None:
    """`osiris --project x run x/pipelines/a.yaml` with the shell's completion, and the same from inside."""
    program = (
        "import sys; from osiris import Project\n"
        "project = Project(sys.argv[1], environ={'BOX_PASSWORD': 'x'})\n"
        "print([error.message for error in project.check(sys.argv[2]).errors])"
    )
    folder = project.root.name
    plugins = str(Path(sys.path[0]))
    for cwd, arguments in (
        (tmp_path, [".", "pipelines/copy.yaml"]),
        (tmp_path.parent, [folder, "pipelines/copy.yaml"]),
        (tmp_path.parent, [folder, f"{folder}/pipelines/copy.yaml"]),
        (tmp_path / "pipelines", ["..", "copy.yaml"]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=cwd,
            env={"PYTHONPATH": plugins},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "[]\n", (cwd, arguments)


def test_a_missing_pipeline_is_told(project: Project) -> None:
    (error,) = project.check("gone.yaml").errors
    assert "there is no file" in error.message


def test_the_settings_say_which_plugins_count(make: Make, tmp_path: Path) -> None:
    project = make()
    assert "toybox" in project.registry.families()
    (tmp_path / "osiris.yaml").write_text("version: 1\nplugins: {deny: [toybox]}\n")
    with pytest.raises(ConfigError, match="disabled"):
        make().catalog.get("toybox.extractor")
    states = {row["name"]: row["state"] for row in make().catalog.listed() if row["family"] == "toybox"}
    assert states == {"toybox.extractor": "disabled", "toybox.writer": "disabled"}


def test_wrong_settings_are_told_before_anything_else(make: Make, tmp_path: Path) -> None:
    (tmp_path / "osiris.yaml").write_text("version: 1\nmemry: 1GB\n")
    with pytest.raises(ConfigError, match=r"osiris\.yaml:2:1: unknown key"):
        make().check("pipelines/copy.yaml")


def test_validating_runs_no_code_of_a_third_party(make: Make, tmp_path: Path) -> None:
    """DESIGN 3: `list`, `validate` and `compile` run no third-party code."""
    tripwire = "raise RuntimeError('imported')"
    write_package(tmp_path / "packages", "wader", files={"osiris_wader/__init__.py": tripwire})
    (tmp_path / "p.yaml").write_text(
        'oml_version: "0.1.0"\nname: p\nsteps:\n'
        "  - {id: a, component: wader.extractor, mode: read, config: {table: t}}\n"
        "  - {id: b, component: toybox.writer, mode: write, config: {table: t}}\n"
    )
    with installed(tmp_path / "packages"):
        project = make()
        assert project.check("p.yaml").errors == ()
        assert project.compile("p.yaml").path is not None
    assert "osiris_wader" not in sys.modules


def test_a_rule_about_both_the_connection_and_the_step_is_held_when_it_runs(project: Project, make: Make) -> None:
    """Only the resolved connection says that the box is locked; validate does not look into it."""
    path = project.root / "pipelines" / "copy.yaml"
    path.write_text(PIPELINE.replace('"${params.table}"', "bears, fail_at: 99"))
    made = make(BOXES.replace("box, password", "box, locked: '${LOCKED}', password"), LOCKED="yes")
    assert made.check(path).errors == ()
    with pytest.raises(ConfigError, match='"fail_at" cannot be used when "locked" is true'):
        made.run(path)
    assert made.connections.resolve("toybox", "@toybox.good")["locked"] is True
    with made.connect("@toybox.good") as db, pytest.raises(ConfigError, match='"fail_at" cannot be used'):
        db.read(table="bears", fail_at=99)


def test_connections_of_all_flows_are_resolved_before_the_first_one_runs(make: Make, tmp_path: Path) -> None:
    """A variable that is missing in the second flow would leave the first one committed."""
    project = make(f"{BOXES}    third: {{folder: third, password: '${{GONE}}'}}\n")
    copy = "  - {{id: {0}-r, component: toybox.extractor, needs: [], config: {{table: bears}}}}\n"
    copy += '  - {{id: {0}, component: toybox.writer, config: {{connection: "@toybox.{1}", table: {0}}}}}\n'
    text = 'oml_version: "0.1.0"\nname: two\nsteps:\n' + copy.format("a", "other") + copy.format("b", "third")
    (tmp_path / "two.yaml").write_text(text)
    with pytest.raises(ConfigError, match="the variable GONE is not set") as caught:
        project.run("two.yaml")
    assert caught.value.step == "b"
    assert list((tmp_path / "other").iterdir()) == []
    assert project.runs() == []
