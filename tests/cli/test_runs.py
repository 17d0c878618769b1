"""`osiris runs`: which runs are listed, shown and removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris import runs
from osiris.runs import Ledger, RunFolder, ledger
from tests.cli.conftest import Osiris


def made(root: Path, pipeline: str, status: ledger.Status | None, profile: str = "default") -> RunFolder:
    folder = runs.create(root, profile, pipeline)
    book = Ledger(folder.path)
    book.done("a flow")
    if status is not None:
        book.finished(status)
    book.close()
    return folder


@pytest.fixture
def history(tmp_path: Path) -> dict[str, RunFolder]:
    """A project with five runs of two pipelines, oldest first."""
    return {
        "killed": made(tmp_path, "orders", None),
        "first": made(tmp_path, "orders", "success"),
        "failed": made(tmp_path, "orders", "failure"),
        "other": made(tmp_path, "people", "success"),
        "last": made(tmp_path, "orders", "success"),
    }


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["last", "other", "failed", "first", "killed"]),
        (("--pipeline", "orders"), ["last", "failed", "first", "killed"]),
        (("--status", "failure"), ["failed"]),
        (("--status", "unfinished"), ["killed"]),
        (("--limit", "2"), ["last", "other"]),
        (("--pipeline", "orders", "--status", "success", "--limit", "1"), ["last"]),
        (("--status", "running"), []),
        (("--pipeline", "ordres"), []),
    ],
)
def test_runs_are_listed_by_pipeline_status_and_number(
    osiris: Osiris, tmp_path: Path, history: dict[str, RunFolder], arguments: tuple[str, ...], names: list[str]
) -> None:
    listed = osiris("runs", "list", *arguments, "--project", tmp_path, "--json").document("runs-list")["runs"]
    assert [run["run_id"] for run in listed] == [history[name].run_id for name in names]
    text = osiris("runs", "list", *arguments, "--project", tmp_path)
    assert (text.code, len(text.out.splitlines())) == (0, len(names) + 1 if names else 0)


def test_an_empty_list_says_why(osiris: Osiris, tmp_path: Path) -> None:
    def told(*arguments: str) -> str:
        return osiris("runs", "list", *arguments, "--project", tmp_path).err

    assert told() == "nothing was run here yet: osiris run PIPELINE\n"
    made(tmp_path, "orders", "success")
    assert told("--pipeline", "ordres") == "no pipeline 'ordres' was run here; did you mean \"orders\"?\n"
    assert told("--pipeline", "orders", "--status", "failure") == "no run of orders is failure\n"
    assert told("--status", "failure") == "no run is failure\n"
    assert told("--status", "failure", "--quiet") == ""


def test_show_without_an_id_shows_the_newest(osiris: Osiris, tmp_path: Path, history: dict[str, RunFolder]) -> None:
    shown = osiris("runs", "show", "--project", tmp_path, "--json").document("runs-show")
    assert shown["run_id"] == history["last"].run_id
    unknown = osiris("runs", "show", "people", "--project", tmp_path, "--json")
    assert unknown.code == 2
    assert unknown.document("runs-show")["error"]["hint"] == f"the last run of people is {history['other'].run_id}"


def test_prune_removes_old_runs_and_tells_which_and_keeps_what_has_not_ended(
    osiris: Osiris, tmp_path: Path, history: dict[str, RunFolder]
) -> None:
    (history["first"].path / "report.json").write_text("x" * 2000)
    before = list(runs.find(tmp_path))
    arguments = ("runs", "prune", "--keep-runs", "1", "--project", tmp_path)
    dry = osiris(*arguments, "--dry-run", "--json").document("runs-prune")
    assert list(runs.find(tmp_path)) == before
    text = osiris(*arguments, "--dry-run").out
    assert f"kept: run {history['killed'].run_id} of orders is unfinished" in text
    assert "2 runs would be removed, 2.1 kB would be freed" in text
    done = osiris(*arguments, "--json").document("runs-prune")
    assert done == {**dry, "dry_run": False}
    assert [run["run_id"] for run in done["removed"]] == [history["failed"].run_id, history["first"].run_id]
    assert [run["run_id"] for run in done["kept_unfinished"]] == [history["killed"].run_id]
    assert done["freed_bytes"] == sum(run["size_bytes"] for run in done["removed"]) > 2000
    assert list(runs.find(tmp_path)) == [history["killed"], history["last"], history["other"]]
    again = osiris(*arguments)
    assert again.out.splitlines()[-1] == "0 runs removed, 0 B freed"


def test_prune_takes_what_no_option_says_from_osiris_yaml(
    osiris: Osiris, tmp_path: Path, history: dict[str, RunFolder]
) -> None:
    call = ("runs", "prune", "--project", tmp_path, "--json")
    missing = osiris(*call)
    assert missing.code == 2
    assert missing.document("runs-prune")["error"]["code"] == "retention.missing"
    (tmp_path / "osiris.yaml").write_text("version: 1\nretention: {runs: 2, days: 30}\n")
    found = osiris(*call, "--dry-run").document("runs-prune")
    assert (found["keep_runs"], found["keep_days"], len(found["removed"])) == (2, 30, 1)
    found = osiris(*call, "--dry-run", "--keep-runs", "0", "--pipeline", "people").document("runs-prune")
    assert (found["keep_runs"], found["keep_days"]) == (0, 30)
    assert [run["run_id"] for run in found["removed"]] == [history["other"].run_id]
    found = osiris(*call, "--keep-days", "0").document("runs-prune")
    assert (found["keep_days"], len(found["removed"])) == (0, 4)
    assert list(runs.find(tmp_path)) == [history["killed"]]


def test_prune_of_a_pipeline_that_was_never_run_says_so(osiris: Osiris, tmp_path: Path) -> None:
    made(tmp_path, "orders", "success")
    done = osiris("runs", "prune", "--keep-runs", "1", "--pipeline", "ordres", "--project", tmp_path)
    assert (done.code, done.out) == (0, "0 runs removed, 0 B freed\n")
    assert 'did you mean "orders"?' in done.err
