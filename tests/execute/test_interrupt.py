"""Ctrl-C in a program that calls `Project.run` itself, with Python's own signal handler."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
from osiris import Project
report = Project(".").run("endless.yaml")
print(json.dumps({"status": report.status, "exit_code": report.exit_code}))
"""
PIPELINE = """
oml_version: "0.1.0"
name: endless
steps:
  - {id: seed, component: filesystem.csv_extractor, mode: read, config: {path: seed.csv}}
  - id: grow
    component: duckdb.processor
    mode: transform
    config: {query: "select a + r.range as a from seed, range(1000000000000) r"}
  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}
"""


def test_ctrl_c_in_a_library_call_is_a_cancelled_run_never_a_success(tmp_path: Path) -> None:
    """Python 3.11's Thread.join, when interrupted, takes the thread for ended: a run must not end on its word."""
    (tmp_path / "seed.csv").write_text("a\n1\n")
    (tmp_path / "endless.yaml").write_text(PIPELINE)
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.csv*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert program.poll() is None, "the run ended before it wrote anything"
    program.send_signal(signal.SIGINT)
    printed, _ = program.communicate(timeout=60)
    assert json.loads(printed) == {"status": "cancelled", "exit_code": 130}
    assert program.returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*out.csv*")) == []
    assert list(tmp_path.glob(".out.csv*")) == []
