"""Completion as a person at a bash meets it, what it leaves alone, and what the other shells are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from osiris.cli.completion import SHELLS, VARIABLE, answer
from osiris.cli.face import Face
from osiris.cli.main import cli
from tests.cli.conftest import Osiris
from tests.cli.shells import Bash, bash

pytestmark = pytest.mark.slow

PIPELINE = """\
oml_version: "0.1.0"
name: orders
params:
  since: {type: date, default: 2026-01-01, description: The first day.}
  until: {type: date, default: 2026-02-01}
profiles:
  dev: {params: {since: 2026-01-02}}
  prod: {}
steps: []
"""
CONNECTIONS = """\
version: 1
connections:
  duckdb:
    main: {path: a.duckdb}
  filesystem:
    data: {base_dir: data, default: true}
    secret-place: {base_dir: "${file:secret.fifo}/${FROM_DOTENV}"}
"""
SETUP = 'eval "$(osiris completion bash)"'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two pipelines, three connections and a run; its secrets block whoever reads them."""
    folder = tmp_path_factory.mktemp("shop")
    for arguments in (["init"], ["run", "pipelines/example.yaml", "--quiet"]):
        subprocess.run([sys.executable, "-m", "osiris", *arguments], cwd=folder, check=True, timeout=60)
    (folder / "pipelines/more").mkdir()
    (folder / "pipelines/more/orders of today.yml").write_text(PIPELINE)
    (folder / "orders.yaml").write_text(PIPELINE)
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / "osiris_connections.yaml").write_text(CONNECTIONS)
    os.mkfifo(folder / "secret.fifo")
    os.mkfifo(folder / ".env")
    return folder


@pytest.fixture(scope="module")
def shell(shop: Path) -> Iterator[Bash]:
    with bash(shop, SETUP) as running:
        yield running


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("osiris va", "osiris validate "),
        ("osiris connections do", "osiris connections doctor "),
        ("osiris run --dr", "osiris run --dry-run "),
        ("osiris discover @d", "osiris discover @duckdb.main "),
        ("osiris discover '@d", "osiris discover '@duckdb.main' "),
        ("osiris connections show @filesystem.s", "osiris connections show @filesystem.secret-place "),
        ("osiris run orders.yaml --param s", "osiris run orders.yaml --param since="),
        ("osiris run orders.yaml --param=s", "osiris run orders.yaml --param=since="),
        ("osiris run orders.yaml --param since=1 --param ", "osiris run orders.yaml --param since=1 --param until="),
        ("osiris run orders.yaml --profile p", "osiris run orders.yaml --profile prod "),
        ("osiris --project pip", "osiris --project pipelines/"),
        ("osiris init --project=pip", "osiris init --project=pipelines/"),
        ("osiris --project pipelines run ex", "osiris --project pipelines run example.yaml "),
        ("osiris run osiris_c", "osiris run osiris_connections.yaml "),
        ("osiris run pipelines/m", "osiris run pipelines/more/orders\\ of\\ today.yml "),
        ('osiris run "pipelines/more/orders o', 'osiris run "pipelines/more/orders of today.yml" '),
        ("osiris run pipelines/more/orders\\ o", "osiris run pipelines/more/orders\\ of\\ today.yml "),
        ("true && FOO=1 osiris va", "true && FOO=1 osiris validate "),
        ("osiris components show nothing-like-it", "osiris components show nothing-like-it"),
        ("osiris no-such-verb ", "osiris no-such-verb "),
    ],
)
def test_tab_completes_a_line(shell: Bash, typed: str, line: str) -> None:
    assert shell.complete(typed) == line


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("osiris run", ["run", "runs"]),
        ("osiris validate ", ["pipelines/example.yaml", "pipelines/more/orders\\", "of\\", "today.yml", "orders.yaml"]),
        ("osiris run orders.yaml --profile ", ["dev", "prod"]),
        ("osiris components show duckdb.", ["duckdb.extractor", "duckdb.processor", "duckdb.writer"]),
        ("osiris components list --family f", ["filesystem"]),
        ("osiris connections doctor --level ", ["quick", "full", "write"]),
        ("osiris discover ", ["@duckdb.main", "@filesystem.data", "@filesystem.secret-place"]),
        ("osiris connections doctor @duckdb.main @", ["@filesystem.data", "@filesystem.secret-place"]),
        ("osiris completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_all_that_fits_is_offered_and_nothing_else(shell: Bash, typed: str, words: list[str]) -> None:
    assert shell.candidates(typed) == words


def test_a_run_is_completed_by_its_id(shell: Bash, shop: Path) -> None:
    (folder,) = shop.glob("run_logs/*/*/*")
    run_id = folder.name.rpartition("_")[2]
    assert shell.complete(f"osiris runs show {run_id[:3]}") == f"osiris runs show {run_id} "
    assert shell.complete("osiris logs --step s") == "osiris logs --step save "
    assert shell.candidates(f"osiris logs {run_id} --step ") == ["people", "newest", "save"]
    assert shell.complete("osiris runs prune --pipeline ") == "osiris runs prune --pipeline example "


@pytest.mark.parametrize(
    ("file", "text", "typed"),
    [
        ("osiris_connections.yaml", "version: 1\n\tconnections: {", "osiris discover @"),
        ("osiris.yaml", "plugins: [\n", "osiris components show "),
        ("osiris.yaml", "plugins: {alow: []}\n", "osiris components list --family "),
        ("orders.yaml", "steps: [{\n", "osiris run orders.yaml --param "),
        ("run_logs", "not a folder", "osiris runs show "),
    ],
)
def test_a_project_in_disorder_leaves_the_line_as_it_is(tmp_path: Path, file: str, text: str, typed: str) -> None:
    (tmp_path / file).write_text(text)
    with bash(tmp_path, SETUP) as shell:
        assert shell.complete(typed) == typed
        assert shell.line("") == ""
    assert "rror" not in shell.shown
    assert "Traceback" not in shell.shown


HEAVY = {"pyarrow", "duckdb", "jsonschema", "rich", "numpy"}


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        ("osiris ", set()),
        ("osiris run ", {"yaml"}),
        ("osiris run orders.yaml --param ", set()),
        ("osiris discover @", set()),
        ("osiris components show ", set()),
        ("osiris runs show ", {"yaml"}),
    ],
)
def test_a_word_loads_only_what_it_needs(shop: Path, typed: str, also: set[str]) -> None:
    code = "import sys; from osiris.cli.main import main; main([]); sys.stderr.write(' '.join(sys.modules))"
    environ = {**os.environ, VARIABLE: "zsh_complete", "COMP_LINE": typed}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=shop, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout
    assert not {name.partition(".")[0] for name in done.stderr.split()} & (HEAVY | also)
    assert not [name for name in done.stderr.split() if name.startswith(("osiris.connectors.duckdb", "osiris.project"))]


