"""What `import osiris` and `osiris --version` load: nothing heavy, no database library, no CLI library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"pyarrow", "duckdb", "click", "rich", "yaml", "jsonschema", "numpy", "pandas"}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a new Python process has loaded once `code` has run."""
    show = "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))"
    program = f"import atexit, json, sys\n{show}\n{code}"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize(
    "code",
    [
        "import osiris",
        "import osiris; osiris.ConfigError",
        "sys.argv = ['osiris', '--version']; from osiris.__main__ import main; sys.exit(main())",
    ],
)
def test_the_start_loads_nothing_heavy(code: str) -> None:
    assert not modules_after(code) & HEAVY


@pytest.mark.parametrize(
    "words", ["validate p.yaml", "explain p.yaml", "compile p.yaml", "components list", "runs list"]
)
def test_what_moves_no_rows_loads_no_library_of_rows(tmp_path: Path, words: str) -> None:
    """Arrow, and numpy with it, take longer to load than a pipeline takes to be checked."""
    read = '{id: r, component: filesystem.csv_extractor, config: {path: a.csv, dtypes: {a: "decimal(9,2)"}}}'
    write = "{id: w, component: filesystem.csv_writer, config: {path: b.csv}, columns: [{from: a, type: float64}]}"
    (tmp_path / "p.yaml").write_text(f'oml_version: "0.1.0"\nname: p\nsteps: [{read}, {write}]\n')
    arguments = ["osiris", *words.split(), "--project", str(tmp_path)]
    code = f"sys.argv = {arguments!r}; from osiris.__main__ import main; assert main() == 0"
    assert not modules_after(code) & {"pyarrow", "numpy", "duckdb"}


def test_the_probe_sees_what_is_loaded() -> None:
    """The test above can fail: the same probe sees pyarrow once it is there."""
    assert "pyarrow" in modules_after("import pyarrow")


@pytest.mark.parametrize("command", [["osiris"], ["python", "-m", "osiris"]])
def test_version_says_the_number_of_the_package(command: list[str]) -> None:
    import osiris

    program = [str(Path(sys.executable).parent / command[0]), *command[1:], "--version"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout == f"osiris {osiris.__version__}\n"
