"""`osiris init`: what it writes works, and nothing of the user's is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from osiris.cli.starter import templates, write_new
from tests.cli.conftest import Osiris

pytestmark = pytest.mark.slow


def test_the_new_project_validates_and_runs(osiris_process: Osiris, tmp_path: Path) -> None:
    made = osiris_process("init", "shop", "--json")
    assert made.code == 0
    assert "pipelines/example.yaml" in made.document("init")["files"]
    project = tmp_path / "shop"
    assert {".env.example", ".gitignore", "osiris.yaml", "osiris_connections.yaml"} <= {
        p.name for p in project.iterdir()
    }
    checked = osiris_process("validate", "pipelines/example.yaml", "--json", cwd=project).document("validate")
    assert checked == {"valid": True, "errors": [], "warnings": []}
    done = osiris_process("run", "pipelines/example.yaml", "--json", cwd=project)
    assert done.code == 0, done.err
    assert done.document("run")["steps"][-1]["rows_written"] == 2
    assert (project / "data/out/newest.parquet").is_file()


def test_nothing_is_written_where_one_of_the_files_is_there(osiris: Osiris, tmp_path: Path) -> None:
    (tmp_path / "osiris.yaml").write_text("mine\n")
    done = osiris("init", tmp_path)
    assert done.code == 2
    assert f"already there: {tmp_path / 'osiris.yaml'}" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["osiris.yaml"]
    assert (tmp_path / "osiris.yaml").read_text() == "mine\n"
    assert osiris("init", tmp_path, "--json").document("init")["error"]["code"] == "init.exists"


def test_a_gitignore_is_left_as_it_is(osiris: Osiris, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n")
    done = osiris("init", tmp_path)
    assert done.code == 0
    assert (tmp_path / ".gitignore").read_text() == "*.log\n"
    assert "run_logs/" in done.err
    assert (tmp_path / "osiris.yaml").is_file()


def test_a_dangling_link_counts_as_a_file(osiris: Osiris, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").symlink_to(tmp_path / "nowhere")
    assert osiris("init", tmp_path).code == 2
    assert not (tmp_path / "nowhere").exists()


def test_what_was_written_before_a_failure_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "pipelines").write_text("a file where a folder must be")
    with pytest.raises(FileExistsError):
        write_new(tmp_path, {"a.yaml": "", "pipelines/b.yaml": ""})
    assert [path.name for path in tmp_path.iterdir()] == ["pipelines"]


def test_a_folder_that_cannot_be_made_is_one_line(osiris: Osiris, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = osiris("init", tmp_path / "file" / "below")
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


def test_project_option_and_folder_go_together(osiris: Osiris, tmp_path: Path) -> None:
    assert osiris("init", "inner", "--project", tmp_path).code == 0
    assert (tmp_path / "inner/osiris.yaml").is_file()


def test_no_template_holds_a_file_that_git_or_python_would_misread() -> None:
    for template in templates().values():
        assert ".gitignore" in template.files
        assert all(not name.startswith("dot.") for name in template.files)


@pytest.mark.parametrize("name", ["my shop", "-dash", "it's", "$HOME;"])
def test_the_command_to_try_enters_the_folder_whatever_its_name(
    osiris_process: Osiris, tmp_path: Path, name: str
) -> None:
    made = osiris_process("init", "--", name)
    (line,) = [line for line in (made.out + made.err).splitlines() if line.startswith("try: ")]
    enter, _ = line.removeprefix("try: ").split(" && ")
    done = subprocess.run(["sh", "-c", f"{enter} && pwd"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / name}\n"