def test_every_value_on_the_command_line_is_completed_or_free() -> None:
    free = {"--like", "--timeout", "--jobs", "--rows", "--limit", "--tail", "--keep-runs", "--keep-days"}
    silent = []
    for command in commands(cli):
        for parameter in command.params:
            flag = isinstance(parameter, click.Option) and parameter.is_flag
            offers = parameter._custom_shell_complete or isinstance(parameter.type, click.Choice)
            if not flag and not offers and not free & set(parameter.opts):
                silent.append(f"{command.name} {parameter.opts[0]}")
    assert silent == []


def commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below)


@pytest.mark.parametrize("shell_name", ["fish", "zsh"])
def test_the_other_shells_get_a_line_a_word_with_what_it_means(shop: Path, shell_name: str) -> None:
    def ask(line: str) -> list[str]:
        face = Face(folder=str(shop))
        return answer(cli, face, {VARIABLE: f"{shell_name}_complete", "COMP_LINE": line})

    assert ask("osiris compo") == ["plain\tcomponents\tShow the components that pipelines can be..."]
    assert ask("osiris run orders.yaml --param=s") == ["plain\t--param=since=\tThe first day."]
    assert ask("osiris discover @d") == ["plain\t@duckdb.main\t"]
    assert ask("osiris init --project=pi") == ["dir\t--project=pi\t"]


@pytest.mark.parametrize("shell_name", SHELLS)
def test_the_script_is_printed_as_text_and_json_and_as_click_would(osiris_process: Osiris, shell_name: str) -> None:
    plain = osiris_process("completion", shell_name)
    assert plain.code == 0
    assert f"_OSIRIS_COMPLETE={shell_name}_complete" in plain.out
    document = osiris_process("completion", shell_name, "--json").document("completion")
    assert document == {"shell": shell_name, "script": plain.out}
    assert osiris_process(_OSIRIS_COMPLETE=f"{shell_name}_source").out == plain.out


def test_a_request_that_no_shell_makes_is_refused_in_silence(osiris_process: Osiris) -> None:
    for asked in ("bash_complete", "tcsh_source", "nonsense"):
        done = osiris_process(_OSIRIS_COMPLETE=asked)
        assert (done.code, done.out, done.err) == (1, "", "")
