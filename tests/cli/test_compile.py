"""`osiris compile`: where the manifest is, and the same one wherever it is compiled."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Osiris


def test_the_manifest_is_where_the_document_says_and_runs(osiris: Osiris, project: Path) -> None:
    done = osiris("compile", "pipelines/example.yaml", "--project", project, "--json")
    assert done.code == 0
    document = done.document("compile")
    assert Path(document["manifest"]).is_file()
    assert [step["needs"] for step in document["steps"]] == [[], ["people"], ["newest"]]
    run = osiris("run", document["manifest"], "--project", project, "--json").document("run")
    assert run["status"] == "success"
    assert run["fingerprint"] == document["fingerprint"]


def test_stdout_is_the_path_and_quiet_leaves_only_it(osiris: Osiris, project: Path) -> None:
    done = osiris("compile", "pipelines/example.yaml", "--project", project, "--quiet")
    assert Path(done.out.strip()).is_file()
    assert len(done.out.splitlines()) == 1
    loud = osiris("compile", "pipelines/example.yaml", "--project", project)
    assert "compiled 3 steps, fingerprint sha256:" in loud.out


def test_two_folders_give_one_manifest(osiris: Osiris, tmp_path: Path) -> None:
    manifests = []
    for name in ("one", "another"):
        osiris("init", tmp_path / name)
        done = osiris("compile", "pipelines/example.yaml", "--project", tmp_path / name, "--json")
        manifests.append(Path(done.document("compile")["manifest"]).read_bytes())
    assert manifests[0] == manifests[1]
