"""The import rules of pyproject.toml catch a breach of each of them, planted in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]

BREACHES = {
    "a lower layer knows a higher one": ("canonical.py", "osiris.compile"),
    "a stream knows the run's ledger": ("stream/planted.py", "osiris.runs"),
    "strangers know each other": ("settings.py", "osiris.state"),
    "a driver uses a database library": ("drivers/planted.py", "duckdb"),
    "one connector uses another": ("connectors/filesystem/planted.py", "osiris.connectors.duckdb.client"),
    "the CLI names a family": ("cli/planted.py", "osiris.connectors.filesystem.client"),
    "the SDK names a family": ("sdk/planted.py", "osiris.connectors.duckdb.client"),
    "a driver names a family": ("drivers/planted.py", "osiris.connectors.filesystem.client"),
}
CYCLE = {
    "connectors/duckdb/planted.py": "osiris.connectors.duckdb.planted_too",
    "connectors/duckdb/planted_too.py": "osiris.connectors.duckdb.planted",
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    environ = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"}
    return subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "osiris", copy / "osiris", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture(scope="module")
def report(tree: Path) -> str:
    """What lint-imports says of a copy of the tree with every breach planted."""
    for file, imported in [*BREACHES.values(), *CYCLE.items()]:
        with (tree / "osiris" / file).open("a", encoding="utf-8") as stream:
            stream.write(f"\nimport {imported}\n")
    done = lint(tree)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_planted_breach_is_named(report: str, breach: str) -> None:
    file, imported = BREACHES[breach]
    importer = "osiris." + file.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {imported}" in report, report


def test_two_modules_that_import_each_other_are_named(report: str) -> None:
    assert re.search(r"\.planted -> \.planted_too|\.planted_too -> \.planted", report), report


def test_each_rule_is_broken_by_a_planted_breach(report: str) -> None:
    verdicts = re.findall(r"^(.+?) (KEPT|BROKEN)\b", report, re.MULTILINE)
    assert len(verdicts) >= 5
    assert [name for name, verdict in verdicts if verdict == "KEPT"] == []


def test_a_module_without_a_place_in_the_layers_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "osiris", tmp_path / "osiris", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "osiris" / "planted.py").write_text('"""No layer has this module."""\n', encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "planted" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("osiris", include_external_packages=True, cache_dir=None)


def connectors(graph: grimp.ImportGraph) -> list[str]:
    """The packages of the families, as the disk has them."""
    found = sorted(module for module in graph.find_children("osiris.connectors") if f"{module}.client" in graph.modules)
    assert found
    return found


def test_a_client_stands_alone_in_its_connector(graph: grimp.ImportGraph) -> None:
    """Everything in a connector may import its client; the client imports no module that carries a component."""
    for connector in connectors(graph):
        family = connector.rpartition(".")[2]
        kinds = [spec.parent.name for spec in (ROOT / "osiris" / "components").glob(f"{family}.*/spec.yaml")]
        assert kinds, family
        carriers = {
            f"{connector}.{re.sub(r'_(extractor|writer|processor)$', '', kind.partition('.')[2])}" for kind in kinds
        }
        assert carriers <= graph.modules, family
        assert not carriers & graph.find_upstream_modules(f"{connector}.client"), family


def test_a_connector_never_imports_the_root_package(graph: grimp.ImportGraph) -> None:
    for connector in connectors(graph):
        for module in {connector} | graph.find_descendants(connector):
            assert "osiris" not in graph.find_modules_directly_imported_by(module), module


def test_what_stands_between_connector_and_face_uses_no_foreign_package_but_pyarrow(graph: grimp.ImportGraph) -> None:
    for package in ("osiris.drivers", "osiris.execute", "osiris.stream", "osiris.step", "osiris.events"):
        for module in {package} | graph.find_descendants(package):
            imported = {name.partition(".")[0] for name in graph.find_modules_directly_imported_by(module)}
            assert imported - {"osiris", "pyarrow"} <= sys.stdlib_module_names, module
