"""The manifest: the same bytes for the same inputs, whole or not there, and never read when it was changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.compile import manifest as manifests
from osiris.compile.manifest import Manifest
from osiris.compile.plan import drift
from osiris.documents import dumps
from osiris.errors import ConfigError

from .conftest import World

PIPELINE = """\
oml_version: "0.1.0"
name: Orders to shop
metadata: {owner: "me # you", since: 2026-01-01}
params:
  n: {type: int, default: 5}
  s: {secret: true}
steps:
  - id: r
    component: shop.extractor
    mode: read
    config: {query: "select 'é\u2028' as a -- ${params.n}", limit: "${params.n}", connection: "@shop.test"}
  - id: w
    component: loose.writer
    mode: write
    retry: {attempts: 3, backoff: 2s}
    timeout: 5m
    columns: [{from: a, to: b, type: "decimal(12,2)"}]
    config: {path: p, token: "${params.s}", headers: {b: x, a: y}}
  - id: again
    component: shop.extractor
    mode: read
    needs: [w]
    config: {table: t, schema: s}
  - {id: end, component: shop.writer, mode: write, config: {table: t}}
"""


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_is_written_is_read_back(world: World) -> None:
    manifest = world.manifest(PIPELINE)
    path = manifests.write(manifest, world.root / "build")
    short = manifest.fingerprint.removeprefix("sha256:")[:12]
    assert path == world.root / "build" / "default" / "Orders to shop" / short / "manifest.yaml"
    assert sorted(files_of(path.parent)) == [
        "cfg/again.json",
        "cfg/end.json",
        "cfg/r.json",
        "cfg/w.json",
        "manifest.yaml",
    ]
    assert manifests.load(path) == manifests.load(path.parent) == manifest
    frozen = manifests.freeze(manifest, world.root)
    assert manifests.load(frozen) == manifest
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest


def test_any_yaml_reader_understands_it(world: World) -> None:
    manifest = world.manifest(PIPELINE)
    data = yaml.safe_load(manifests.freeze(manifest, world.root).read_text(encoding="utf-8"))
    assert data["steps"][0]["config"]["options"]["query"] == "select 'é\u2028' as a -- 5"
    assert data["fingerprint"] == manifest.fingerprint


def test_the_same_inputs_give_the_same_bytes_in_another_folder_and_process(world: World, tmp_path: Path) -> None:
    """Promise 5. The other process has another folder, hash seed, locale and time zone, and a secret param."""
    here = manifests.write(world.manifest(PIPELINE), world.root / "build").parent
    there = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(world.root / "specs", there / "specs")
    shutil.copy(world.root / "osiris_connections.yaml", there)
    (there / "p.yaml").write_text("# a comment\n" + PIPELINE, encoding="utf-8")
    program = """
import sys
from pathlib import Path
from typing import Any
from osiris.compile import manifest
from osiris.compile.check import check
from osiris.components import catalog
from osiris.connections import Connections
from osiris.connectors.registry import Provider, Registry
root = Path(sys.argv[1])
def provider(family):
    return Provider(family, family, root / "specs", "osiris-world", "1.2.3", builtin=False)
registry = Registry({family: provider(family) for family in ("shop", "loose")})
catalog = catalog.load(registry)
found = check(root / "p.yaml", catalog=catalog, connections=Connections.load(root, catalog, {}), params={},
              profile=None, environ={"OSIRIS_PARAM_S": "hunter22", "HOME": "/nowhere"})
