"""What is built and installed: the wheel, the lock, and modules that load where there is no fcntl and no fork."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built offline from the checkout with what the lock installs."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = [path for path in (ROOT / "osiris").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT).as_posix() for path in package} <= names
    assert {name.partition("/")[0] for name in names} == {"osiris", f"osiris_elt-{_version()}.dist-info"}
    assert "osiris/py.typed" in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_names_command_licence_and_extras(wheel: zipfile.ZipFile) -> None:
    info = f"osiris_elt-{_version()}.dist-info"
    metadata = wheel.read(f"{info}/METADATA").decode()
    extras = set(re.findall(r"^Provides-Extra: (\S+)$", metadata, re.MULTILINE))
    assert extras == {"mysql", "postgres", "supabase", "graphql", "posthog", "all", "testing", "dev"}
    assert "License-Expression: Apache-2.0" in metadata
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    assert "osiris = osiris.__main__:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_the_distribution_is_the_one_that_the_code_names() -> None:
    import osiris

    assert PROJECT["name"] == osiris.DISTRIBUTION


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", lock, re.MULTILINE))
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[><=~! ]", need)[0].lower() for need in wanted}
    assert names <= set(pins)
    entries = re.split(r"^(?=[a-z0-9-]+==)", lock, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock
    assert "@" not in lock


def test_every_foreign_package_that_is_imported_is_declared() -> None:
    """What merely happens to be installed (a dependency of a dependency) is not ours to import."""
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(need for name, needs in extras.items() if name != "dev" for need in needs)]
    declared = {re.split(r"[\[><=~! ]", need)[0].lower() for need in wanted}
    graph = grimp.build_graph("osiris", include_external_packages=True, cache_dir=None)
    tops = {module for module in graph.modules if graph.is_module_squashed(module)}
    foreign = {module.partition(".")[0] for module in tops} - sys.stdlib_module_names
    distributions = packages_distributions()
    providers = {module: [name.lower() for name in distributions.get(module, [module])] for module in foreign}
    assert {module: names for module, names in providers.items() if not set(names) & declared} == {}
    assert "pyarrow" in foreign


WITHOUT = """
import os, sys, pkgutil, importlib
for name in ("fcntl", "termios", "pwd", "grp", "resource"):
    sys.modules[name] = None
for name in ("fork", "forkpty"):
    if hasattr(os, name):
        delattr(os, name)
import osiris
for module in pkgutil.walk_packages(osiris.__path__, "osiris."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from osiris.cli.main import main
sys.exit(main(["demo", "--rows", "100", "--dir", sys.argv[1]]))
"""


def test_the_demo_runs_without_fcntl_and_fork(tmp_path: Path) -> None:
    """LESSONS 23: a locking import ruled out Windows. Every module is loaded, and a whole project is run."""
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "orders.parquet" in done.stdout


def _version() -> str:
    import osiris

    return osiris.__version__
