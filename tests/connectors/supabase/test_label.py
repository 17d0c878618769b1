"""Which steps are called at-least-once: those that go over REST."""

from __future__ import annotations

from pathlib import Path

import pytest

from osiris import Project

PIPELINE = """
oml_version: "0.1.0"
name: label
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: x.csv}}
  - {id: write, component: supabase.writer, config: {table: t}}
"""


@pytest.mark.parametrize(
    ("field", "warnings"),
    [
        ("transport: rest", ["writer.at_least_once"]),
        ("dsn: postgresql://u:p@h/d", []),
        ("pg_host: db.example.org", []),
    ],
)
def test_a_step_over_rest_is_called_at_least_once(tmp_path: Path, field: str, warnings: list[str]) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE)
    (tmp_path / "osiris_connections.yaml").write_text(
        "version: 1\nconnections:\n  supabase:\n    main:\n      url: https://abc.supabase.co\n      key: sb_secret_x\n"
        f"      {field}\n"
    )
    checked = Project(tmp_path, environ={}).check("p.yaml")
    assert checked.errors == ()
    assert [warning.code for warning in checked.warnings] == warnings
