"""`osiris connections` and `discover`: masked, honest about what is set, and with the exit codes of the design."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Osiris

FILE = """\
version: 1
connections:
  filesystem:
    good: {base_dir: data, default: true}
    gone: {base_dir: no-such-folder}
    unset: {base_dir: "${NO_SUCH_VARIABLE_HERE}"}
  duckdb:
    mine: {path: "${DUCK_FILE:-x.duckdb}"}
  nosuch:
    a: {password: hunter2-xyz, host: h}
"""


@pytest.fixture
def connected(project: Path) -> Path:
    (project / "osiris_connections.yaml").write_text(FILE)
    return project


def test_list_shows_what_is_written_and_no_secret(osiris: Osiris, connected: Path) -> None:
    """LESSONS 15: `connections list --json` printed substituted passwords."""
    done = osiris("connections", "list", "--project", connected, "--json")
    assert done.code == 0
    listed = done.document("connections-list")["connections"]
    assert listed["filesystem"]["good"] == {"config": {"base_dir": "data"}, "env_vars": {}, "is_default": True}
    assert listed["filesystem"]["unset"]["env_vars"] == {"NO_SUCH_VARIABLE_HERE": False}
    told = osiris("connections", "list", "--project", connected)
    assert "hunter2" not in done.out + told.out + told.err
    assert "NO_SUCH_VARIABLE_HERE" in told.out
    (mine,) = [line for line in told.out.splitlines() if line.startswith("@duckdb.mine")]
    assert mine.endswith("path=${DUCK_FILE:-x.duckdb}")


def test_list_of_nothing_says_so(osiris: Osiris, tmp_path: Path) -> None:
    done = osiris("connections", "list", "--project", tmp_path)
    assert (done.code, done.out) == (0, "")
    assert "no connections are configured" in done.err
    assert osiris("connections", "list", "--project", tmp_path, "--json").document("connections-list") == {
        "connections": {}
    }


def test_show_says_where_each_value_comes_from(osiris: Osiris, connected: Path) -> None:
    done = osiris("connections", "show", "@duckdb.mine", "--project", connected, "--json")
    assert done.code == 0
    fields = {field["name"]: field for field in done.document("connections-show")["fields"]}
    assert fields["path"]["origin"] == "variable"
    assert fields["path"]["variables"] == {"DUCK_FILE": False}
    good = osiris("connections", "show", "@filesystem.good", "--project", connected)
    assert [line.split()[:3] for line in good.out.splitlines() if "base_dir" in line] == [
        ["base_dir", "data", "literal"]
    ]
    secret = osiris("connections", "show", "@nosuch.a", "--project", connected)
    assert "hunter2" not in secret.out
    assert "***" in secret.out


def test_show_refuses_a_field_that_the_family_does_not_have(osiris: Osiris, connected: Path) -> None:
    path = connected / "osiris_connections.yaml"
    path.write_text(FILE.replace("{path:", "{paht: hunter2-x, path:"))
    done = osiris("connections", "show", "@duckdb.mine", "--project", connected, "--json")
    error = done.document("connections-show")["error"]
    assert (done.code, error["code"], error["line"]) == (2, "connection.field_unknown", 8)
    assert error["hint"] == 'did you mean "path"?'
    assert "hunter2" not in done.out + done.err
    assert osiris("connections", "show", "@filesystem.good", "--project", connected).code == 0


@pytest.mark.parametrize("reference", ["@duckdb.mien", "duckdb.mine", "@mysql.prod"])
@pytest.mark.parametrize("words", [("connections", "show"), ("discover",), ("connections", "doctor")])
def test_a_reference_to_nothing_is_a_wrong_call(
    osiris: Osiris, connected: Path, words: tuple[str, ...], reference: str
) -> None:
    """LESSONS 7 and 18."""
    done = osiris(*words, reference, "--project", connected, "--json")
    assert done.code == 2
    assert done.document("-".join(words))["error"]["hint"]


def test_doctor_tells_good_from_broken_and_exits_1(osiris: Osiris, connected: Path) -> None:
    """LESSONS 18: doctor exited 0 on failure, and an unset variable was "unknown"."""
    arguments = ("connections", "doctor", "@filesystem.good", "@filesystem.gone", "@filesystem.unset")
    done = osiris(*arguments, "--project", connected, "--json")
    assert done.code == 1
    document = done.document("connections-doctor")
    found = document["results"]["filesystem"]
    assert (found["good"]["ok"], found["gone"]["ok"], found["unset"]["ok"]) == (True, False, False)
    assert found["unset"]["category"] == "config"
    assert (document["ok"], document["summary"]) == (False, {"ok": 1, "warn": 0, "fail": 2, "untestable": 0})
    told = osiris(*arguments, "--project", connected)
    assert told.code == 1
    assert "ok    @filesystem.good" in told.out
    assert "FAIL  @filesystem.gone" in told.out
    assert "connections: 1 ok, 2 fail" in told.out
    assert "NO_SUCH_VARIABLE_HERE" in told.out


def test_doctor_exits_0_when_all_is_well(osiris: Osiris, connected: Path) -> None:
    done = osiris("connections", "doctor", "@filesystem.good", "--level", "write", "--project", connected, "--json")
    assert done.code == 0
    assert done.document("connections-doctor")["ok"] is True
    assert sorted(path.name for path in (connected / "data").iterdir()) == ["people.csv"]


def test_doctor_asks_only_what_a_pipeline_uses(osiris: Osiris, connected: Path) -> None:
    arguments = ("connections", "doctor", "--pipeline", "pipelines/example.yaml", "--project", connected, "--json")
    done = osiris(*arguments)
    assert done.code == 0, done.err
    assert list(done.document("connections-doctor")["results"]["filesystem"]) == ["good"]


@pytest.mark.parametrize(
    "arguments", [["--family", "nosuchfamily"], ["--family", "graphql"], ["--pipeline", "gone.yaml"]]
)
def test_doctor_of_nothing_is_a_wrong_call(osiris: Osiris, project: Path, arguments: list[str]) -> None:
    done = osiris("connections", "doctor", *arguments, "--project", project, "--json")
    assert done.code == 2
    assert done.document("connections-doctor")["error"]["message"]


def test_discover_lists_what_can_be_read(osiris: Osiris, connected: Path) -> None:
    done = osiris("discover", "@filesystem.good", "--like", "*.csv", "--project", connected, "--json")
    assert done.code == 0
    (resource,) = done.document("discover")["resources"]
    assert resource["name"] == "people.csv"
    assert [field["name"] for field in resource["fields"]] == ["code", "name", "joined", "balance"]
    told = osiris("discover", "@filesystem.good", "--project", connected)
    assert "people.csv" in told.out
    none = osiris("discover", "@filesystem.good", "--like", "*.nothing", "--project", connected)
    assert none.code == 0
    assert "nothing to read" in none.err


def test_discover_of_a_connection_that_is_not_filled_in_is_refused(osiris: Osiris, connected: Path) -> None:
    assert osiris("discover", "@filesystem.unset", "--project", connected, "--json").code == 2
