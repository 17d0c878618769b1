"""`osiris validate`: all mistakes at once, each with its place, and never exit 0 when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Osiris

THREE_MISTAKES = """\
oml_version: "0.1.0"
name: broken
steps:
  - id: people
    component: filesystem.csv_extracter
    mode: read
    config: {path: people.csv}
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [peple]
    config:
      path: out.csv
      delimeter: ";"
"""


@pytest.fixture
def broken(project: Path) -> Path:
    (project / "pipelines/broken.yaml").write_text(THREE_MISTAKES)
    return project


def test_all_mistakes_are_told_at_once_with_line_caret_and_hint(osiris: Osiris, broken: Path) -> None:
    done = osiris("validate", "pipelines/broken.yaml", "--project", broken)
    assert (done.code, done.out) == (2, "")
    pages = done.err.split("\n\n")
    for page, (line, word, caret) in zip(
        pages, [(5, "filesystem.csv_extractor", 16), (11, "people", 13), (14, "delimiter", 7)], strict=False
    ):
        assert page.startswith("error: ")
        assert f"pipelines/broken.yaml:{line}:{caret}\n" in page
        shown, under = page.splitlines()[2:4]
        assert shown.startswith(f"  {line} | ")
        assert under.index("^") - under.index("|") - 1 == caret
        assert f'did you mean "{word}"?' in page
    assert pages[3].strip() == "3 errors in pipelines/broken.yaml"


@pytest.mark.parametrize("verb", ["validate", "compile", "run"])
def test_validate_compile_and_run_refuse_the_same_with_exit_2(osiris: Osiris, broken: Path, verb: str) -> None:
    done = osiris(verb, "pipelines/broken.yaml", "--project", broken)
    assert done.code == 2
    assert [f":{line}:" in done.err for line in (5, 11, 14)] == [True, True, True]
    assert done.err.count("hint: did you mean") == 3
    document = osiris(verb, "pipelines/broken.yaml", "--project", broken, "--json").document(verb)
    assert [error["line"] for error in document["errors"]] == [5, 11, 14]
    assert not (broken / "build").exists()
    assert not (broken / "run_logs").exists()


def test_a_valid_pipeline_is_said_to_be_so(osiris: Osiris, project: Path) -> None:
    done = osiris("validate", "pipelines/example.yaml", "--project", project)
    assert done == type(done)(0, "pipelines/example.yaml is valid\n", "")
    assert osiris("validate", "pipelines/example.yaml", "--project", project, "--quiet").out == ""


@pytest.mark.parametrize("text", [None, "", "\tname: x\n", "name: x\nname: y\n", "- 1\n"])
def test_a_file_that_is_no_pipeline_exits_2(osiris: Osiris, project: Path, text: str | None) -> None:
    """LESSONS 18: `validate` exited 0 on failure."""
    if text is not None:
        (project / "p.yaml").write_text(text)
    done = osiris("validate", "p.yaml", "--project", project, "--json")
    document = done.document("validate")
    assert done.code == 2
    assert document["valid"] is False
    assert document["errors"]


@pytest.mark.parametrize("name", ["osiris.yaml", "osiris_connections.yaml"])
def test_a_broken_file_beside_the_pipeline_keeps_the_shape(osiris: Osiris, project: Path, name: str) -> None:
    (project / name).write_text("version: 1\nconections: {}\n")
    done = osiris("validate", "pipelines/example.yaml", "--project", project, "--json")
    document = done.document("validate")
    assert done.code == 2
    assert document["valid"] is False
    assert document["errors"][0]["file"].endswith(name)
    assert document["errors"][0]["line"] == 2


def test_parameters_are_taken_and_wrong_ones_refused(osiris: Osiris, project: Path) -> None:
    ok = osiris("validate", "pipelines/example.yaml", "--project", project, "--param", "joined_after=2026-02-01")
    assert ok.code == 0
    for given in (["joined_after=soon"], ["nosuch=1"], ["joined_after"], ["joined_after=2026-02-01"] * 2):
        options = [word for text in given for word in ("--param", text)]
        done = osiris("validate", "pipelines/example.yaml", "--project", project, *options)
        assert done.code == 2
        assert done.err.startswith("error: ")


def test_an_inline_secret_is_refused_and_not_shown(osiris: Osiris, project: Path) -> None:
    """LESSONS 15: neither the message nor the source line may show it."""
    text = (
        (project / "pipelines/example.yaml")
        .read_text()
        .replace("path: people.csv", "path: people.csv\n      password: hunter2-xyz")
    )
    (project / "p.yaml").write_text(text)
    for extra in ([], ["--json"]):
        done = osiris("validate", "p.yaml", "--project", project, *extra)
        assert done.code == 2
        assert "hunter2" not in done.out + done.err
