"""The kit over one group of broken connectors, in a pytest of its own: `python -m tests.kit.run_group GROUP FOLDER`."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from os import environ, pathsep
from pathlib import Path

from tests.kit import broken

ROOT = Path(__file__).parents[2]
TESTS = """
import sys
sys.path.insert(0, {packages!r})
from tests.kit.broken import faults, family
from {module} import {base} as Base

for fault in faults({group!r}):
    about = {{"family": family(fault), "__module__": __name__, **{more}}}
    globals()["Test" + fault.__name__] = type("Test" + fault.__name__, (Base,), about)
"""
SUBJECTS = {"network": ("tests.plugins.subject", "SocketdbConformance")}
QUIETLY = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:xdist", "--import-mode=importlib"]
REFERENCE = ("tests.kit.subjects", "ReferenceConformance")


def caught(group: str, folder: Path) -> dict[str, set[str]]:
    """The names of the tests that fail, by fault."""
    packages, report = folder / "packages", folder / "report.xml"
    faults = broken.install(packages, group)
    test = folder / "test_broken_ones.py"
    module, base = SUBJECTS.get(group, REFERENCE)
    more = {} if group in SUBJECTS else {"silent": group == "connecting"}  # tests that wait: for one group only
    text = TESTS.format(packages=str(packages), group=group, module=module, base=base, more=more)
    test.write_text(text, encoding="utf-8")
    chosen = [] if group == "killed" else ["-k", "not test_killed"]  # tests that start processes: likewise
    options = [*QUIETLY, *chosen]
    place = [f"--rootdir={folder}", "-c", "/dev/null", f"--basetemp={folder / 'tmp'}", f"--junitxml={report}"]
    known = {**environ, "PYTHONPATH": pathsep.join([str(ROOT), str(packages)]), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *place, str(test)],
        cwd=folder,
        env=known,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, set[str]] = defaultdict(set)
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            found[case.get("classname", "").rpartition(".Test")[2]].add(case.get("name", "").partition("[")[0])
    seen = {case.get("classname", "").rpartition(".Test")[2] for case in ET.parse(report).iter("testcase")}
    assert seen == {fault.__name__ for fault in faults}, done.stdout + done.stderr
    print(done.stdout)  # pytest shows it when the outcome is not the expected one
    return dict(found)