made = found.manifest()
print(manifest.write(made, root / "build"))
"""
    environ = os.environ | {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(there)], env=environ, capture_output=True, text=True, check=True
    )
    other = Path(done.stdout.strip()).parent
    assert other.name == here.name
    assert files_of(other) == files_of(here)
    assert str(tmp_path).encode() not in b"".join(files_of(here).values())


NAMES = st.text("abc", min_size=1, max_size=3)
ROWS = st.lists(st.tuples(st.sampled_from("rt"), NAMES, st.integers(1, 9)), min_size=1, max_size=5)


@given(rows=ROWS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_compiling_twice_gives_the_same_bytes(world: World, rows: list[tuple[str, str, int]]) -> None:
    steps: list[dict[str, Any]] = []
    for place, (kind, name, number) in enumerate(rows):
        if kind == "r" or place == 0:
            config = {"table": name, "limit": number, "schema": name}
            reader = {"id": f"r{place}", "component": "shop.extractor", "mode": "read", "needs": [], "config": config}
            steps.append(reader)
        else:
            config = {"query": f"select {number} as {name}"}
            steps.append({"id": f"t{place}", "component": "box.processor", "mode": "transform", "config": config})
        steps.append(
            {
                "id": f"w{place}",
                "component": "shop.writer",
                "mode": "write",
                "needs": [steps[-1]["id"]],
                "config": {"table": f"{name}{place}", "create_if_missing": True},
            }
        )
        if kind == "t":
            steps.pop()
    steps.append(
        {
            "id": "last",
            "component": "shop.writer",
            "mode": "write",
            "needs": [steps[-1]["id"]],
            "config": {"table": "z"},
        }
    )
    data = {"oml_version": "0.1.0", "name": "p", "steps": steps}
    first = world.check(dumps(data))
    second = world.check(json.dumps({key: data[key] for key in sorted(data)}))
    assert [e.code for e in first.errors] == [e.code for e in second.errors]
    if first.valid:
        one, other = first.manifest(), second.manifest()
        assert one == other
        assert dumps(one.to_json()) == dumps(other.to_json())


def test_each_input_changes_the_fingerprint_it_belongs_to(world: World) -> None:
    base = world.manifest(PIPELINE).fingerprints
    changed = world.manifest(PIPELINE.replace("me # you", "you")).fingerprints
    assert {key for key in base if base[key] != changed[key]} == {"pipeline"}
    changed = world.manifest(PIPELINE, {"n": "6"}).fingerprints
    assert {key for key in base if base[key] != changed[key]} == {"params"}
    assert world.manifest(PIPELINE, profile="prod").fingerprint != world.manifest(PIPELINE).fingerprint
    assert world.manifest(PIPELINE.replace("steps:", "steps:  # why")).fingerprints == base


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("manifest.yaml", "loose.writer", "other.writer"),
        ("manifest.yaml", "attempts: 3", "attempts: 4"),
        ("manifest.yaml", 'name: "Orders to shop"', 'name: "Orders"'),
        ("cfg/w.json", '"p"', '"q"'),
    ],
)
def test_a_manifest_that_was_changed_is_refused(world: World, file: str, old: str, new: str) -> None:
    path = manifests.write(world.manifest(PIPELINE), world.root / "build")
    target = path.parent / file
    target.write_text(target.read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        manifests.load(path)
    assert caught.value.code == "manifest.changed"
    assert caught.value.file is not None


def test_a_manifest_that_is_not_whole_is_refused_and_written_anew(world: World) -> None:
    manifest = world.manifest(PIPELINE)
    path = manifests.write(manifest, world.root / "build")
    (path.parent / "cfg" / "r.json").unlink()
    with pytest.raises(ConfigError) as caught:
        manifests.load(path)
    assert caught.value.code == "manifest.broken"
    assert manifests.write(manifest, world.root / "build") == path
    assert manifests.load(path) == manifest
    assert [p.name for p in path.parent.parent.iterdir()] == [path.parent.name]


KEYS = "name: a, fingerprint: b, profile: c, fingerprints: 1, metadata: {}, secret_params: {}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "manifest.broken"),
        ("steps: []", "manifest.broken"),
        ("manifest_version: 2\nsteps: []", "manifest.version"),
        ("manifest_version: 1\nsteps: []", "manifest.broken"),
        (f"{{manifest_version: 1, steps: [1], {KEYS}}}", "manifest.broken"),
        ("manifest_version: 1\nsteps: [{id: a, config_file: ../../etc/passwd, config_digest: x}]", "manifest.broken"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "manifest.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        manifests.load(tmp_path / "manifest.yaml")
    assert caught.value.code == code


def test_a_manifest_is_written_once(world: World) -> None:
    manifest = world.manifest(PIPELINE)
    path = manifests.write(manifest, world.root / "build")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    manifests.write(manifest, world.root / "build")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_two_processes_that_compile_at_once_leave_one_whole_manifest(world: World) -> None:
    frozen = manifests.freeze(world.manifest(PIPELINE), world.root)
    program = """
import sys
from pathlib import Path
from typing import Any
from osiris.compile import manifest
made = manifest.load(Path(sys.argv[1]))
for _ in range(20):
    path = manifest.write(made, Path(sys.argv[2]))
    (path.parent / "cfg" / "r.json").unlink(missing_ok=True)
manifest.write(made, Path(sys.argv[2]))
"""
    build = world.root / "build"
    running = [subprocess.Popen([sys.executable, "-c", program, str(frozen), str(build)]) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    folder = next((build / "default" / "Orders to shop").iterdir())
    assert manifests.load(folder) == manifests.load(frozen)
    assert len(list(folder.parent.iterdir())) == 1


def test_a_build_folder_that_cannot_be_made_is_one_clear_error(world: World) -> None:
    (world.root / "build").write_text("a file is in the way")
    with pytest.raises(ConfigError) as caught:
        manifests.write(world.manifest(PIPELINE), world.root / "build")
    assert caught.value.code == "manifest.not_written"


def test_changed_connectors_are_named(world: World) -> None:
    manifest = world.manifest(PIPELINE)
    assert drift(manifest, world.catalog) == []
    spec = world.root / "specs" / "loose.writer" / "spec.yaml"
    spec.write_text(spec.read_text().replace("Posts rows", "Sends rows"))
    from osiris.components import catalog
    from osiris.connectors.registry import Provider, Registry

    provider = Provider("loose", "osiris_loose", world.root / "specs", "osiris-world", "1.2.4", builtin=False)
    found = drift(manifest, catalog.load(Registry({"loose": provider})))
    assert found[:2] == [
        "loose.writer: compiled with osiris-world 1.2.3, installed is osiris-world 1.2.4",
        "loose.writer: its spec has changed since the pipeline was compiled",
    ]
    assert [line.partition(":")[0] for line in found[2:]] == ["shop.extractor", "shop.writer"]
