"""What the doctor shows: checks in columns, hints below their message, times where there is something to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris.cli.doctor import DoctorView
from osiris.cli.render import Output
from osiris.diagnosis import CheckResult, Diagnosis
from tests.cli.conftest import Osiris

FOUND = Diagnosis.of(
    [
        CheckResult("config.schema", "ok", 0.0, "the fields are as the family wants them"),
        CheckResult("net.tcp", "ok", 12.4, "127.0.0.1:3306"),
        CheckResult("auth.login", "failure", 1210.0, "access denied for 'reader'", "auth", "check password: ${PW}"),
    ]
)


def shown(capsys: pytest.CaptureFixture[str], diagnosis: Diagnosis = FOUND) -> list[str]:
    DoctorView(Output()).show("@mysql.prod", diagnosis)
    return capsys.readouterr().out.splitlines()


def test_checks_stand_in_columns_and_hints_below_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        "FAIL  @mysql.prod  access denied for 'reader'  (1.22 s)",
        "  ok    config.schema  the fields are as the family wants them",
        "  ok    net.tcp        127.0.0.1:3306  (12 ms)",
        "  FAIL  auth.login     access denied for 'reader'  (1.21 s)",
        "                       hint: check password: ${PW}",
    ]


def test_a_narrow_terminal_breaks_lines_between_words_below_the_message(osiris_process: Osiris, tmp_path: Path) -> None:
    connections = "version: 1\nconnections: {filesystem: {inbox: {base_dir: inbox}}}\n"
    (tmp_path / "osiris_connections.yaml").write_text(connections)
    lines = osiris_process("connections", "doctor", COLUMNS="48").out.splitlines()
    start = lines.index("  ok    config.schema     the fields are as the")
    assert lines[start + 1] == "                          family wants them"


def test_a_hint_of_the_whole_is_shown_where_no_check_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    checks = (CheckResult("config.schema", "ok", 0.2, "fine"),)
    found = Diagnosis("untestable", "unknown", 0.2, "needs x, which is not installed", "run: pip install x", checks)
    assert shown(capsys, found) == [
        "?     @mysql.prod  needs x, which is not installed",
        "                   hint: run: pip install x",
        "  ok    config.schema  fine",
    ]
